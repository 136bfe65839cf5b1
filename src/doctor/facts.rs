//! What does a server report about itself? A script that asks, and the parser for its answer. Pure.
//!
//! Main type: [`Facts`]. Every line is a stranger's: anything that does not look like an answer is skipped.

use std::net::Ipv4Addr;

use super::network::{Cidr, Cloud, Networks, on_link};

/// The script that asks for everything: its answers are between two marks, and anything the login shell prints comes
/// before the first.
pub(super) const QUESTION: &str = include_str!("facts.sh");
/// The script that asks a cloud's metadata service.
pub(super) const CLOUD: &str = include_str!("cloud.sh");

/// What a server reported about itself.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Facts {
    /// The output before the answers: whatever the login shell prints.
    pub noise: Vec<u8>,
    /// Its clock, in seconds since 1970.
    pub clock: Option<i64>,
    /// Whether an agent was forwarded to the command.
    pub has_agent: bool,
    /// Whether the home folder exists.
    pub has_home: bool,
    /// Whether the home folder is writable.
    pub home_is_writable: bool,
    /// Of `ssh`, `sftp`, `scp` and `bash`, those that are installed.
    pub tools: Vec<String>,
    /// The version that its `ssh` prints.
    pub client: String,
    /// Its address and networks.
    pub networks: Networks,
}

impl Facts {
    /// Parses the answer; `None` if the marks are missing.
    pub fn read(output: &[u8]) -> Option<Facts> {
        let (noise, answer) = answer(output)?;
        let mut facts = Facts { noise, ..Facts::default() };
        answer.iter().for_each(|line| facts.take(line));
        Some(facts)
    }

    fn take(&mut self, line: &str) {
        match line.split_once(' ').unwrap_or((line, "")) {
            ("clock", seconds) => self.clock = seconds.trim().parse().ok(),
            ("agent", word) => self.has_agent = word == "yes",
            // client address and port, server address and port (ssh(1), SSH_CONNECTION)
            ("connection", words) => self.networks.address = words.split(' ').nth(2).and_then(address),
            ("home", "there") => self.has_home = true,
            ("home", "writable") => self.home_is_writable = true,
            ("tool", name @ ("ssh" | "sftp" | "scp" | "bash")) => self.tools.push(name.to_owned()),
            ("client", words) => words.clone_into(&mut self.client),
            ("route", line) => {
                if let Some(block) = on_link(line).filter(|block| !self.networks.local.contains(block)) {
                    self.networks.local.push(block);
                }
            }
            _ => {}
        }
    }
}

/// Parses the answer of the metadata service; `None` if there is no such service.
pub(super) fn cloud(output: &[u8]) -> Option<Cloud> {
    let mut cloud = Cloud::default();
    let (_, answer) = answer(output)?;
    let name = |text: &str| Some(text.to_owned()).filter(|text| !text.is_empty() && text.chars().all(is_of_an_id));
    for line in &answer {
        match line.split_once(' ') {
            Some(("region", text)) => cloud.region = name(text),
            Some(("vpc", text)) => cloud.vpc = name(text),
            Some(("subnet", text)) => cloud.subnet = name(text),
            Some(("block", text)) => cloud.blocks.extend(Cidr::parse(text)),
            _ => {}
        }
    }
    Some(cloud)
}

/// Whether a character may be in an identifier; identifiers end up in command lines that people paste.
fn is_of_an_id(letter: char) -> bool {
    letter.is_ascii_alphanumeric() || letter == '-'
}

/// An IPv4 address, also if it is mapped into IPv6.
fn address(text: &str) -> Option<Ipv4Addr> {
    text.trim_start_matches("::ffff:").parse().ok()
}

/// The text before the first mark, and the lines between the marks.
fn answer(output: &[u8]) -> Option<(Vec<u8>, Vec<String>)> {
    let text = String::from_utf8_lossy(output);
    let (noise, rest) = text.split_once("hop-begin\n")?;
    let (answer, _) = rest.split_once("hop-end")?;
    // sshd's own message, which is reported as a missing home
    let noise: Vec<&str> = noise.lines().filter(|line| !line.starts_with("Could not chdir to home")).collect();
    Some((noise.join("\n").trim().as_bytes().to_vec(), answer.lines().map(str::to_owned).collect()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_answer_is_read_and_noise_is_kept_apart() {
        let output = b"Welcome!\n\nhop-begin\nclock 1700000000\nagent yes\nconnection 10.10.1.10 5 10.10.2.20 22\n\
            home there\nhome writable\ntool ssh\ntool evil\nroute eth0\t00020A0A\t00000000\t0001\t0\t0\t0\t00FFFFFF\nhop-end\n";
        let facts = Facts::read(output).unwrap();
        assert_eq!(facts.noise, b"Welcome!");
        assert_eq!((facts.clock, facts.has_agent, facts.home_is_writable), (Some(1_700_000_000), true, true));
        assert_eq!(facts.tools, ["ssh"]);
        assert_eq!(facts.networks.address, Some(Ipv4Addr::new(10, 10, 2, 20)));
        assert_eq!(facts.networks.local[0].to_string(), "10.10.2.0/24");
        assert_eq!(
            Facts::read(b"Could not chdir to home directory /x: gone\n\nhop-begin\nhop-end").unwrap().noise,
            b""
        );
        assert_eq!(Facts::read(b"This account is currently not available.\n"), None);
    }

    #[test]
    fn what_metadata_says_is_taken_only_where_it_can_be_pasted() {
        let said = b"hop-begin\nregion us-east-1\nvpc vpc-acc\nsubnet $(id)\nblock 10.10.0.0/16\nblock x\nhop-end";
        let cloud = cloud(said).unwrap();
        assert_eq!(
            (cloud.region.as_deref(), cloud.vpc.as_deref(), cloud.subnet),
            (Some("us-east-1"), Some("vpc-acc"), None)
        );
        assert_eq!(cloud.blocks.len(), 1);
    }

    proptest! {
        #[test]
        fn any_output_is_read_without_panic(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
            let marked = [b"hop-begin\n", &bytes[..], b"hop-end"].concat();
            prop_assert!(Facts::read(&marked).is_some());
            cloud(&marked);
            Facts::read(&bytes);
        }
    }
}
