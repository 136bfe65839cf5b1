//! How does `hop ssh -f` go to the background? It runs itself again, and ends when that run has logged in and listens.
//!
//! Main functions: [`start`], [`Awaiter::tell`]. ssh forks after the login; a process with threads cannot. The second
//! process asks for passwords on the terminal as long as it is in the foreground; then it leaves the terminal. Standard
//! input is a socket between the two: there is no other input with `-f`.

use std::ffi::OsString;
use std::fs::File;
use std::io::{self, Read, Write};
use std::net::Shutdown;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::process::{Command, Stdio};

use super::exit_status::OWN_FAILURE;

/// The flag of the process in the background, which is none of ssh's.
pub const FLAG: &str = "--in-background";

/// Runs this command line again in a process that goes to the background; returns what this one exits with.
pub fn start() -> io::Result<u8> {
    let mut words = std::env::args_os();
    let _own_name = words.next();
    let verb: Option<OsString> = words.next();
    let (mut here, there) = UnixStream::pair()?;
    // the command holds the other end of the socket, and goes before this one waits for its end
    let mut run = {
        let mut command = Command::new(std::env::current_exe()?);
        command.args(verb).arg(FLAG).args(words).stdin(Stdio::from(OwnedFd::from(there))).spawn()?
    };
    match here.read(&mut [0]) {
        Ok(1) => Ok(0),
        _ => Ok(run.wait()?.code().and_then(|code| u8::try_from(code).ok()).unwrap_or(OWN_FAILURE)),
    }
}

/// Whether somebody waits for this process to go to the background.
pub enum Awaiter {
    /// The process that was started by the user.
    Started(UnixStream),
    /// Nobody.
    Unasked,
}

impl Awaiter {
    /// The process that `start` began: its standard input is the socket, and empty from now on.
    pub fn of_standard_input() -> io::Result<Awaiter> {
        let socket = UnixStream::from(io::stdin().as_fd().try_clone_to_owned()?);
        rustix::stdio::dup2_stdin(File::open("/dev/null")?)?;
        Ok(Awaiter::Started(socket))
    }

    /// All is there that the user waits for: this process leaves the terminal, and the other one ends.
    pub fn tell(self) {
        let Awaiter::Started(mut socket) = self else { return };
        let _led_already = rustix::process::setsid();
        let _gone = socket.write_all(&[0]).and_then(|()| socket.shutdown(Shutdown::Both));
    }
}
