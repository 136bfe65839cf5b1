//! What may be typed after `hop ssh`? The flags of ssh, with ssh's meaning.
//!
//! Main type: [`Ssh`]. Flags that have a keyword in ssh_config become that keyword ([`Ssh::flags`]); those that hop
//! does not have are refused with a reason in `parse.rs`.

#![allow(rustdoc::broken_intra_doc_links, reason = "help texts, where brackets are brackets")]

use std::ffi::OsString;
use std::os::unix::ffi::OsStrExt;
use std::path::PathBuf;

use clap::ArgAction;

use super::flag_groups::{Connection, OutputFlags};
use super::help;
use super::values::port;
use crate::config::{Flags, Purpose};

/// Open a shell on a host, run a command there, or build a tunnel through it
#[derive(clap::Args, Debug)]
#[command(args_override_self = true, after_help = help::SSH, disable_version_flag = true)]
#[command(override_usage = "hop ssh [OPTIONS] <HOST> [CMD]...")]
pub struct Ssh {
    /// [USER@]HOST, or ssh://[USER@]HOST[:PORT]
    #[arg(value_name = "HOST", required_unless_present_any = ["version", "query"])]
    pub host: Option<OsString>,
    /// The command, given to the shell of the user there; words are joined with blanks, as ssh does. Without one: a
    /// shell
    #[arg(value_name = "CMD", trailing_var_arg = true)]
    pub command: Vec<OsString>,

    #[command(flatten)]
    pub session: SessionFlags,
    #[command(flatten)]
    pub lend: Lend,
    #[command(flatten)]
    pub tunnels: TunnelFlags,
    /// Log in as USER [default: from ssh_config, else the name of the user here]
    #[arg(short = 'l', value_name = "USER", help_heading = "Connection")]
    pub user: Option<String>,
    /// Port of HOST, not of its jumps [default: from ssh_config, else 22]
    #[arg(short = 'p', value_name = "PORT", value_parser = port, help_heading = "Connection")]
    pub port: Option<u16>,
    /// MACs to offer, with commas between, best first [default: from ssh_config]
    #[arg(short = 'm', value_name = "MACS", help_heading = "Connection")]
    pub macs: Option<String>,
    /// Connect from this address of this machine
    #[arg(short = 'b', value_name = "ADDRESS", help_heading = "Connection")]
    pub bind_address: Option<String>,
    #[command(flatten)]
    pub connection: Connection,
    #[command(flatten)]
    pub output: OutputFlags,
    /// Append what hop says to FILE instead of standard error
    #[arg(short = 'E', value_name = "FILE", help_heading = "Output")]
    pub log_file: Option<PathBuf>,
    /// Print the configuration for HOST, as `ssh -G` does, and stop; with -v, where each value comes from
    #[arg(short = 'G', help_heading = "Output")]
    pub dump: bool,
    /// List what hop can negotiate: cipher, mac, kex, key, sig …; `help` lists the lists
    #[arg(short = 'Q', value_name = "LIST", help_heading = "Output")]
    pub query: Option<String>,
    /// Print the version in ssh's form
    #[arg(short = 'V', help_heading = "Output")]
    pub version: bool,
    /// No X11 forwarding: always so; taken for ssh's sake
    #[arg(short = 'x', hide = true)]
    pub no_x11_forwarding: bool,
    /// No GSSAPI credentials are forwarded: always so; taken for ssh's sake
    #[arg(short = 'k', hide = true)]
    pub no_gssapi_delegation: bool,
}

/// The session at the host.
#[derive(clap::Args, Debug)]
#[command(next_help_heading = "Session")]
pub struct SessionFlags {
    /// A terminal on the host even for a command; -tt even when there is none here
    #[arg(short = 't', action = ArgAction::Count, overrides_with = "no_terminal")]
    pub terminal: u8,
    /// No terminal on the host
    #[arg(short = 'T', overrides_with = "terminal")]
    pub no_terminal: bool,
    /// No input, as from /dev/null
    #[arg(short = 'n')]
    pub no_input: bool,
    /// No command and no shell: tunnels only
    #[arg(short = 'N')]
    pub nothing: bool,
    /// CMD is the name of a subsystem
    #[arg(short = 's')]
    pub subsystem: bool,
    /// The escape character of sessions with a terminal: a character, ^X, or none [default: ~]
    #[arg(short = 'e', value_name = "CHAR")]
    pub escape: Option<String>,
    /// Let the host use your agent: only where you trust its administrators
    #[arg(short = 'A', overrides_with = "no_agent")]
    pub agent: bool,
    /// Do not [default: from ssh_config, else do not]
    #[arg(short = 'a', overrides_with = "agent")]
    pub no_agent: bool,
}

