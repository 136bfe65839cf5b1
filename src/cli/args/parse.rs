//! Why is a command line refused? Flags of scp and ssh that hop knows but does not have are refused with the reason,
//! never ignored.
//!
//! Main function: [`parse()`]. For an unknown flag the message is clap's own.

use std::ffi::OsString;

use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::{ArgMatches, CommandFactory, FromArgMatches};

use super::command_line::{Args, Verb};
use super::ssh::Places;

/// Why a command line is not run, or what to print instead.
#[derive(Debug)]
pub enum NotParsed {
    /// Help or a version, for standard output.
    Shown(clap::Error),
    /// clap's error message, for standard error.
    Complaint(clap::Error),
    /// A flag of scp or ssh that hop does not have.
    Flag {
        /// `cp`, `ls` or `ssh`.
        verb: String,
        /// The flag as typed: `-O`.
        flag: String,
        /// The reason, one sentence.
        why: &'static str,
    },
}

/// Parses the command line; its first word is the program's name.
pub fn parse(words: &[OsString]) -> Result<Args, NotParsed> {
    parsed(words).map_err(|error| refusal(words, error))
}

fn parsed(words: &[OsString]) -> Result<Args, clap::Error> {
    let mut matches = Args::command().try_get_matches_from(words)?;
    let places = matches.subcommand_matches("ssh").map(places);
    let mut args = Args::from_arg_matches_mut(&mut matches).map_err(|error| error.format(&mut Args::command()))?;
    if let (Verb::Ssh(ssh), Some(places)) = (&mut args.verb, places) {
        ssh.places = places;
    }
    Ok(args)
}

fn places(ssh: &ArgMatches) -> Places {
    let options = ssh.indices_of("options").map(Iterator::collect).unwrap_or_default();
    Places { user: ssh.index_of("user"), port: ssh.index_of("port"), host: ssh.index_of("host"), options }
}

fn refusal(words: &[OsString], error: clap::Error) -> NotParsed {
    let verb = words.get(1).and_then(|word| word.to_str()).unwrap_or_default();
    if let (ErrorKind::UnknownArgument, Some(ContextValue::String(flag))) =
        (error.kind(), error.get(ContextKind::InvalidArg))
        && let Some(why) = reason(verb, flag)
    {
        return NotParsed::Flag { verb: verb.to_owned(), flag: flag.clone(), why };
    }
    match error.use_stderr() {
        true => NotParsed::Complaint(error),
        false => NotParsed::Shown(error),
    }
}

fn reason(verb: &str, flag: &str) -> Option<&'static str> {
    let table = match verb {
        "cp" | "ls" => SCP,
        "ssh" => SSH,
        _ => return None,
    };
    table.iter().find(|(name, _)| *name == flag).map(|(_, why)| *why)
}

const SCP: &[(&str, &str)] = &[
    ("-1", "SSH protocol 1 was broken long ago; hop speaks protocol 2"),
    ("-D", "it names an sftp-server program of this machine to copy from: a copy within this machine is for cp"),
    ("-O", "the old scp protocol lets a server choose which files it writes; hop uses SFTP, which every sshd has"),
];

const SSH: &[(&str, &str)] = &[
    ("-1", "SSH protocol 1 was broken long ago; hop speaks protocol 2"),
    ("-I", "PKCS#11 tokens are not in this version: load the key into an agent"),
    ("-O", "connections are not shared between runs, so there is no master to control"),
    ("-w", "tunnel devices are not in this version"),
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::args::command_line::Verb;

    fn words(line: &str) -> Vec<OsString> {
        std::iter::once("hop").chain(line.split(' ')).map(OsString::from).collect()
    }

    fn refused(line: &str) -> (String, &'static str) {
        match parse(&words(line)) {
            Err(NotParsed::Flag { flag, why, .. }) => (flag, why),
            other => panic!("`{line}` gave {other:?}"),
        }
    }

    #[test]
    fn each_flag_of_scp_is_taken_or_refused_with_a_reason() {
        for flag in "2346ABCpqRrsTv".chars() {
            assert!(parse(&words(&format!("cp -{flag} a h:b"))).is_ok(), "-{flag}");
        }
        for flag in "1O".chars() {
            assert_eq!(refused(&format!("cp -{flag} a h:b")).0, format!("-{flag}"));
        }
        assert_eq!(refused("cp -D x a h:b").0, "-D");
        assert!(parse(&words("cp -S ssh a h:b")).is_ok() && parse(&words("cp -S /usr/bin/ssh a h:b")).is_ok());
        let Err(NotParsed::Complaint(wrapper)) = parse(&words("cp -S ./ssh a h:b")) else { panic!("taken") };
        assert!(wrapper.to_string().contains("ProxyCommand"), "{wrapper}");
        for flag in "cFiJloPX".chars() {
            assert!(parse(&words(&format!("cp -{flag} 22 a h:b"))).is_ok(), "-{flag}");
        }
    }

    #[test]
    fn each_flag_of_ssh_is_taken_or_refused_with_a_reason() {
        for flag in "246AaCfgGkKMnNqstTvVxXyY".chars() {
            assert!(parse(&words(&format!("ssh -{flag} h true"))).is_ok(), "-{flag}");
        }
        for flag in "bBcDeEFiJlLmopPQRSW".chars() {
            assert!(parse(&words(&format!("ssh -{flag} 22 h true"))).is_ok(), "-{flag}");
        }
        for flag in "1IOw".chars() {
            assert_eq!(refused(&format!("ssh -{flag} x h true")).0, format!("-{flag}"));
        }
    }

    #[test]
    fn a_refused_flag_is_found_in_a_bundle() {
        assert_eq!(refused("cp -rpO a h:b").0, "-O");
    }

    #[test]
    fn short_flags_come_bundled_and_with_their_values_attached() {
        let Ok(Args { verb: Verb::Cp(cp) }) = parse(&words("cp -rpqP2222 -oPort=22 -iacc.pem -Ju@b:1,c a b h:")) else {
            panic!("not taken");
        };
        assert!(cp.copying.recursive && cp.copying.preserve && cp.output.quiet);
        assert_eq!(cp.port.port, Some(2222));
        assert_eq!(cp.connection.options, ["Port=22"]);
        assert_eq!(cp.connection.jumps[0].value, "u@b:1,c");
        assert_eq!((cp.sources.len(), cp.destination), (2, "h:".into()));
    }

    #[test]
    fn words_after_the_command_are_the_commands() {
        let Ok(Args { verb: Verb::Ssh(ssh) }) = parse(&words("ssh h -v ls -l -O")) else { panic!("not taken") };
        assert_eq!(ssh.output.verbose, 1);
        assert_eq!(ssh.command, ["ls", "-l", "-O"]);
    }

    #[test]
    fn the_last_of_a_repeated_flag_counts() {
        let Ok(Args { verb: Verb::Cp(cp) }) = parse(&words("cp -P 1 -P 2 -r -r --symlinks keep --symlinks skip a h:"))
        else {
            panic!("not taken")
        };
        assert_eq!(cp.port.port, Some(2));
        assert_eq!(cp.copying.symlinks, Some(crate::cli::args::values::SymlinkChoice::Skip));
    }
}
