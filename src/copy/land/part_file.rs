//! Where is a file's data written until all of it has arrived? Into a [`PartFile`]: a part file of this run, open for
//! writing. It is made under a name that was never used before, taken over by a rename from a run that has ended
//! ([`takeover`](super::takeover)), or found again after this run's session was lost. It is never cut.
//!
//! A part file that is started over has another name. A lost session's handle may live on at the server, and some
//! servers go by the name: they delay a rename until that handle is closed, report success, and let the closing decide
//! what has the name.

use std::sync::Arc;

use super::takeover::{self, pair_of};
use crate::copy::ends::file::OpenFile;
use crate::copy::ends::side::Side;
use crate::copy::ends::umask::Umask;
use crate::copy::error::CopyError;
use crate::copy::name::Name;
use crate::copy::part::{self, Id, VersionId};
use crate::copy::place::{Links, Place};
use crate::copy::task::file_transfer::FileTransfer;
use crate::copy::task::leftovers::Leftover;
use crate::copy::task::so_far::{Earlier, SoFar};
use crate::copy::task::this_run::{ThisRun, Young};
use crate::progress::Event;
use crate::sftp::Attributes;

/// Mode of a part file until all of it is written.
pub const PRIVATE: u32 = 0o600;

/// The name of a part file.
#[derive(Clone)]
struct PartName {
    /// The name that the file will have.
    target: Name,
    place: Place,
    id: Id,
    /// Part files that this run made for the file before.
    beginning: u32,
}

/// A part file, open for writing.
pub struct PartFile {
    side: Side,
    run: Arc<ThisRun>,
    named: PartName,
    /// The mode it was made with.
    mode: u32,
    file: Arc<OpenFile>,
    is_reused: bool,
}

/// A part file that will be opened, by way of one side.
pub struct ToOpen<'a> {
    side: &'a Side,
    run: &'a Arc<ThisRun>,
    named: PartName,
    mode: u32,
    is_again: bool,
}

impl<'a> ToOpen<'a> {
    /// This run's part file for this `version`, by way of `side`, after the attempts in `so_far`.
    ///
    /// # Errors
    /// When the target has no name that a file can have, or the session is lost.
    pub async fn of(
        side: &'a Side,
        transfer: FileTransfer<'a>,
        version: VersionId,
        so_far: &SoFar,
    ) -> Result<ToOpen<'a>, CopyError> {
        let FileTransfer { context, item, .. } = transfer;
        let run = &context.run;
        let id = Id { pair: pair_of(item), version, run: run.id(so_far.beginning()).await };
        let target = side.own_name(&item.target)?;
        let place = item.target.sibling(&part::part(&target, &id));
        let mut named = PartName { target, place, id, beginning: so_far.beginning() };
        if let Some(before) = so_far.given_up() {
            // gone already, unless its session was lost meanwhile
            let id = Id { run: run.id(before).await, ..id };
            let _ = side.remove(&item.target.sibling(&part::part(&named.target, &id))).await;
        }
        if so_far.earlier() == Earlier::Attempt && !side.takes_any_order() {
            // nothing of it is gone on from; when this fails, a part is left, which harms nobody
            let _ = side.remove(&named.next(run, so_far.attempts() - 1).await.place).await;
            named = named.next(run, so_far.attempts()).await;
        }
        let mut is_again = so_far.earlier() == Earlier::Part && !side.takes_any_order();
        if is_again && side.look(&named.place, Links::Keep).await?.is_none() {
            named = named.next(run, so_far.attempts()).await;
            is_again = false;
        }
        Ok(ToOpen { side, run, named, mode: PRIVATE, is_again })
    }

    /// The same, made with the `mode` that the file is to have: where the end sets none later.
    pub fn with_mode(self, mode: u32) -> ToOpen<'a> {
        ToOpen { mode, ..self }
    }

    /// The part file's place.
    pub fn place(&self) -> &Place {
        &self.named.place
    }

    /// Opens a new part file, or the one that this run made before its session was lost: no other run knows its name.
    ///
    /// # Errors
    /// When the part file cannot be made.
    pub async fn open(&self) -> Result<PartFile, CopyError> {
        let error = match self.is_again {
            true => None,
            false => match self.side.create(self.place(), self.mode).await {
                Ok(file) => return Ok(self.opened(self.named.clone(), file, false)),
                Err(error) if !error.may_exist() => return Err(error),
                Err(error) => Some(error),
            },
        };
        if let Some(error) = error
            && self.side.look(self.place(), Links::Keep).await?.is_none()
        {
            return Err(error);
        }
        match self.side.reopen(self.place()).await {
            Ok(file) => Ok(self.opened(self.named.clone(), file, true)),
            Err(error) if error.ends_the_run() => Err(error),
            // its last mode, which it has already, may forbid it
            Err(_) => {
                self.side.remove(self.place()).await?;
                let named = self.named.next(self.run, 1).await;
                let file = self.side.create(&named.place, self.mode).await?;
                Ok(self.opened(named, file, false))
            }
        }
    }

    /// Makes a new part file, and finds out which mode the end gives a file made with `mode`.
    ///
    /// # Errors
    /// When the part file cannot be made.
    pub async fn learning(&self, mode: u32, umask: &Umask) -> Result<(PartFile, u32), CopyError> {
        if self.is_again {
            return Ok((self.open().await?, mode & !umask.guess()));
        }
        match umask.learn(self.side, self.place(), mode).await {
            Ok((Some(file), new)) => Ok((self.opened(self.named.clone(), file, false), new)),
            Ok((None, new)) => Ok((self.open().await?, new)),
            // this run has made it before
            Err(error) if error.may_exist() => Ok((self.open().await?, mode & !umask.guess())),
            Err(error) => Err(error),
        }
    }

    fn opened(&self, named: PartName, file: OpenFile, is_reused: bool) -> PartFile {
        let (side, run, mode) = (self.side.clone(), Arc::clone(self.run), self.mode);
        PartFile { side, run, named, mode, file: Arc::new(file), is_reused }
    }
}

