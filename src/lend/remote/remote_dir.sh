# Keeps a private folder for one loan, and removes it, with all that runs for the loan, when standard input ends or hop is
# silent for too long (kept.sh). What cleans up is there before what it is for.
d='' listener='' watcher=''

# Sends a signal to what runs for the loan; whether anything does. Its process groups have a file each.
each() {
  found=1
  for run in "$d"/run.*; do
    [ -f "$run" ] || continue
    if kill -s "$1" -- "-${run##*.}" 2>/dev/null || kill -s "$1" "${run##*.}" 2>/dev/null; then found=0; fi
  done
  return "$found"
}
end() {
  trap '' HUP INT TERM PIPE
  if [ -n "$d" ]; then
    # what begins from here on sees it, and ends by itself
    { echo >"$d/over"; } 2>/dev/null
    tries=0
    each TERM
    while [ "$tries" -lt 10 ] && each 0; do
      tries=$((tries + 1))
      pause
    done
    each KILL
    remove "$d"
  fi
  finish "$watcher" "$listener"
}
trap end EXIT
trap 'exit 1' HUP INT TERM PIPE
d=$(mktemp -d /tmp/hop.XXXXXXXXXX 2>/dev/null) || d=$(mktemp -d "$HOME/.hop.XXXXXXXXXX") || { say problem no private folder; exit 1; }
watch "$d" </dev/null >/dev/null 2>&1 & watcher=$!
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
while read -r line; do alive "$d"; done
exit 0
