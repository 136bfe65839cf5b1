//! What is the host's full name? Addresses get their usual form, and short names a domain where the configuration asks
//! for it (`resolve_canonicalize` in OpenSSH's `ssh.c`).
//!
//! Main types: [`Names`], [`SystemNames`]. A name is looked up only under `CanonicalizeHostname`. The system's resolver
//! tells no CNAME, so `CanonicalizePermittedCNAMEs` has an effect only where `Names` does.

use std::net::{IpAddr, Ipv4Addr, ToSocketAddrs};

use super::error::ConfigError;
use super::keywords::Keyword;
use super::matching::{Verdict, match_list_ignoring_case};
use super::settings::Settings;

/// Who knows which names exist, and where this machine is.
pub trait Names: Send + Sync {
    /// Looks a name up; `None` where it has no address.
    fn look_up(&self, name: &str) -> Option<Found>;
    /// The addresses of this machine's interfaces that are up.
    fn local_addresses(&self) -> Result<Vec<IpAddr>, String>;
}

/// A name that exists.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Found {
    /// The name it is an alias of, where the resolver says so.
    pub canonical_name: Option<String>,
}

/// The system's resolver and interfaces.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemNames;

impl Names for SystemNames {
    fn look_up(&self, name: &str) -> Option<Found> {
        (name, 0).to_socket_addrs().ok()?.next().map(|_| Found::default())
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

/// Can the name only be an address?
pub fn is_address(name: &str) -> bool {
    looks_like_address(name) || old_v4(name).is_some()
}

fn looks_like_address(name: &str) -> bool {
    name.contains(['%', ':']) || name.bytes().all(|b| b.is_ascii_digit() || b == b'.')
}

/// The name to dial and to look up in known_hosts.
pub fn canonicalise(names: &dyn Names, settings: &Settings, host: String) -> Result<String, ConfigError> {
    if let Some(address) = usual_form(&host, settings.word(Keyword::AddressFamily)) {
        return Ok(if address.eq_ignore_ascii_case(&host) { host } else { address });
    }
    let mode = settings.word(Keyword::CanonicalizeHostname);
    if looks_like_address(&host) || host.is_empty() || matches!(mode, "" | "false") {
        return Ok(host);
    }
    let command = settings.word(Keyword::ProxyCommand);
    let proxied =
        !settings.all(Keyword::ProxyJump).is_empty() || !(command.is_empty() || command.eq_ignore_ascii_case("none"));
    if mode != "always" && proxied {
        return Ok(host);
    }
    let Some((full, found)) = full_name(names, settings, &host) else {
        let fallback = settings.word(Keyword::CanonicalizeFallbackLocal) != "no";
        let dots = host.matches('.').count();
        let tried = host.ends_with('.') || dots <= most_dots(settings);
        return if fallback || !tried { Ok(host) } else { Err(ConfigError::NotCanonical { host }) };
    };
    Ok(permitted_alias(settings, &full, found).unwrap_or(full))
}

/// The first name that exists: the host itself where it ends in a dot, else with each domain in turn.
fn full_name(names: &dyn Names, settings: &Settings, host: &str) -> Option<(String, Found)> {
    if let Some(full) = host.strip_suffix('.') {
        return names.look_up(host).map(|found| (full.to_owned(), found));
    }
    if host.matches('.').count() > most_dots(settings) {
        return None;
    }
    let domains = settings.all(Keyword::CanonicalDomains).iter().map(|domain| &domain.word);
    domains.take_while(|domain| !domain.eq_ignore_ascii_case("none")).find_map(|domain| {
        let full = format!("{host}.{domain}");
        names.look_up(&format!("{full}.")).map(|found| (full, found))
    })
}

fn most_dots(settings: &Settings) -> usize {
    settings.word(Keyword::CanonicalizeMaxDots).parse().unwrap_or(1)
}

/// The name `full` is an alias of, where a rule permits to follow it.
fn permitted_alias(settings: &Settings, full: &str, found: Found) -> Option<String> {
    let target = found.canonical_name.filter(|name| name != full && super::values::is_domain(name))?;
    let permits = |rule: &str| {
        let (sources, targets) = rule.split_once(':').unwrap_or(("", ""));
        let listed = |name: &str, list: &str| match_list_ignoring_case(name, list) == Verdict::Match;
        listed(full, sources) && listed(&target, targets)
    };
    let rules = settings.all(Keyword::CanonicalizePermittedCNAMEs);
    rules.iter().any(|rule| permits(&rule.word)).then_some(target)
}

/// An address as `getnameinfo` prints it; `None` for a name, or an address of the other family.
fn usual_form(host: &str, family: &str) -> Option<String> {
    if let Some(address) = old_v4(host) {
        return (family != "inet6").then(|| address.to_string());
    }
    let (address, zone) = host.split_once('%').map_or((host, None), |(address, zone)| (address, Some(zone)));
    let address: std::net::Ipv6Addr = address.parse().ok().filter(|_| family != "inet")?;
    Some(match zone {
        None => address.to_string(),
        Some(zone) => format!("{address}%{zone}"),
    })
}

/// An IPv4 address in any form `inet_aton` takes: `127.1`, `0x7f.1`, `2130706433`.
fn old_v4(text: &str) -> Option<Ipv4Addr> {
    let parts: Vec<u32> = text.split('.').map(old_number).collect::<Option<_>>()?;
    let (last, leading) = parts.split_last()?;
    if leading.len() > 3 || leading.iter().any(|&part| part > 255) {
        return None;
    }
    let width = 32 - 8 * u32::try_from(leading.len()).ok()?;
    let bits = leading.iter().fold(0u64, |bits, &part| (bits << 8) | u64::from(part)) << width;
    (u64::from(*last) < 1u64 << width)
        .then(|| u32::try_from(bits | u64::from(*last)).map(Ipv4Addr::from).ok())
        .flatten()
}

fn old_number(text: &str) -> Option<u32> {
    let lower = text.to_ascii_lowercase();
    let (digits, radix) = match (lower.strip_prefix("0x"), lower.strip_prefix('0')) {
        (Some(digits), _) => (digits, 16),
        (_, Some(digits)) if !digits.is_empty() => (digits, 8),
        _ => (lower.as_str(), 10),
    };
    if digits.starts_with(['+', '-']) { None } else { u32::from_str_radix(digits, radix).ok() }
}

#[cfg(test)]
mod tests {
    use super::super::settings::Place;
    use super::*;
    use proptest::prelude::*;

    struct Zone(&'static [(&'static str, Option<&'static str>)]);

    impl Names for Zone {
        fn look_up(&self, name: &str) -> Option<Found> {
            let (_, alias) = self.0.iter().find(|(known, _)| *known == name)?;
            Some(Found { canonical_name: alias.map(str::to_owned) })
        }

        fn local_addresses(&self) -> Result<Vec<IpAddr>, String> {
            Ok(Vec::new())
        }
    }

    const ZONE: Zone = Zone(&[("db.b.example.", None), ("www.a.example.", Some("farm.cdn.example")), ("x.y.", None)]);

    fn canonical(host: &str, extra: &[(Keyword, &str)]) -> Result<String, ConfigError> {
        let mut settings = Settings::default();
        for &(keyword, word) in extra {
            settings.fill(keyword, &[word.to_owned()], Place::BuiltIn);
        }
        let domains = ["a.example".to_owned(), "b.example".to_owned()];
        settings.fill(Keyword::CanonicalDomains, &domains, Place::BuiltIn);
        settings.fill(Keyword::CanonicalizeHostname, &["true".to_owned()], Place::BuiltIn);
        canonicalise(&ZONE, &settings, host.to_owned())
    }

    #[test]
    fn short_names_get_the_first_domain_that_knows_them() {
        assert_eq!(canonical("db", &[]).unwrap(), "db.b.example");
        assert_eq!(canonical("x.y.", &[]).unwrap(), "x.y");
        assert_eq!(canonical("nowhere", &[]).unwrap(), "nowhere");
        assert_eq!(canonical("a.b.c", &[(Keyword::CanonicalizeFallbackLocal, "no")]).unwrap(), "a.b.c");
        assert!(canonical("nowhere", &[(Keyword::CanonicalizeFallbackLocal, "no")]).is_err());
    }

    #[test]
    fn proxied_names_are_left_alone_unless_always() {
        assert_eq!(canonical("db", &[(Keyword::ProxyJump, "bastion")]).unwrap(), "db");
        assert_eq!(canonical("db", &[(Keyword::ProxyCommand, "none")]).unwrap(), "db.b.example");
        let always = [(Keyword::ProxyJump, "bastion"), (Keyword::CanonicalizeHostname, "always")];
        assert_eq!(canonical("db", &always).unwrap(), "db.b.example");
    }

    #[test]
    fn aliases_are_followed_where_a_rule_permits() {
        assert_eq!(canonical("www", &[]).unwrap(), "www.a.example");
        let rule = |rule| canonical("www", &[(Keyword::CanonicalizePermittedCNAMEs, rule)]).unwrap();
        assert_eq!(rule("*.a.example:*.cdn.example"), "farm.cdn.example");
        assert_eq!(rule("*.b.example:*.cdn.example"), "www.a.example");
        assert_eq!(rule("none"), "www.a.example");
    }

    #[test]
    fn addresses_get_their_usual_form() {
        let form = |host| canonical(host, &[]).unwrap();
        assert_eq!(form("127.1"), "127.0.0.1");
        assert_eq!(form("0x7f.0.0.1"), "127.0.0.1");
        assert_eq!(form("::0:1"), "::1");
        assert_eq!(form("300.1.1.1"), "300.1.1.1");
        assert_eq!(canonical("::0:1", &[(Keyword::AddressFamily, "inet")]).unwrap(), "::0:1");
    }

    #[test]
    fn local_addresses_are_read_from_the_kernels_tables() {
        let trie = "  +-- 127.0.0.0/8 2 0 2\n     |-- 127.0.0.1\n        /32 host LOCAL\n     |-- 10.0.0.0\n        /24 link UNICAST\n";
        assert_eq!(local_v4(trie), ["127.0.0.1".parse::<IpAddr>().unwrap()]);
        let v6 = "00000000000000000000000000000001 01 80 10 80       lo\n";
        assert_eq!(local_v6(v6), ["::1".parse::<IpAddr>().unwrap()]);
    }

    proptest! {
        #[test]
        fn no_name_panics(name in "[0-9a-fx.:%]{0,24}") {
            let _ = canonical(&name, &[]);
        }

        #[test]
        fn plain_addresses_are_unchanged(bits: u32) {
            let address = Ipv4Addr::from(bits).to_string();
            prop_assert_eq!(old_v4(&address).map(|address| address.to_string()), Some(address));
        }
    }
}