impl PartFile {
    /// The part file's place.
    pub fn place(&self) -> &Place {
        &self.named.place
    }

    /// The version of the source that it holds.
    pub fn version(&self) -> VersionId {
        self.named.id.version
    }

    /// The file.
    pub fn file(&self) -> &Arc<OpenFile> {
        &self.file
    }

    /// Whether it is 0600 until its mode is set.
    pub fn is_private(&self) -> bool {
        self.mode == PRIVATE
    }

    /// Whether an earlier attempt or run made it.
    pub fn is_reused(&self) -> bool {
        self.is_reused
    }

    /// Part files that this run made for the file before.
    pub fn beginning(&self) -> u32 {
        self.named.beginning
    }

    /// Takes over the part file that an ended run left of this version of `target`, of `size` bytes, if there is one.
    ///
    /// # Errors
    /// When the session is lost.
    pub async fn take_over(&mut self, transfer: FileTransfer<'_>, size: u64) -> Result<(), CopyError> {
        let (target, folder) = (&transfer.item.target, transfer.item.target.parent());
        let found = transfer.context.leftovers.of(&self.side, &folder).await;
        let candidates = takeover::candidates(&found, &self.side.own_name(target)?, self.named.id, size);
        if candidates.is_empty() {
            return Ok(());
        }
        let (own, folder) = match tokio::try_join!(self.file.identity(), self.side.stat(&folder, Links::Follow)) {
            Err(error) if error.ends_the_run() => return Err(error),
            Err(_) => return Ok(()),
            Ok(((own, _), folder)) => (own, folder),
        };
        for left in candidates {
            if !takeover::is_ours(left, &own, &folder) {
                if takeover::is_anothers(left, &own) {
                    transfer.context.ledger.event(Event::Warning(another_user(&left.place)));
                }
                continue;
            }
            match self.run.outlived(&self.side, left, own.mtime(), Young::Watch).await? {
                true if self.take(left, &own).await? => return Ok(()),
                true => {}
                false => transfer.context.ledger.event(Event::Detail(another_run(target))),
            }
        }
        Ok(())
    }

    /// Renames the part file of an ended run; `false` when another run took it before, or it is not what it seemed.
    async fn take(&mut self, left: &Leftover, own: &Attributes) -> Result<bool, CopyError> {
        let named = self.named.next(&self.run, 1).await;
        match self.side.rename(&left.place, &named.place).await {
            Err(error) if error.ends_the_run() => return Err(error),
            Err(_) => return Ok(false),
            Ok(()) => self.named.beginning = named.beginning,
        }
        let taken = async {
            let file = self.side.reopen(&named.place).await?;
            let told = file.identity().await?.0;
            let is_it = told.size == left.attributes.size && file.is_ours_alone().await?;
            // also shows that this run works on it
            let private = Attributes { permissions: Some(PRIVATE), times: own.times, ..Attributes::default() };
            match file.set(private).await {
                // of a server that sets no times or modes at all
                Err(error) if !error.is_denied() && !error.is_unsupported() => Err(error),
                _ => Ok(is_it.then_some(file)),
            }
        };
        match taken.await {
            Err(error) if error.ends_the_run() => Err(error),
            Ok(Some(file)) => {
                self.give_up().await?;
                (self.named, self.file, self.is_reused) = (named, Arc::new(file), true);
                Ok(true)
            }
            Ok(None) | Err(_) => {
                // when this fails, a part is left, which harms nobody
                let _ = self.side.remove(&named.place).await;
                Ok(false)
            }
        }
    }

    /// Replaces a part file that is worth nothing by a new, empty one.
    ///
    /// # Errors
    /// When the part file cannot be made.
    pub async fn begin_anew(&mut self) -> Result<(), CopyError> {
        self.give_up().await?;
        self.named = self.named.next(&self.run, 1).await;
        self.file = Arc::new(self.side.create(self.place(), self.mode).await?);
        self.is_reused = false;
        Ok(())
    }

    /// Closes and removes the part file.
    ///
    /// # Errors
    /// When the session is lost. On other errors the part file may be left, which harms nobody.
    pub async fn give_up(&self) -> Result<(), CopyError> {
        // closed first: some servers make the file once more when its handle is closed
        let (_, removed) = tokio::join!(biased; self.file.let_go(), self.side.remove(self.place()));
        match removed {
            Err(error) if error.ends_the_run() => Err(error),
            _ => Ok(()),
        }
    }
}

impl PartName {
    /// The name of the part file that is begun `further` beginnings later.
    async fn next(&self, run: &ThisRun, further: u32) -> PartName {
        let (target, beginning) = (self.target.clone(), self.beginning + further);
        let id = Id { run: run.id(beginning).await, ..self.id };
        let place = self.place.sibling(&part::part(&target, &id));
        PartName { target, place, id, beginning }
    }
}

fn another_user(part: &Place) -> String {
    let part = String::from_utf8_lossy(&part.path()).into_owned();
    format!("{part} is what another user's run has left of the same file; it is not gone on from, so remove it there")
}

fn another_run(target: &Place) -> String {
    let path = String::from_utf8_lossy(&target.path()).into_owned();
    format!("{path}: another run is at work on it, so all of it is sent; --lock lets one run at a time")
}
