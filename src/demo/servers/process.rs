//! How does a command run on a private server? As `/bin/sh -c LINE` on this machine, in that server's home, with
//! nothing of the caller's environment. Its three streams are connected to the channel, and its exit status or signal
//! is reported as sshd does (RFC 4254 §6.10). If the client goes away first, the process group is killed a moment
//! later.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use russh::server::{Handle, Msg};
use russh::{Channel, ChannelId, Sig};
use rustix::process::{Pid, Signal, kill_process_group};
use tokio::process::{Child, Command};
use tokio::time::timeout;

use super::pipe::{self, StreamKind};
use crate::demo::map::USER;

/// How long a command may take to end when its client has gone.
const GRACE: Duration = Duration::from_secs(1);

/// What a session channel asks to run.
pub enum ExecRequest<'a> {
    /// One command line.
    Line(&'a [u8]),
    /// A shell that prints prompts although it has no terminal.
    Shell,
}

/// The command, ready to be started on the server called `host`.
pub fn command(what: ExecRequest<'_>, home: &Path, host: &str) -> Command {
    let mut command = Command::new("/bin/sh");
    match what {
        ExecRequest::Line(line) => command.arg("-c").arg(OsStr::from_bytes(line)),
        ExecRequest::Shell => command.arg("-i").env("PS1", format!("[{USER}@{host} ~]$ ")),
    };
    command
        .env_clear()
        .env("PATH", "/usr/local/bin:/usr/bin:/bin:/usr/local/sbin:/usr/sbin:/sbin")
        .env("LANG", "C.UTF-8")
        .env("HOME", home)
        .envs([("USER", USER), ("LOGNAME", USER), ("SHELL", "/bin/sh")])
        .current_dir(home)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .process_group(0)
        .kill_on_drop(true);
    command
}

/// Runs the command until it ends, or its channel does.
pub async fn run(channel: Channel<Msg>, mut command: Command, handle: Handle) {
    let id = channel.id();
    match command.spawn() {
        Ok(child) => attend(channel, child, &handle).await,
        Err(error) => {
            let text = format!("cannot start a command: {error}\r\n");
            let _ = channel.extended_data_bytes(1, text.into_bytes()).await;
            let _ = handle.exit_status_request(id, 127).await;
        }
    }
    let _ = handle.eof(id).await;
    let _ = handle.close(id).await;
}

async fn attend(channel: Channel<Msg>, mut child: Child, handle: &Handle) {
    let id = channel.id();
    let group = Group::of(&child);
    let (read, write) = channel.split();
    let (queue, closed) = pipe::drain(read);
    let (Some(stdin), Some(stdout), Some(stderr)) = (child.stdin.take(), child.stdout.take(), child.stderr.take())
    else {
        return;
    };
    tokio::spawn(queue.feed(stdin));
    let finished = async {
        let output = pipe::send(stdout, &write, StreamKind::Data, &closed);
        let errors = pipe::send(stderr, &write, StreamKind::Stderr, &closed);
        tokio::join!(child.wait(), output, errors).0
    };
    tokio::select! {
        status = finished => {
            // The client may have left while the last output was being sent: then the process group still runs.
            if !closed.is_cancelled() {
                group.let_go();
            }
            if let Ok(status) = status {
                report(handle, id, status).await;
            }
        }
        // its input has ended too, so a command that cleans up after itself gets the time to do so
        () = closed.cancelled() => drop(timeout(GRACE, child.wait()).await),
    }
}

async fn report(handle: &Handle, id: ChannelId, status: ExitStatus) {
    let _ = match status.signal() {
        Some(signal) => {
            handle.exit_signal_request(id, name(signal), status.core_dumped(), String::new(), String::new()).await
        }
        None => handle.exit_status_request(id, status.code().unwrap_or(255).cast_unsigned()).await,
    };
}

/// A signal's name as RFC 4254 §6.10 spells it.
fn name(signal: i32) -> Sig {
    match Signal::from_named_raw(signal) {
        Some(Signal::HUP) => Sig::HUP,
        Some(Signal::INT) => Sig::INT,
        Some(Signal::QUIT) => Sig::QUIT,
        Some(Signal::ILL) => Sig::ILL,
        Some(Signal::ABORT) => Sig::ABRT,
        Some(Signal::FPE) => Sig::FPE,
        Some(Signal::KILL) => Sig::KILL,
        Some(Signal::SEGV) => Sig::SEGV,
        Some(Signal::PIPE) => Sig::PIPE,
        Some(Signal::ALARM) => Sig::ALRM,
        Some(Signal::TERM) => Sig::TERM,
        Some(Signal::USR1) => Sig::USR1,
        _ => Sig::Custom(format!("{signal}@hop.demo")),
    }
}

/// A running command and everything it started; dropping it kills them.
struct Group(Option<Pid>);

impl Group {
    fn of(child: &Child) -> Group {
        Group(child.id().and_then(|id| Pid::from_raw(id.cast_signed())))
    }

    /// The command has ended by itself: what it left in the background may continue, as under sshd.
    fn let_go(mut self) {
        self.0 = None;
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        if let Some(leader) = self.0 {
            let _ = kill_process_group(leader, Signal::KILL);
        }
    }
}
