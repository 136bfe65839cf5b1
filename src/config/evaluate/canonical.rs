//! What is the host's full name? Addresses are put into their usual form; short names get a domain if the configuration
//! asks for it (`resolve_canonicalize` in OpenSSH's `ssh.c`).
//!
//! Main function: [`canonicalise`]. Names are looked up only under `CanonicalizeHostname`, or if
//! `CanonicalizePermittedCNAMEs` has rules: then, as with ssh, the name must exist even if no rule applies to it.

use std::net::Ipv4Addr;

use super::resolver::{ResolvedName, Resolver};
use super::settings::Settings;
use crate::config::error::ConfigError;
use crate::config::host::AddressFamily;
use crate::config::values::keywords::Keyword;
use crate::wildcard::{ListMatch, match_list};

/// Whether the name can only be an address.
pub fn is_address(name: &str) -> bool {
    looks_like_address(name) || old_v4(name).is_some()
}

fn looks_like_address(name: &str) -> bool {
    name.contains(['%', ':']) || name.bytes().all(|b| b.is_ascii_digit() || b == b'.')
}

/// The name to dial and to look up in known_hosts.
pub fn canonicalise(names: &dyn Resolver, settings: &Settings, host: String) -> Result<String, ConfigError> {
    if let Some(address) = usual_form(&host, settings.word(Keyword::AddressFamily)) {
        return Ok(if address.eq_ignore_ascii_case(&host) { host } else { address });
    }
    let canonicaliser = Canonicaliser { names, settings };
    let (direct, mode) = (canonicaliser.is_direct(), settings.word(Keyword::CanonicalizeHostname));
    // a proxy resolves the name itself, unless the user says otherwise
    if host.is_empty() || (mode != "always" && !direct) {
        return Ok(host);
    }
    let wanted = !matches!(mode, "" | "false");
    if wanted && !looks_like_address(&host) {
        if let Some((full, found)) = canonicaliser.full_name(&host) {
            return Ok(canonicaliser.permitted_alias(&full, found).unwrap_or(full));
        }
        if settings.word(Keyword::CanonicalizeFallbackLocal) == "no" && canonicaliser.was_tried(&host) {
            return Err(ConfigError::NotCanonical { host });
        }
    }
    if !canonicaliser.has_rules() {
        return Ok(host);
    }
    match canonicaliser.look_up(&host) {
        Some(found) if wanted => Ok(canonicaliser.permitted_alias(&host, found).unwrap_or(host)),
        None if direct => Err(ConfigError::NoSuchHost { host }),
        _ => Ok(host),
    }
}

/// The resolver to ask, and the settings that govern it.
struct Canonicaliser<'a> {
    names: &'a dyn Resolver,
    settings: &'a Settings,
}

