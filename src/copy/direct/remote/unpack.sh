# Unpacks in the folder $staging, which is private, with the user's own mask: most files have their modes then.
cd "$staging" && exec tar -xmof -
