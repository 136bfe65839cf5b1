//! This run among others: [`ThisRun`], whose number is in the names of its part files. It tells which of the runs that
//! left part files have ended: runs of this machine by the lock that each holds while it lives, others by whether their
//! part files still change.

use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use super::leftovers::Leftover;
use crate::copy::ends::side::Side;
use crate::copy::error::{Cause, CopyError};
use crate::copy::part::RunId;
use crate::copy::place::Links;
use crate::lock::{Alive, Fate, fate};
use crate::progress::Stage;
use crate::sftp::Attributes;

/// Seconds without a write, by the end's own clock, after which the part file of an unknown run counts as given up.
const GIVEN_UP: u32 = 60;

/// How long a younger part file is watched.
const WATCHED: Duration = Duration::from_secs(4);

/// What is done about a young part file of an unknown run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Young {
    /// It is watched for a moment.
    Watch,
    /// Its run is assumed to be at work.
    LeaveAlone,
}

/// What an ended run has left.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Left {
    /// Nothing that a later run could ask about.
    Nothing,
    /// Perhaps part files, from which a later run may go on.
    Parts,
}

/// One run.
pub struct ThisRun {
    id: RunId,
    /// Folder in which the runs of this machine show that they live.
    folder: Option<PathBuf>,
    /// The numbers that other runs can see.
    shown: tokio::sync::Mutex<Vec<RunId>>,
    alive: Mutex<Vec<Alive>>,
}

impl ThisRun {
    /// Draws a number. A run that never makes a part file writes nothing anywhere, so other runs are told later.
    ///
    /// # Errors
    /// When there are no random bytes.
    pub fn begin(folder: Option<PathBuf>) -> Result<ThisRun, CopyError> {
        let id = RunId::draw().map_err(|error| CopyError::new(None, Stage::List, Vec::new(), Cause::Io(error)))?;
        Ok(ThisRun { id, folder, shown: tokio::sync::Mutex::default(), alive: Mutex::default() })
    }

    /// The run's number, for the name of a file's part file; one that is started over has another number. Before it
    /// returns, the other runs of this machine can see that this run lives.
    pub async fn id(&self, beginning: u32) -> RunId {
        let id = self.id.of_beginning(beginning);
        let mut shown = self.shown.lock().await;
        if !shown.contains(&id) {
            self.show(id).await;
            shown.push(id);
        }
        id
    }

    async fn show(&self, id: RunId) {
        let folder = self.folder.clone();
        // without it, others judge by what they see of the parts
        let alive = tokio::task::spawn_blocking(move || Alive::show(&folder?, id.0)).await.ok().flatten();
        self.alive.lock().unwrap_or_else(PoisonError::into_inner).extend(alive);
    }

    /// Ends the run.
    pub fn end(&self, left: Left) {
        let alive = std::mem::take(&mut *self.alive.lock().unwrap_or_else(PoisonError::into_inner));
        match left {
            Left::Nothing => alive.into_iter().for_each(Alive::forget),
            Left::Parts => drop(alive),
        }
    }

    /// Whether the run that left this part file has ended; `now` is the time at that end, as far as it is known.
    ///
    /// # Errors
    /// When the session is lost.
    pub async fn outlived(
        &self,
        side: &Side,
        left: &Leftover,
        now: Option<u32>,
        young: Young,
    ) -> Result<bool, CopyError> {
        match self.fate(left.id.run).await {
            Fate::Alive => return Ok(false),
            Fate::Dead => return Ok(true),
            Fate::Unknown => {}
        }
        // something may have been written since it was listed
        let Some(there) = side.look(&left.place, Links::Keep).await? else { return Ok(false) };
        let age = now.zip(there.mtime()).map(|(now, then)| now.saturating_sub(then));
        match young {
            _ if age.is_some_and(|age| age > GIVEN_UP) => Ok(true),
            Young::Watch => rests(side, left).await,
            Young::LeaveAlone => Ok(false),
        }
    }

    async fn fate(&self, run: RunId) -> Fate {
        if self.shown.lock().await.contains(&run) {
            return Fate::Alive;
        }
        let Some(folder) = self.folder.clone() else { return Fate::Unknown };
        tokio::task::spawn_blocking(move || fate(&folder, run.0)).await.unwrap_or(Fate::Unknown)
    }
}

/// Whether a part file does not change while it is watched.
async fn rests(side: &Side, left: &Leftover) -> Result<bool, CopyError> {
    if !is_same(&left.attributes, side.look(&left.place, Links::Keep).await?) {
        return Ok(false);
    }
    tokio::time::sleep(WATCHED).await;
    Ok(is_same(&left.attributes, side.look(&left.place, Links::Keep).await?))
}

fn is_same(then: &Attributes, now: Option<Attributes>) -> bool {
    now.is_some_and(|now| (now.size, now.mtime()) == (then.size, then.mtime()))
}
