# Logs in at $host, once. The login is a master that later clients share. It runs in this script's process group, so that
# whatever ends the group ends it, and is ended by its number, for its socket may be gone by then; it is logged in once its
# socket is there.
[ ! -e "$d/login" ] || rm -f "$d/login"
[ -d "$d/links" ] || mkdir "$d/links" || exit 1
m=
trap 'm=${m:-$!}; [ -z "$m" ] || kill -s KILL "$m" 2>/dev/null' EXIT
trap 'exit 1' HUP INT TERM PIPE
# not by the function: its number would be that of a shell around it
ssh -F "$HOP_LENT" -S "$d/login" -nNM -c aes128-gcm@openssh.com,aes256-gcm@openssh.com,aes128-ctr,aes256-ctr,chacha20-poly1305@openssh.com -- "$host" >/dev/null & m=$!
until [ -S "$d/login" ]; do
  kill -s 0 "$m" 2>/dev/null || exit 1
  sleep 0.03 2>/dev/null || sleep 1 || exit 1
done
unset SSH_AUTH_SOCK
