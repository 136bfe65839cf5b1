//! What does a word of the command line name? A local path, or a path on a host.
//!
//! Main types: [`Target`], [`HostSpec`]. The rules are scp's (`scp(1)`, `argv` forms): a colon before the first slash
//! makes a word remote, `./a:b` stays local, `[::1]:path` names an address, and `scp://` and `sftp://` URIs are
//! accepted. Paths keep their raw bytes. Nothing here looks at the file system or the configuration.

use std::ffi::{OsStr, OsString};
use std::fmt;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::PathBuf;

use thiserror::Error;

/// A host as typed, before any configuration is read.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct HostSpec {
    /// The part before `@`.
    pub user: Option<String>,
    /// A name, an alias of ssh_config, or an address without brackets.
    pub host: String,
    /// The port in a URI, or in `[user@]host:port` where that form is allowed.
    pub port: Option<u16>,
}

impl fmt::Display for HostSpec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(user) = &self.user {
            write!(f, "{user}@")?;
        }
        match (self.host.contains(':'), self.port) {
            (_, Some(port)) => f.write_str(&place(&self.host, port)),
            (true, None) => write!(f, "[{}]", self.host),
            (false, None) => f.write_str(&self.host),
        }
    }
}

/// `HOST:PORT`, with an IPv6 address in brackets.
pub fn place(host: &str, port: u16) -> String {
    if host.contains(':') { format!("[{host}]:{port}") } else { format!("{host}:{port}") }
}

/// One end of a copy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Target {
    /// A path on this machine.
    Local(PathBuf),
    /// A path on a host; empty means the home folder. It may hold glob characters if it is a source.
    Remote(HostSpec, Vec<u8>),
}

/// Why a word is neither.
#[derive(Debug, Error, Clone, PartialEq, Eq)]
pub enum TargetError {
    /// The word is empty.
    #[error("an empty name is no file and no host")]
    Empty,
    /// A host or user that ssh would refuse, and why.
    #[error("`{word}`: {why}")]
    Unfit {
        /// The word, made printable.
        word: String,
        /// What is wrong with it.
        why: &'static str,
    },
}

/// Parses one source or destination.
pub fn parse(word: &OsStr) -> Result<Target, TargetError> {
    let bytes = word.as_bytes();
    if bytes.is_empty() {
        return Err(TargetError::Empty);
    }
    if bytes.contains(&0) {
        return Err(unfit(word, "a name has no NUL byte"));
    }
    for scheme in [&b"scp://"[..], b"sftp://"] {
        if starts_with_ignore_case(bytes, scheme) {
            return parse_uri(word, &bytes[scheme.len()..]);
        }
    }
    match split_at_colon(bytes) {
        None => Ok(Target::Local(PathBuf::from(word))),
        Some((host, path)) => Ok(Target::Remote(host_spec(word, host, None)?, path.to_vec())),
    }
}

/// Parses a host in the forms that `ssh` accepts: `[user@]host`, or an `ssh://[user@]host[:port]` URI.
pub fn parse_host(word: &OsStr) -> Result<HostSpec, TargetError> {
    let bytes = word.as_bytes();
    let scheme = b"ssh://";
    if starts_with_ignore_case(bytes, scheme) {
        let rest = bytes[scheme.len()..].strip_suffix(b"/").unwrap_or(&bytes[scheme.len()..]);
        if rest.contains(&b'/') {
            return Err(unfit(word, "an ssh:// URI has no path"));
        }
        let (host, port) = split_port(word, rest)?;
        return decoded_host(word, host, port);
    }
    host_spec(word, bytes, None)
}

/// Parses a jump in the forms that `-J` and `ProxyJump` accept: `[user@]host[:port]`, or an `ssh://` URI.
pub fn parse_jump(word: &str) -> Result<HostSpec, TargetError> {
    let os = OsStr::new(word);
    if starts_with_ignore_case(word.as_bytes(), b"ssh://") {
        return parse_host(os);
    }
    let (host, port) = split_port(os, word.as_bytes())?;
    host_spec(os, host, port)
}

