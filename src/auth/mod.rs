//! Who am I? Identities are offered in order until the server lets us in, and the outcome is a proof: `Authenticated`.

use std::path::PathBuf;

use thiserror::Error;

/// Why a login failed.
#[derive(Debug, Error)]
pub enum AuthError {
    /// The server refused all that was offered.
    #[error("{}", refused(user, tried, offered))]
    Refused {
        /// Whom we tried to log in as.
        user: String,
        /// What was tried, in order: a key path, `agent: COMMENT`, `password`, …
        tried: Vec<String>,
        /// The methods the server would still take.
        offered: Vec<String>,
    },
    /// A key file that others can read.
    #[error("{}: permissions {mode:04o} are too open for a private key", file.display())]
    Permissions {
        /// The file.
        file: PathBuf,
        /// Its mode bits.
        mode: u32,
    },
    /// A key file named by the user that cannot be used.
    #[error("{}: {problem}", file.display())]
    KeyFile {
        /// The file.
        file: PathBuf,
        /// What is wrong with it.
        problem: String,
    },
    /// The server closed the connection while we logged in.
    #[error("the server closed the connection{}", said(reason))]
    Disconnected {
        /// What its DISCONNECT message said, empty if it sent none.
        reason: String,
    },
    /// Anything else the transport reports.
    #[error(transparent)]
    Transport(#[from] russh::Error),
}

fn refused(user: &str, tried: &[String], offered: &[String]) -> String {
    let tried = match tried.is_empty() {
        true => format!("no identity to offer as {user}"),
        false => format!("tried {} as {user}", tried.join(", ")),
    };
    format!("publickey refused ({tried}; the server takes {})", offered.join(", "))
}

fn said(reason: &str) -> String {
    if reason.is_empty() { String::new() } else { format!(": {reason}") }
}
