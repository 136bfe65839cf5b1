//! How is a forwarding written? `LocalForward`, `RemoteForward` and `DynamicForward` become the text `ssh -G` prints.
//!
//! The syntax is that of `parse_forward` in OpenSSH's `readconf.c`. Nothing is listened on or connected here.

use super::numbers::port_number;
use super::reading::{Env, ReadResult};
use super::tokens::expand_env;
use crate::config::lines::Words;

/// The longest path of a socket in bytes (`sun_path`), the final NUL included.
const LONGEST_SOCKET_PATH: usize = 108;
/// The longest host name in bytes (`NI_MAXHOST`).
const LONGEST_HOST: usize = 1025;

/// One end of a forwarding.
enum ForwardEnd {
    Path(String),
    Port(Option<String>, u16),
}

struct Field {
    text: String,
    is_path: bool,
}

/// `LocalForward [address:]port host:port`, or with socket paths.
pub fn local(words: &mut Words<'_>, env: Env<'_>) -> ReadResult {
    let (listen, target) = (words.needed()?, words.needed()?);
    forward(&format!("{listen}:{target}"), env).and_then(|(listen, connect)| match listen {
        ForwardEnd::Port(_, 0) => Err("a local port cannot be 0".to_owned()),
        _ => Ok(vec![format!("{} {}", listen.printed(), connect.printed())]),
    })
}

/// `RemoteForward`, like `LocalForward`; without a target it is dynamic.
pub fn remote(words: &mut Words<'_>, env: Env<'_>) -> ReadResult {
    let listen = words.needed()?;
    match words.optional().filter(|target| !target.is_empty()) {
        Some(target) => {
            let (listen, connect) = forward(&format!("{listen}:{target}"), env)?;
            Ok(vec![format!("{} {}", listen.printed(), connect.printed())])
        }
        None => dynamic_end(&listen, env).map(|end| vec![format!("{} [socks]:0", end.printed())]),
    }
}

/// `DynamicForward [address:]port`.
pub fn dynamic(words: &mut Words<'_>, env: Env<'_>) -> ReadResult {
    match dynamic_end(&words.needed()?, env)? {
        ForwardEnd::Port(_, 0) => Err("a local port cannot be 0".to_owned()),
        end => Ok(vec![end.printed()]),
    }
}

impl ForwardEnd {
    fn printed(&self) -> String {
        match self {
            ForwardEnd::Path(path) => path.clone(),
            ForwardEnd::Port(None, port) => port.to_string(),
            ForwardEnd::Port(Some(host), port) => format!("[{host}]:{port}"),
        }
    }

    fn path(field: &Field) -> Result<ForwardEnd, String> {
        match field.text.len() < LONGEST_SOCKET_PATH {
            true => Ok(ForwardEnd::Path(field.text.clone())),
            false => Err(bad("the socket path is too long")),
        }
    }

    fn port(host: Option<&Field>, port: &Field) -> Result<ForwardEnd, String> {
        let number = port_number(&port.text).ok_or_else(|| bad("the port is no port"))?;
        match host.is_some_and(|host| host.text.len() >= LONGEST_HOST) {
            true => Err(bad("the host name is too long")),
            false => Ok(ForwardEnd::Port(host.map(|host| host.text.clone()), number)),
        }
    }
}

fn bad(why: &str) -> String {
    format!("bad forwarding specification: {why}")
}

