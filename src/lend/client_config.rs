//! How is the source's own client told to log in, and to do nothing else? By an ssh_config and a known_hosts line, made
//! here; pure.

use super::error::LendError;
use crate::target::{vet_host, vet_user};

/// The destination's address, as the source sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Address {
    /// A name or an address, without brackets.
    pub host: String,
    /// The port of its sshd.
    pub port: u16,
}

/// The values for the configuration.
pub(super) struct ClientLogin<'a> {
    pub(super) address: &'a Address,
    pub(super) user: &'a str,
    /// The type of the pinned key, as written in known_hosts.
    pub(super) key_type: &'a str,
    /// The name of the pinned key in known_hosts.
    pub(super) alias: &'a str,
}

/// Options that do not depend on the login: some that certain versions do not know, and some that only forbid what
/// nobody asked for.
const FIXED: &str = "  StrictHostKeyChecking yes
  GlobalKnownHostsFile /dev/null
  CheckHostIP no
  UpdateHostKeys no
  VerifyHostKeyDNS no
  BatchMode yes
  NumberOfPasswordPrompts 0
  PreferredAuthentications publickey
  PubkeyAuthentication yes
  IdentityFile none
  ForwardAgent no
  ForwardX11 no
  ClearAllForwardings yes
  PermitLocalCommand no
  ControlMaster no
  ControlPath none
  ConnectTimeout 15
  ServerAliveInterval 15
  ServerAliveCountMax 3";

/// The ssh_config for the one host, under any name; the line with the known_hosts file is added by the script that
/// writes it.
pub(super) fn config(login: &ClientLogin<'_>) -> Result<String, LendError> {
    let ClientLogin { address: Address { host, port }, user, key_type, alias } = login;
    let unfit = |what: &str| {
        let what = what.to_owned();
        move |why| LendError::Unfit { what, why }
    };
    vet_host(host).map_err(unfit(host))?;
    vet_user(user).map_err(unfit(user))?;
    let algorithms = match *key_type {
        "ssh-rsa" => "rsa-sha2-512,rsa-sha2-256",
        other => other,
    };
    let host = host.replace('%', "%%");
    Ok(format!(
        "Host *
  IgnoreUnknown UpdateHostKeys,ForwardX11,VerifyHostKeyDNS
  HostName {host}
  Port {port}
  User \"{user}\"
  HostKeyAlias {alias}
  HostKeyAlgorithms {algorithms}
{FIXED}"
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(host: &str, user: &str) -> Result<String, LendError> {
        let address = Address { host: host.to_owned(), port: 2222 };
        config(&ClientLogin { address: &address, user, key_type: "ssh-rsa", alias: "hop-1" })
    }

    #[test]
    fn the_one_login_is_spelled_out() {
        let text = written("fe80::1%eth0", "ec2-user").unwrap();
        for line in [
            "HostName fe80::1%%eth0",
            "Port 2222",
            "User \"ec2-user\"",
            "HostKeyAlgorithms rsa-sha2-512,rsa-sha2-256",
            "StrictHostKeyChecking yes",
            "ForwardAgent no",
            "IdentityFile none",
        ] {
            assert!(text.lines().any(|found| found.trim() == line), "{line} in\n{text}");
        }
    }

    #[test]
    fn words_that_would_add_a_line_or_a_command_are_refused() {
        for (host, user) in
            [("a\nb", "u"), ("-oX", "u"), ("a b", "u"), ("h", "u\nProxyCommand x"), ("h", "u\"x"), ("", "u")]
        {
            assert!(written(host, user).is_err(), "{host} {user}");
        }
    }
}
