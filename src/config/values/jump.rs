//! Which host does a `ProxyJump` name? One jump of the list is parsed here.
//!
//! Main type: [`Jump`]. The syntax is `[user@]host[:port]` or `ssh://[user@]host[:port]` (`parse_jump` in `readconf.c`,
//! `parse_user_host_port` in `misc.c`). The order of the hops and loops among them are handled in `jump_chain.rs`.

use crate::target::{self, HostSpec};

use super::numbers::port_number;

/// One jump as written; its parts are not yet vetted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Jump {
    user: Option<String>,
    host: String,
    port: Option<u16>,
}

/// Checks that OpenSSH would accept `text` as a jump.
pub fn check(text: &str) -> Result<(), String> {
    Jump::parse(text).map(|_| ())
}

impl Jump {
    /// Parses a jump.
    pub fn parse(text: &str) -> Result<Jump, String> {
        if text.starts_with("ssh://") {
            let spec = target::parse_jump(text).map_err(|error| error.to_string())?;
            return Ok(Jump { user: spec.user, host: spec.host, port: spec.port });
        }
        let bad = || format!("invalid jump `{text}`");
        let (user, rest) = text.rsplit_once('@').map_or((None, text), |(user, rest)| (Some(user), rest));
        let (host, port) = split_host(rest).ok_or_else(bad)?;
        let port = port.filter(|port| !port.is_empty());
        let port = port.map(|port| port_number(port).filter(|&port| port > 0).ok_or_else(bad)).transpose()?;
        match host.is_empty() || host.contains('/') || user == Some("") {
            true => Err(bad()),
            false => Ok(Jump { user: user.map(str::to_owned), host: host.to_owned(), port }),
        }
    }

    /// The jump as a host to reach, vetted like the command line.
    pub fn vetted(self) -> Result<HostSpec, String> {
        let Jump { user, host, port } = self;
        target::vet_host(&host).map_err(|why| format!("jump `{host}`: {why}"))?;
        if let Some(user) = &user {
            target::vet_user(user).map_err(|why| format!("jump `{user}@{host}`: {why}"))?;
        }
        Ok(HostSpec { user, host, port })
    }

    /// The host's name.
    pub fn host(&self) -> &str {
        &self.host
    }

    /// The jump as `ssh -G` prints it: addresses in brackets.
    pub fn printed(&self) -> String {
        let user = self.user.as_ref().map_or(String::new(), |user| format!("{user}@"));
        let numeric = self.host.contains(':') || self.host.bytes().all(|b| b.is_ascii_digit() || b == b'.');
        let host = if numeric { format!("[{}]", self.host) } else { self.host.clone() };
        let port = self.port.map_or(String::new(), |port| format!(":{port}"));
        [user, host, port].concat()
    }
}

/// Splits `host`, `host:port` or `[address]:port` and removes the brackets (`hpdelim` in misc.c).
pub fn split_host(text: &str) -> Option<(&str, Option<&str>)> {
    let end = match text.starts_with('[') {
        true => text.find(']')? + 1,
        false => text.find(':').unwrap_or(text.len()),
    };
    let (host, after) = text.split_at(end);
    let host = host.strip_prefix('[').and_then(|inner| inner.strip_suffix(']')).unwrap_or(host);
    match after.strip_prefix(':') {
        Some(port) => Some((host, Some(port))),
        None => after.is_empty().then_some((host, None)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn jumps_are_taken_apart() {
        let printed = |text: &str| Jump::parse(text).map(|jump| jump.printed());
        for text in ["h", "u@h", "u@h:2222", "[::1]:22", "a@b@h", "[10.0.0.1]"] {
            assert_eq!(printed(text).unwrap(), text);
        }
        assert_eq!(printed("ssh://u@h:1").unwrap(), "u@h:1");
        assert_eq!(printed("10.0.0.1:7").unwrap(), "[10.0.0.1]:7");
        for bad in ["", "@h", "u@", "h/22", "h:port", "h:0", "[::1", "[::1]x"] {
            assert!(printed(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn names_a_shell_could_act_on_are_not_dialled() {
        assert!(Jump::parse("$(id)").unwrap().vetted().is_err());
        assert!(Jump::parse("-oProxyCommand=x").unwrap().vetted().is_err());
        assert!(Jump::parse("u;x@h").unwrap().vetted().is_err());
        assert!(Jump::parse("u@h:1").unwrap().vetted().is_ok());
    }
}
