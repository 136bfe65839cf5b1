//! How long may a stage take? The time that a person takes to answer does not count: the clock stops while a question
//! is open. Only one question is open at a time, whichever hop of whichever way it is about.
//!
//! Main type: [`Asking`].

use std::time::Duration;

use crate::config::Host;
use crate::progress::Stage;

/// The time limit of `stage` at `host`: `ConnectTimeout` for the stages to which ssh applies it (dialling, the banner
/// and the key exchange), hop's own for the others.
pub fn limit(stage: Stage, host: &Host) -> Duration {
    let connect = host.connect_timeout.as_ref().map(|value| value.value);
    match stage {
        Stage::Resolve | Stage::Dial => connect.unwrap_or(Duration::from_secs(15)),
        Stage::Greet | Stage::VerifyHost => connect.unwrap_or(Duration::from_secs(20)),
        _ => Duration::from_secs(30),
    }
}

/// How long `host` may be silent before it counts as lost: `ServerAliveInterval` times `ServerAliveCountMax` + 1.
pub fn silence(host: &Host) -> Option<Duration> {
    let (interval, count) = (host.server_alive_interval.value, host.server_alive_count_max.value);
    (!interval.is_zero() && count > 0).then(|| interval.saturating_mul(count.saturating_add(1)))
}
