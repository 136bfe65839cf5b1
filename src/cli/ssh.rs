//! `hop ssh HOST CMD`: one remote command with this process's own input and outputs, byte for byte.
//!
//! Each of the three streams has a thread of its own and a short queue, so that none waits for another. The exit status
//! is the command's; every failure of hop's own is 255, as with ssh.

use std::ffi::OsString;
use std::io::{self, Read, Write};
use std::os::unix::ffi::OsStrExt;
use std::sync::Arc;

use bytes::Bytes;
use tokio::sync::mpsc::{Receiver, Sender, channel};

use crate::chain::{ExitStatus, Output, Process, ProcessInput, ProcessOutput};
use crate::error::Error;

use super::args::Ssh;
use super::network::Network;
use super::report::Level;
use super::run::Run;
use super::settings::{Environment, quiet_screen};

/// What ssh exits with when it is not the command that failed.
pub const OWN_FAILURE: u8 = 255;
/// Chunks between a thread and the session.
const QUEUE: usize = 16;
const CHUNK: usize = 64 * 1024;

/// Runs the command; the exit status to end with.
pub fn run(ssh: &Ssh, environment: &Environment) -> u8 {
    let run = Run::start(&quiet_screen(&ssh.output, Level::Story));
    let outcome = run.carry_out(carry_out(ssh, environment, &run));
    run.close(outcome.as_ref().err());
    match outcome {
        Ok(status) => status,
        Err(failure) if failure.error.is_none() => failure.kind.code(),
        Err(_) => OWN_FAILURE,
    }
}

async fn carry_out(ssh: &Ssh, environment: &Environment, run: &Arc<Run>) -> Result<u8, Error> {
    if ssh.command.is_empty() {
        return Err(Error::Usage("an interactive shell is not in this version: give a command".to_owned()));
    }
    let command = joined(&ssh.command);
    let network = Network::read(ssh.flags(&command), environment, run)?;
    let way = network.way_to_word(&ssh.host)?;
    let process = way.session(0).await?.exec(&command).await?;
    let ended = converse(process, if ssh.no_input { Input::None } else { Input::Ours }).await?;
    Ok(status(ended, way.alias()))
}

/// Words with blanks between, as ssh sends them: the remote shell takes them apart again.
fn joined(words: &[OsString]) -> Vec<u8> {
    words.iter().map(|word| word.as_bytes()).collect::<Vec<_>>().join(&b' ')
}

#[derive(Clone, Copy, PartialEq)]
enum Input {
    Ours,
    None,
}

/// How a conversation ended.
enum Ended {
    /// The command ended.
    Command(ExitStatus),
    /// The channel closed without saying how.
    Unsaid,
    /// Our own output is closed: nobody listens any more.
    Unheard,
}

async fn converse(process: Process, input: Input) -> Result<Ended, Error> {
    let Process { input: remote_input, mut output, .. } = process;
    let feeding = tokio::spawn(feed(remote_input, input));
    let (stdout, stdout_thread) = writer(io::stdout());
    let (stderr, stderr_thread) = writer(io::stderr());
    let ended = listen(&mut output, &stdout, &stderr).await;
    feeding.abort();
    drop((stdout, stderr));
    let _ = tokio::task::spawn_blocking(move || (stdout_thread.join(), stderr_thread.join())).await;
    ended
}

/// Passes on what the command says, until it has said all or nobody reads its standard output any more.
async fn listen(output: &mut ProcessOutput, stdout: &Sender<Bytes>, stderr: &Sender<Bytes>) -> Result<Ended, Error> {
    let mut ended = Ended::Unsaid;
    while let Some(said) = output.next().await? {
        match said {
            Output::Stdout(chunk) => {
                if stdout.send(chunk).await.is_err() {
                    return Ok(Ended::Unheard);
                }
            }
            Output::Stderr(chunk) => drop(stderr.send(chunk).await), // a closed stderr stops nothing
            Output::Exit(status) => ended = Ended::Command(status),
        }
    }
    Ok(ended)
}

/// Sends our input until it ends; then keeps the channel open for the answer.
async fn feed(remote: ProcessInput, input: Input) {
    let mut chunks = match input {
        Input::Ours => reader(),
        Input::None => channel(1).1,
    };
    while let Some(chunk) = chunks.recv().await {
        if remote.send(chunk).await.is_err() {
            break; // the command takes no more; how it ended is said on the other half
        }
    }
    let _ = remote.end().await; // likewise
    std::future::pending::<()>().await;
}

fn reader() -> Receiver<Bytes> {
    let (chunks, queue) = channel(QUEUE);
    std::thread::spawn(move || {
        let mut input = io::stdin().lock();
        let mut buffer = vec![0; CHUNK];
        loop {
            match input.read(&mut buffer) {
                Ok(0) => return,
                Ok(count) if chunks.blocking_send(Bytes::copy_from_slice(&buffer[..count])).is_err() => return,
                Ok(_) => {}
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(_) => return,
            }
        }
    });
    queue
}

fn writer(mut output: impl Write + Send + 'static) -> (Sender<Bytes>, std::thread::JoinHandle<()>) {
    let (chunks, mut queue) = channel::<Bytes>(QUEUE);
    let thread = std::thread::spawn(move || {
        while let Some(chunk) = queue.blocking_recv() {
            if output.write_all(&chunk).and_then(|()| output.flush()).is_err() {
                return;
            }
        }
    });
    (chunks, thread)
}

fn status(ended: Ended, alias: &str) -> u8 {
    match ended {
        Ended::Command(ExitStatus::Code(code)) => (code & 0xff) as u8,
        Ended::Command(ExitStatus::Signal(name)) => {
            super::say(&format!("hop: {alias}: the command was ended by SIG{name}"));
            OWN_FAILURE
        }
        Ended::Unsaid => {
            super::say(&format!("hop: {alias}: the command ended without a status"));
            OWN_FAILURE
        }
        Ended::Unheard => OWN_FAILURE,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_joined_with_blanks_and_keep_their_bytes() {
        let words =
            [OsString::from("ls"), OsString::from("a  b"), std::os::unix::ffi::OsStringExt::from_vec(vec![0xff])];
        assert_eq!(joined(&words), b"ls a  b \xff");
    }

    #[test]
    fn a_status_is_cut_to_a_byte_as_the_kernel_does() {
        assert_eq!(status(Ended::Command(ExitStatus::Code(7)), "h"), 7);
        assert_eq!(status(Ended::Command(ExitStatus::Code(256 + 3)), "h"), 3);
        assert_eq!(status(Ended::Command(ExitStatus::Signal("KILL".into())), "h"), 255);
    }
}
