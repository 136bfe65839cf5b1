# The beginning of each process that hop keeps on a host. `$word` opens every line meant for hop. hop sends a line every few
# seconds: after $patience seconds without one it is gone, though its connection may still look alive.
LC_ALL=C; export LC_ALL
umask 077
say() { printf '%s %s\n' "$word" "$*"; }
alive() { { echo >"$1/alive"; } 2>/dev/null; }
pause() { sleep 0.1 2>/dev/null || sleep 1; }

# Ends this process when nothing has shown hop `alive` for too long, by the folder $1. Looks are counted: a host that was asleep has not
# waited.
watch() {
  missed=0
  while [ "$missed" -lt "$patience" ]; do
    sleep 5 2>/dev/null && kill -s 0 $$ 2>/dev/null || return
    if [ -e "$1/alive" ]; then rm -f "$1/alive"; missed=0; else missed=$((missed + 5)); fi
  done
  kill -s TERM $$
}

# Removes a folder in which something may still be made.
remove() {
  tries=0
  until rm -rf "$1" 2>/dev/null || [ "$tries" = 20 ]; do
    tries=$((tries + 1))
    pause
  done
}

# The last act: ends all of this process group, itself included; where it has none of its own, these processes.
finish() { kill -s KILL -- "-$$" 2>/dev/null || kill -s KILL "$@" 2>/dev/null; }
