# Reads far, writes near: data begins after a line that a far login shell which prints cannot know. A reader that was lost
# is worth more words than a writer that only saw the end of it; and a writer here is no lost login, however it ended.
from() { far "$1"; }
to() { begun && near "$1"; }
begun() { while IFS= read -r w; do [ "$w" != "$d" ] || return 0; done; return 120; }
packs() { from "$tar" </dev/null >/dev/null 2>&1; }
judge() {
  [ "$s" -lt 128 ] || s=1
  case $s in
  0) [ "$f" -lt 128 ] || s=$f says=$d/$1.from ;;
  120) [ "$f" = 0 ] || s=$f; says=$d/$1.from ;;
  esac
}
