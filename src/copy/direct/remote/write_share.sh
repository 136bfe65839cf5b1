# Writes into $part, which is there and no link, from block $seek of $block bytes on.
umask 077
[ -f "$part" ] && [ ! -L "$part" ] && exec dd of="$part" bs="$block" seek="$seek" conv=notrunc
