# Takes orders, one a line: send NUMBER READER WRITER. The answer has the writer's exit status, what the reader said it has
# read, and a complaint. Answers begin with $d, whose name a login shell that prints cannot know.
send() {
  { from "$2" </dev/null 2>"$d/$1.from"; echo $? >"$d/$1.ended"; } | to "$3" >/dev/null 2>"$d/$1.to"
  s=$? f=0 n=- says=$d/$1.to
  read -r f <"$d/$1.ended"; f=${f:-0}
  judge "$1"
  while read -r w; do case $w in *' records in') n=${w%% *};; esac; done <"$d/$1.from"
  c=; while IFS= read -r w; do case $w in dd:*|tar:*) c=$w; break;; esac; c=${c:-$w}; done <"$says"
  rm -f "$d/$1.from" "$d/$1.ended" "$d/$1.to"
  printf '%s done %s %s %s %.200s\n' "$d" "$1" "$s" "$n" "$c"
}
p=; packs && p=tar
printf '\n%s ready %s %s\n' "$d" "$d" "$p"
while IFS= read -r o; do eval "$o" & done
