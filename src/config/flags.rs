//! What did the command line say? Flags as they concern the configuration, already taken apart by `cli`.
//!
//! Main type: [`Flags`].

use std::path::PathBuf;

use super::host::AddressFamily;

/// What the command line says, already taken apart by `cli`.
#[derive(Debug, Clone, Default)]
pub struct Flags {
    /// `-F`: this file alone is read; `none` = no file at all.
    pub config_file: Option<PathBuf>,
    /// `-o`, as `Key=Value` or `Key Value`, in order. For the target only, as with ssh.
    pub options: Vec<String>,
    /// `-l`, for the target only.
    pub user: Option<String>,
    /// `-p` / `-P`, for the target only.
    pub port: Option<u16>,
    /// `-J JUMPS` and `-J PATTERN=JUMPS`: the jumps of the targets that match.
    pub jumps: Vec<Patterned<String>>,
    /// `-i FILE` and `-i PATTERN=FILE`: a host takes those that match its name and those without a pattern; a jump that
    /// no pattern matches takes those of the host behind it.
    pub identities: Vec<Patterned<PathBuf>>,
    /// `-4` and `-6`, for every hop.
    pub address_family: Option<AddressFamily>,
    /// `-B`, for every hop.
    pub batch: bool,
    /// `-C`, for the target only.
    pub compression: bool,
    /// What the session is for.
    pub purpose: Purpose,
}

/// A value for the hosts that match a pattern list, or for all.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Patterned<T> {
    /// As in `Match originalhost`: `*`, `?`, commas, `!`.
    pub pattern: Option<String>,
    /// The value.
    pub value: T,
}

/// What the session to the target is for (`Match command`, `Match sessiontype`).
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Purpose {
    /// An interactive shell.
    #[default]
    Shell,
    /// One remote command.
    Exec(String),
    /// The `sftp` subsystem.
    Sftp,
    /// No session, only a way through (a jump, `-N`).
    Nothing,
}

impl Purpose {
    /// What `Match command` is compared with.
    pub(super) fn command(&self) -> &str {
        match self {
            Purpose::Exec(command) => command,
            Purpose::Sftp => "sftp",
            Purpose::Shell | Purpose::Nothing => "",
        }
    }

    /// What `Match sessiontype` is compared with.
    pub(super) fn session_type(&self) -> &'static str {
        match self {
            Purpose::Exec(_) => "exec",
            Purpose::Sftp => "subsystem",
            Purpose::Shell => "shell",
            Purpose::Nothing => "none",
        }
    }
}
