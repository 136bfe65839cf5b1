# Takes orders, one a line: put NUMBER LINE…. sftp(1) carries out the lines; the answer has its exit status and its first
# complaint. Answers begin with $d, whose name a login shell that prints cannot know.
put() {
  i=$1; shift
  printf '%s\n' "$@" | sftp -b - -B 261120 -R 64 -F "$HOP_LENT" -o ControlPath="$d/login" -o ControlMaster=no -o ProxyCommand=false -- "$host" >/dev/null 2>"$d/$i.to"
  s=$? c=
  while IFS= read -r w; do case $w in ''|Connected\ to*) ;; *) c=${c:-$w};; esac; done <"$d/$i.to"
  rm -f "$d/$i.to"
  printf '%s done %s %s - %.200s\n' "$d" "$i" "$s" "$c"
}
printf '\n%s ready %s %s\n' "$d" "$d" sftp
while IFS= read -r o; do eval "$o" & done
