//! Which hop failed, and how was it resolved?
//!
//! Main type: [`HopDescription`].

use super::explanation::Explanation;
use crate::chain::ChainError;
use crate::config::Host;
use crate::config::host::Proxy;

/// The hop that failed.
pub struct HopDescription<'a> {
    /// Its alias.
    pub name: &'a str,
    /// The hop it is reached through, if any.
    pub before: Option<&'a str>,
    /// The resolved host name or address.
    pub address: String,
    pub port: u16,
    pub user: String,
    /// The value of AddressFamily and its origin.
    pub family: Option<String>,
    /// The ProxyCommand that dials it, if any.
    pub command: Option<String>,
    /// The first text that its peer sent.
    pub said: Option<String>,
}

impl<'a> HopDescription<'a> {
    pub fn of(error: &'a ChainError, identification: Option<&[u8]>, ways: &[Vec<Host>]) -> HopDescription<'a> {
        let trail = &error.trail.0;
        let passes = |way: &&Vec<Host>| way.iter().map(|host| &host.alias).zip(trail).all(|(one, other)| one == other);
        let way = ways.iter().filter(|way| way.len() >= trail.len()).find(passes);
        let host = way.and_then(|way| way.get(trail.len().checked_sub(1)?));
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).chars().take(80).collect();
        HopDescription {
            name: error.trail.end(),
            before: trail.len().checked_sub(2).map(|at| trail[at].as_str()),
            address: host.map_or(error.trail.end().to_owned(), |host| host.hostname.value.clone()),
            port: host.map_or(22, |host| host.port.value),
            user: host.map(|host| host.user.value.clone()).unwrap_or_default(),
            family: host.map(|host| host.address_family.origin.to_string()),
            command: host.and_then(|host| match &host.proxy.value {
                Proxy::Command { line, .. } => Some(line.clone()),
                Proxy::None => None,
            }),
            said: identification.map(text),
        }
    }

    /// The host that dials it.
    pub fn dialler(&self) -> &str {
        self.before.unwrap_or("this machine")
    }
}

/// An explanation with one cause, for which the hints are those given everywhere.
pub fn with(meaning: String, what: &str, hints: Vec<String>) -> Explanation {
    Explanation::of(meaning).or(what, hints)
}
