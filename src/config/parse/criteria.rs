//! Does a block apply? `Host` lines and `Match` criteria are parsed once and cheap to test.
//!
//! Main types: [`HostPatterns`], [`Criterion`]. The criteria are those of `match_cfg_line` in `readconf.c`, with the
//! ones that came after 9.2. No command runs here: `exec` is left to the evaluation.

use std::net::IpAddr;

use crate::config::lines::next_delimited;
use crate::wildcard::match_pattern;

/// The patterns of a `Host` line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HostPatterns(Vec<String>);

impl HostPatterns {
    /// Takes the words of the line, none of which may be empty.
    pub fn new(words: Vec<String>) -> Result<HostPatterns, String> {
        match words.iter().any(String::is_empty) {
            true => Err("an empty pattern".to_owned()),
            false => Ok(HostPatterns(words)),
        }
    }

    /// The patterns that are not negated.
    pub fn wanted(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(String::as_str).filter(|pattern| !pattern.starts_with('!'))
    }

    /// Whether the block applies to `host`. As with ssh, case matters.
    pub fn apply_to(&self, host: &str) -> bool {
        let mut applies = false;
        for pattern in &self.0 {
            match pattern.strip_prefix('!') {
                Some(negated) if match_pattern(host, negated) => return false,
                None if match_pattern(host, pattern) => applies = true,
                _ => {}
            }
        }
        applies
    }
}

/// One criterion of a `Match` line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Criterion {
    /// Whether a `!` precedes it.
    pub negated: bool,
    /// The test itself.
    pub test: Test,
}

/// The test of a criterion.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Test {
    /// `all`.
    All,
    /// `canonical`: whether this is the second pass.
    Canonical,
    /// `final`: the same, and it asks for a second pass.
    Final,
    /// `host`: the name after `Hostname` and canonicalisation.
    Host(String),
    /// `originalhost`: the name as typed.
    OriginalHost(String),
    /// `user`: the user to log in as.
    User(String),
    /// `localuser`: the local user.
    LocalUser(String),
    /// `localnetwork`: whether one of this machine's addresses is in one of the networks.
    LocalNetwork(CidrList),
    /// `tagged`: the value of `Tag`.
    Tagged(String),
    /// `command`: the command or subsystem asked for.
    Command(String),
    /// `sessiontype`: `shell`, `exec`, `subsystem` or `none`.
    SessionType(String),
    /// `version`: the version of the client.
    Version(String),
    /// `exec`: a command, tokens not yet expanded.
    Exec(String),
}

/// Parses the text after `Match`.
pub fn parse_criteria(rest: &str) -> Result<Vec<Criterion>, String> {
    let mut rest = Some(rest);
    let mut criteria = Vec::new();
    while let Some(word) = next_delimited(&mut rest).filter(|word| !word.is_empty()) {
        if word.starts_with('#') {
            rest = None;
            break;
        }
        let (negated, name) = word.strip_prefix('!').map_or((false, word.as_str()), |name| (true, name));
        if name.eq_ignore_ascii_case("all") {
            let after = next_delimited(&mut rest).unwrap_or_default();
            if criteria.len() > 1 || !(after.is_empty() || after.starts_with('#')) {
                return Err("`all` cannot be combined with other Match criteria".to_owned());
            }
            criteria.push(Criterion { negated, test: Test::All });
            return Ok(criteria);
        }
        criteria.push(Criterion { negated, test: parse_test(name, &mut rest)? });
    }
    match (criteria.is_empty(), rest.unwrap_or("").is_empty()) {
        (true, _) => Err("Match needs at least one criterion".to_owned()),
        (_, false) => Err("extra arguments at the end of the line".to_owned()),
        _ => Ok(criteria),
    }
}

fn parse_test(name: &str, rest: &mut Option<&str>) -> Result<Test, String> {
    let name = name.to_ascii_lowercase();
    match name.as_str() {
        "canonical" => return Ok(Test::Canonical),
        "final" => return Ok(Test::Final),
        _ => {}
    }
    let argument = next_delimited(rest).filter(|word| !word.starts_with('#'));
    let may_be_empty = matches!(name.as_str(), "tagged" | "command");
    let argument = argument.filter(|word| may_be_empty || !word.is_empty());
    let argument = argument.ok_or_else(|| format!("missing argument for Match criterion `{name}`"))?;
    Ok(match name.as_str() {
        "host" => Test::Host(argument.to_ascii_lowercase()),
        "originalhost" => Test::OriginalHost(argument.to_ascii_lowercase()),
        "user" => Test::User(argument),
        "localuser" => Test::LocalUser(argument),
        "localnetwork" => Test::LocalNetwork(CidrList::parse(&argument)?),
        "tagged" => Test::Tagged(argument),
        "command" => Test::Command(argument),
        "sessiontype" => Test::SessionType(argument),
        "version" => Test::Version(argument),
        "exec" => Test::Exec(argument),
        _ => return Err(format!("unsupported Match criterion `{name}`")),
    })
}

