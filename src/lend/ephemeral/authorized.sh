# Keeps one line in ~/.ssh/authorized_keys for one login, and removes it on demand, after $life seconds, when standard input
# ends, and when hop is silent for too long (kept.sh). Everything it needs lies in a folder beside the file, so that what is
# renamed into place was made there (SELinux labels it right).
unset TZ
stop() { say problem "$*"; exit 1; }
ssh=$HOME/.ssh file=$HOME/.ssh/authorized_keys lock=$HOME/.ssh/.hop-lock
mine='' made_ssh='' made_file='' is_in='' ending='' cleaning='' watcher=''

# A process of this machine that has ended without cleaning up: `ID@MACHINE`.
is_dead() {
  case $1 in
  [0-9]*@"$(uname -n)") ! kill -0 "${1%%@*}" 2>/dev/null ;;
  *) return 1 ;;
  esac
}

take_lock() {
  tries=0
  until ln -s "$$@$(uname -n)" "$lock" 2>/dev/null; do
    ! is_dead "$(readlink "$lock" 2>/dev/null)" || rm -f "$lock"
    tries=$((tries + 1))
    [ $tries -lt 100 ] || return 1
    sleep 0.1 2>/dev/null || sleep 1
  done
}

# The lines to remove, the last first: this run's, and those of runs long past or killed.
ours() {
  now=$(date +%s) list=
  sed -n '/^restrict,.* hop-ephemeral-[0-9]\{1,12\}-[0-9a-f]\{16\}$/{=;s/.* hop-ephemeral-//;p;}' "$1" | {
    while read -r number && read -r whose; do
      if [ "$whose" = "$until-$nonce" ] || [ "${whose%-*}" -lt "$now" ] ||
        is_dead "$(cat "$ssh/.hop-ephemeral-$whose/keeper" 2>/dev/null)"; then list="$number $list"; fi
    done
    printf %s "$list"
  }
}

# What the file should be, from what it was: every other byte stays as it is.
made_of() {
  cp -p "$1" "$mine/new" || return 1
  for number in $(ours "$1"); do
    cp -p "$mine/new" "$mine/before" || return 1
    {
      [ "$number" = 1 ] || head -n $((number - 1)) "$mine/before"
      tail -n +$((number + 1)) "$mine/before"
    } >"$mine/new" || return 1
  done
  [ -n "$2" ] || return 0
  cp -p "$mine/new" "$mine/before" && { printf '%s\n' "$2" && cat "$mine/before"; } >"$mine/new"
}

# Whether the file that was there before has only grown since it was read.
only_grew() { head -c "$(($(wc -c <"$mine/was")))" "$mine/old" | cmp -s - "$mine/was"; }

# What somebody appended to it after it was read: to the one that is there now.
late() {
  [ -f "$mine/old" ] && only_grew || return 0
  tail -c +"$(($(wc -c <"$mine/was") + 1))" "$mine/old" >"$mine/more"
  [ ! -s "$mine/more" ] || { cat "$mine/more" >>"$file" && cat "$mine/more" >>"$mine/was"; }
}

look() {
  rm -f "$mine/old" "$mine/seen"
  ln "$file" "$mine/old" && ln "$file" "$mine/seen"
}

# Replaces the file by what it should be, with the line $1 or without. Who writes to it meanwhile is not overruled: what was
# appended to the old one is appended to the new one, and what replaced it or was written over it begins another round.
replace() {
  late
  look || return 1
  round=0
  while [ $round -lt 50 ]; do
    round=$((round + 1))
    cp -p "$mine/old" "$mine/was" && made_of "$mine/was" "$1" || return 1
    ! cmp -s "$mine/was" "$mine/new" || return 0
    sync "$mine/new" 2>/dev/null
    # shellcheck disable=SC3013 # of POSIX.1-2024, and in each shell long before
    [ "$file" -ef "$mine/seen" ] || { look && continue || return 1; }
    only_grew || continue
    rm -f "$mine/seen"
    ln "$mine/new" "$mine/seen" && mv -f "$mine/new" "$file" || return 1
    ! only_grew || { late; return 0; }
  done
  return 1
}

