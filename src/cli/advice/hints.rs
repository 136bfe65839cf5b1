//! What can a person do about an error? This is the one place that knows both errors and flags.
//!
//! Main function: [`hints`]. Each hint is one line, safe to print, without the `hint: ` in front. The facts (which hop,
//! which step, which file) are in the error itself and not repeated here.

use super::chain::of_chain;
use super::direct::{of_direct, of_lend};
use super::shell_word::{one, quoted};
use crate::cli::output::safe;
use crate::config::{ConfigError, Host};
use crate::copy::{self, CopyError};
use crate::error::Error;
use crate::lock::LockError;
use crate::progress::Stage;
use crate::sftp::{SftpError, StatusCode};
use crate::target::TargetError;

/// Hints for `error`; `ways` are those that were resolved in this run, each with its target last.
pub fn hints(error: &Error, ways: &[Vec<Host>]) -> Vec<String> {
    let hints = match error {
        Error::Config(error) => of_config(error),
        Error::Chain(error) => of_chain(error, ways),
        Error::Copy(error) => of_copy(error, ways),
        Error::Target(TargetError::Unfit { word, .. }) if word.contains(':') => {
            one("a local name with a colon is written ./a:b; an IPv6 address [::1]:path")
        }
        Error::Target(_) => Vec::new(),
        Error::Lock(error) => of_lock(error),
        Error::Lend(error) => of_lend(error, ways),
        Error::Usage(_) | Error::Local { .. } | Error::Internal(_) => Vec::new(),
    };
    hints.into_iter().map(safe::line).collect()
}

fn of_copy(error: &CopyError, ways: &[Vec<Host>]) -> Vec<String> {
    match &error.cause {
        copy::Cause::Chain(error) => of_chain(error, ways),
        copy::Cause::Direct(obstacle) => of_direct(obstacle, ways),
        copy::Cause::StreamLost(_) => one("run the same command again; with -3 the data passes through here"),
        copy::Cause::TooMany { .. } => {
            one("--dry-run lists them; is SRC what it should be? --max-delete N allows more")
        }
        copy::Cause::NoSpace => one("make room there, then run the same command again"),
        copy::Cause::ReadOnly => one(
            "mount it for writing there (mount -o remount,rw), or give another destination; after errors of a disk, look into \
                 dmesg first",
        ),
        copy::Cause::NameTooLong(_) => one("give the file a shorter name: the last word of DST, or the source's own"),
        copy::Cause::Differs => {
            one("the disk, the memory or the server there is not to be trusted: look into it before you try again")
        }
        copy::Cause::Sftp(SftpError::Stalled(_)) | copy::Cause::StreamStalled(_) | copy::Cause::Idle(_) => stalled(),
        copy::Cause::Sftp(SftpError::Unsupported(what)) if what.contains("fsync") => {
            one("the server cannot flush files on request: leave out --fsync")
        }
        copy::Cause::Sftp(SftpError::Status { code, .. }) if error.part.is_some() => unsaid(error, *code),
        copy::Cause::PartTaken => {
            one("another run goes on from it, if this one stood still for long; --lock lets one run at a time")
        }
        copy::Cause::Deadline(_) => one("the same command goes on from what has arrived"),
        copy::Cause::SourceChanged => {
            one("run the same command again when nothing writes to it; --growing takes a file that only grows")
        }
        copy::Cause::Unfit(_) if is_stream(error) => {
            one("a stream is sent by its reader there: … | hop ssh HOST 'cat > FILE'")
        }
        copy::Cause::Endless { .. } => one("is it a file with an end? --deadline TIME reads on until then"),
        copy::Cause::Misstated => one("--route relay sends it through here, to its real end"),
        _ => Vec::new(),
    }
}

/// Whether the source was standard input, `<(…)`, or another device of this machine.
fn is_stream(error: &CopyError) -> bool {
    error.host.is_none() && [&b"/dev/"[..], b"/proc/"].iter().any(|folder| error.path.starts_with(folder))
}

/// Of a file that was written, or was about to be, and a server that says little.
fn unsaid(error: &CopyError, code: StatusCode) -> Vec<String> {
    let cause = "the server does not say why; a quota, a limit on the size of files, or a failing disk are likely";
    let in_place = "--inplace writes into the file itself, if the server lets no other take its name";
    let hints = [(code == StatusCode::FAILURE, cause), (error.stage == Stage::Land, in_place)];
    hints.into_iter().filter(|(holds, _)| *holds).map(|(_, hint)| hint.to_owned()).collect()
}

fn of_lock(error: &LockError) -> Vec<String> {
    match error {
        LockError::Held { .. } => one("--lock=10m waits for it so long"),
        LockError::Unsafe(folder) => vec![format!("chmod 700 {}; it must belong to you", quoted(folder))],
        LockError::Io { .. } => one("HOP_LOCKS names another folder for locks"),
    }
}

/// Hints for a copy that stalled although no connection was closed.
fn stalled() -> Vec<String> {
    one(
        "the same command goes on from what has arrived; if it stalls at once each time, packets over some size vanish: \
         lower the MTU (ip link set dev IF mtu 1400), or let ICMP pass",
    )
}

fn of_config(error: &ConfigError) -> Vec<String> {
    match error {
        ConfigError::Permissions { file, .. } => {
            vec![format!("chmod go-w {}; it must belong to you or to root", quoted(file))]
        }
        ConfigError::BadLines(lines) if lines.iter().any(|line| line.problem.contains("unknown")) => {
            one("for an option of another ssh, put `IgnoreUnknown NAME` above it")
        }
        _ => Vec::new(),
    }
}
