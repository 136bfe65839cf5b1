//! Who runs this, and where? Told by `cli`: the engine reads no environment itself.
//!
//! Main type: [`LocalEnv`].

use std::collections::HashMap;
use std::ffi::OsString;
use std::path::PathBuf;

/// Who runs this, and where: the engine reads no environment itself.
#[derive(Debug, Clone)]
pub struct LocalEnv {
    /// The home folder, from the password database as ssh takes it.
    pub home: PathBuf,
    /// The local user's name.
    pub user: String,
    /// The local user's id.
    pub uid: u32,
    /// This machine's name (`%l`).
    pub hostname: String,
    /// The environment, `SSH_AUTH_SOCK` among it.
    pub env: HashMap<String, OsString>,
    /// Where the system's `ssh_config` and `ssh_known_hosts` are; `/etc/ssh`.
    pub system_folder: PathBuf,
}

impl Default for LocalEnv {
    /// Nobody, nowhere: what tests start from.
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