/// Splits `host:path` where scp does (`colon` in misc.c); `None` if the word is local.
fn split_at_colon(word: &[u8]) -> Option<(&[u8], &[u8])> {
    let mut bracketed = word.first() == Some(&b'[');
    for (at, &byte) in word.iter().enumerate() {
        let next = word.get(at + 1);
        match byte {
            b'@' if next == Some(&b'[') => bracketed = true,
            b']' if bracketed && next == Some(&b':') => return Some((&word[..=at], &word[at + 2..])),
            b':' if at == 0 => return None,
            b':' if !bracketed => return Some((&word[..at], &word[at + 1..])),
            b'/' => return None,
            _ => {}
        }
    }
    None
}

/// Parses `[user@]host[:port][/path]` after the scheme; the path is relative to the home unless it starts with `/`.
fn parse_uri(word: &OsStr, rest: &[u8]) -> Result<Target, TargetError> {
    let (authority, path) = match rest.iter().position(|&b| b == b'/') {
        Some(slash) => (&rest[..slash], &rest[slash + 1..]),
        None => (rest, &rest[rest.len()..]),
    };
    let (host, port) = split_port(word, authority)?;
    let spec = decoded_host(word, host, port)?;
    Ok(Target::Remote(spec, percent_decode(word, path)?))
}

/// The host of a URI, in which `%40` in a user name stands for `@`.
fn decoded_host(word: &OsStr, host: &[u8], port: Option<u16>) -> Result<HostSpec, TargetError> {
    let (user, host) = match host.iter().rposition(|&b| b == b'@') {
        Some(at) => (Some(percent_decode(word, &host[..at])?), &host[at + 1..]),
        None => (None, host),
    };
    let mut spec = host_spec(word, host, port)?;
    spec.user = user.map(|user| vetted_user(word, &user)).transpose()?;
    Ok(spec)
}

/// Splits off a trailing `:port` and leaves brackets in place.
fn split_port<'a>(word: &OsStr, authority: &'a [u8]) -> Result<(&'a [u8], Option<u16>), TargetError> {
    let after_host = authority.iter().rposition(|&b| b == b']' || b == b'@').map_or(0, |at| at + 1);
    let Some(colon) = authority[after_host..].iter().position(|&b| b == b':') else {
        return Ok((authority, None));
    };
    let (host, port) = (&authority[..after_host + colon], &authority[after_host + colon + 1..]);
    if port.contains(&b':') && !host.contains(&b'[') {
        return Ok((authority, None)); // a bare IPv6 address
    }
    let port = std::str::from_utf8(port).ok().and_then(|port| port.parse().ok()).filter(|&port: &u16| port != 0);
    port.map(|port| (host, Some(port))).ok_or_else(|| unfit(word, "the port is not a number from 1 to 65535"))
}

/// The host in `[user@]host`, without brackets; user and host are vetted.
fn host_spec(word: &OsStr, text: &[u8], port: Option<u16>) -> Result<HostSpec, TargetError> {
    let (user, host) = match text.iter().rposition(|&b| b == b'@') {
        Some(at) => (Some(vetted_user(word, &text[..at])?), &text[at + 1..]),
        None => (None, text),
    };
    let host = host.strip_prefix(b"[").and_then(|inner| inner.strip_suffix(b"]")).unwrap_or(host);
    let host = std::str::from_utf8(host).map_err(|_| unfit(word, "the host name is not UTF-8"))?;
    vet_host(host).map_err(|why| unfit(word, why))?;
    Ok(HostSpec { user, host: host.to_owned(), port })
}

fn vetted_user(word: &OsStr, user: &[u8]) -> Result<String, TargetError> {
    let user = std::str::from_utf8(user).map_err(|_| unfit(word, "the user name is not UTF-8"))?;
    vet_user(user).map_err(|why| unfit(word, why))?;
    Ok(user.to_owned())
}