/// Networks in CIDR form, some negated by `!`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CidrList(Vec<CidrPattern>);

#[derive(Debug, Clone, PartialEq, Eq)]
struct CidrPattern {
    negated: bool,
    address: IpAddr,
    bits: u32,
}

impl CidrList {
    /// Parses `10.0.0.0/8,!10.1.0.0/16,fe80::/10`; a bare address is a network of one.
    pub fn parse(list: &str) -> Result<CidrList, String> {
        list.split(',')
            .map(CidrPattern::parse)
            .collect::<Option<_>>()
            .map(CidrList)
            .ok_or_else(|| format!("`{list}` is no list of networks in CIDR form"))
    }

    /// Whether one of `addresses` is in one of the networks and in no negated one.
    pub fn hold_one_of(&self, addresses: &[IpAddr]) -> bool {
        addresses.iter().any(|address| {
            let holding = |negated| self.0.iter().any(|net| net.negated == negated && net.holds(*address));
            holding(false) && !holding(true)
        })
    }
}

impl CidrPattern {
    fn parse(text: &str) -> Option<CidrPattern> {
        let (negated, text) = text.strip_prefix('!').map_or((false, text), |text| (true, text));
        let (address, bits) = text.split_once('/').map_or((text, None), |(address, bits)| (address, Some(bits)));
        let address: IpAddr = address.parse().ok()?;
        let most = if address.is_ipv4() { 32 } else { 128 };
        let bits = bits.map_or(Some(most), |bits| bits.parse().ok().filter(|&bits| bits <= most))?;
        let network = CidrPattern { negated, address, bits };
        // OpenSSH refuses a network with bits set beyond its prefix length
        (network.prefix(address) == as_bits(address)).then_some(network)
    }

    fn holds(&self, address: IpAddr) -> bool {
        self.address.is_ipv4() == address.is_ipv4() && self.prefix(address) == as_bits(self.address)
    }

    /// The first `bits` bits of an address of the same family, the others zero.
    fn prefix(&self, address: IpAddr) -> u128 {
        let width = if address.is_ipv4() { 32 } else { 128 };
        let beyond = width - self.bits;
        let kept = as_bits(address).checked_shr(beyond).unwrap_or(0);
        kept.checked_shl(beyond).unwrap_or(0)
    }
}

fn as_bits(address: IpAddr) -> u128 {
    match address {
        IpAddr::V4(v4) => u128::from(v4.to_bits()),
        IpAddr::V6(v6) => v6.to_bits(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_negated_pattern_wins() {
        let host = |words: &[&str]| HostPatterns::new(words.iter().map(|&word| word.into()).collect()).unwrap();
        assert!(host(&["*", "!no"]).apply_to("yes"));
        assert!(!host(&["*", "!no"]).apply_to("no"));
        assert!(!host(&["!no"]).apply_to("yes"));
    }

    #[test]
    fn criteria_are_read_and_refused() {
        let tests = |text| parse_criteria(text).map(|list| list.into_iter().map(|c| (c.negated, c.test)).collect());
        let expected = vec![(false, Test::Host("a,b".into())), (true, Test::User("me".into()))];
        assert_eq!(tests("host A,b !user me # comment"), Ok(expected));
        assert_eq!(tests("exec \"test -f x\""), Ok(vec![(false, Test::Exec("test -f x".into()))]));
        assert_eq!(tests("host=x"), Ok(vec![(false, Test::Host("x".into()))]));
        assert_eq!(tests("canonical all"), Ok(vec![(false, Test::Canonical), (false, Test::All)]));
        for bad in ["", "all host x", "host", "nonsense x", "host # x", "localnetwork 10.0.0.1/8"] {
            assert!(parse_criteria(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn networks_hold_addresses() {
        let nets = CidrList::parse("10.0.0.0/8,!10.1.0.0/16,fe80::/10,0.0.0.0/0").unwrap();
        let holds = |text: &str| nets.hold_one_of(&[text.parse().unwrap()]);
        assert!(holds("10.2.0.1") && holds("fe80::1") && holds("8.8.8.8"));
        assert!(!holds("10.1.0.1") && !holds("::1"));
    }

    proptest! {
        #[test]
        fn no_text_makes_the_criteria_panic(text in ".{0,60}") {
            let _ = parse_criteria(&text);
            let _ = CidrList::parse(&text);
        }
    }
}
