//! Which host key did a server show when keys were changed? russh tells its handler at the first key exchange only; of each
//! it writes a line to its log, from the session's own task. This is the process's logger: it keeps that line until the
//! session asks for it, and passes everything on to whoever listens.
//!
//! Main functions: [`shown`], [`listen`]. The log of a process can only be had once: where it belongs to somebody else, no
//! key is ever seen here, and whoever asks must take that for another key. Release builds keep the line: `log` is built with
//! `release_max_level_debug`.

use std::collections::HashMap;
use std::sync::{LazyLock, Mutex, MutexGuard, OnceLock, PoisonError};

use log::{LevelFilter, Log, Metadata, Record};
use russh::keys::PublicKey;
use tokio::task;

/// Who writes the line, and how it begins (russh 0.65.1, `client/kex.rs`).
const TARGET: &str = "russh::client::kex";
const LINE: &str = "received server host key: ";

/// Passes on every record of the levels up to `level`, from here on; the first who listens.
pub fn listen(listener: Box<dyn Log>, level: LevelFilter) {
    if LOGGER.listener.set(listener).is_ok() {
        install();
        log::set_max_level(level.max(LevelFilter::Debug));
    }
}

/// Takes the process's log, where nobody has it yet.
pub fn install() {
    static ONCE: OnceLock<()> = OnceLock::new();
    ONCE.get_or_init(|| {
        if log::set_logger(&*LOGGER).is_ok() {
            log::set_max_level(LevelFilter::Debug);
        }
    });
}

/// What was shown in the last key exchange of the session whose task this is, once.
pub fn shown() -> Option<String> {
    task::try_id().and_then(|session| LOGGER.lines().remove(&session))
}

/// The beginning of the line for `key`; behind it stands whether it came in a certificate.
pub fn line_of(key: &PublicKey) -> String {
    format!("{LINE}{:?} ", key.to_openssh())
}

static LOGGER: LazyLock<HostKeyLog> = LazyLock::new(HostKeyLog::default);

/// The process's logger.
#[derive(Default)]
struct HostKeyLog {
    /// The line that each session's task wrote last; gone once it was asked for.
    lines: Mutex<HashMap<task::Id, String>>,
    listener: OnceLock<Box<dyn Log>>,
}

impl HostKeyLog {
    fn lines(&self) -> MutexGuard<'_, HashMap<task::Id, String>> {
        self.lines.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Log for HostKeyLog {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.target() == TARGET || self.listener.get().is_some_and(|listener| listener.enabled(metadata))
    }

    fn log(&self, record: &Record<'_>) {
        if record.target() == TARGET
            && let (line, Some(session)) = (record.args().to_string(), task::try_id())
            && line.starts_with(LINE)
        {
            self.lines().insert(session, line);
        }
        if let Some(listener) = self.listener.get() {
            listener.log(record);
        }
    }

    fn flush(&self) {}
}