impl Canonicaliser<'_> {
    /// Whether the host is dialled directly: no `ProxyCommand` and no `ProxyJump`.
    fn is_direct(&self) -> bool {
        let command = self.settings.word(Keyword::ProxyCommand);
        let commanded = !(command.is_empty() || command.eq_ignore_ascii_case("none"));
        !commanded && self.settings.all(Keyword::ProxyJump).is_empty()
    }

    fn look_up(&self, name: &str) -> Option<ResolvedName> {
        let family = match self.settings.word(Keyword::AddressFamily) {
            "inet" => AddressFamily::Inet,
            "inet6" => AddressFamily::Inet6,
            _ => AddressFamily::Any,
        };
        self.names.look_up(name, family)
    }

    /// The first name that exists: the host itself if it ends in a dot, else the host with each domain in turn.
    fn full_name(&self, host: &str) -> Option<(String, ResolvedName)> {
        if let Some(full) = host.strip_suffix('.') {
            return self.look_up(host).map(|found| (full.to_owned(), found));
        }
        if !self.was_tried(host) {
            return None;
        }
        let domains = self.settings.all(Keyword::CanonicalDomains).iter().map(|domain| &domain.word);
        domains.take_while(|domain| !domain.eq_ignore_ascii_case("none")).find_map(|domain| {
            let full = format!("{host}.{domain}");
            self.look_up(&format!("{full}.")).map(|found| (full, found))
        })
    }

    /// Whether the domains are tried for this name, or it ends in a dot and stands for itself.
    fn was_tried(&self, host: &str) -> bool {
        let most = self.settings.word(Keyword::CanonicalizeMaxDots).parse().unwrap_or(1);
        host.ends_with('.') || host.matches('.').count() <= most
    }

    fn rules(&self) -> impl Iterator<Item = (&str, &str)> {
        let rules = self.settings.all(Keyword::CanonicalizePermittedCNAMEs).iter();
        rules.filter_map(|rule| rule.word.split_once(':'))
    }

    fn has_rules(&self) -> bool {
        self.rules().next().is_some()
    }

    /// The name that `full` is an alias of, if a rule permits following it.
    fn permitted_alias(&self, full: &str, found: ResolvedName) -> Option<String> {
        let alias = found.canonical_name.filter(|name| crate::config::values::readers::is_domain(name))?;
        let target = alias.strip_suffix('.').unwrap_or(&alias);
        // the rules are in lowercase, so a name that the resolver returns in capitals matches none of them
        let listed = |name: &str, list: &str| match_list(name, list) == ListMatch::Match;
        let follows = target != full && self.rules().any(|(from, to)| listed(full, from) && listed(target, to));
        follows.then(|| target.to_owned())
    }
}

/// An address as `getnameinfo` prints it; `None` for a name, or for an address of the other family.
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
    use std::net::IpAddr;

    use super::*;
    use crate::config::origin::SetBy;
    use proptest::prelude::*;

    struct Zone(&'static [(&'static str, Option<&'static str>)]);

    impl Resolver for Zone {
        fn look_up(&self, name: &str, _: AddressFamily) -> Option<ResolvedName> {
            let (_, alias) = self.0.iter().find(|(known, _)| *known == name)?;
            Some(ResolvedName { canonical_name: alias.map(str::to_owned) })
        }

        fn local_addresses(&self) -> Result<Vec<IpAddr>, String> {
            Ok(Vec::new())
        }
    }

    const ZONE: Zone = Zone(&[
        ("db.b.example.", None),
        ("www.a.example.", Some("farm.cdn.example")),
        ("x.y.", None),
        ("out", Some("farm.cdn.example")),
    ]);

    fn canonical(host: &str, extra: &[(Keyword, &str)]) -> Result<String, ConfigError> {
        let mut settings = Settings::default();
        for &(keyword, word) in extra {
            settings.fill(keyword, &[word.to_owned()], SetBy::BuiltIn);
        }
        let domains = ["a.example".to_owned(), "b.example".to_owned()];
        settings.fill(Keyword::CanonicalDomains, &domains, SetBy::BuiltIn);
        settings.fill(Keyword::CanonicalizeHostname, &["true".to_owned()], SetBy::BuiltIn);
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
    fn rules_are_applied_to_the_bare_name_where_no_domain_knows_it() {
        let rule = (Keyword::CanonicalizePermittedCNAMEs, "*:*.cdn.example");
        assert_eq!(canonical("out", &[]).unwrap(), "out");
        assert_eq!(canonical("out", &[rule]).unwrap(), "farm.cdn.example");
        assert_eq!(canonical("out", &[rule, (Keyword::CanonicalizeHostname, "false")]).unwrap(), "out");
        assert_eq!(canonical("nowhere", &[rule, (Keyword::ProxyJump, "bastion")]).unwrap(), "nowhere");
        let always = [rule, (Keyword::ProxyJump, "bastion"), (Keyword::CanonicalizeHostname, "always")];
        assert_eq!(canonical("nowhere", &always).unwrap(), "nowhere");
        assert_eq!(canonical("out", &always).unwrap(), "farm.cdn.example");
        for mode in ["true", "false"] {
            let refused = canonical("nowhere", &[rule, (Keyword::CanonicalizeHostname, mode)]);
            assert!(matches!(refused, Err(ConfigError::NoSuchHost { .. })), "{mode}: {refused:?}");
        }
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
