//! What is at one end of a copy? This machine or a host, with one face ([`side`]), and the sessions between two ends
//! ([`lanes`]). Nothing here knows what is copied.
//!
//! | floor | what is there |
//! | --- | --- |
//! | `lanes` `witness` | the sessions between two ends; the checksum of a file at one |
//! | `pool` `again` | the sessions of one end; how often a lost one is made again |
//! | `umask` `loops` | the modes new files get; links that lead back |
//! | `side` | one end |
//! | `file` `listing` | what is open at an end |
//! | `local` `remote` | a file system here, a server there |
//! | `blocking` `identity` `buffers` `beneath` `denied` | threads for disks, versions of files, memory, paths below a folder; requests that are denied |
//! | `sums` `together` | checksums by the host; several answers at once |
//! | `watchdog` `watchers` | who watches |

pub mod again;
pub mod beneath;
pub mod blocking;
pub mod buffers;
pub mod denied;
pub mod file;
pub mod identity;
pub mod lanes;
pub mod listing;
pub mod local;
pub mod loops;
pub mod pool;
pub mod remote;
pub mod side;
pub mod sums;
pub mod together;
pub mod umask;
pub mod watchdog;
pub mod watchers;
pub mod witness;
