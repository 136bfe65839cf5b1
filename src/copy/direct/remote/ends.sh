# The two hosts: near is this one, far is $host, over the login in $d.
LC_ALL=C; export LC_ALL; umask 077
mux() { ssh -F "$HOP_LENT" -S "$d/login" "$@"; }
near() { (eval "$1"); }
far() { mux -o ControlMaster=no -o ProxyCommand=false -- "$host" "$1"; }
