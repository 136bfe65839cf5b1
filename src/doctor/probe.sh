# Does anything answer at $host, port $port? Its first line, or the C library's words. Only bash connects without a program.
# shellcheck disable=SC2016 # for that bash
exec timeout "$limit" bash -c 'exec 3<>"/dev/tcp/$0/$1" && echo hop-open && head -n 1 <&3; exit 0' "$host" "$port"
