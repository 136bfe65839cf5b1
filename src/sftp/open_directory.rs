//! How is a folder listed? [`OpenDirectory`] has several READDIRs (§6.7) under way at a time, so that a hundred names
//! do not cost a round trip. Most folders fit into two answers (OpenSSH's have a hundred names): the requests for them
//! and the one for the end leave together.

use std::collections::VecDeque;

use super::client::Client;
use super::entries::Entries;
use super::error::{SftpError, StatusCode};
use super::session::{Handle, OwnedResponse, PendingResponse};
use super::wire::{Expect, Packet, Response, kind};

/// Requests under way at first, and once a folder has turned out to be large.
const FIRST: usize = 3;
const MOST: usize = 4;

/// A folder that is being listed. A server may go on without end, so the caller must count. Dropping it gives up the
/// requests under way.
pub struct OpenDirectory {
    client: Client,
    handle: Handle,
    /// Answers that are awaited, in the order of their requests.
    asked: VecDeque<PendingResponse>,
    /// Most requests under way.
    depth: usize,
    /// Whether the end of the listing was reached.
    is_over: bool,
}

impl Client {
    /// Starts to list a folder (OPENDIR).
    ///
    /// # Errors
    /// As [`Client::open`].
    pub async fn list(&self, path: &[u8]) -> Result<OpenDirectory, SftpError> {
        let handle = self.handle(Packet::new(kind::OPENDIR).path(path)?).await?;
        Ok(OpenDirectory::new(self.clone(), handle))
    }
}

impl OpenDirectory {
    fn new(client: Client, handle: Handle) -> OpenDirectory {
        OpenDirectory { client, handle, asked: VecDeque::new(), depth: FIRST, is_over: false }
    }

    /// The next part of the listing; `None` at its end. Dropping its future loses nothing.
    ///
    /// # Errors
    /// As [`Client::open`].
    pub async fn next(&mut self) -> Result<Option<Entries>, SftpError> {
        loop {
            while !self.is_over && self.asked.len() < self.depth {
                self.ask().await?;
            }
            let Some(next) = self.asked.front_mut() else { return Ok(None) };
            let answer = next.await.unwrap_or_else(|_| Err(self.client.inner.session.reason()));
            self.asked.pop_front();
            match entries(answer) {
                Ok(Some(entries)) => {
                    self.depth = MOST;
                    return Ok(Some(entries));
                }
                Ok(None) => self.is_over = true,
                // what was asked ahead may come behind the end, and not every server tells it twice
                Err(SftpError::Status { .. }) if self.is_over => {}
                Err(error) => return Err(error),
            }
        }
    }

    async fn ask(&mut self) -> Result<(), SftpError> {
        let session = &self.client.inner.session;
        let packet = Packet::new(kind::READDIR).string(self.client.raw(&self.handle)?);
        let share = session.share(&packet, Expect::Names).await?;
        self.asked.push_back(session.begin(packet, Expect::Names, share)?);
        Ok(())
    }
}

fn entries(answer: Result<OwnedResponse, SftpError>) -> Result<Option<Entries>, SftpError> {
    match answer?.plain()? {
        // some servers end a listing with no names, which would be no progress anyway
        Response::Names(entries) if entries.is_empty() => Ok(None),
        Response::Names(entries) => Ok(Some(entries)),
        Response::Refused { code: StatusCode::EOF, .. } => Ok(None),
        other => Err(other.refusal()),
    }
}
