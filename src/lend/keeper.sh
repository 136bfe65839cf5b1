# Keeps a private folder for one loan, and removes it when standard input ends. `$word` opens every line meant for hop.
LC_ALL=C; export LC_ALL
umask 077
say() { printf '%s %s\n' "$word" "$*"; }
d=$(mktemp -d /tmp/hop.XXXXXXXXXX 2>/dev/null) || d=$(mktemp -d "$HOME/.hop.XXXXXXXXXX") || { say problem no private folder; exit 1; }
trap 'rm -rf "$d"' EXIT
trap 'exit 1' HUP INT TERM PIPE
ssh -V >"$d/client" 2>&1 </dev/null & client=$!
mkfifo "$d/overheard" || { say problem no pipe; exit 1; }
printf '%s\n' "$known_hosts" >"$d/known_hosts"
printf '%s\n' "$tap" >"$d/tap"
relay=
if command -v bash >/dev/null 2>&1; then
  # one built without it looks for a file
  case $(bash -c ': </dev/tcp/127.0.0.1/1' 2>&1) in *'No such file'*) ;; *) relay=bash ;; esac
fi
for tool in nc socat python3; do
  [ -n "$relay" ] || ! command -v "$tool" >/dev/null 2>&1 || relay=$tool
done
lines() {
  printf '%s\n' "$config"
  printf '  UserKnownHostsFile %s\n' "$d/known_hosts"
}
lines >"$d/config"
shell=/bin/sh
[ "$relay" != bash ] || shell=bash
{ lines; printf '  ProxyCommand %s %s %s %s %%h %%p\n' "$shell" "$d/tap" "$d" "$relay"; } >"$d/config.tap"
# a login shell may have greeted without ending its line
echo
say folder "$d"
say relay "$relay"
wait "$client"
client=
while read -r line; do client="$client$line "; done <"$d/client"
say client "$client"
for tool in sftp scp tar; do
  ! command -v "$tool" >/dev/null 2>&1 || say tool "$tool"
done
say ready
exec 5<>"$d/overheard"
while read -r heard <&5; do say overheard "$heard"; done &
listener=$!
cat >/dev/null
trap '' TERM
for run in "$d"/run.*; do
  [ ! -f "$run" ] || kill -s TERM -- "-${run##*.}" 2>/dev/null
done
kill "$listener" 2>/dev/null
exit 0
