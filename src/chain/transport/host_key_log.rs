//! Which host key did a server present at a rekey? russh passes only the key of the first key exchange to its handler,
//! but writes a line to its log for each, from the session's own task. This is the process's logger: it keeps that line
//! until the session asks for it, and passes every record on to the listener.
//!
//! Main functions: [`shown`], [`listen`]. A process has only one logger. If another one is installed, no key is ever
//! seen here, and the caller must treat that as a changed key. Release builds keep the line, because `log` is built
//! with `release_max_level_debug`.

use std::collections::HashMap;
use std::sync::{LazyLock, Mutex, MutexGuard, OnceLock, PoisonError};

use log::{LevelFilter, Log, Metadata, Record};
use russh::keys::PublicKey;
use tokio::task;

/// The log target of the line, and its beginning (russh 0.65.1, `client/kex.rs`).
const TARGET: &str = "russh::client::kex";
const LINE: &str = "received server host key: ";

/// Passes on every record of the levels up to `level` from now on; only the first listener counts.
pub fn listen(listener: Box<dyn Log>, level: LevelFilter) {
    if LOGGER.listener.set(listener).is_ok() {
        install();
        log::set_max_level(level.max(LevelFilter::Debug));
    }
}

/// Installs the process's logger, unless there already is one.
pub fn install() {
    static ONCE: OnceLock<()> = OnceLock::new();
    ONCE.get_or_init(|| {
        if log::set_logger(&*LOGGER).is_ok() {
            log::set_max_level(LevelFilter::Debug);
        }
    });
}

/// The line about the key presented in the last key exchange of the session that runs in this task; returned only once.
pub fn shown() -> Option<String> {
    task::try_id().and_then(|session| LOGGER.lines().remove(&session))
}

/// The beginning of the line for `key`; after it the line says whether the key came in a certificate.
pub fn line_of(key: &PublicKey) -> String {
    format!("{LINE}{:?} ", key.to_openssh())
}

static LOGGER: LazyLock<HostKeyLog> = LazyLock::new(HostKeyLog::default);

/// The process's logger.
#[derive(Default)]
struct HostKeyLog {
    /// The line that each session's task wrote last, until it is asked for.
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
