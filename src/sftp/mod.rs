//! How do bytes travel? SFTP version 3 (draft-ietf-secsh-filexfer-02, and OpenSSH's PROTOCOL §4) over any byte stream,
//! with many requests in flight. Knows no SSH.

mod attributes;
mod client;
mod error;
mod extended;
mod extensions;
mod frame;
mod handle;
mod limits;
mod paths;
mod session;
mod stream;
mod tasks;
mod wire;

pub use attributes::{Attributes, Entry, FileKind};
pub use client::{Client, OpenFlags, Progress};
pub use error::{SftpError, StatusCode};
pub use extended::FileSystem;
pub use extensions::{Extension, Extensions};
pub use handle::Handle;
pub use stream::{Reader, Receive, Transmit, Writer};
