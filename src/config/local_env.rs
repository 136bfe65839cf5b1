//! Who runs hop, and on which machine? `cli` says so: the engine does not read the environment itself.
//!
//! Main type: [`LocalEnv`].

use std::collections::HashMap;
use std::ffi::OsString;
use std::path::PathBuf;

/// The user, the machine and the environment, as given by `cli`.
#[derive(Debug, Clone)]
pub struct LocalEnv {
    /// The home folder, from the password database as with ssh.
    pub home: PathBuf,
    /// The local user's name.
    pub user: String,
    /// The local user's id.
    pub uid: u32,
    /// This machine's name (`%l`).
    pub hostname: String,
    /// The environment variables, `SSH_AUTH_SOCK` among them.
    pub env: HashMap<String, OsString>,
    /// The folder with the system's `ssh_config` and `ssh_known_hosts`: `/etc/ssh`.
    pub system_folder: PathBuf,
}

impl Default for LocalEnv {
    /// A user without home or environment, as a start for tests.
    fn default() -> LocalEnv {
        LocalEnv {
            home: PathBuf::from("/nonexistent"),
            user: "nobody".to_owned(),
            uid: 65534,
            hostname: "localhost".to_owned(),
            env: HashMap::new(),
            system_folder: PathBuf::from("/etc/ssh"),
        }
    }
}

impl LocalEnv {
    /// The shell that runs the user's commands: `$SHELL`, else `/bin/sh`.
    pub fn shell(&self) -> PathBuf {
        self.env.get("SHELL").filter(|shell| !shell.is_empty()).map_or_else(|| "/bin/sh".into(), PathBuf::from)
    }
}
