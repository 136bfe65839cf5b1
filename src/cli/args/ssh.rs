//! What may be typed after `hop ssh`? The flags of ssh, with ssh's meaning.
//!
//! Main type: [`Ssh`]. Flags that have a keyword in ssh_config become that keyword ([`Ssh::flags`]); those that hop
//! does not have are refused with a reason in `parse.rs`.

#![allow(rustdoc::broken_intra_doc_links, reason = "help texts, where brackets are brackets")]

use std::ffi::OsString;
use std::os::unix::ffi::OsStrExt;
use std::path::PathBuf;

use anyhow::Context as _;
use clap::ArgAction;

use super::flag_groups::{Connection, OutputFlags};
use super::help;
use super::values::port;
use crate::config::{Flags, Purpose};
use crate::target;

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
    pub user: Vec<String>,
    /// Port of HOST, not of its jumps [default: from ssh_config, else 22]
    #[arg(short = 'p', value_name = "PORT", value_parser = port, help_heading = "Connection")]
    pub port: Vec<u16>,
    /// The tag that `Match tagged` looks for [default: Tag of ssh_config]
    #[arg(short = 'P', value_name = "TAG", help_heading = "Connection")]
    pub tag: Option<String>,
    /// MACs to offer, with commas between, best first [default: from ssh_config]
    #[arg(short = 'm', value_name = "MACS", help_heading = "Connection")]
    pub macs: Option<String>,
    /// Connect from this address of this machine
    #[arg(short = 'b', value_name = "ADDRESS", help_heading = "Connection")]
    pub bind_address: Option<String>,
    /// Connect from the addresses of this interface of this machine
    #[arg(short = 'B', value_name = "INTERFACE", help_heading = "Connection")]
    pub bind_interface: Option<String>,
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
    #[command(flatten)]
    pub taken: TakenFlags,
    /// Where on the line the words stand that name a user or a port.
    #[arg(skip)]
    pub places: Places,
}

/// Flags that are taken because programs that run ssh give them; all but `-X` and `-Y` change nothing.
#[derive(clap::Args, Debug)]
pub struct TakenFlags {
    /// SSH protocol 2: there is no other
    #[arg(short = '2', hide = true)]
    pub protocol_2: bool,
    /// X11 forwarding, which is not there
    #[arg(short = 'X', hide = true, overrides_with = "no_x11_forwarding")]
    pub x11_forwarding: bool,
    /// The same, trusted
    #[arg(short = 'Y', hide = true, overrides_with = "no_x11_forwarding")]
    pub trusted_x11_forwarding: bool,
    /// No X11 forwarding: always so
    #[arg(short = 'x', hide = true, overrides_with_all = ["x11_forwarding", "trusted_x11_forwarding"])]
    pub no_x11_forwarding: bool,
    /// GSSAPI, which is not there
    #[arg(short = 'K', hide = true, overrides_with = "no_gssapi_delegation")]
    pub gssapi: bool,
    /// No GSSAPI credentials are forwarded: always so
    #[arg(short = 'k', hide = true, overrides_with = "gssapi")]
    pub no_gssapi_delegation: bool,
    /// Messages to syslog: they stay where they are, for systemd to collect
    #[arg(short = 'y', hide = true)]
    pub syslog: bool,
    /// The path of a shared connection: none is shared
    #[arg(short = 'S', value_name = "PATH", hide = true)]
    pub control_path: Option<String>,
    /// The master of shared connections: none is shared
    #[arg(short = 'M', hide = true, action = ArgAction::Count)]
    pub control_master: u8,
    /// This process is the one in the background
    #[arg(long = "in-background", hide = true)]
    pub in_background: bool,
}

/// Where on the line a user or a port is named: what ssh reads first counts, be it `-l`, `-o User=` or `USER@HOST`.
#[derive(Debug, Clone, Default)]
pub struct Places {
    /// `-l`.
    pub user: Option<usize>,
    /// `-p`.
    pub port: Option<usize>,
    /// The host.
    pub host: Option<usize>,
    /// Each `-o`.
    pub options: Vec<usize>,
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
    /// Go to the background once the login is done and the ports are open; no input
    #[arg(short = 'f')]
    pub background: bool,
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

