# What each reader and writer begins with: a login shell may have greeted without ending its line.
LC_ALL=C; export LC_ALL; echo >&2
