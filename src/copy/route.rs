//! Which way does the data go, and why? [`Route`] and [`choose`], pure: from the two ends, what the user asked for, and
//! what was found out about the two hosts. [`Direction`] says which host logs in at the other.

use std::fmt;

/// The way the data goes, for the plan, the summary, JSON and tests.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Route {
    /// From this machine to a host.
    Upload,
    /// From a host to this machine.
    Download,
    /// From host to host, through this machine, without a temporary file.
    Relay,
    /// Straight from host to host.
    Direct,
    /// Within this machine.
    Local,
}

/// Which route the user wants between two hosts.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum RoutePreference {
    /// Direct where that is possible and proven safe, else relay.
    #[default]
    Auto,
    /// Through this machine.
    Relay,
    /// Direct, or no copy at all.
    Direct,
}

/// Which of two hosts logs in at the other for a direct copy.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Direction {
    /// The source, which sends.
    Push,
    /// The destination, which fetches.
    Pull,
}

/// Where one end of a copy is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reachable {
    /// On this machine.
    Here,
    /// On a host.
    There,
}

/// What keeps hosts from copying directly.
pub trait Hindrance: fmt::Display {
    /// Whether a relay may be used instead without asking: never after a signature was misused.
    fn may_relay(&self) -> bool;
}

/// A route, the reason for it, and what a direct copy needs.
#[derive(Debug, PartialEq, Eq)]
pub struct Decision<T> {
    /// The route.
    pub route: Route,
    /// The reason, for people.
    pub reason: String,
    /// What a direct copy needs.
    pub means: Option<T>,
}

impl Route {
    /// The route between two ends while nothing is known about a direct copy.
    pub fn between(source: Reachable, destination: Reachable) -> Route {
        match (source, destination) {
            (Reachable::Here, Reachable::There) => Route::Upload,
            (Reachable::There, Reachable::Here) => Route::Download,
            (Reachable::There, Reachable::There) => Route::Relay,
            (Reachable::Here, Reachable::Here) => Route::Local,
        }
    }

    /// The reason for this route, for people, where nothing else was found out.
    pub fn reason(self) -> &'static str {
        match self {
            Route::Upload => "the source is on this machine",
            Route::Download => "the destination is on this machine",
            Route::Relay => "both ends are remote: the data passes through this machine",
            Route::Direct => "from host to host",
            Route::Local => "both ends are on this machine",
        }
    }

    /// The decision where nothing has to be found out.
    pub fn decided<T>(self) -> Decision<T> {
        Decision { route: self, reason: self.reason().to_owned(), means: None }
    }
}

/// Decides on the route between two hosts. `found` is what a direct copy needs and its description, or what keeps the
/// hosts from one.
///
/// # Errors
/// What keeps the hosts from copying directly, when the user does not want a relay, or it is not allowed.
pub fn choose<T, E: Hindrance>(wanted: RoutePreference, found: Result<(T, String), E>) -> Result<Decision<T>, E> {
    match (wanted, found) {
        (RoutePreference::Relay, _) => Ok(Route::Relay.decided()),
        (_, Ok((means, reason))) => Ok(Decision { route: Route::Direct, reason, means: Some(means) }),
        (RoutePreference::Auto, Err(hindrance)) if hindrance.may_relay() => {
            Ok(Decision { route: Route::Relay, reason: hindrance.to_string(), means: None })
        }
        (_, Err(hindrance)) => Err(hindrance),
    }
}

impl fmt::Display for Route {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Route::Upload => "upload",
            Route::Download => "download",
            Route::Relay => "relay",
            Route::Direct => "direct",
            Route::Local => "local",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, PartialEq, Eq)]
    enum Wall {
        Low,
        High,
    }

    impl fmt::Display for Wall {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("a wall")
        }
    }

    impl Hindrance for Wall {
        fn may_relay(&self) -> bool {
            *self == Wall::Low
        }
    }

    #[test]
    fn direct_where_it_can_be_had_else_relay_and_never_after_a_misuse() {
        let open = || Ok(((), "tier A".to_owned()));
        let way = |wanted, found| choose(wanted, found).map(|decided| (decided.route, decided.reason));
        let direct = Ok((Route::Direct, "tier A".to_owned()));
        assert_eq!(way(RoutePreference::Auto, open()), direct);
        assert_eq!(way(RoutePreference::Direct, open()), direct);
        assert_eq!(way(RoutePreference::Relay, open()).unwrap().0, Route::Relay);
        assert_eq!(way(RoutePreference::Auto, Err(Wall::Low)), Ok((Route::Relay, "a wall".to_owned())));
        assert_eq!(way(RoutePreference::Auto, Err(Wall::High)), Err(Wall::High));
        assert_eq!(way(RoutePreference::Direct, Err(Wall::Low)), Err(Wall::Low));
        assert_eq!(way(RoutePreference::Relay, Err(Wall::High)).unwrap().0, Route::Relay);
    }
}
