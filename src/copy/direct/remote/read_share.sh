# Reads $count blocks of $block bytes of the file $source, from block $skip on.
umask 077
exec dd if="$source" bs="$block" skip="$skip" count="$count"
