//! Do the scripts that hop has servers run work with whatever `/bin/sh` is there? Each of them on dash, bash and busybox,
//! started as hop starts it.

mod checksums;
mod direct;
mod doctor;
mod keys;
mod loans;
mod orders;
mod packs;
mod shells;
