# Which of this host's addresses a connection to $peer has: what the route says, else where hop's own came in.
LC_ALL=C PATH=$PATH:/usr/sbin:/sbin; export LC_ALL PATH
# shellcheck disable=SC2086 # words
set -- ${SSH_CONNECTION-}
mine=${3-} found=
for address in $(getent ahosts "$peer" 2>/dev/null | cut -d' ' -f1 | sort -u) "$peer"; do
  found="$found $(ip -o route get "$address" 2>/dev/null | sed -n 's/.* src \([^ ]*\).*/\1/p')"
done
case $found in *[!\ ]*) ;; *) found=$mine ;; esac
# shellcheck disable=SC2086 # one blank between them
echo "$word" $found
