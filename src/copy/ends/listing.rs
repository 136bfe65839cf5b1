//! A folder's entries, a few at a time: [`Listing`]. The one place where names from elsewhere become [`Name`]s.

use rustix::fs::Dir;

use super::blocking::blocking;
use super::local;
use super::remote::{ENTRIES_MAX, Remote};
use crate::copy::error::{Cause, CopyError};
use crate::copy::name::{BadName, Name};
use crate::copy::place::Place;
use crate::progress::Stage;
use crate::sftp::{Attributes, Entries, OpenDirectory, SftpError};

/// Most entries returned at a time.
const BATCH: usize = 128;

/// Most unusable entries of one folder, `.` and `..` included, before the server is no longer believed.
const BAD_MAX: usize = 256;

/// A listing under way.
pub struct Listing {
    place: Place,
    end: ListedEnd,
    seen: usize,
    bad: usize,
}

enum ListedEnd {
    /// `None` while the blocking pool reads from it.
    Local(Option<Dir>),
    /// The folder's handle, and what is left of the server's last answer.
    Remote(Remote, OpenDirectory, Option<Entries>),
}

/// An entry: its name and its own attributes (a link's, not those of its target), or an unusable name.
pub type Listed = Result<(Name, Attributes), BadName>;

impl Listing {
    /// A listing of a folder on this machine.
    pub fn local(place: &Place, entries: Dir) -> Listing {
        Listing { place: place.clone(), end: ListedEnd::Local(Some(entries)), seen: 0, bad: 0 }
    }

    /// A listing of a folder on a host.
    pub fn remote(place: &Place, remote: Remote, folder: OpenDirectory) -> Listing {
        Listing { place: place.clone(), end: ListedEnd::Remote(remote, folder, None), seen: 0, bad: 0 }
    }

    /// The next entries, without `.` and `..`; `None` at the end.
    pub async fn next(&mut self) -> Result<Option<Vec<Listed>>, CopyError> {
        let Some(entries) = self.raw().await? else { return Ok(None) };
        let given = entries.len();
        self.seen += given;
        let dots = |name: &[u8]| matches!(name, b"." | b"..");
        let named = entries.into_iter().filter(|(name, _)| !dots(name));
        let listed: Vec<Listed> = named.map(|(name, attributes)| Ok((Name::vet(&name)?, attributes))).collect();
        self.bad += given - listed.iter().filter(|entry| entry.is_ok()).count();
        match self.seen > ENTRIES_MAX || self.bad > BAD_MAX {
            true => Err(self.endless()),
            false => Ok(Some(listed)),
        }
    }

    async fn raw(&mut self) -> Result<Option<Vec<(Vec<u8>, Attributes)>>, CopyError> {
        match &mut self.end {
            ListedEnd::Local(entries) => {
                let Some(mut taken) = entries.take() else { return Ok(None) };
                let (left, batch) = blocking(Stage::List, &self.place, move |_| {
                    let batch = local::next_entries(&mut taken, BATCH)?;
                    Ok((taken, batch))
                })
                .await?;
                *entries = Some(left);
                Ok((!batch.is_empty()).then_some(batch))
            }
            ListedEnd::Remote(remote, folder, names) => {
                if names.as_ref().is_none_or(Entries::is_empty) {
                    *names = remote.told(Stage::List, &self.place, folder.next().await)?;
                }
                let batch = names.as_mut().map(|names| names.take(BATCH));
                Ok(batch.map(|entries| entries.map(|entry| (entry.name, entry.attributes)).collect()))
            }
        }
    }

    fn endless(&self) -> CopyError {
        let trail = match &self.end {
            ListedEnd::Local(_) => None,
            ListedEnd::Remote(remote, ..) => Some(remote.trail.clone()),
        };
        let text = "a listing without end, or of names that nobody may use";
        CopyError::new(trail, Stage::List, self.place.path(), Cause::Sftp(SftpError::Protocol(text.into())))
    }
}
