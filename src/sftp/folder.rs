//! Listing a folder: [`Folder`] has several READDIRs (§6.7) under way at a time, so that a hundred names do not cost a round
//! trip. Most folders fit into one answer: one request for it and one for the end are made together.

use std::sync::Arc;

use tokio::task::JoinSet;

use super::attributes::Entry;
use super::client::Client;
use super::error::SftpError;
use super::handle::Handle;

/// Requests under way at first, and once a folder has shown to be large; each weighs 1 MiB of the session's budget.
const FIRST: usize = 2;
const MOST: usize = 4;

/// A folder under way. A server may go on without end, so whoever listens counts. Dropped, it gives up what it asked for.
pub struct Folder {
    client: Client,
    handle: Arc<Handle>,
    asked: JoinSet<Result<Option<Vec<Entry>>, SftpError>>,
    /// Requests that may be under way.
    depth: usize,
    /// The end was heard of; what was asked before it may still have names.
    is_over: bool,
}

impl Folder {
    pub(super) fn new(client: Client, handle: Handle) -> Folder {
        Folder { client, handle: Arc::new(handle), asked: JoinSet::new(), depth: FIRST, is_over: false }
    }

    /// The next part of the listing, in the order of the answers; `None` at its end.
    ///
    /// # Errors
    /// As [`Client::open`].
    pub async fn next(&mut self) -> Result<Option<Vec<Entry>>, SftpError> {
        loop {
            while !self.is_over && self.asked.len() < self.depth {
                let (client, handle) = (self.client.clone(), Arc::clone(&self.handle));
                self.asked.spawn(async move { client.readdir(&handle).await });
            }
            match self.asked.join_next().await {
                None => return Ok(None),
                Some(Err(panicked)) => std::panic::resume_unwind(panicked.into_panic()),
                Some(Ok(Ok(Some(entries)))) => {
                    self.depth = MOST;
                    return Ok(Some(entries));
                }
                Some(Ok(Ok(None))) => self.is_over = true,
                // some servers do not tell the end twice, and call the next request a failure
                Some(Ok(Err(SftpError::Status { .. }))) if self.is_over => {}
                Some(Ok(Err(error))) => return Err(error),
            }
        }
    }
}