/// Checks a host name as `ssh` does on its command line (`valid_hostname` in ssh.c).
pub fn vet_host(host: &str) -> Result<(), &'static str> {
    if host.is_empty() {
        return Err("the host name is empty");
    }
    if host.starts_with('-') {
        return Err("a host name cannot begin with `-`");
    }
    let forbidden = |c: char| "'`\"$\\;&<>|(){}[]".contains(c) || c.is_whitespace() || c.is_control();
    match host.contains(forbidden) {
        true => Err("the host name has a character that a shell could act on"),
        false => Ok(()),
    }
}

/// Checks a user name as `ssh` does on its command line (`valid_ruser` in ssh.c).
pub fn vet_user(user: &str) -> Result<(), &'static str> {
    if user.is_empty() {
        return Err("the user name is empty");
    }
    if user.starts_with('-') {
        return Err("a user name cannot begin with `-`");
    }
    let forbidden = |c: char| "'`\";&<>|(){}".contains(c) || c.is_control();
    if user.contains(forbidden) {
        return Err("the user name has a character that a shell could act on");
    }
    let after_space = user.split(char::is_whitespace).skip(1).any(|part| part.starts_with('-'));
    match after_space || user.ends_with('\\') {
        true => Err("the user name has a `-` after a space, or ends in a backslash"),
        false => Ok(()),
    }
}

fn percent_decode(word: &OsStr, text: &[u8]) -> Result<Vec<u8>, TargetError> {
    let mut decoded = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some((&first, tail)) = rest.split_first() {
        if first != b'%' {
            decoded.push(first);
            rest = tail;
            continue;
        }
        let digits = tail.get(..2).and_then(|digits| std::str::from_utf8(digits).ok());
        let byte = digits.and_then(|digits| u8::from_str_radix(digits, 16).ok()).filter(|&byte| byte != 0);
        decoded.push(byte.ok_or_else(|| unfit(word, "a `%` in a URI is followed by two hex digits, not 00"))?);
        rest = &tail[2..];
    }
    Ok(decoded)
}

fn starts_with_ignore_case(text: &[u8], prefix: &[u8]) -> bool {
    text.get(..prefix.len()).is_some_and(|head| head.eq_ignore_ascii_case(prefix))
}

fn unfit(word: &OsStr, why: &'static str) -> TargetError {
    TargetError::Unfit { word: word.to_string_lossy().escape_debug().to_string(), why }
}

impl From<&Target> for OsString {
    /// A word for the target: parsing it gives the same target.
    fn from(target: &Target) -> OsString {
        match target {
            Target::Local(path) => {
                let bytes = path.as_os_str().as_bytes();
                match parse(path.as_os_str()) {
                    Ok(Target::Local(_)) => path.clone().into_os_string(),
                    _ => OsString::from_vec([b"./", bytes].concat()),
                }
            }
            Target::Remote(spec, path) => {
                let plain = OsString::from_vec([format!("{spec}:").as_bytes(), path].concat());
                if parse(&plain).as_ref() == Ok(target) { plain } else { uri(spec, path) }
            }
        }
    }
}

/// The URI for a target that `host:path` cannot express: one with a port, or a colon or bracket in the user name.
fn uri(spec: &HostSpec, path: &[u8]) -> OsString {
    let escape = |bytes: &[u8]| bytes.iter().map(|b| format!("%{b:02x}")).collect::<String>();
    let user = spec.user.as_ref().map(|user| escape(user.as_bytes()) + "@").unwrap_or_default();
    let host = HostSpec { user: None, ..spec.clone() };
    OsString::from(format!("sftp://{user}{host}/{}", escape(path)))
}

/// Any bytes as a word of the command line: if it parses, the target is printed, and that parses to the same target.
///
/// # Panics
/// If it does not.
#[cfg(any(test, fuzzing))]
pub fn fuzz(bytes: &[u8]) {
    let word = OsStr::from_bytes(bytes);
    if let Ok(target) = parse(word) {
        assert_eq!(parse(&OsString::from(&target)).as_ref(), Ok(&target), "{word:?}");
    }
    let _host = parse_host(word);
    let _jump = std::str::from_utf8(bytes).map(parse_jump);
}

