//! From an error to what a person can do about it: the one place that knows both errors and flags.
//!
//! Main function: [`hints`]. Each hint is one line, safe to print, without the `hint: ` in front. The facts (which hop,
//! which step, which file) are in the error itself and not repeated here.

mod direct;

use std::path::Path;

use crate::auth::{AuthError, KeyProblem};
use crate::chain::{Cause, ChainError, Trail};
use crate::config::{ConfigError, Host, Origin, Stanza, StanzaError};
use crate::copy::{self, CopyError};
use crate::error::Error;
use crate::lock::LockError;
use crate::progress::Stage;
use crate::sftp::{SftpError, StatusCode};
use crate::target::TargetError;
use crate::trust::{KnownAt, NotAccepted, TrustError};

use crate::cli::output::safe;
use direct::{of_direct, of_lend};

/// What to do about `error`; `ways` are those that were resolved in this run, each with its target last.
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
        copy::Cause::Differs => {
            one("the disk, the memory or the server there is not to be trusted: look into it before you try again")
        }
        copy::Cause::Sftp(SftpError::Stalled(_)) | copy::Cause::StreamStalled(_) | copy::Cause::Idle(_) => stalled(),
        copy::Cause::Sftp(SftpError::Unsupported(what)) if what.contains("fsync") => {
            one("the server cannot flush files on request: leave out --fsync")
        }
        copy::Cause::Sftp(SftpError::Status { code: StatusCode::FAILURE, .. }) if error.part.is_some() => {
            one("the server does not say why; a quota, a limit on the size of files, or a failing disk are likely")
        }
        copy::Cause::PartTaken => {
            one("another run goes on from it, if this one stood still for long; --lock lets one run at a time")
        }
        copy::Cause::Deadline(_) => one("the same command goes on from what has arrived"),
        copy::Cause::SourceChanged => {
            one("run the same command again when nothing writes to it; --growing takes a file that only grows")
        }
        copy::Cause::Endless { .. } => one("is it a file with an end? --deadline TIME reads on until then"),
        copy::Cause::Misstated => one("--route relay sends it through here, to its real end"),
        _ => Vec::new(),
    }
}

fn of_lock(error: &LockError) -> Vec<String> {
    match error {
        LockError::Held { .. } => one("--lock=10m waits for it so long"),
        LockError::Unsafe(folder) => vec![format!("chmod 700 {}; it must belong to you", quoted(folder))],
        LockError::Io { .. } => one("HOP_LOCKS names another folder for locks"),
    }
}

/// Nothing moves though nothing was closed.
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

/// What to do about a hop that was not climbed; not yet made safe.
pub fn of_chain(error: &ChainError, ways: &[Vec<Host>]) -> Vec<String> {
    let hop = Hop::of(&error.trail, ways);
    let alias = error.trail.end();
    match &error.cause {
        Cause::Trust(cause) => of_trust(cause, &hop),
        Cause::Auth(cause) => of_auth(cause, hop.host),
        Cause::ForwardRefused { by, to, reason } => vec![forward_refused(by, to, reason)],
        Cause::Resolve { .. } => vec![unresolved(error)],
        Cause::Io { source, .. } => dial_failed(source),
        Cause::TimedOut(_) if error.stage == Stage::Dial => vec![blocked(error)],
        cause if error.stage == Stage::Greet => greets_nobody(cause, alias),
        cause @ (Cause::Refused(_) | Cause::Sftp(_)) if error.stage == Stage::StartSftp => no_sftp(alias, cause),
        _ => Vec::new(),
    }
}

/// The hop that failed, as it was resolved.
struct Hop<'a> {
    host: Option<&'a Host>,
    /// Where the way leads in the end.
    target: &'a str,
    /// It is dialled from here, so that ssh-keyscan reaches it too.
    is_first: bool,
}

impl<'a> Hop<'a> {
    fn of(trail: &'a Trail, ways: &'a [Vec<Host>]) -> Hop<'a> {
        let passes =
            |way: &&Vec<Host>| way.iter().map(|host| &host.alias).zip(&trail.0).all(|(one, other)| one == other);
        let way = ways.iter().filter(|way| way.len() >= trail.0.len()).find(passes);
        Hop {
            host: way.and_then(|way| way.get(trail.0.len().checked_sub(1)?)),
            target: way.and_then(|way| way.last()).map_or(trail.end(), |host| &host.alias),
            is_first: trail.0.len() == 1,
        }
    }
}

