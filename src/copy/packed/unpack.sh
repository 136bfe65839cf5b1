# Unpacks the stream of tar that comes behind it in the folder $staging, which is private. $flags says whether times are
# the source's. It is read by sh whole before any of it runs, and the stream begins once it has answered.
{
cd "$staging" && command -v tar >/dev/null && printf 'hop-unpack ready\n' && exec tar "$flags" -
printf 'hop-unpack none\n'
exit 1
}
