//! Can a recorded session be read once there is a large quantum computer? `WarnWeakCrypto` says when it can.
//!
//! Main type: [`WeakCrypto`]. Whoever lists algorithms has chosen, and is not warned, as with ssh.

use std::collections::HashSet;
use std::sync::{Arc, Mutex, PoisonError};

use crate::config::Host;
use crate::progress::{Event, Observer};

/// The beginnings of the names of key exchanges that such a computer does not break.
const SAFE: [&str; 2] = ["mlkem", "sntrup"];

/// The hosts that were warned about; a run has many connections to one host.
pub type WarnedHosts = Arc<Mutex<HashSet<String>>>;

/// The warning for the connections to one host.
pub struct WeakCrypto {
    is_wanted: bool,
    told: WarnedHosts,
}

impl WeakCrypto {
    /// What the configuration of `host` wants.
    pub fn of(host: &Host, told: &WarnedHosts) -> WeakCrypto {
        WeakCrypto { is_wanted: *host.warn_weak_crypto && host.kex_algorithms.is_none(), told: told.clone() }
    }

    /// Looks at the key exchange that `hop` has agreed to.
    pub fn look(&self, hop: &str, kex: &str, observer: &dyn Observer) {
        let is_weak = self.is_wanted && !SAFE.iter().any(|safe| kex.starts_with(safe));
        if is_weak && self.told.lock().unwrap_or_else(PoisonError::into_inner).insert(hop.to_owned()) {
            let text =
                format!("{hop}: {kex} is no post-quantum key exchange: what is recorded today may be read one day");
            observer.event(Event::Warning(text));
        }
    }
}