fn of_trust(error: &TrustError, hop: &Hop<'_>) -> Vec<String> {
    match error {
        TrustError::Unknown { because, .. } => unknown_key(*because, hop),
        TrustError::Changed { host, known, .. } => changed_key(host, known),
        TrustError::ChangedAtRekey { .. } => {
            one("somebody may have come in between: do not connect again before you know why; nothing was sent since")
        }
        TrustError::Revoked { by, .. } => {
            vec![format!("{by} revokes it: the key was stolen or retired; do not connect")]
        }
        TrustError::Record { file, .. } => {
            vec![format!("make {} writable, or name another file with UserKnownHostsFile", quoted(file))]
        }
        TrustError::Certificate { .. } => {
            one("ask whoever signs your host certificates; see @cert-authority in sshd(8)")
        }
        _ => Vec::new(),
    }
}

fn unknown_key(because: NotAccepted, hop: &Hop<'_>) -> Vec<String> {
    let first = match because {
        NotAccepted::Declined => return Vec::new(),
        NotAccepted::NowhereToRecord => {
            return one("name a file to remember it in with UserKnownHostsFile");
        }
        NotAccepted::Strict => {
            let origin =
                hop.host.map(|host| format!(" ({})", host.strict_host_key_checking.origin)).unwrap_or_default();
            format!("StrictHostKeyChecking is yes{origin}: with `ask`, hop shows the fingerprint and asks")
        }
        NotAccepted::NobodyToAsk => format!(
            "once, on a terminal: `hop ssh {} true` (with the same -F, -J and -i) shows the fingerprint and asks; compare \
             it with the host's console",
            hop.target
        ),
    };
    std::iter::once(first).chain(hop.host.filter(|_| hop.is_first).map(scanned)).collect()
}

fn scanned(host: &Host) -> String {
    let port = if host.port.value == 22 { String::new() } else { format!("-p {} ", host.port.value) };
    let file = host.user_known_hosts_files.first().map_or("~/.ssh/known_hosts".to_owned(), |file| quoted(file));
    let name = shell_word(host.hostname.as_str());
    format!("or `ssh-keyscan {port}{name} >> {file}`, which believes whoever answers: compare with `ssh-keygen -lf`")
}

fn changed_key(host: &str, known: &[KnownAt]) -> Vec<String> {
    let mut hints: Vec<String> =
        known.iter().map(|at| format!("{} has {} {}", place(at), at.algorithm, at.fingerprint)).collect();
    hints.push("this may be an attack: believe the new key only if you know why it changed".to_owned());
    if let Some(at) = known.first() {
        let (name, file) = (shell_word(host), quoted(&at.file));
        hints.push(format!("if the host was rebuilt: ssh-keygen -R {name} -f {file}, then connect from a terminal"));
    }
    hints.push(format!(
        "if two networks use the address {host} for different hosts: give each a Host block with its own HostKeyAlias"
    ));
    hints
}

fn of_auth(error: &AuthError, host: Option<&Host>) -> Vec<String> {
    match error {
        AuthError::Permissions { file, .. } => vec![format!("chmod 400 {}", quoted(file))],
        AuthError::KeyFile { remedy, .. } => remedy.iter().cloned().collect(),
        AuthError::NeedsPerson { .. } => {
            one("run it on a terminal, or give a key that needs no question: -i FILE, ssh-add")
        }
        AuthError::Disconnected { reason, .. } if reason.contains("Too many") => {
            one("offer one key only: -i FILE -o IdentitiesOnly=yes")
        }
        AuthError::Refused { user, tried, unused, doubtful, .. } => {
            let keys = unused.iter().chain(doubtful);
            let mut hints: Vec<String> = keys.filter_map(|key| of_key(&key.file, &key.problem)).collect();
            hints.push(match tried.is_empty() {
                true => "name the key: -i FILE, `IdentityFile FILE` in ssh_config, or ssh-add FILE".to_owned(),
                false => "is it the right key? -i FILE; for one host of several -i PATTERN=FILE".to_owned(),
            });
            if host.is_some_and(|host| host.user.origin == Origin::Default) {
                hints.push(format!(
                    "{user} is the name of the user here; cloud images have their own (ec2-user, ubuntu, admin): USER@HOST"
                ));
            }
            hints
        }
        _ => Vec::new(),
    }
}

/// What makes a key file usable, where something does.
pub fn of_key(file: &Path, problem: &KeyProblem) -> Option<String> {
    match problem {
        KeyProblem::TooOpen(_) => Some(format!("chmod 400 {}", quoted(file))),
        KeyProblem::Ended(_) | KeyProblem::NotBegun(_) | KeyProblem::ForOthers(_) => {
            Some(format!("have it signed again by whoever made it; ssh-keygen -Lf {} shows it", quoted(file)))
        }
        KeyProblem::Absent => {
            Some("is the name spelled right, and the folder? see IdentityFile in ssh_config".to_owned())
        }
        problem => problem.remedy().map(str::to_owned),
    }
}