fn forward(text: &str, env: Env<'_>) -> Result<(ForwardEnd, ForwardEnd), String> {
    let all = fields(&expand_env(text, env)?)?;
    let (listen, connect) = match all.as_slice() {
        [listen, path] if listen.is_path && path.is_path => (ForwardEnd::path(listen)?, ForwardEnd::path(path)?),
        [port, path] if path.is_path => (ForwardEnd::port(None, port)?, ForwardEnd::path(path)?),
        [path, host, port] if path.is_path => (ForwardEnd::path(path)?, ForwardEnd::port(Some(host), port)?),
        [host, port, path] if path.is_path => (ForwardEnd::port(Some(host), port)?, ForwardEnd::path(path)?),
        [listen, host, port] => (ForwardEnd::port(None, listen)?, ForwardEnd::port(Some(host), port)?),
        [address, listen, host, port] => {
            (ForwardEnd::port(Some(address), listen)?, ForwardEnd::port(Some(host), port)?)
        }
        _ => return Err(bad("neither ports nor paths")),
    };
    match connect {
        ForwardEnd::Port(_, 0) => Err(bad("the port is no port")),
        _ => Ok((listen, connect)),
    }
}

fn dynamic_end(text: &str, env: Env<'_>) -> Result<ForwardEnd, String> {
    match fields(&expand_env(text, env)?)?.as_slice() {
        [path] if path.is_path => ForwardEnd::path(path),
        [port] => ForwardEnd::port(None, port),
        [host, port] if !host.is_path && !port.is_path => ForwardEnd::port(Some(host), port),
        _ => Err(bad("neither a port nor an address with a port")),
    }
}

/// Splits the text at colons into at most four fields; a colon in brackets or after a backslash does not split.
fn fields(text: &str) -> Result<Vec<Field>, String> {
    let mut all = Vec::new();
    let mut rest = text.trim_start();
    while !rest.is_empty() {
        if all.len() == 4 {
            return Err(bad("too many colons"));
        }
        let (field, after) = match rest.strip_prefix('[') {
            Some(inner) => bracketed(inner)?,
            None => plain(rest)?,
        };
        all.push(Field { is_path: field.contains('/'), text: field });
        rest = after;
    }
    Ok(all)
}

fn bracketed(inner: &str) -> Result<(String, &str), String> {
    let (field, after) = inner.split_once(']').ok_or_else(|| bad("`[` without `]`"))?;
    match after.strip_prefix(':') {
        None if !after.is_empty() => Err(bad("something after `]`")),
        rest => Ok((field.to_owned(), rest.unwrap_or(""))),
    }
}

fn plain(text: &str) -> Result<(String, &str), String> {
    let mut field = String::new();
    let mut letters = text.char_indices();
    while let Some((at, letter)) = letters.next() {
        match letter {
            '\\' => field.push(letters.next().ok_or_else(|| bad("a lone backslash"))?.1),
            ':' => return Ok((field, &text[at + 1..])),
            _ => field.push(letter),
        }
    }
    Ok((field, ""))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::local_env::LocalEnv;
    use proptest::prelude::*;

    fn read(reader: fn(&mut Words<'_>, Env<'_>) -> ReadResult, text: &str) -> ReadResult {
        reader(&mut Words::new(text)?, &LocalEnv::default())
    }

    #[test]
    fn forwardings_are_printed_as_ssh_does() {
        let local = |text| read(local, text).map(|words| words.concat());
        assert_eq!(local("80 [::1]:90").unwrap(), "80 [::1]:90");
        assert_eq!(local("*:80 h:90").unwrap(), "[*]:80 [h]:90");
        assert_eq!(local("/a /b").unwrap(), "/a /b");
        assert_eq!(local("80 /b").unwrap(), "80 /b");
        assert!(local("80").is_err() && local("0 h:1").is_err() && local("80 h:0").is_err());
        assert_eq!(read(dynamic, "[::1]:80").unwrap(), ["[::1]:80"]);
        assert_eq!(read(remote, "80").unwrap(), ["80 [socks]:0"]);
        assert_eq!(read(remote, "0 a:1").unwrap(), ["0 [a]:1"]);
    }

    proptest! {
        #[test]
        fn no_text_makes_the_readers_panic(text in "[\\[\\]:/\\\\0-9a ]{0,24}") {
            for reader in [local, remote, dynamic] {
                let _ = read(reader, &text);
            }
        }
    }
}
