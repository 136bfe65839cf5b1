//! How do bytes travel? SFTP version 3 (draft-ietf-secsh-filexfer-02, and OpenSSH's PROTOCOL §4) over any byte stream,
//! with many requests in flight. Knows no SSH.
//!
//! [`Client::start`] greets a server over a [`Receive`] and a [`Transmit`]; its requests are futures that may all run at
//! once. [`Window`] says which bytes of a file to move next. A [`Handle`] belongs to its session and closes itself.
//!
//! # What holds whatever the server sends
//!
//! - **It ends.** A packet the protocol does not allow ends the session; so does the end of the stream. Every request in
//!   flight then fails at once with the reason. A server that merely never answers is for a watchdog: single requests
//!   have no timeout, a [`Watch`] tells what moves and ends it.
//! - **Memory is bounded.** Each request in flight weighs what it sends or what may answer it, at least 32 KiB, and all
//!   of them together at most 16 MiB: so at most 512 requests, or 64 of 255 KiB. A further one waits; none is dropped.
//!   Outside that budget stand: one packet being put together (≤ 257 KiB) and one chunk of the stream, a CLOSE for each
//!   handle dropped (≤ 270 bytes), and answers whose futures their owner does not poll (an [`OpenDirectory`] has four at most).
//!   A part of a listing weighs 512 KiB and is kept as it came, ≤ 257 KiB; its entries are made when they are taken
//!   ([`Entries`]).
//! - **Lengths are checked before allocation**: a packet's against 257 KiB and against what its request may be answered
//!   with, a field's against its packet, a list's count against the bytes left.
//! - **Nothing is taken for what was not asked**: data is at least one byte, and cut to what was asked for, a handle at
//!   most 256 bytes, 256 answers to no request are passed over and not one more.
//!
//! What names mean is not this room's business: they are bytes, and `copy` vets them.
//!
//! | floor | what is there |
//! | --- | --- |
//! | `open_directory` `paths` `extended` | listing a folder; requests on paths; requests that need an extension |
//! | `client` | the session as its user sees it, and requests on open files |
//! | `greeting` | how a session begins |
//! | `tasks` | the task that reads and the one that writes |
//! | `session` `frame` | requests in flight, handles; packets out of a stream of bytes |
//! | `wire` | requests and answers as bytes |
//! | `entries` | the entries of one answer |
//! | `attributes` `extensions` `limits` | what stands in packets |
//! | `fields` `stream` `window` | a packet's fields; byte streams; which bytes of a file to move next |
//! | `error` | why a request fails |

mod attributes;
mod client;
mod entries;
mod error;
mod extended;
mod extensions;
mod fields;
mod frame;
mod greeting;
mod limits;
mod open_directory;
mod paths;
mod session;
mod stream;
mod tasks;
mod window;
mod wire;

pub use attributes::{Attributes, Entry, FileKind};
pub use client::{Client, OpenFlags, Progress, Watch};
pub use entries::Entries;
pub use error::{SftpError, StatusCode};
pub use extended::FileSystem;
pub use extensions::{Extension, Extensions};
pub use open_directory::OpenDirectory;
pub use session::Handle;
pub use stream::{Reader, Receive, Transmit, Writer};
pub use window::{Block, Sizes, Window};
