//! What is at one end of a copy? This machine or a host, behind one interface ([`side`]), and the sessions between two
//! ends ([`lanes`]). Nothing here knows what is copied.
//!
//! | floor | what is there |
//! | --- | --- |
//! | `lanes` `file_checksum` `remote_files` | the sessions between two ends; the checksum of a file at one; a host that is only looked at |
//! | `pool` `retry` | the sessions of one end; how often a lost one is made again |
//! | `umask` `symlink_loops` `expand` `overwrite` | the modes new files get; links that lead back; which files a typed path means; what is written in place |
//! | `side` | one end |
//! | `file` `listing` | what is open at an end |
//! | `new_files` | many small files here, at once |
//! | `local` `remote` | a file system here, a server there |
//! | `blocking` `identity` `buffers` `resolve_beneath` `denied` | threads for disks, versions of files, memory, paths below a folder; requests that are denied |
//! | `remote_sha256` | checksums by the host |
//! | `shell_lines` `join_in_order` | what a shell says; several answers at once |
//! | `watchdog` `watchers` | who watches |

pub mod blocking;
pub mod buffers;
pub mod denied;
pub mod expand;
pub mod file;
pub mod file_checksum;
pub mod identity;
pub mod join_in_order;
pub mod lanes;
pub mod listing;
pub mod local;
pub mod new_files;
pub mod overwrite;
pub mod pool;
pub mod remote;
pub mod remote_files;
pub mod remote_sha256;
pub mod resolve_beneath;
pub mod retry;
pub mod shell_lines;
pub mod side;
pub mod symlink_loops;
pub mod umask;
pub mod watchdog;
pub mod watchers;
