//! Which way does the data go? [`Route`], pure: from the two ends alone.

use std::fmt;

/// The way of the data, for the plan, the summary, JSON and tests.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Route {
    /// From this machine to a host.
    Upload,
    /// From a host to this machine.
    Download,
    /// From host to host, through this machine, without a temporary file.
    Relay,
    /// Within this machine.
    Local,
}

/// Where one end of a copy lies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reachable {
    /// On this machine.
    Here,
    /// On a host.
    There,
}

impl Route {
    /// The route from one end to another.
    pub fn between(source: Reachable, destination: Reachable) -> Route {
        match (source, destination) {
            (Reachable::Here, Reachable::There) => Route::Upload,
            (Reachable::There, Reachable::Here) => Route::Download,
            (Reachable::There, Reachable::There) => Route::Relay,
            (Reachable::Here, Reachable::Here) => Route::Local,
        }
    }

    /// Why this route, for people.
    pub fn reason(self) -> &'static str {
        match self {
            Route::Upload => "the source is on this machine",
            Route::Download => "the destination is on this machine",
            Route::Relay => "both ends are remote: the data passes through this machine",
            Route::Local => "both ends are on this machine",
        }
    }
}

impl fmt::Display for Route {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Route::Upload => "upload",
            Route::Download => "download",
            Route::Relay => "relay",
            Route::Local => "local",
        })
    }
}