    /// The flags in the form that `config` takes. The first value of an option counts: as with ssh, that of a flag,
    /// then those of `-o`, then what `-W` implies.
    pub fn flags(&self) -> anyhow::Result<Flags> {
        let flags = self.connection.flags(self.purpose());
        let named = [
            ("Tag", &self.tag),
            ("MACs", &self.macs),
            ("BindAddress", &self.bind_address),
            ("BindInterface", &self.bind_interface),
        ];
        let named = named.into_iter().filter_map(|(keyword, value)| Some(format!("{keyword}={}", value.as_ref()?)));
        let options = self.session.options().chain(named).chain(self.taken.options()).chain(self.tunnels.options()?);
        let given = flags.options.iter().filter(|option| !self.is_late(option)).cloned();
        let options = options.chain(given).chain(self.tunnels.implied()).collect();
        let user = self.user.first().filter(|_| self.wins(Named::User)).cloned();
        let port = self.port.first().filter(|_| self.wins(Named::Port)).copied();
        Ok(Flags { options, user, port, ..flags })
    }

    /// Whether the flag for the user or the port is the first word on the line that names one.
    fn wins(&self, named: Named) -> bool {
        let at = match named {
            Named::User => self.places.user,
            Named::Port => self.places.port,
        };
        self.first_option(named).is_none_or(|option| at < Some(option))
            && self.by_host(named).is_none_or(|host| at < Some(host))
    }

    /// Whether `option` names a user or a port after `USER@HOST` or the URI that names one, too.
    fn is_late(&self, option: &str) -> bool {
        let Some(named) = Named::by_option(option) else { return false };
        let first = self.first_option(named);
        self.by_host(named).is_some_and(|host| first.is_some_and(|option| host < option))
    }

    fn first_option(&self, named: Named) -> Option<usize> {
        let places = self.connection.options.iter().zip(&self.places.options);
        places.filter(|(option, _)| Named::by_option(option) == Some(named)).map(|(_, place)| *place).next()
    }

    /// Where the host stands, if it names a user or a port.
    fn by_host(&self, named: Named) -> Option<usize> {
        let host = target::parse_host(self.host.as_ref()?).ok()?;
        let is_named = match named {
            Named::User => host.user.is_some(),
            Named::Port => host.port.is_some(),
        };
        self.places.host.filter(|_| is_named)
    }

    fn purpose(&self) -> Purpose {
        match self.line() {
            _ if self.session.nothing || self.tunnels.stdio.is_some() => Purpose::Nothing,
            line if line.is_empty() => Purpose::Shell,
            line => Purpose::Exec(String::from_utf8_lossy(&line).into_owned()),
        }
    }
}

/// What several words of a line can name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Named {
    User,
    Port,
}

impl Named {
    /// What an `-o` names.
    fn by_option(option: &str) -> Option<Named> {
        let keyword = option.trim_start().split(['=', ' ', '\t']).next().unwrap_or_default();
        match keyword.to_ascii_lowercase().as_str() {
            "user" => Some(Named::User),
            "port" => Some(Named::Port),
            _ => None,
        }
    }
}

impl TakenFlags {
    fn options(&self) -> impl Iterator<Item = String> {
        let set = |given: bool, option: &str| given.then(|| option.to_owned());
        [
            set(self.x11_forwarding || self.trusted_x11_forwarding, "ForwardX11=yes"),
            set(self.trusted_x11_forwarding, "ForwardX11Trusted=yes"),
            set(self.no_x11_forwarding, "ForwardX11=no"),
            set(self.gssapi, "GSSAPIAuthentication=yes"),
            set(self.gssapi, "GSSAPIDelegateCredentials=yes"),
            set(self.no_gssapi_delegation, "GSSAPIDelegateCredentials=no"),
            set(self.control_master == 1, "ControlMaster=yes"),
            set(self.control_master > 1, "ControlMaster=ask"),
            self.control_path.as_ref().map(|path| format!("ControlPath={path}")),
        ]
        .into_iter()
        .flatten()
    }
}

impl SessionFlags {
    fn options(&self) -> impl Iterator<Item = String> {
        let set = |given: bool, option: &str| given.then(|| option.to_owned());
        [
            set(self.terminal == 1, "RequestTTY=yes"),
            set(self.terminal > 1, "RequestTTY=force"),
            set(self.no_terminal, "RequestTTY=no"),
            set(self.background, "ForkAfterAuthentication=yes"),
            set(self.no_input || self.background, "StdinNull=yes"),
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
    fn options(&self) -> anyhow::Result<Vec<String>> {
        let mut options = Vec::new();
        if self.gateway {
            options.push("GatewayPorts=yes".to_owned());
        }
        for forward in &self.local {
            let (listen, connect) = halves(forward).with_context(|| format!("-L {forward}: no such forwarding"))?;
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

impl TunnelFlags {
    /// What `-W` sets unless it is set.
    fn implied(&self) -> impl Iterator<Item = String> {
        let implied = ["ClearAllForwardings=yes", "ExitOnForwardFailure=yes", "RequestTTY=no"];
        implied.into_iter().filter(|_| self.stdio.is_some()).map(str::to_owned)
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
