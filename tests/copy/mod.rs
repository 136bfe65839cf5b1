//! What moves, which way, did it arrive whole? Copies between folders, where a host is OpenSSH's own `sftp-server` on a
//! pipe, one process a lane.

pub mod ends;

mod failures;
mod gateway;
mod globs;
mod hostile;
mod landing;
mod marked;
mod optional;
mod parts;
mod renames;
mod rules;
mod trees;
mod whole;
