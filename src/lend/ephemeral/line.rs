//! Which line of authorized_keys admits the one-time key? Main function: [`line`], pure.
//!
//! The line is as narrow as the server can read it: `restrict` and `command=` always, `from=` if the source's address
//! is known, `expiry-time` if the server supports it (sshd(8), AUTHORIZED_KEYS FILE FORMAT).

use std::net::IpAddr;

use chrono::DateTime;

use crate::lend::openssh_version::{EXPIRES, EXPIRES_IN_UTC, OpenSshVersion};

/// The time at which the line expires, by the destination's clock.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Until {
    /// Seconds since 1970.
    pub epoch: u64,
    /// The same as `YYYYMMDDHHMMSS` in the destination's time zone; empty if it could not be found out.
    pub locally: String,
}

/// The parts of the line.
pub struct AuthorizedKey<'a> {
    pub server: OpenSshVersion,
    /// The addresses the source may connect from; empty for any.
    pub from: &'a [IpAddr],
    pub until: &'a Until,
    /// Type and key, as written in such a file.
    pub public: &'a str,
    /// The comment, also the name of the folder with the gate: plain characters only.
    pub name: &'a str,
}

/// The line, without a newline.
pub fn line(entry: &AuthorizedKey<'_>) -> String {
    let AuthorizedKey { server, from, until, public, name } = entry;
    let mut options = vec!["restrict".to_owned(), format!(r#"command="exec /bin/sh \"$HOME/.ssh/.{name}/gate\"""#)];
    if !from.is_empty() {
        let addresses: Vec<String> = from.iter().map(IpAddr::to_string).collect();
        options.push(format!("from=\"{}\"", addresses.join(",")));
    }
    match () {
        () if *server >= EXPIRES_IN_UTC => options.push(format!("expiry-time=\"{}Z\"", utc(until.epoch))),
        () if *server >= EXPIRES && is_time(&until.locally) => {
            options.push(format!("expiry-time=\"{}\"", until.locally));
        }
        () => {}
    }
    format!("{} {public} {name}", options.join(","))
}

fn is_time(text: &str) -> bool {
    text.len() == 14 && text.bytes().all(|byte| byte.is_ascii_digit())
}

/// The time as `YYYYMMDDHHMMSS` in UTC. Days are counted from 1 March of year 0, so that the leap day is the last of a
/// year.
fn utc(epoch: u64) -> String {
    let time = i64::try_from(epoch).ok().and_then(|epoch| DateTime::from_timestamp(epoch, 0)).unwrap_or_default();
    time.format("%Y%m%d%H%M%S").to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(server: OpenSshVersion, from: &[&str], locally: &str) -> String {
        let from: Vec<IpAddr> = from.iter().map(|text| text.parse().unwrap()).collect();
        let until = Until { epoch: 1_795_766_613, locally: locally.to_owned() };
        line(&AuthorizedKey {
            server,
            from: &from,
            until: &until,
            public: "ssh-ed25519 AAAA",
            name: "hop-ephemeral-1-ab",
        })
    }

    #[test]
    fn each_server_gets_what_it_can_read() {
        let gate = r#"restrict,command="exec /bin/sh \"$HOME/.ssh/.hop-ephemeral-1-ab/gate\"""#;
        let end = "ssh-ed25519 AAAA hop-ephemeral-1-ab";
        let table = [
            (OpenSshVersion(9, 1), &["10.10.2.20"][..], "", r#",from="10.10.2.20",expiry-time="20261127080333Z""#),
            (
                OpenSshVersion(10, 0),
                &["10.10.2.20", "fd00::1"],
                "",
                r#",from="10.10.2.20,fd00::1",expiry-time="20261127080333Z""#,
            ),
            (OpenSshVersion(9, 0), &[], "20261127092333", r#",expiry-time="20261127092333""#),
            (OpenSshVersion(7, 7), &[], "20261127092333\" ssh-rsa", ""),
            (OpenSshVersion(7, 4), &["10.10.2.20"], "20261127092333", r#",from="10.10.2.20""#),
        ];
        for (server, from, locally, options) in table {
            assert_eq!(written(server, from, locally), format!("{gate}{options} {end}"), "{server}");
        }
    }

    #[test]
    fn the_time_is_what_date_says() {
        for epoch in [0, 951_782_399, 951_782_400, 1_709_164_800, 1_795_766_613, 4_102_444_800, 32_503_680_000] {
            let said =
                std::process::Command::new("date").args(["-u", "-d", &format!("@{epoch}"), "+%Y%m%d%H%M%S"]).output();
            assert_eq!(utc(epoch), String::from_utf8_lossy(&said.unwrap().stdout).trim(), "{epoch}");
        }
    }
}
