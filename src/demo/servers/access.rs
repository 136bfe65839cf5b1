//! Who may log in? The SSH settings of all four servers, and the check of user and key.

use std::sync::Arc;
use std::time::Duration;

use russh::keys::{PrivateKey, PublicKey};
use russh::server::{Auth, Config};
use russh::{Limits, MethodKind, MethodSet, SshId};

use crate::demo::map::USER;

/// The SSH settings of one server, with its host key, and the one public key it accepts.
#[derive(Clone)]
pub struct Access {
    pub config: Arc<Config>,
    admitted: Arc<PublicKey>,
}

impl Access {
    pub fn new(host_key: PrivateKey, admitted: Arc<PublicKey>) -> Access {
        Access { config: Arc::new(config(host_key)), admitted }
    }

    /// Whether the user may log in with this key. russh asks twice: when a key is offered, and when its signature was
    /// verified.
    pub fn admits(&self, user: &str, key: &PublicKey) -> Auth {
        if user == USER && key.key_data() == self.admitted.key_data() { Auth::Accept } else { Auth::reject() }
    }
}

fn config(host_key: PrivateKey) -> Config {
    const BEFORE_REKEY: usize = 32 << 30;
    Config {
        server_id: SshId::Standard(concat!("SSH-2.0-hop_demo_", env!("CARGO_PKG_VERSION")).into()),
        methods: MethodSet::from(&[MethodKind::PublicKey][..]),
        keys: vec![host_key],
        auth_rejection_time: Duration::from_millis(100),
        auth_rejection_time_initial: Some(Duration::ZERO),
        max_auth_attempts: 6,
        limits: Limits {
            rekey_write_limit: BEFORE_REKEY,
            rekey_read_limit: BEFORE_REKEY,
            rekey_time_limit: Duration::from_secs(3600),
        },
        inactivity_timeout: Some(Duration::from_secs(3600)),
        ..Config::default()
    }
}
