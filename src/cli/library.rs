//! What the SSH library logs, under `-vv`: algorithms agreed on, channels opened and refused, rekeys. Never data: it
//! logs packets only at the level `trace`, which is left out.

use std::sync::Arc;

use log::{Level, LevelFilter, Log, Metadata, Record};

use crate::progress::{Event, Observer};

use super::report::Reporter;

/// Passes the library's lines on to `reporter`; once a process.
pub fn listen(reporter: Arc<Reporter>) {
    if log::set_logger(Box::leak(Box::new(Listener { reporter }))).is_ok() {
        log::set_max_level(LevelFilter::Debug);
    }
}

struct Listener {
    reporter: Arc<Reporter>,
}

impl Log for Listener {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.level() <= Level::Debug && metadata.target().starts_with("russh")
    }

    fn log(&self, record: &Record<'_>) {
        if self.enabled(record.metadata()) {
            self.reporter.event(Event::Detail(format!("{}: {}", record.target(), record.args())));
        }
    }

    fn flush(&self) {}
}
