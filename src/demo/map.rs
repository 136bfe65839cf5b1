//! Which servers are on the street? Two VPCs, the names and addresses in them, and the ssh_config that leads there.

use std::fmt::Write as _;
use std::io;
use std::path::Path;

/// The only user on every server.
pub const USER: &str = "ec2-user";

/// One side of the street: a bastion and the private server behind it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Vpc {
    /// ACC-VPC: acc-bastion, acc-pvt, acc.pem.
    Acc,
    /// DELL-VPC: dell-bastion, dell-pvt, dell.pem.
    Dell,
}

impl Vpc {
    /// Both VPCs, in the order of the story.
    pub const BOTH: [Vpc; 2] = [Vpc::Acc, Vpc::Dell];

    /// The VPC's name in the tutorial.
    pub fn title(self) -> &'static str {
        self.pick("ACC-VPC", "DELL-VPC")
    }

    /// The VPC's block of addresses.
    pub fn cidr(self) -> &'static str {
        self.pick("10.10.0.0/16", "10.20.0.0/16")
    }

    /// The bastion's alias in the ssh_config.
    pub fn bastion(self) -> &'static str {
        self.pick("acc-bastion", "dell-bastion")
    }

    /// The private server's alias in the ssh_config.
    pub fn private(self) -> &'static str {
        self.pick("acc-pvt", "dell-pvt")
    }

    /// The private server's address, known to its bastion only.
    pub fn address(self) -> &'static str {
        self.pick("10.10.2.20", "10.20.2.20")
    }

    /// The key pair's file in the street's folder.
    pub fn key_file(self) -> &'static str {
        self.pick("acc.pem", "dell.pem")
    }

    /// The file that is in the private server's home from the start.
    pub fn data_file(self) -> &'static str {
        self.pick("customers.csv", "payments.csv")
    }

    fn prefix(self) -> &'static str {
        self.pick("acc", "dell")
    }

    fn pick(self, acc: &'static str, dell: &'static str) -> &'static str {
        match self {
            Vpc::Acc => acc,
            Vpc::Dell => dell,
        }
    }
}

/// The ssh_config of a street in `folder` whose bastions listen on these ports of 127.0.0.1. Fails if the folder's path
/// cannot be written in one (quotes, `$`, control characters, not UTF-8).
pub fn ssh_config(folder: &Path, ports: &[(Vpc, u16)]) -> io::Result<String> {
    let mut text =
        String::from("# the practice street of `hop demo`; usable with hop, ssh, scp and sftp: -F THIS_FILE\n");
    for &(vpc, port) in ports {
        let key = quoted(&folder.join(vpc.key_file()))?;
        let (bastion, private, address) = (vpc.bastion(), vpc.private(), vpc.address());
        let _ = write!(
            text,
            "\n# {} {}\nHost {bastion}\n    HostName 127.0.0.1\n    Port {port}\n\
             Host {private}\n    HostName {address}\n    ProxyJump {bastion}\n\
             Host {}-*\n    IdentityFile {key}\n",
            vpc.title(),
            vpc.cidr(),
            vpc.prefix(),
        );
    }
    let known_hosts = quoted(&folder.join("known_hosts"))?;
    let _ = write!(
        text,
        "\nHost *\n    User {USER}\n    IdentitiesOnly yes\n    IdentityAgent none\n    StrictHostKeyChecking yes\n    \
         UserKnownHostsFile {known_hosts}\n    GlobalKnownHostsFile /dev/null\n",
    );
    Ok(text)
}

/// The path as an ssh_config argument: in quotes, with `%` doubled because these keywords expand tokens.
fn quoted(path: &Path) -> io::Result<String> {
    let plain = path.to_str().filter(|text| !text.contains(|c: char| c.is_control() || matches!(c, '"' | '$' | '\\')));
    match plain {
        Some(text) => Ok(format!("\"{}\"", text.replace('%', "%%"))),
        None => {
            let reason = format!("{}: a path that cannot stand in an ssh_config", path.display());
            Err(io::Error::new(io::ErrorKind::InvalidInput, reason))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_with_blanks_and_tokens_is_quoted() {
        assert_eq!(quoted(Path::new("/tmp/my 50%/acc.pem")).unwrap(), "\"/tmp/my 50%%/acc.pem\"");
    }

    #[test]
    fn a_path_that_would_break_out_of_its_quotes_is_refused() {
        for path in ["/tmp/a\"b", "/tmp/a\nb", "/tmp/${HOME}"] {
            assert!(quoted(Path::new(path)).is_err(), "{path:?}");
        }
    }
}
