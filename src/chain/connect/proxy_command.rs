//! How does a `ProxyCommand` carry SSH? The command runs here, and its standard streams are the transport, or a socket
//! that it passes on.
//!
//! Main type: [`ProxyCommand`]. Memory: one line of its standard error at a time, [`STDERR_LINE`] bytes at most.

use std::os::fd::OwnedFd;
use std::path::Path;
use std::pin::Pin;
use std::process::Stdio;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::io::{AsyncBufReadExt, AsyncRead, AsyncReadExt, AsyncWrite, BufReader, ReadBuf};
use tokio::process::{Child, ChildStdin, ChildStdout, Command};
use tokio::task::JoinHandle;

use super::passed_socket;
use crate::chain::error::Cause;
use crate::chain::transport::abortable::Duplex;
use crate::progress::{Event, Observer};

/// The longest line of the command's standard error that is passed on, in bytes.
const STDERR_LINE: u64 = 4 * 1024;

/// What becomes of the standard error of a `ProxyCommand`.
#[derive(Clone)]
pub enum ProxyErrors {
    /// Each line is told, with the name of the hop.
    Told(Arc<dyn Observer>),
    /// It is this file, as ssh's own standard error is: programs read there what their ProxyCommand says.
    Inherited(Arc<OwnedFd>),
}

/// A `ProxyCommand`.
#[derive(Clone, Copy)]
pub struct ProxyCommand<'a> {
    /// The user's shell.
    pub shell: &'a Path,
    /// The line for it.
    pub line: &'a str,
    /// The name of the hop it leads to.
    pub hop: &'a str,
    /// Where its standard error goes.
    pub errors: &'a ProxyErrors,
}

impl ProxyCommand<'_> {
    /// Runs it as ssh does: the user's shell replaces itself with the command.
    pub fn run(self) -> Result<Box<dyn Duplex>, Cause> {
        let (mut child, words) = self.start(Stdio::piped(), Stdio::piped()).map_err(|source| self.failed(source))?;
        let missing = || Cause::Protocol("the ProxyCommand has no standard streams".to_owned());
        let input = child.stdin.take().ok_or_else(missing)?;
        let output = child.stdout.take().ok_or_else(missing)?;
        Ok(Box::new(Piped { running: Some((child, words)), input, output, ending: None, ended: None }))
    }

    /// Runs it for the connected socket that it passes on (`ProxyUseFdpass`); it may end then.
    pub async fn run_for_socket(self) -> Result<Box<dyn Duplex>, Cause> {
        let socket = async {
            let (here, there) = std::os::unix::net::UnixStream::pair()?;
            let (input, output) = (Stdio::from(OwnedFd::from(there.try_clone()?)), Stdio::from(OwnedFd::from(there)));
            let (mut child, _) = self.start(input, output)?;
            let socket = passed_socket::receive(here).await?;
            tokio::spawn(async move { child.wait().await });
            Ok(socket)
        };
        socket.await.map_err(|source| self.failed(source))
    }

    fn start(self, input: Stdio, output: Stdio) -> std::io::Result<CommandProcess> {
        let stderr = match self.errors {
            ProxyErrors::Told(_) => Stdio::piped(),
            ProxyErrors::Inherited(file) => Stdio::from(file.try_clone()?),
        };
        let mut command = Command::new(self.shell);
        command.arg("-c").arg(format!("exec {}", self.line)).stdin(input).stdout(output).stderr(stderr);
        let mut child = command.kill_on_drop(true).spawn()?;
        let words = match (child.stderr.take(), self.errors) {
            (Some(stderr), ProxyErrors::Told(observer)) => {
                tokio::spawn(pass_on(stderr, self.hop.to_owned(), observer.clone()))
            }
            _ => tokio::spawn(async {}),
        };
        Ok((child, words))
    }

    fn failed(self, source: std::io::Error) -> Cause {
        Cause::Io { what: format!("run ProxyCommand `{}` by {}", self.line, self.shell.display()), source }
    }
}

async fn pass_on(stderr: tokio::process::ChildStderr, hop: String, observer: Arc<dyn Observer>) {
    let mut stderr = BufReader::new(stderr);
    loop {
        let mut line = Vec::new();
        match (&mut stderr).take(STDERR_LINE).read_until(b'\n', &mut line).await {
            Ok(0) | Err(_) => return,
            Ok(_) => {
                let text = String::from_utf8_lossy(&line);
                observer.event(Event::Warning(format!("{hop}: ProxyCommand: {}", text.trim_end())));
            }
        }
    }
}

/// The command's process, and the task that passes on its standard error.
type CommandProcess = (Child, JoinHandle<()>);

/// A process's standard streams as one transport; dropping it kills the process.
struct Piped {
    running: Option<CommandProcess>,
    input: ChildStdin,
    output: ChildStdout,
    /// Set once a stream has ended: waits for the process to end.
    ending: Option<Pin<Box<dyn Future<Output = String> + Send>>>,
    /// How the process ended.
    ended: Option<String>,
}

/// How a process ended that has closed its output. If it does not end within a second it is killed.
async fn ended(running: Option<CommandProcess>) -> String {
    let closed = || "the ProxyCommand closed its output".to_owned();
    let Some((mut child, words)) = running else { return closed() };
    let status = tokio::time::timeout(Duration::from_secs(1), child.wait()).await;
    // a process that it started may still hold stderr open
    let _ = tokio::time::timeout(Duration::from_millis(500), words).await;
    match status {
        Ok(Ok(status)) => format!("the ProxyCommand ended ({status})"),
        _ => closed(),
    }
}

impl Piped {
    /// The error that both directions end with.
    fn poll_ended(&mut self, cx: &mut Context<'_>) -> Poll<std::io::Error> {
        if self.ended.is_none() {
            let running = self.running.take();
            let ending = self.ending.get_or_insert_with(|| Box::pin(ended(running)));
            self.ended = Some(ready!(ending.as_mut().poll(cx)));
        }
        Poll::Ready(std::io::Error::other(self.ended.clone().unwrap_or_default()))
    }
}

impl AsyncRead for Piped {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<std::io::Result<()>> {
        if self.ending.is_none() {
            let before = buf.filled().len();
            ready!(Pin::new(&mut self.output).poll_read(cx, buf))?;
            if buf.filled().len() > before || buf.remaining() == 0 {
                return Poll::Ready(Ok(()));
            }
        }
        self.poll_ended(cx).map(Err)
    }
}

impl AsyncWrite for Piped {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<std::io::Result<usize>> {
        match ready!(Pin::new(&mut self.input).poll_write(cx, buf)) {
            // the first sign of a command that died without reading
            Err(_) => self.poll_ended(cx).map(Err),
            written => Poll::Ready(written),
        }
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        Pin::new(&mut self.input).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        Pin::new(&mut self.input).poll_shutdown(cx)
    }
}
