//! How do bytes travel? SFTP version 3 (draft-ietf-secsh-filexfer-02, and OpenSSH's PROTOCOL §4) over any byte stream,
//! with many requests in flight. Knows no SSH.

mod error;
mod stream;

pub use error::{SftpError, StatusCode};
pub use stream::{Reader, Receive, Transmit, Writer};
