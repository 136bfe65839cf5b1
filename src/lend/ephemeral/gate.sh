# All that the one-time key can run: an order with hop's seal on it (`SEAL ORDER`). The secrets lie beside this file, and go
# when hop does; `$sum` is what computes SHA-256 here.
LC_ALL=C; export LC_ALL
deny() { echo 'this key runs orders of hop only' >&2; exit 126; }
said=${SSH_ORIGINAL_COMMAND-}
order=${said#* }
read -r inner outer <"${0%/*}/seal" || deny
[ "${#inner} ${#outer}" = '64 64' ] || deny
sealed=$(printf %s%s "$inner" "$order" | $sum)
sealed=$(printf %s%s "$outer" "${sealed%% *}" | $sum)
[ "${sealed%% *} $order" = "$said" ] || deny
unset inner outer sealed
eval "$order"
