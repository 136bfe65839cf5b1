echo hop-runs-commands
