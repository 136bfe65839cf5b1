# What does this server say of itself? Answers stand between two marks; before the first stands what the login shell says.
echo
echo hop-begin
echo "clock $(date +%s)"
echo "agent ${SSH_AUTH_SOCK:+yes}"
echo "connection $SSH_CONNECTION"
[ ! -d "$HOME" ] || echo 'home there'
[ ! -w "$HOME" ] || echo 'home writable'
for tool in ssh sftp scp bash; do
  ! command -v "$tool" >/dev/null 2>&1 || echo "tool $tool"
done
echo "client $(ssh -V 2>&1)"
sed 's/^/route /' /proc/net/route 2>/dev/null
echo hop-end
