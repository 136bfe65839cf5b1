//! Why did a login fail? Only facts; `cli` gives the advice.

use std::path::PathBuf;
use std::time::Duration;

use thiserror::Error;

use crate::prompt::NoAnswer;
use crate::words::span;

/// Why a login failed.
#[derive(Debug, Error)]
pub enum AuthError {
    /// The server refused everything that was offered.
    #[error("{}", refused(user, tried, offered, &[unused, doubtful]))]
    Refused {
        /// The user of the login.
        user: String,
        /// What was tried, in order: a key path, `agent: COMMENT`, `password`, …
        tried: Vec<String>,
        /// The methods the server would still accept.
        offered: Vec<String>,
        /// Keys that should have been tried and could not be.
        unused: Vec<UnusedKey>,
        /// Certificates that were tried although, by the local clock or the user's name, they should not be accepted.
        doubtful: Vec<UnusedKey>,
    },
    /// A key file that others can read, and nothing else logged in.
    #[error("{}: permissions {mode:04o} are too open for a private key", file.display())]
    Permissions {
        /// The file.
        file: PathBuf,
        /// Its mode bits.
        mode: u32,
    },
    /// A key file named by the user that cannot be used, and there was nothing else to try.
    #[error("{}: {problem}", file.display())]
    KeyFile {
        /// The file.
        file: PathBuf,
        /// What is wrong with it.
        problem: String,
        /// The command that makes it usable, if there is one.
        remedy: Option<String>,
    },
    /// The server wants a person to answer, and nobody can be asked (no terminal, `BatchMode yes`, or a further lane).
    #[error("{method} needs a person to answer, and nobody can be asked (as {user}{})", after(tried))]
    NeedsPerson {
        /// The user of the login.
        user: String,
        /// `keyboard-interactive` or `password`.
        method: String,
        /// What was tried before, in order.
        tried: Vec<String>,
    },
    /// A person was asked and did not answer.
    #[error(transparent)]
    NoAnswer(#[from] NoAnswer),
    /// The server ended the connection, or left no method to continue with, during the login.
    #[error("the server ended the login{}{}", said(reason), after(tried))]
    Disconnected {
        /// The text of its DISCONNECT message, empty if it sent none.
        reason: String,
        /// What was tried before, in order.
        tried: Vec<String>,
    },
    /// The server did not answer a request.
    #[error("no answer to {what} within {} s", limit.as_secs())]
    TimedOut {
        /// The request: a method, or the key that was offered.
        what: String,
        /// The time limit, shown in seconds; time that a person or an agent took is not counted.
        limit: Duration,
    },
    /// All answers of the server together took too long.
    #[error("the server did not come to an end with the login within {} s{}", limit.as_secs(), after(tried))]
    TooLong {
        /// The time limit, shown in seconds; time that a person or an agent took is not counted.
        limit: Duration,
        /// What was tried, in order.
        tried: Vec<String>,
    },
    /// The server broke the protocol.
    #[error("{0}")]
    Peer(String),
    /// Any other error of the transport.
    #[error(transparent)]
    Transport(#[from] russh::Error),
}

/// A key that should have been tried and could not be.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{}: {problem}", file.display())]
pub struct UnusedKey {
    /// The file.
    pub file: PathBuf,
    /// Why it could not be tried.
    pub problem: KeyProblem,
}

/// What is wrong with a key file.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum KeyProblem {
    /// It belongs to the caller and others can read it; ssh refuses it too (`authfile.c`, `sshkey_perm_ok`).
    #[error("permissions {0:04o} are too open for a private key")]
    TooOpen(u32),
    /// It does not exist.
    #[error("no such file")]
    Absent,
    /// The system refuses to open or read it.
    #[error("{0}")]
    Unreadable(String),
    /// Its content cannot be used.
    #[error("{what}")]
    Format {
        /// What it contains.
        what: String,
        /// The command that converts it.
        remedy: Option<String>,
    },
    /// An RSA key below `RequiredRSASize`.
    #[error("an RSA key of {bits} bits where RequiredRSASize is {least}")]
    TooShort {
        /// Its length in bits.
        bits: u32,
        /// The length required, in bits.
        least: u32,
    },
    /// It is encrypted and nobody can be asked.
    #[error("encrypted, and nobody can be asked for its passphrase")]
    NobodyToAsk,
    /// It is encrypted and no passphrase was given.
    #[error("no passphrase given")]
    NotGiven,
    /// It is encrypted and the passphrases given were wrong.
    #[error("wrong passphrase")]
    WrongPassphrase,
    /// It is not the private half of the public key in the file beside it.
    #[error("is not the key of the .pub file beside it")]
    NotItsPublicKey,
    /// A certificate that has expired, by the local clock.
    #[error("the certificate ended {} ago", span(*.0))]
    Ended(Duration),
    /// A certificate that is not valid yet, by the local clock.
    #[error("the certificate is not valid before {} have passed", span(*.0))]
    NotBegun(Duration),
    /// A certificate that names other users only.
    #[error("the certificate is for {}", .0.join(", "))]
    ForOthers(Vec<String>),
}

impl KeyProblem {
    /// The command that makes the file usable, if there is one.
    pub fn remedy(&self) -> Option<&str> {
        match self {
            KeyProblem::Format { remedy, .. } => remedy.as_deref(),
            _ => None,
        }
    }
}

impl From<UnusedKey> for AuthError {
    fn from(unused: UnusedKey) -> AuthError {
        match unused.problem {
            KeyProblem::TooOpen(mode) => AuthError::Permissions { file: unused.file, mode },
            problem => AuthError::KeyFile {
                file: unused.file,
                problem: problem.to_string(),
                remedy: problem.remedy().map(str::to_owned),
            },
        }
    }
}

fn refused(user: &str, tried: &[String], offered: &[String], [unused, doubtful]: &[&Vec<UnusedKey>; 2]) -> String {
    let tried = match tried.is_empty() {
        true => format!("no identity to offer as {user}"),
        false => format!("tried {} as {user}", tried.join(", ")),
    };
    let doubtful: String = doubtful.iter().map(|key| format!("; {key}")).collect();
    let unused: String = unused.iter().map(|key| format!("; not used: {key}")).collect();
    format!("{} refused ({tried}{doubtful}; the server takes {}{unused})", what(offered), offered.join(", "))
}

fn what(offered: &[String]) -> &'static str {
    match offered.iter().any(|method| method == "publickey") {
        true => "publickey",
        false => "login",
    }
}

fn said(reason: &str) -> String {
    if reason.is_empty() { String::new() } else { format!(": {reason}") }
}

fn after(tried: &[String]) -> String {
    if tried.is_empty() { String::new() } else { format!(", after {}", tried.join(", ")) }
}
