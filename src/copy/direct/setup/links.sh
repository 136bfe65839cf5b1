# Keeps a private folder for links to files, and removes it when standard input ends or hop is silent for too long (kept.sh).
d= watcher=
end() {
  trap '' HUP INT TERM PIPE
  [ -z "$d" ] || remove "$d"
  finish "$watcher"
}
trap end EXIT
trap 'exit 1' HUP INT TERM PIPE
d=$(mktemp -d /tmp/hop.XXXXXXXXXX 2>/dev/null) || d=$(mktemp -d "$HOME/.hop.XXXXXXXXXX") || exit 1
watch "$d" </dev/null >/dev/null 2>&1 & watcher=$!
# a login shell may have greeted without ending its line
echo
say "$d"
while read -r line; do alive "$d"; done
exit 0
