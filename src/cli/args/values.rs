//! Which values do flags and `HOP_*` variables take, and what does the message for a wrong one say?
//!
//! Main types: [`Count`], [`RouteChoice`], [`SymlinkChoice`], [`ProgressChoice`].

use std::path::PathBuf;

use clap::ValueEnum;

use crate::config::Patterned;
use crate::target;

/// Which way data goes between two hosts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum RouteChoice {
    /// The best that can be proven safe.
    Auto,
    /// Straight from host to host, or not at all.
    Direct,
    /// Through this machine.
    Relay,
}

/// What the source of a direct copy logs in with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum DirectAuth {
    /// The key that hop logs in with, which stays here.
    Agent,
    /// A key made for this one login.
    Ephemeral,
}

/// What becomes of symbolic links.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum SymlinkChoice {
    /// Copy what they point to.
    Follow,
    /// Copy the link itself.
    Keep,
    /// Leave them out.
    Skip,
}

/// How progress is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum ProgressChoice {
    /// Bars on a terminal, plain under `-v`, else nothing.
    Auto,
    /// Bars.
    Bar,
    /// A line every 10 s.
    Plain,
    /// Nothing.
    None,
}

/// A number of something, or hop's own choice.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Count {
    /// As many as are of use.
    Auto,
    /// Exactly this number.
    Exactly(usize),
}

/// The number of SFTP sessions: 1 to 64.
pub fn lanes(text: &str) -> Result<Count, String> {
    count(text, 64)
}

/// The number of TCP connections: 1 to 16, because bastions count logins in progress (`MaxStartups 10:30:100`).
pub fn connections(text: &str) -> Result<Count, String> {
    count(text, 16)
}

/// `HOST[:PORT]`; the port is 0 if it is not given.
pub fn peer(text: &str) -> Result<(String, u16), String> {
    let spec = target::parse_jump(text).map_err(|error| error.to_string())?;
    match spec.user {
        Some(_) => Err("the user is the destination's: give HOST or HOST:PORT".to_owned()),
        None => Ok((spec.host, spec.port.unwrap_or(0))),
    }
}

/// A TCP port.
pub fn port(text: &str) -> Result<u16, String> {
    text.parse().ok().filter(|&port| port != 0).ok_or_else(|| "a port is a number from 1 to 65535".to_owned())
}

/// `[PATTERN=]FILE`. A word with a slash before its first `=` is a file: `./a=b.pem`.
pub fn identity(text: &str) -> Result<Patterned<PathBuf>, String> {
    let Patterned { pattern, value } = patterned(text)?;
    Ok(Patterned { pattern, value: PathBuf::from(value) })
}

/// `[PATTERN=]JUMPS`.
pub fn jumps(text: &str) -> Result<Patterned<String>, String> {
    patterned(text)
}

fn patterned(text: &str) -> Result<Patterned<String>, String> {
    match text.split_once('=').filter(|(pattern, _)| !pattern.contains('/')) {
        None => Ok(Patterned { pattern: None, value: text.to_owned() }),
        Some(("", _)) => Err("there is no pattern before the `=`".to_owned()),
        Some((_, "")) => Err("there is nothing after the `=`".to_owned()),
        Some((pattern, value)) => Ok(Patterned { pattern: Some(pattern.to_owned()), value: value.to_owned() }),
    }
}

fn count(text: &str, most: usize) -> Result<Count, String> {
    match text.parse() {
        _ if text == "auto" => Ok(Count::Auto),
        Ok(number) if (1..=most).contains(&number) => Ok(Count::Exactly(number)),
        _ => Err(format!("give a number from 1 to {most}, or auto")),
    }
}

/// The program of `-S`: any other than the system's own would be run for what it adds, which hop cannot do.
pub fn ssh_program(text: &str) -> Result<String, String> {
    match text {
        "ssh" | "/bin/ssh" | "/usr/bin/ssh" | "/usr/local/bin/ssh" => Ok(text.to_owned()),
        _ => Err("hop has SSH built in and runs no program for it: give what it adds by -o, -J, or ProxyCommand in \
                  ssh_config"
            .to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pattern_ends_at_the_first_equals_sign() {
        let split = |text| identity(text).map(|i| (i.pattern, i.value.to_string_lossy().into_owned()));
        assert_eq!(split("acc.pem"), Ok((None, "acc.pem".into())));
        assert_eq!(split("10.10.*=acc.pem"), Ok((Some("10.10.*".into()), "acc.pem".into())));
        assert_eq!(split("./a=b.pem"), Ok((None, "./a=b.pem".into())));
        assert_eq!(split("acc-*=~/k=1.pem"), Ok((Some("acc-*".into()), "~/k=1.pem".into())));
        assert!(split("=acc.pem").is_err());
        assert!(split("10.10.*=").is_err());
    }

    #[test]
    fn counts_are_bounded() {
        assert_eq!(lanes("auto"), Ok(Count::Auto));
        assert_eq!(lanes("64"), Ok(Count::Exactly(64)));
        for text in ["0", "65", "-1", "many", "", "AUTO"] {
            assert!(lanes(text).is_err(), "{text}");
        }
        assert!(connections("17").is_err());
    }

    #[test]
    fn port_zero_is_no_port() {
        assert_eq!(port("2222"), Ok(2222));
        assert!(port("0").is_err() && port("65536").is_err() && port("ssh").is_err());
    }
}
