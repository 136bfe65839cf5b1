# The beginning of each script that runs while the agent is armed. Where there is no agent it exits with $no_agent.
[ -S "${SSH_AUTH_SOCK-}" ] || { echo 'this host forwards no agent' >&2; exit "$no_agent"; }
HOP_LENT=$config; export HOP_LENT
# what ends all runs has not begun to, or this one ends by itself (remote_dir.sh)
{ echo >"$folder/run.$$" && [ ! -e "$folder/over" ]; } || exit 1
