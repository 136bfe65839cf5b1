//! An open file or folder on the server: [`Handle`].

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use bytes::Bytes;

use super::error::SftpError;
use super::session::Session;

/// The server's name for an open file or folder: opaque bytes. Dropping it closes it without waiting; only
/// [`super::Client::close`] tells whether that went well.
pub struct Handle {
    raw: Bytes,
    session: Arc<Session>,
    is_open: AtomicBool,
}

impl Handle {
    pub(super) fn new(raw: Bytes, session: Arc<Session>) -> Handle {
        Handle { raw, session, is_open: AtomicBool::new(true) }
    }

    /// The bytes, for a request of the same session: elsewhere they would name another file.
    pub(super) fn raw(&self, session: &Arc<Session>) -> Result<&Bytes, SftpError> {
        match Arc::ptr_eq(&self.session, session) {
            true => Ok(&self.raw),
            false => Err(SftpError::Unfit("a handle of another session")),
        }
    }

    /// From now on somebody else closes it.
    pub(super) fn release(&self) {
        self.is_open.store(false, Ordering::Relaxed);
    }
}

impl Drop for Handle {
    fn drop(&mut self) {
        if *self.is_open.get_mut() {
            self.session.close_unattended(&self.raw);
        }
    }
}

impl fmt::Debug for Handle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Handle({})", self.raw.escape_ascii())
    }
}
