//! Which names exist, and which addresses does this machine have?
//!
//! Main types: [`Resolver`], [`SystemResolver`]. Only names that are being canonicalised are looked up here; `chain`
//! resolves the name that is dialled.

use std::net::IpAddr;
use std::panic::catch_unwind;

use dns_lookup::{AddrFamily, AddrInfoHints, SockType, getaddrinfo};

use crate::config::host::AddressFamily;

/// `AI_CANONNAME` (RFC 3493 §6.1), the same on every Unix: asks for the canonical name in the first answer.
const AI_CANONNAME: i32 = 2;

/// A source of names and of this machine's addresses.
pub trait Resolver: Send + Sync {
    /// Looks a name up; `None` if it has no address of the family.
    fn look_up(&self, name: &str, family: AddressFamily) -> Option<ResolvedName>;
    /// The addresses of this machine's interfaces that are up.
    fn local_addresses(&self) -> Result<Vec<IpAddr>, String>;
}

/// A name that exists.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ResolvedName {
    /// The name it is an alias of if the resolver says so, otherwise the name itself.
    pub canonical_name: Option<String>,
}

/// The system's resolver and interfaces.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemResolver;

impl Resolver for SystemResolver {
    fn look_up(&self, name: &str, family: AddressFamily) -> Option<ResolvedName> {
        // the wrapper panics on a canonical name that is not UTF-8; ssh ignores such a name
        catch_unwind(|| ask(name, family, AI_CANONNAME)).unwrap_or_else(|_| ask(name, family, 0))
    }

    fn local_addresses(&self) -> Result<Vec<IpAddr>, String> {
        let table = |path: &str| {
            std::fs::read_to_string(path).map_err(|error| format!("the local addresses are not known: {path}: {error}"))
        };
        let mut addresses = local_v4(&table("/proc/net/fib_trie")?);
        addresses.extend(table("/proc/net/if_inet6").map(|table| local_v6(&table)).unwrap_or_default());
        Ok(addresses)
    }
}

fn ask(name: &str, family: AddressFamily, flags: i32) -> Option<ResolvedName> {
    let address = match family {
        AddressFamily::Any => 0,
        AddressFamily::Inet => AddrFamily::Inet.into(),
        AddressFamily::Inet6 => AddrFamily::Inet6.into(),
    };
    let hints = AddrInfoHints { flags, address, socktype: SockType::Stream.into(), protocol: 0 };
    let first = getaddrinfo(Some(name), None, Some(hints)).ok()?.next()?.ok()?;
    Some(ResolvedName { canonical_name: first.canonname })
}

/// The `/32 host LOCAL` entries of Linux's routing trie.
fn local_v4(table: &str) -> Vec<IpAddr> {
    let mut last: Option<IpAddr> = None;
    let mut addresses = Vec::new();
    for line in table.lines() {
        if let Some(address) = line.trim_start().strip_prefix("|-- ") {
            last = address.trim().parse().ok();
        } else if line.trim() == "/32 host LOCAL" {
            addresses.extend(last);
        }
    }
    addresses
}

fn local_v6(table: &str) -> Vec<IpAddr> {
    let digits = |line: &str| u128::from_str_radix(line.split_whitespace().next()?, 16).ok();
    table.lines().filter_map(digits).map(|bits| IpAddr::V6(bits.into())).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn local_addresses_are_read_from_the_kernels_tables() {
        let trie = "  +-- 127.0.0.0/8 2 0 2\n     |-- 127.0.0.1\n        /32 host LOCAL\n     |-- 10.0.0.0\n        /24 link UNICAST\n";
        assert_eq!(local_v4(trie), ["127.0.0.1".parse::<IpAddr>().unwrap()]);
        let v6 = "00000000000000000000000000000001 01 80 10 80       lo\n";
        assert_eq!(local_v6(v6), ["::1".parse::<IpAddr>().unwrap()]);
    }

    #[test]
    fn the_system_knows_this_machine_and_no_invalid_name() {
        assert!(SystemResolver.look_up("localhost", AddressFamily::Any).is_some());
        assert_eq!(SystemResolver.look_up("no-such-host.invalid", AddressFamily::Any), None);
    }
}