edit() {
  trap 'ending=1' HUP INT TERM PIPE
  take_lock || return 1
  replace "$1"
  edited=$?
  if [ -n "$made_file" ] && [ -z "$1" ] && [ ! -s "$file" ]; then
    look && rm -f "$file"
    [ ! -s "$mine/old" ] || ln "$mine/old" "$file"
  fi
  rm -f "$mine/seen" "$lock"
  [ -n "$cleaning" ] || trap 'exit 1' HUP INT TERM PIPE
  [ -z "$ending" ] || [ -n "$cleaning" ] || exit 1
  return $edited
}

drop() {
  rm -f "$mine/timed"
  [ -z "$is_in" ] || [ ! -f "$file" ] || edit '' && is_in=
}

clean() {
  cleaning=1
  trap '' HUP INT TERM PIPE
  if [ -n "$mine" ]; then
    [ -z "$is_in" ] || { drop && sleep 0.2 2>/dev/null; } || say left "$name"
    [ ! -f "$file" ] || late
    rm -rf "$mine"
  fi
  [ -z "$made_ssh" ] || rmdir "$ssh" 2>/dev/null
}

sum=
for tool in sha256sum 'shasum -a 256' 'openssl dgst -sha256 -r' 'sha256 -q'; do
  case $(printf abc | $tool 2>/dev/null) in
  ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad*) sum=$tool; break ;;
  esac
done
[ -n "$sum" ] || stop 'nothing there computes SHA-256 (sha256sum, shasum, openssl)'
until=$(($(date +%s) + life)) || stop 'its date knows no seconds'
locally=$(date -d "@$until" +%Y%m%d%H%M%S 2>/dev/null || date -r "$until" +%Y%m%d%H%M%S)
[ ! -L "$file" ] || stop 'the file is a symbolic link'
[ ! -e "$file" ] || [ -f "$file" ] || stop 'it is no file'
[ ! -e "$file" ] || [ -O "$file" ] || stop 'the file belongs to somebody else'
trap 'clean; finish "$watcher"' EXIT
trap 'exit 1' HUP INT TERM PIPE
[ -d "$ssh" ] || { mkdir "$ssh" && made_ssh=1; } || stop 'no ~/.ssh can be made'
# shellcheck disable=SC2088 # a name for people
[ -O "$ssh" ] || stop '~/.ssh belongs to somebody else'
name=hop-ephemeral-$until-$nonce
mine=$ssh/.$name
mkdir "$mine" || { mine=; stop 'nothing can be written in ~/.ssh'; }
watch "$mine" </dev/null >/dev/null 2>&1 & watcher=$!
{ echo "$$@$(uname -n)" >"$mine/keeper" && { printf "sum='%s'\n" "$sum" && printf '%s\n' "$gate"; } >"$mine/gate"; } || stop 'no space in ~/.ssh'
say clock "$until" "$locally"
while read -r order rest; do
  alive "$mine"
  case $order in
  seal) printf '%s\n' "$rest" >"$mine/seal" || stop 'no space in ~/.ssh' ;;
  add)
    [ -e "$file" ] || { (set -C; : >"$file") && made_file=1; }
    is_in=1
    edit "$rest" || stop 'the file cannot be replaced'
    for past in "$ssh"/.hop-ephemeral-*; do
      [ -L "$past" ] || ! is_dead "$(cat "$past/keeper" 2>/dev/null)" || rm -rf "$past"
    done
    : >"$mine/timed"
    {
      trap - EXIT
      seconds=0
      while [ $seconds -lt "$life" ] && [ -f "$mine/timed" ]; do
        sleep 1
        seconds=$((seconds + 1))
        # one that has cleaned up after itself is left alone: by now the folder may be somebody else's
        kill -0 $$ 2>/dev/null || { [ ! -d "$mine" ] || clean; exit; }
      done
      [ ! -f "$mine/timed" ] || drop
    } </dev/null >/dev/null 2>&1 &
    say added
    ;;
  drop) if drop; then say dropped; else say left "$name"; fi ;;
  esac
done
exit 0
