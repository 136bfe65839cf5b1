//! What is shown beside the events? Under `-vv` the log of the SSH library: algorithms agreed on, channels opened and
//! refused, rekeys. It never has data, because packets are logged only at the level `trace`, which is left out. Under
//! `-vvv` the engine's own traces as well: they are not in release builds, cost a line per block, and are written at
//! once, so that they are complete even if hop is killed.

use std::sync::Arc;

use log::{LevelFilter, Log, Metadata, Record};

use crate::chain;
use crate::progress::{Event, Observer};

use super::display::Level;
use super::reporter::Reporter;

/// Passes the library's log lines on to `reporter`; once per process.
pub fn listen(reporter: Arc<Reporter>, level: Level) {
    let level = if level >= Level::Blocks { LevelFilter::Trace } else { LevelFilter::Debug };
    chain::listen(Box::new(LibraryLog { reporter }), level);
}

struct LibraryLog {
    reporter: Arc<Reporter>,
}

impl Log for LibraryLog {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        match metadata.level() {
            log::Level::Trace => metadata.target().starts_with("hop::"),
            _ => metadata.target().starts_with("russh"),
        }
    }

    fn log(&self, record: &Record<'_>) {
        if !self.enabled(record.metadata()) {
            return;
        }
        match record.level() {
            log::Level::Trace => super::stderr::say(&record.args().to_string()),
            _ => self.reporter.event(Event::Detail(format!("{}: {}", record.target(), record.args()))),
        }
    }

    fn flush(&self) {}
}
