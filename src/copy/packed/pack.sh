# Packs files for hop. sh reads it as it comes: behind it come orders, each of them a call of `pack` with the names of files
# as its input. An order is done once its line has come: its number, and the exit status.
LC_ALL=C; export LC_ALL; unset TAR_OPTIONS
# GNU's tar can be told that two names of one file are two files; others send the second as a link.
links=
! tar --hard-dereference -cf - -T /dev/null >/dev/null 2>&1 || links=--hard-dereference
pack() { # NUMBER FOLDER
  # shellcheck disable=SC2086 # one word or none
  (cd "$2" && exec tar $links -cf - -T -) 2>/dev/null
  printf 'hop-pack %s %s\n' "$1" "$?"
}
if command -v tar >/dev/null; then printf 'hop-pack ready\n'; else printf 'hop-pack none\n'; exit 1; fi
