//! How does a copy get at a host? [`Connector`] gives SFTP sessions by number, and knows how many hops there are; a copy
//! does not. [`Location`] says where a path is.

use std::future::Future;
use std::path::PathBuf;
use std::pin::Pin;
use std::sync::Arc;

use bytes::Bytes;
use tokio::sync::mpsc;

use super::route::Reachable;
use crate::chain::{ChainError, Output, Process, Way};
use crate::sftp::Client;

/// An SFTP session that is being opened.
pub type Opening<'a> = Pin<Box<dyn Future<Output = Result<Client, ChainError>> + Send + 'a>>;

/// A shell that is being started.
pub type Shell<'a> = Pin<Box<dyn Future<Output = Option<ShellPipe>> + Send + 'a>>;

/// The standard input and output of a program on a host. The program ends when either is dropped.
pub struct ShellPipe {
    /// To the program's standard input.
    pub to: mpsc::Sender<Bytes>,
    /// From the program's standard output.
    pub from: mpsc::Receiver<Bytes>,
}

/// A host that can be connected to as often as needed.
pub trait Connector: Send + Sync {
    /// The host's name, as the user typed it.
    fn alias(&self) -> &str;
    /// The hosts from here to it: `laptop > acc-bastion > acc-pvt`.
    fn trail(&self) -> String;
    /// Opens the SFTP session numbered `lane`, from 0.
    fn lane(&self, lane: usize) -> Opening<'_>;
    /// The way to the host, where hop itself connects hop by hop; a direct copy needs one at both ends.
    fn way(&self) -> Option<&Way> {
        None
    }
    /// Starts `sh` on the host; `None` where there is no shell.
    fn shell(&self) -> Shell<'_> {
        Box::pin(async { None })
    }
    /// Whether a person is being asked something, which may take time.
    fn asks_a_person(&self) -> bool {
        false
    }
    /// Gives up the connections of `lane`: they seem dead, whatever the system says.
    fn abandon(&self, _lane: usize) {}
}

impl Connector for Way {
    fn alias(&self) -> &str {
        Way::alias(self)
    }

    fn trail(&self) -> String {
        Way::trail(self).to_string()
    }

    fn lane(&self, lane: usize) -> Opening<'_> {
        Box::pin(self.sftp(lane))
    }

    fn way(&self) -> Option<&Way> {
        Some(self)
    }

    fn shell(&self) -> Shell<'_> {
        Box::pin(async {
            let process = self.session(0).await.ok()?.exec(b"sh").await.ok()?;
            let ((to, inbox), (outbox, from)) = (mpsc::channel(CHUNKS), mpsc::channel(CHUNKS));
            tokio::spawn(pass_on(process, inbox, outbox));
            Some(ShellPipe { to, from })
        })
    }

    fn asks_a_person(&self) -> bool {
        Way::asks_a_person(self)
    }

    fn abandon(&self, lane: usize) {
        Way::abandon(self, lane);
    }
}

/// Most chunks that wait in each direction.
const CHUNKS: usize = 16;

/// Passes data on until either side has ended.
async fn pass_on(process: Process, mut inbox: mpsc::Receiver<Bytes>, outbox: mpsc::Sender<Bytes>) {
    let Process { input, mut output, .. } = process;
    let says = async {
        while let Some(chunk) = inbox.recv().await {
            if input.send(chunk).await.is_err() {
                return;
            }
        }
        // a program that does not end by itself ends with its channel
        let _ = input.end().await;
    };
    let hears = async {
        while let Ok(Some(said)) = output.next().await {
            if let Output::Stdout(chunk) = said
                && outbox.send(chunk).await.is_err()
            {
                return;
            }
        }
    };
    tokio::select! {
        () = says => {}
        () = hears => {}
    }
}

/// A path, and whether it is on this machine or on a host.
#[derive(Clone)]
pub enum Location {
    /// On this machine.
    Local(PathBuf),
    /// On a host. The path is raw bytes, empty for the home folder; as a source it may be a pattern.
    Remote(Arc<dyn Connector>, Vec<u8>),
}

impl Location {
    /// Whether the path is on this machine or on a host.
    pub fn reachable(&self) -> Reachable {
        match self {
            Location::Local(_) => Reachable::Here,
            Location::Remote(..) => Reachable::There,
        }
    }

    /// The way to the host, where hop itself connects hop by hop.
    pub fn way(&self) -> Option<&Way> {
        match self {
            Location::Local(_) => None,
            Location::Remote(connector, _) => connector.way(),
        }
    }

    /// The path as raw bytes.
    pub fn path(&self) -> &[u8] {
        use std::os::unix::ffi::OsStrExt;
        match self {
            Location::Local(path) => path.as_os_str().as_bytes(),
            Location::Remote(_, path) => path,
        }
    }
}
