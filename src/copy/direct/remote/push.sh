# Reads near, writes far: what a far login shell prints is nobody's data. `judge` has nothing to add to what the writer
# said. Whether there is a tar is found out beside the login.
from() { near "$1"; }
to() { far "$1"; }
judge() { :; }
from "$tar" </dev/null >/dev/null 2>&1 & t=$!
packs() { wait "$t"; }
