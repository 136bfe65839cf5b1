//! What did the command line say? The flags that affect the configuration, already parsed by `cli`.
//!
//! Main type: [`Flags`].

use std::path::PathBuf;

use super::host::AddressFamily;

/// The flags that affect the configuration, already parsed by `cli`.
#[derive(Debug, Clone, Default)]
pub struct Flags {
    /// `-F`: the only file to read; `none` means no file at all.
    pub config_file: Option<PathBuf>,
    /// `-o`, as `Key=Value` or `Key Value`, in order. As with ssh, for the target only.
    pub options: Vec<String>,
    /// `-l`, for the target only.
    pub user: Option<String>,
    /// `-p` / `-P`, for the target only.
    pub port: Option<u16>,
    /// `-J JUMPS` and `-J PATTERN=JUMPS`: the jumps for the targets that match.
    pub jumps: Vec<Patterned<String>>,
    /// `-i FILE` and `-i PATTERN=FILE`. A host uses the files whose pattern matches its name and those without a
    /// pattern; a jump that no pattern matches uses the files of the host behind it.
    pub identities: Vec<Patterned<PathBuf>>,
    /// `-4` and `-6`, for every hop.
    pub address_family: Option<AddressFamily>,
    /// `-B`, for every hop.
    pub batch: bool,
    /// `-C`, for the target only.
    pub compression: bool,
    /// The purpose of the session.
    pub purpose: Purpose,
}

/// A value for the hosts that match a pattern list, or for all hosts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Patterned<T> {
    /// The pattern list, as in `Match originalhost`: `*`, `?`, commas, `!`.
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
    /// No session, only a connection (a jump, `-N`).
    Nothing,
}

impl Purpose {
    /// The string that `Match command` is compared with.
    pub(super) fn command(&self) -> &str {
        match self {
            Purpose::Exec(command) => command,
            Purpose::Sftp => "sftp",
            Purpose::Shell | Purpose::Nothing => "",
        }
    }

    /// The string that `Match sessiontype` is compared with.
    pub(super) fn session_type(&self) -> &'static str {
        match self {
            Purpose::Exec(_) => "exec",
            Purpose::Sftp => "subsystem",
            Purpose::Shell => "shell",
            Purpose::Nothing => "none",
        }
    }
}
