//! What is logged beside the events, under `-vv`: what the SSH library says of algorithms agreed on, channels opened and
//! refused, rekeys. Never data: it logs packets only at the level `trace`, which is left out. Under `-vvv` the engine's own
//! traces, too; they are not in release builds, cost a line a block, and are written at once, so that one who kills hop
//! knows what it knew.

use std::sync::Arc;

use log::{LevelFilter, Log, Metadata, Record};

use crate::chain;
use crate::progress::{Event, Observer};

use super::display::Level;
use super::reporter::Reporter;

/// Passes the library's lines on to `reporter`; once a process.
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
