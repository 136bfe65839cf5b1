//! Which hop failed, and how was it resolved?
//!
//! Main type: [`FailedHop`].

use crate::chain::Trail;
use crate::config::Host;

/// The hop that failed, as it was resolved.
pub struct FailedHop<'a> {
    /// Its resolved configuration, if one of the ways has it.
    pub host: Option<&'a Host>,
    /// The target of the way.
    pub target: &'a str,
    /// Whether it is dialled from here, so that ssh-keyscan reaches it too.
    pub is_first: bool,
}

impl<'a> FailedHop<'a> {
    /// The hop at the end of `trail`, looked up in `ways`.
    pub fn of(trail: &'a Trail, ways: &'a [Vec<Host>]) -> FailedHop<'a> {
        let passes =
            |way: &&Vec<Host>| way.iter().map(|host| &host.alias).zip(&trail.0).all(|(one, other)| one == other);
        let way = ways.iter().filter(|way| way.len() >= trail.0.len()).find(passes);
        FailedHop {
            host: way.and_then(|way| way.get(trail.0.len().checked_sub(1)?)),
            target: way.and_then(|way| way.last()).map_or(trail.end(), |host| &host.alias),
            is_first: trail.0.len() == 1,
        }
    }
}
