//! Why a login failed: facts only. What to do about it is said by the front target.

use std::path::PathBuf;
use std::time::Duration;

use thiserror::Error;

use crate::prompt::NoAnswer;
use crate::words::span;

/// Why a login failed.
#[derive(Debug, Error)]
pub enum AuthError {
    /// The server refused all that was offered.
    #[error("{}", refused(user, tried, offered, &[unused, doubtful]))]
    Refused {
        /// Whom we tried to log in as.
        user: String,
        /// What was tried, in order: a key path, `agent: COMMENT`, `password`, …
        tried: Vec<String>,
        /// The methods the server would still take.
        offered: Vec<String>,
        /// Keys that were meant to be tried and could not be.
        unused: Vec<UnusedKey>,
        /// Certificates that were tried, and by the clock here or the user's name should not do.
        doubtful: Vec<UnusedKey>,
    },
    /// A key file that others can read, and nothing else opened the target.
    #[error("{}: permissions {mode:04o} are too open for a private key", file.display())]
    Permissions {
        /// The file.
        file: PathBuf,
        /// Its mode bits.
        mode: u32,
    },
    /// A key file named by the user that cannot be used, and nothing else was there to try.
    #[error("{}: {problem}", file.display())]
    KeyFile {
        /// The file.
        file: PathBuf,
        /// What is wrong with it.
        problem: String,
        /// The command that makes it usable, where there is one.
        remedy: Option<String>,
    },
    /// The server wants a person to answer, and there is none (no terminal, `BatchMode yes`, or a further lane).
    #[error("{method} needs a person to answer, and nobody can be asked (as {user}{})", after(tried))]
    NeedsPerson {
        /// Whom we tried to log in as.
        user: String,
        /// `keyboard-interactive` or `password`.
        method: String,
        /// What was tried before, in order.
        tried: Vec<String>,
    },
    /// A person was asked and did not answer.
    #[error(transparent)]
    NoAnswer(#[from] NoAnswer),
    /// The server ended the connection, or left no method to go on with, while we logged in.
    #[error("the server ended the login{}{}", said(reason), after(tried))]
    Disconnected {
        /// What its DISCONNECT message said, empty if it sent none.
        reason: String,
        /// What was tried before, in order.
        tried: Vec<String>,
    },
    /// The server did not answer a request.
    #[error("no answer to {what} within {} s", limit.as_secs())]
    TimedOut {
        /// The request: a method, or the key that was offered.
        what: String,
        /// How long it had, in seconds; time a person or an agent took is not counted.
        limit: Duration,
    },
    /// The server took too long with all of its answers together.
    #[error("the server did not come to an end with the login within {} s{}", limit.as_secs(), after(tried))]
    TooLong {
        /// How long it had, in seconds; time a person or an agent took is not counted.
        limit: Duration,
        /// What was tried, in order.
        tried: Vec<String>,
    },
    /// The server broke the protocol.
    #[error("{0}")]
    Peer(String),
    /// Anything else the transport reports.
    #[error(transparent)]
    Transport(#[from] russh::Error),
}

/// A key that was meant to be tried and could not be.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{}: {problem}", file.display())]
pub struct UnusedKey {
    /// The file.
    pub file: PathBuf,
    /// Why.
    pub problem: KeyProblem,
}

/// What is wrong with a key file.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum KeyProblem {
    /// It belongs to us and others can read it, as ssh refuses it (`authfile.c`, `sshkey_perm_ok`).
    #[error("permissions {0:04o} are too open for a private key")]
    TooOpen(u32),
    /// It is not there.
    #[error("no such file")]
    Absent,
    /// The system refuses to open or read it.
    #[error("{0}")]
    Unreadable(String),
    /// It holds something that cannot be used.
    #[error("{what}")]
    Format {
        /// What it holds.
        what: String,
        /// The command that converts it.
        remedy: Option<String>,
    },
    /// An RSA key below `RequiredRSASize`.
    #[error("an RSA key of {bits} bits where RequiredRSASize is {least}")]
    TooShort {
        /// Its length.
        bits: u32,
        /// What is required.
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
    /// It is not the key that the public file beside it says.
    #[error("is not the key of the .pub file beside it")]
    NotItsPublicKey,
    /// A certificate whose time is over, by the clock here.
    #[error("the certificate ended {} ago", span(*.0))]
    Ended(Duration),
    /// A certificate whose time has not begun, by the clock here.
    #[error("the certificate is not valid before {} have passed", span(*.0))]
    NotBegun(Duration),
    /// A certificate that names other users only.
    #[error("the certificate is for {}", .0.join(", "))]
    ForOthers(Vec<String>),
}

impl KeyProblem {
    /// The command that makes the file usable, where there is one.
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
