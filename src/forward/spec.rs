//! Which forwarding goes where? The text of `LocalForward`, `RemoteForward` and `DynamicForward`, as `ssh -G` prints
//! it.
//!
//! Main type: [`Forward`]. `config` reads the syntax that a person types; only the normal form is read here.

use std::fmt;
use std::path::PathBuf;

/// One end of a forwarding.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ForwardAddress {
    /// A TCP port, at an address or name; without one, at the loopback address when listening.
    Port(Option<String>, u16),
    /// A Unix socket.
    Path(PathBuf),
}

/// Where forwarded connections go.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ForwardTarget {
    /// Always to one place.
    Fixed(ForwardAddress),
    /// The place that each connection asks for by SOCKS.
    Asked,
}

/// A forwarding: connections to `listen` go to `to` on the other side.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Forward {
    /// The place that is listened on.
    pub listen: ForwardAddress,
    /// The target of its connections.
    pub to: ForwardTarget,
}

impl Forward {
    /// Parses the normal form: `LISTEN CONNECT`, or `LISTEN` alone (also `LISTEN [socks]:0`) for SOCKS. Each end is a
    /// path, `PORT` or `[HOST]:PORT`.
    pub fn parse(text: &str) -> Option<Forward> {
        let (listen, connect) = match text.split_once(' ') {
            Some((listen, connect)) => (listen, Some(connect)),
            None => (text, None),
        };
        let to = match connect {
            None | Some("[socks]:0") => ForwardTarget::Asked,
            Some(connect) => ForwardTarget::Fixed(ForwardAddress::parse(connect)?),
        };
        Some(Forward { listen: ForwardAddress::parse(listen)?, to })
    }
}

impl ForwardAddress {
    /// Parses a path, `PORT`, `HOST:PORT` or `[HOST]:PORT`.
    pub fn parse(text: &str) -> Option<ForwardAddress> {
        if text.contains('/') {
            return Some(ForwardAddress::Path(text.into()));
        }
        let Some((host, port)) = text.rsplit_once(':') else {
            return Some(ForwardAddress::Port(None, text.parse().ok()?));
        };
        let host = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host);
        Some(ForwardAddress::Port(Some(host.to_owned()), port.parse().ok()?))
    }
}

impl fmt::Display for ForwardAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ForwardAddress::Port(None, port) => write!(f, "{port}"),
            ForwardAddress::Port(Some(host), port) if host.contains(':') => write!(f, "[{host}]:{port}"),
            ForwardAddress::Port(Some(host), port) => write!(f, "{host}:{port}"),
            ForwardAddress::Path(path) => path.display().fmt(f),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn port(host: Option<&str>, port: u16) -> ForwardAddress {
        ForwardAddress::Port(host.map(str::to_owned), port)
    }

    #[test]
    fn the_normal_form_is_read() {
        let fixed = |listen, place| Some(Forward { listen, to: ForwardTarget::Fixed(place) });
        assert_eq!(Forward::parse("5432 [db.internal]:5432"), fixed(port(None, 5432), port(Some("db.internal"), 5432)));
        assert_eq!(
            Forward::parse("[::1]:80 /run/x"),
            fixed(port(Some("::1"), 80), ForwardAddress::Path("/run/x".into()))
        );
        assert_eq!(
            Forward::parse("/a /b"),
            fixed(ForwardAddress::Path("/a".into()), ForwardAddress::Path("/b".into()))
        );
        assert_eq!(Forward::parse("[]:80 [h]:1"), fixed(port(Some(""), 80), port(Some("h"), 1)));
        let asked = Forward { listen: port(None, 1080), to: ForwardTarget::Asked };
        assert_eq!(Forward::parse("1080"), Some(asked.clone()));
        assert_eq!(Forward::parse("1080 [socks]:0"), Some(asked));
    }

    #[test]
    fn what_is_no_place_is_none() {
        for text in ["", "x", "70000", "80 x", "h:", "80 [h]:x"] {
            assert_eq!(Forward::parse(text), None, "{text}");
        }
    }

    #[test]
    fn what_it_prints_it_reads() {
        for text in ["80", "h:80", "[::1]:80", "/run/x.sock"] {
            assert_eq!(ForwardAddress::parse(text).unwrap().to_string(), text);
        }
    }
}
