//! What an SFTP server can answer, and what it can break.

use std::fmt;
use std::time::Duration;

use thiserror::Error;

/// The status codes of version 3 (§7), later drafts' as numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StatusCode(pub u32);

impl StatusCode {
    /// Success.
    pub const OK: StatusCode = StatusCode(0);
    /// End of file, or of a listing.
    pub const EOF: StatusCode = StatusCode(1);
    /// No such file.
    pub const NO_SUCH_FILE: StatusCode = StatusCode(2);
    /// Permission denied.
    pub const PERMISSION_DENIED: StatusCode = StatusCode(3);
    /// Anything else; OpenSSH maps most errors here, a full disk among them.
    pub const FAILURE: StatusCode = StatusCode(4);
    /// The request was badly formed.
    pub const BAD_MESSAGE: StatusCode = StatusCode(5);
    /// The server does not know the request.
    pub const OP_UNSUPPORTED: StatusCode = StatusCode(8);
}

impl fmt::Display for StatusCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            0 => f.write_str("ok"),
            1 => f.write_str("end of file"),
            2 => f.write_str("no such file or directory"),
            3 => f.write_str("permission denied"),
            4 => f.write_str("failure"),
            5 => f.write_str("bad message"),
            8 => f.write_str("operation not supported"),
            code => write!(f, "status {code}"),
        }
    }
}

/// Why a request has no good answer.
#[derive(Debug, Clone, Error)]
pub enum SftpError {
    /// The server refused.
    #[error("{code}{}", text(.code, .message))]
    Status {
        /// The status code.
        code: StatusCode,
        /// The status text, from the server and not yet safe to show.
        message: String,
    },
    /// The server sent something the protocol does not allow; the session is dead.
    #[error("the server broke the SFTP protocol: {0}")]
    Protocol(String),
    /// The stream ended or failed; the session is dead.
    #[error("the SFTP session ended: {0}")]
    Ended(String),
    /// Nothing moved for this long, and the session was given up; it is dead.
    #[error("the SFTP session made no progress for {} s", .0.as_secs_f32())]
    Stalled(Duration),
    /// The request would not fit the protocol (a path with NUL, a handle too long, …).
    #[error("{0}")]
    Unfit(&'static str),
    /// The server lacks what was asked for.
    #[error("the server does not support {0}")]
    Unsupported(&'static str),
}

impl SftpError {
    /// The server's status code, where it gave one.
    pub fn code(&self) -> Option<StatusCode> {
        match self {
            SftpError::Status { code, .. } => Some(*code),
            _ => None,
        }
    }

    /// Whether the session is dead, so that only another one can go on.
    pub fn ends_session(&self) -> bool {
        matches!(self, SftpError::Protocol(_) | SftpError::Ended(_) | SftpError::Stalled(_))
    }
}

/// The server's own words, unless they only repeat the code.
fn text(code: &StatusCode, message: &str) -> String {
    let plain = message.trim();
    // OpenSSH's words are the beginning of ours: "No such file"
    match code.to_string().starts_with(&plain.to_ascii_lowercase()) {
        true => String::new(),
        false => format!(" ({plain})"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_servers_words_are_told_once() {
        let told = |code, message: &str| SftpError::Status { code, message: message.into() }.to_string();
        assert_eq!(told(StatusCode::FAILURE, "Failure"), "failure");
        assert_eq!(told(StatusCode::FAILURE, ""), "failure");
        assert_eq!(told(StatusCode(11), "file exists"), "status 11 (file exists)");
        assert_eq!(told(StatusCode::PERMISSION_DENIED, "Permission denied"), "permission denied");
    }

    #[test]
    fn only_a_dead_session_needs_another() {
        assert!(SftpError::Ended(String::new()).ends_session());
        assert!(SftpError::Protocol(String::new()).ends_session());
        assert!(!SftpError::Unsupported("fsync").ends_session());
        let status = SftpError::Status { code: StatusCode::EOF, message: String::new() };
        assert!(!status.ends_session());
        assert_eq!(status.code(), Some(StatusCode::EOF));
    }
}