/// A login lent to the host.
#[derive(clap::Args, Debug)]
#[command(next_help_heading = "Lending")]
pub struct Lend {
    /// Let the session log in to OTHER, as you would from here, while the key stays here: `ssh -F $HOP_LENT OTHER`
    #[arg(long, value_name = "OTHER", conflicts_with_all = ["agent", "nothing", "subsystem", "stdio"])]
    pub lend: Option<OsString>,
    /// How many times
    #[arg(long, value_name = "N", default_value = "1", requires = "lend", value_parser = clap::value_parser!(u32).range(1..=100))]
    pub signatures: u32,
    /// Where HOST finds OTHER [default: its HostName]
    #[arg(long, value_name = "ADDRESS[:PORT]", requires = "lend")]
    pub peer_address: Option<OsString>,
    /// Refuse where the login cannot be bound to OTHER's host key: both need OpenSSH 8.9
    #[arg(long, requires = "lend")]
    pub require_hostbound: bool,
}

/// Tunnels.
#[derive(clap::Args, Debug)]
#[command(next_help_heading = "Tunnels")]
pub struct TunnelFlags {
    /// Connections to PORT here go to HOST:PORT as the host sees it; either end may be a Unix socket's path
    #[arg(short = 'L', value_name = "[BIND:]PORT:HOST:PORT")]
    pub local: Vec<String>,
    /// Connections to PORT there (0: of its choice) come to HOST:PORT as seen from here; without HOST:PORT a SOCKS proxy
    #[arg(short = 'R', value_name = "[BIND:]PORT[:HOST:PORT]")]
    pub remote: Vec<String>,
    /// A SOCKS 4a and 5 proxy on PORT here, into the host's network
    #[arg(short = 'D', value_name = "[BIND:]PORT")]
    pub dynamic: Vec<String>,
    /// Ports of -L and -D are for other machines too
    #[arg(short = 'g')]
    pub gateway: bool,
    /// Join standard input and output to HOST:PORT as the host sees it: for ProxyCommand
    #[arg(short = 'W', value_name = "HOST:PORT")]
    pub stdio: Option<String>,
    /// With -N: connect again when the connection is lost, with the ports kept open
    #[arg(long, requires = "nothing")]
    pub reconnect: bool,
}

impl Ssh {
    /// The command as it is sent: its words, joined with blanks.
    pub fn line(&self) -> Vec<u8> {
        self.command.iter().map(|word| word.as_bytes()).collect::<Vec<_>>().join(&b' ')
    }

    /// The flags in the form that `config` takes. ssh takes the first value of an option, so `-o` comes before the
    /// flags here.
    pub fn flags(&self) -> Result<Flags, String> {
        let flags = self.connection.flags(self.purpose());
        let options = flags.options.iter().cloned().chain(self.session.options()).chain(self.tunnels.options()?);
        let macs = self.macs.iter().map(|macs| format!("MACs={macs}"));
        let bind = self.bind_address.iter().map(|address| format!("BindAddress={address}"));
        let options = options.chain(macs).chain(bind).collect();
        Ok(Flags { options, user: self.user.clone(), port: self.port, ..flags })
    }

    fn purpose(&self) -> Purpose {
        match self.line() {
            _ if self.session.nothing || self.tunnels.stdio.is_some() => Purpose::Nothing,
            line if line.is_empty() => Purpose::Shell,
            line => Purpose::Exec(String::from_utf8_lossy(&line).into_owned()),
        }
    }
}

