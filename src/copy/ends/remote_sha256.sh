# Answers any number of questions, in order: lines of a unit's bytes, the first unit, the count of units, and a path whose
# bytes are written as printf %b reads them; or `all` and a count of whole files, whose plain paths follow, one a line. It is
# read by sh whole before any of it runs.
{
LC_ALL=C; export LC_ALL; tool=
for each in 'sha256sum' 'shasum -a 256' 'openssl dgst -sha256' 'busybox sha256sum'; do
  case $($each </dev/null 2>/dev/null) in
    *e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855*) tool=$each; break;;
  esac
done
printf 'hop-sums %s\n' "${tool:-none}"
[ -n "$tool" ] || exit 0
all() { # COUNT
  left=$1 are=1 said=; set --
  while [ "$left" -gt 0 ] && read -r path; do
    left=$((left - 1)); set -- "$@" "$path"
    [ -f "$path" ] || are=
  done
  if [ -n "$are" ] && said=$($tool "$@" 2>/dev/null </dev/null); then printf '%s\n' "$said" | sed 's/^/hop-sum /'
  else for path; do printf 'hop-sum \n'; done; fi
}
while read -r unit skip count path; do
  [ "$unit" != all ] || { all "$skip"; continue; }
  path=$(printf '%bx' "$path"); path=${path%x}
  sum=$([ -r "$path" ] && dd if="$path" bs="$unit" skip="$skip" count="$count" 2>/dev/null </dev/null | $tool 2>/dev/null)
  printf 'hop-sum %s\n' "$sum"
done
exit 0
}
