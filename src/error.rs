//! The errors of all rooms under one roof, each with a kind that decides the exit code.
