//! How a copy gets at a host: [`Reach`], which gives SFTP sessions by number and knows how many hops lie beneath; a copy
//! does not. And [`End`], where a path lies.

use std::future::Future;
use std::path::PathBuf;
use std::pin::Pin;
use std::sync::Arc;

use super::route::Reachable;
use crate::chain::{ChainError, Way};
use crate::sftp::Client;

/// A session to be.
pub type Opening<'a> = Pin<Box<dyn Future<Output = Result<Client, ChainError>> + Send + 'a>>;

/// A host that can be reached, as often as needed.
pub trait Reach: Send + Sync {
    /// The host's name, as the user typed it.
    fn alias(&self) -> &str;
    /// The hosts from here to it: `laptop > acc-bastion > acc-pvt`.
    fn trail(&self) -> String;
    /// Opens the SFTP session numbered `lane`, from 0.
    fn lane(&self, lane: usize) -> Opening<'_>;
}

impl Reach for Way {
    fn alias(&self) -> &str {
        Way::alias(self)
    }

    fn trail(&self) -> String {
        Way::trail(self).to_string()
    }

    fn lane(&self, lane: usize) -> Opening<'_> {
        Box::pin(self.sftp(lane))
    }
}

/// A path, and where it lies.
#[derive(Clone)]
pub enum End {
    /// On this machine.
    Local(PathBuf),
    /// On a host; a path of raw bytes, empty for the home folder. As a source it may be a pattern.
    Remote(Arc<dyn Reach>, Vec<u8>),
}

impl End {
    /// Here or there.
    pub fn reachable(&self) -> Reachable {
        match self {
            End::Local(_) => Reachable::Here,
            End::Remote(..) => Reachable::There,
        }
    }

    /// The path, raw.
    pub fn path(&self) -> &[u8] {
        use std::os::unix::ffi::OsStrExt;
        match self {
            End::Local(path) => path.as_os_str().as_bytes(),
            End::Remote(_, path) => path,
        }
    }
}
