//! Four real sshds on loopback, wired as the street.