/// What to do about a host that was not added.
pub fn of_stanza(error: &StanzaError, stanza: &Stanza, home: &Path) -> Vec<String> {
    match error {
        StanzaError::Exists { name, .. } => vec![format!("hop ssh -G {name} shows what it is; choose another name")],
        StanzaError::NoSuchJump { via } => vec![format!("add the bastion first: hop hosts add {via} --address …")],
        StanzaError::Overruled { origin, .. } => {
            let first = format!("the first value counts in ssh_config: put this above {origin} by hand");
            std::iter::once(first).chain(stanza.text(home).lines().map(str::to_owned)).collect()
        }
        _ => Vec::new(),
    }
}

/// The words are sshd's (`channels.c`, `serverloop.c`) and those of the C library behind it.
fn forward_refused(by: &str, to: &str, reason: &str) -> String {
    let says = |words: &[&str]| words.iter().any(|word| reason.contains(word));
    if says(&["prohibited"]) {
        return format!(
            "the sshd of {by} forbids it: in its sshd_config, AllowTcpForwarding must be yes or local, and PermitOpen \
             any or {to}"
        );
    }
    if says(&["Connection refused"]) {
        return format!(
            "{by} reaches the host, but nothing listens on {to}: is sshd running there, is the port right?"
        );
    }
    if says(&["timed out", "No route", "unreachable"]) {
        return format!(
            "{by} gets no answer from {to}: look at the route tables, security groups and network ACLs between them"
        );
    }
    let (name, port) = to.rsplit_once(':').unwrap_or((to, "22"));
    format!("to see what {by} sees: hop ssh {by} nc -vz {} {port}", shell_word(name.trim_matches(['[', ']'])))
}

fn unresolved(error: &ChainError) -> String {
    match error.trail.0.as_slice() {
        [.., before, _] => format!("the name is looked up on {before}, not here; HostName may be an address"),
        _ => "is it spelled as in ssh_config? A `Host` block with HostName gives an address to a name".to_owned(),
    }
}

fn dial_failed(error: &std::io::Error) -> Vec<String> {
    use std::io::ErrorKind as Io;
    match error.kind() {
        Io::ConnectionRefused => one("nothing listens there: is sshd running, is the port right (-P, Port)?"),
        Io::HostUnreachable | Io::NetworkUnreachable | Io::TimedOut => {
            one("look at the VPN, route tables and security groups between here and there")
        }
        _ => Vec::new(),
    }
}

fn blocked(error: &ChainError) -> String {
    match error.trail.0.as_slice() {
        [.., before, host] => format!(
            "{before} gets no answer from {host}: look at the route tables, security groups and network ACLs between them"
        ),
        _ => "packets vanish: does the security group let your address in, does the host run?".to_owned(),
    }
}

fn greets_nobody(cause: &Cause, alias: &str) -> Vec<String> {
    let likely = match cause {
        Cause::TimedOut(_) => "the host is overloaded, or packets over some size vanish (lower the MTU: ip link)",
        Cause::Lost(_) | Cause::Protocol(_) => "full (MaxStartups) or a penalty (PerSourcePenalties)? wait a minute",
        _ => return Vec::new(),
    };
    vec![format!("{likely}; hop doctor {} looks closer", shell_word(alias))]
}

fn no_sftp(alias: &str, cause: &Cause) -> Vec<String> {
    let needs = format!(
        "hop copies over SFTP: the sshd_config of {alias} needs `Subsystem sftp internal-sftp`, and no forced command"
    );
    let silence = "any other server for it needs an account with a shell (no nologin), whose .bashrc prints nothing";
    std::iter::once(needs).chain(matches!(cause, Cause::Sftp(_)).then(|| silence.to_owned())).collect()
}

fn one(hint: &str) -> Vec<String> {
    vec![hint.to_owned()]
}

fn place(at: &KnownAt) -> String {
    format!("{}:{}", at.file.display(), at.line)
}

fn quoted(path: &Path) -> String {
    shell_word(&path.to_string_lossy())
}

/// A word that can be pasted into a POSIX shell.
pub fn shell_word(text: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "/._-~+@%:,".contains(c);
    match !text.is_empty() && text.chars().all(plain) {
        true => text.to_owned(),
        false => format!("'{}'", text.replace('\'', r"'\''")),
    }
}
