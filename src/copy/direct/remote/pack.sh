# Packs what the links $numbers in the folder $links lead to, and removes them. GNU's tar can be told that two names of one
# file are two files; others would send the second as a link to the first, so that such files are left out, and go by
# themselves.
umask 077
# shellcheck disable=SC2086 # words
cd "$links" && set -- $numbers && {
if tar --hard-dereference -cf - -T /dev/null >/dev/null 2>&1; then tar --hard-dereference -chf - "$@"
else
# shellcheck disable=SC2012,SC2046 # each name is a number
tar -chf - $(ls -lL "$@" | while read -r _ l r; do [ "$l" != 1 ] || echo "${r##* }"; done)
fi 2>/dev/null
rm -f "$@"
}