impl SessionFlags {
    fn options(&self) -> impl Iterator<Item = String> {
        let set = |given: bool, option: &str| given.then(|| option.to_owned());
        [
            set(self.terminal == 1, "RequestTTY=yes"),
            set(self.terminal > 1, "RequestTTY=force"),
            set(self.no_terminal, "RequestTTY=no"),
            set(self.no_input, "StdinNull=yes"),
            set(self.nothing, "SessionType=none"),
            set(self.subsystem, "SessionType=subsystem"),
            set(self.agent, "ForwardAgent=yes"),
            set(self.no_agent, "ForwardAgent=no"),
            self.escape.as_ref().map(|escape| format!("EscapeChar={escape}")),
        ]
        .into_iter()
        .flatten()
    }
}

impl TunnelFlags {
    fn options(&self) -> Result<Vec<String>, String> {
        let mut options = Vec::new();
        if self.stdio.is_some() {
            options.extend(["ClearAllForwardings=yes", "ExitOnForwardFailure=yes", "RequestTTY=no"].map(str::to_owned));
        }
        if self.gateway {
            options.push("GatewayPorts=yes".to_owned());
        }
        for forward in &self.local {
            let (listen, connect) = halves(forward).ok_or_else(|| format!("-L {forward}: no such forwarding"))?;
            options.push(format!("LocalForward \"{listen}\" \"{connect}\""));
        }
        for forward in &self.remote {
            options.push(match halves(forward).filter(|(_, connect)| connect.contains([':', '/'])) {
                Some((listen, connect)) => format!("RemoteForward \"{listen}\" \"{connect}\""),
                None => format!("RemoteForward \"{forward}\""),
            });
        }
        options.extend(self.dynamic.iter().map(|listen| format!("DynamicForward \"{listen}\"")));
        Ok(options)
    }
}

/// Splits at the first colon outside brackets; `config` joins the halves again and parses the whole.
fn halves(forward: &str) -> Option<(&str, &str)> {
    if forward.contains('"') {
        return None;
    }
    let after_brackets = if forward.starts_with('[') { forward.find(']')? } else { 0 };
    let colon = after_brackets + forward[after_brackets..].find(':')?;
    Some((&forward[..colon], &forward[colon + 1..]))
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::Parser;

    #[derive(Parser)]
    struct Line {
        #[command(flatten)]
        ssh: Ssh,
    }

    fn options(line: &str) -> Vec<String> {
        let words = std::iter::once("ssh").chain(line.split(' '));
        Line::try_parse_from(words).expect(line).ssh.flags().expect(line).options
    }

    #[test]
    fn flags_become_the_words_of_ssh_config() {
        assert_eq!(options("-t h ls"), ["RequestTTY=yes"]);
        assert_eq!(options("-tt h ls"), ["RequestTTY=force"]);
        assert_eq!(options("-tT h"), ["RequestTTY=no"]);
        assert_eq!(options("-a -A h"), ["ForwardAgent=yes"]);
        assert_eq!(options("-nN -e ^] h"), ["StdinNull=yes", "SessionType=none", "EscapeChar=^]"]);
        assert_eq!(options("-L 8080:h:80 h"), ["LocalForward \"8080\" \"h:80\""]);
        assert_eq!(options("-L [::1]:8080:h:80 h"), ["LocalForward \"[::1]\" \"8080:h:80\""]);
        assert_eq!(options("-R 1080 -R b:1080 h"), ["RemoteForward \"1080\"", "RemoteForward \"b:1080\""]);
        assert_eq!(options("-R 0:h:22 -R 1:/x h"), ["RemoteForward \"0\" \"h:22\"", "RemoteForward \"1\" \"/x\""]);
        assert_eq!(options("-D 1080 -g h"), ["GatewayPorts=yes", "DynamicForward \"1080\""]);
    }

    #[test]
    fn words_are_joined_with_blanks_and_keep_their_bytes() {
        let raw: OsString = std::os::unix::ffi::OsStringExt::from_vec(vec![0xff]);
        let words = ["ssh", "h", "ls", "a  b"].map(OsString::from).into_iter().chain([raw]);
        let line = Line::try_parse_from(words).unwrap_or_else(|error| panic!("{error}"));
        assert_eq!(line.ssh.line(), b"ls a  b \xff");
    }
}