/// Runs `body` on the saved inputs of a fuzz target, and returns how many there were.
#[cfg(test)]
pub(crate) fn replay(corpus: &str, body: fn(&[u8])) -> usize {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/fuzz/corpus").join(corpus);
    let inputs = std::fs::read_dir(&folder).expect("a corpus").map(|input| input.expect("a corpus").path());
    inputs.map(|input| body(&std::fs::read(&input).expect("an input"))).count()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_corpus_is_read_without_harm() {
        assert!(replay("target", fuzz) > 0, "an empty corpus");
    }

    fn remote(user: Option<&str>, host: &str, port: Option<u16>, path: &[u8]) -> Target {
        Target::Remote(HostSpec { user: user.map(str::to_owned), host: host.to_owned(), port }, path.to_vec())
    }

    fn word(text: &str) -> Result<Target, TargetError> {
        parse(OsStr::new(text))
    }

    #[test]
    fn words_are_local_or_remote_as_scp_has_it() {
        let local = ["file", "./a:b", "/a:b", "dir/a:b", ":odd", "[x", "[::1]", "a/b@[c]:d"];
        for text in local {
            assert_eq!(word(text).unwrap(), Target::Local(text.into()), "{text}");
        }
        let cases = [
            ("acc-pvt:", remote(None, "acc-pvt", None, b"")),
            ("acc-pvt:a b", remote(None, "acc-pvt", None, b"a b")),
            ("u@h:/x:y", remote(Some("u"), "h", None, b"/x:y")),
            ("u@dom@h:x", remote(Some("u@dom"), "h", None, b"x")),
            ("[::1]:x", remote(None, "::1", None, b"x")),
            ("u@[fe80::1%eth0]:x", remote(Some("u"), "fe80::1%eth0", None, b"x")),
            ("scp://u@h:2222/a%20b", remote(Some("u"), "h", Some(2222), b"a b")),
            ("sftp://[::1]:22//etc", remote(None, "::1", Some(22), b"/etc")),
            ("SFTP://h", remote(None, "h", None, b"")),
        ];
        for (text, expected) in cases {
            assert_eq!(word(text).unwrap(), expected, "{text}");
        }
    }

    #[test]
    fn paths_keep_bytes_that_are_not_utf8() {
        let parsed = parse(OsStr::from_bytes(b"h:\xff\xfe")).unwrap();
        assert_eq!(parsed, remote(None, "h", None, b"\xff\xfe"));
    }

    #[test]
    fn names_a_shell_could_act_on_are_refused() {
        for text in ["-oProxyCommand=x:f", "a;b:f", "$(id):f", "a b:f", "-u@h:f", "u`x`@h:f", "@h:f", "scp://h:0/f"] {
            assert!(matches!(word(text), Err(TargetError::Unfit { .. })), "{text}");
        }
        assert_eq!(word(""), Err(TargetError::Empty));
    }

    #[test]
    fn jumps_may_carry_a_port() {
        let jump = |text| parse_jump(text).map(|spec| (spec.user, spec.host, spec.port));
        assert_eq!(jump("u@h:2222"), Ok((Some("u".into()), "h".into(), Some(2222))));
        assert_eq!(jump("[::1]:2222"), Ok((None, "::1".into(), Some(2222))));
        assert_eq!(jump("::1"), Ok((None, "::1".into(), None)));
        assert_eq!(jump("ssh://u@h:1"), Ok((Some("u".into()), "h".into(), Some(1))));
        assert!(jump("h:port").is_err());
    }

    proptest::proptest! {
        #[test]
        fn what_is_printed_parses_again(text in "(scp://)?([a-z]{1,3}@)?[a-z:/\\[\\]@. %0-9]{1,20}") {
            if let Ok(target) = word(&text) {
                proptest::prop_assert_eq!(parse(&OsString::from(&target)).unwrap(), target);
            }
        }
    }
}
