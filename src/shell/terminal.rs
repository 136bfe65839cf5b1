//! How is this process's terminal used? Its size and modes are read, and raw mode is set and undone.
//!
//! Main types: [`Terminal`], [`Raw`]. When a [`Raw`] is dropped, for whatever reason, the terminal is restored.

use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::time::Duration;

use rustix::process::{Signal, kill_current_process_group};
use rustix::termios::{OptionalActions, Termios, isatty, tcgetattr, tcgetwinsize, tcsetattr};
use tokio::signal::unix::{SignalKind, signal};

use super::modes;
use crate::chain::{RemoteTerminal, Size};

/// A pause after which the last output is on the screen.
const WRITERS_TURN: Duration = Duration::from_millis(20);

/// A terminal of this machine.
#[derive(Debug)]
pub struct Terminal {
    tty: OwnedFd,
    before: Termios,
}

impl Terminal {
    /// The terminal of `stream`; `None` if it is not a terminal.
    pub fn of(stream: impl AsFd) -> io::Result<Option<Terminal>> {
        let stream = stream.as_fd();
        if !isatty(stream) {
            return Ok(None);
        }
        Ok(Some(Terminal { before: tcgetattr(stream)?, tty: stream.try_clone_to_owned()? }))
    }

    /// Its current size; zeros if the system does not tell.
    pub fn size(&self) -> Size {
        tcgetwinsize(&self.tty).map_or(Size::default(), |size| Size {
            columns: size.ws_col.into(),
            rows: size.ws_row.into(),
            width: size.ws_xpixel.into(),
            height: size.ws_ypixel.into(),
        })
    }

    /// A remote terminal with the size and modes of this one.
    pub fn remote(&self, term: String) -> RemoteTerminal {
        RemoteTerminal { term, size: self.size(), modes: modes::encoded(&self.before) }
    }
}

/// A remote terminal without a local one, as forced with `-tt`.
pub fn without_local(term: String) -> RemoteTerminal {
    RemoteTerminal { term, size: Size::default(), modes: Vec::new() }
}

/// Raw mode while this value exists.
#[derive(Debug)]
pub struct Raw {
    terminal: Terminal,
}

impl Raw {
    /// Begins raw mode: from now on every key goes to the other side.
    pub fn begin(terminal: Terminal) -> io::Result<Raw> {
        let raw = Raw { terminal };
        raw.set()?;
        Ok(raw)
    }

    fn set(&self) -> io::Result<()> {
        Ok(tcsetattr(&self.terminal.tty, OptionalActions::Drain, &modes::raw(&self.terminal.before))?)
    }

    /// Restores the terminal.
    pub fn end(&self) {
        // nothing more can be done for a terminal that is gone
        let _ = tcsetattr(&self.terminal.tty, OptionalActions::Drain, &self.terminal.before);
    }

    /// The current size of the terminal.
    pub fn size(&self) -> Size {
        self.terminal.size()
    }

    /// Stops this process's job as Control-Z does; returns when it is continued, in raw mode again.
    pub async fn suspend(&self) -> io::Result<()> {
        tokio::time::sleep(WRITERS_TURN).await;
        self.end();
        let mut continued = signal(SignalKind::from_raw(Signal::CONT.as_raw()))?;
        kill_current_process_group(Signal::TSTP)?;
        continued.recv().await;
        self.set()
    }
}

impl Drop for Raw {
    fn drop(&mut self) {
        self.end();
    }
}

/// Reports when the terminal of this process has a new size.
pub struct Resizes(tokio::signal::unix::Signal);

impl Resizes {
    /// Reports changes from now on.
    pub fn new() -> io::Result<Resizes> {
        signal(SignalKind::window_change()).map(Resizes)
    }

    /// The next change.
    pub async fn next(&mut self) -> Option<()> {
        self.0.recv().await
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rustix::fs::{Mode, OFlags, open};
    use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
    use rustix::termios::{LocalModes, Winsize, tcsetwinsize};

    fn pair() -> (OwnedFd, OwnedFd) {
        let near = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).unwrap();
        grantpt(&near).unwrap();
        unlockpt(&near).unwrap();
        let name = ptsname(&near, Vec::new()).unwrap();
        let far = open(name.as_c_str(), OFlags::RDWR | OFlags::NOCTTY, Mode::empty()).unwrap();
        (near, far)
    }

    fn echoes(tty: &OwnedFd) -> bool {
        tcgetattr(tty).unwrap().local_modes.contains(LocalModes::ECHO)
    }

    #[test]
    fn a_terminal_is_as_before_when_raw_ends_even_by_a_panic() {
        let (_near, far) = pair();
        let begin = || Raw::begin(Terminal::of(&far).unwrap().unwrap()).unwrap();
        let raw = begin();
        assert!(!echoes(&far));
        drop(raw);
        assert!(echoes(&far));
        let panicked = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            let _raw = begin();
            panic!("on purpose");
        }));
        assert!(panicked.is_err() && echoes(&far));
    }

    #[test]
    fn the_size_is_the_terminals_own_and_a_file_is_no_terminal() {
        let (near, far) = pair();
        tcsetwinsize(&near, Winsize { ws_row: 50, ws_col: 132, ws_xpixel: 1, ws_ypixel: 2 }).unwrap();
        let terminal = Terminal::of(&far).unwrap().unwrap();
        assert_eq!(terminal.size(), Size { columns: 132, rows: 50, width: 1, height: 2 });
        assert!(Terminal::of(tempfile::tempfile().unwrap()).unwrap().is_none());
    }
}
