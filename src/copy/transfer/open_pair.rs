//! A file open at both ends: [`OpenPair`], the source, which is still the version that was listed, and its part file.
//! It is what all ways of moving a large file share: how it begins, what the part file of an earlier attempt is worth,
//! and how it ends.

use std::sync::Arc;

use super::order::Writing;
use super::resume::{Granularity, PartialFile, Worth};
use super::source_end::OpenSource;
use crate::copy::ends::file::OpenFile;
use crate::copy::ends::file_checksum::FileChecksum;
use crate::copy::ends::identity::{FileIdentity, same_version};
use crate::copy::ends::lanes::{Busy, Lane};
use crate::copy::ends::remote_sha256::Sum;
use crate::copy::ends::side::Side;
use crate::copy::error::CopyError;
use crate::copy::land::landing::Landing;
use crate::copy::land::takeover;
use crate::copy::options::{BlockOrder, Resume};
use crate::copy::place::Links;
use crate::copy::task::file_transfer::FileTransfer;
use crate::copy::task::so_far::SoFar;
use crate::sftp::Window;

/// A file open at both ends, over one lane.
pub struct OpenPair {
    /// The lane they were opened on.
    pub lane: Arc<Lane>,
    /// The source.
    pub source: Arc<OpenFile>,
    /// What the source was at the beginning.
    pub identity: FileIdentity,
    size: u64,
    /// The part file, and how it gets its name.
    pub landing: Landing,
    _busy: Busy,
}

impl OpenPair {
    /// Opens a file at both ends.
    ///
    /// # Errors
    /// [`Cause::SourceChanged`](crate::copy::Cause::SourceChanged) when the source is no longer the version that was
    /// listed.
    pub async fn open(transfer: FileTransfer<'_>, so_far: &SoFar) -> Result<OpenPair, CopyError> {
        let FileTransfer { context, item, links, version, .. } = transfer;
        let lane = item.lanes.idlest();
        let _busy = lane.busy();
        let source = async {
            let source = lane.source.open_source(&item.source, links).await?;
            let identity = identity_of(&source, transfer).await?;
            Ok((Arc::new(source), identity))
        };
        let begin = async {
            let version = lane.source.version(&item.source, links, version).await?;
            Landing::begin(&lane.destination, transfer, version, so_far).await
        };
        match tokio::join!(biased; source, begin) {
            (Ok((source, identity)), Ok(landing)) => {
                // where it may have changed between the two looks, and they would tell
                let is_told = matches!(lane.source, Side::Local) && !context.tolerance.growing;
                if is_told && lane.source.version_of(&identity) != landing.part_file().version() {
                    landing.discard().await;
                    return Err(source.changed());
                }
                transfer.started.reads(identity);
                Ok(OpenPair { lane, source, identity, size: transfer.size(), landing, _busy })
            }
            (Err(error), Ok(landing)) => {
                landing.discard().await;
                Err(error)
            }
            (Err(error), Err(_)) | (Ok(_), Err(error)) => Err(error),
        }
    }

    /// Bytes that the source announces.
    pub fn size(&self) -> u64 {
        self.size
    }

    /// The source, as [`judge`](super::source_end::judge) looks at it.
    pub fn open_source(&self) -> OpenSource<'_> {
        OpenSource { side: &self.lane.source, file: &self.source, began: self.identity }
    }

    /// A window over what is missing: all of the file, or what the part file of an earlier attempt or run lacks. What
    /// is not missing is reported; counting it is left to the caller.
    ///
    /// # Errors
    /// When an end cannot be read, or the session is lost.
    pub async fn missing(
        &mut self,
        transfer: FileTransfer<'_>,
        granularity: Granularity,
        so_far: &mut SoFar,
    ) -> Result<Window, CopyError> {
        let FileTransfer { context, item, started, .. } = transfer;
        let mut window = Window::new(0..self.size(), granularity.sizes);
        if !self.landing.part_file().is_reused() && context.resume == Resume::Trusted {
            let taken = self.landing.take_over(transfer, self.size).await;
            so_far.begun(self.landing.part_file().beginning());
            taken?;
        }
        if self.landing.part_file().is_reused() {
            let files = (&*self.source, &**self.landing.part_file().file());
            let sides = (&self.lane.source, &self.lane.destination);
            let pair = PartialFile { lanes: &item.lanes, sides, files, size: self.size(), granularity };
            let worth = match pair.worth(so_far).await {
                Err(error) if error.ends_the_run() || error.is_source_changed() => return Err(error),
                Err(_) => Worth::Nothing("started over: the part cannot be compared with the source"),
                Ok(worth) => worth,
            };
            let because = match worth {
                Worth::Missing(rest, because) => {
                    window = rest;
                    because
                }
                Worth::Nothing(because) => {
                    self.landing.begin_anew().await?;
                    Some(because)
                }
            };
            if let Some(because) = because {
                started.resumed(&context.ledger, item.source.path(), window.arrived(), because);
            }
        }
        so_far.begun(self.landing.part_file().beginning());
        Ok(window)
    }

    /// What of the `missing` bytes is written, in blocks of `block` bytes, and how.
    ///
    /// # Errors
    /// When the part file has to be started over and cannot be made.
    pub async fn writing(
        &mut self,
        transfer: FileTransfer<'_>,
        missing: Window,
        block: usize,
        so_far: &mut SoFar,
    ) -> Result<(Window, Writing), CopyError> {
        let takes_any_order = self.lane.destination.takes_any_order();
        let order = if takes_any_order { transfer.context.order.max(so_far.order()) } else { BlockOrder::Ascending };
        let mut window = missing;
        if order == BlockOrder::Ascending {
            window = window.from(window.low());
        }
        if !takes_any_order && self.landing.part_file().is_reused() {
            // with the last block at least, which shows that it is taken behind what is there
            window = window.from(self.size().saturating_sub(1) / block as u64 * block as u64);
            if window.low() == 0 {
                self.landing.begin_anew().await?;
                so_far.begun(self.landing.part_file().beginning());
            }
        }
        let is_begun_in_order = order == BlockOrder::Ascending && !self.landing.part_file().is_reused();
        let writing = match is_begun_in_order || so_far.order() == BlockOrder::Ascending {
            true => Writing::as_known(order),
            false => Writing::as_supposed(order, window.arrived()),
        };
        Ok((window, writing))
    }

    /// The SHA-256 of the source, where both ends are to be compared.
    ///
    /// # Errors
    /// When it cannot be read.
    pub async fn source_sum(&self, transfer: FileTransfer<'_>) -> Result<Option<Sum>, CopyError> {
        if !transfer.context.care.verify {
            return Ok(None);
        }
        let checksum = FileChecksum::of(transfer.item.lanes.source(), &self.lane.source, &self.source).await?;
        let tolerance = transfer.context.tolerance;
        let sum = match tolerance.growing {
            // where a file ends that has grown since, its host cannot be told
            true => checksum.read(0..self.size()).await,
            // to its end, wherever that is
            false => checksum.sum(0..tolerance.limit(self.size())).await,
        };
        sum.map(Some)
    }

    /// Checks that the source is still what it was at the beginning; one that may grow must still have all its bytes.
    ///
    /// # Errors
    /// [`Cause::SourceChanged`](crate::copy::Cause::SourceChanged) when it is not.
    pub async fn is_unchanged(&self, transfer: FileTransfer<'_>) -> Result<(), CopyError> {
        match transfer.context.tolerance.growing {
            true => self.source.still_has(self.size()).await,
            false => self.source.is_still(self.identity).await,
        }
    }

    /// Lands a file that has arrived and was compared; otherwise says what is left of it.
    ///
    /// # Errors
    /// Why the file did not arrive, or did not get its name.
    pub async fn end(
        self,
        FileTransfer { context, item, .. }: FileTransfer<'_>,
        arrived: Result<(), CopyError>,
    ) -> Result<(), CopyError> {
        match arrived {
            Ok(()) => {
                self.landing.land(context).await?;
                takeover::clear(&self.lane.destination, item, context).await;
                Ok(())
            }
            // whatever has its name now is another run's
            Err(error) if error.is_taken() => Err(error),
            Err(error) if error.is_worthless() => {
                self.landing.discard().await;
                Err(error)
            }
            Err(error) => Err(self.landing.left_behind(error)),
        }
    }
}

/// The identity of an open source.
///
/// # Errors
/// [`Cause::SourceChanged`](crate::copy::Cause::SourceChanged) when it is no longer the version that was listed.
pub async fn identity_of(source: &OpenFile, transfer: FileTransfer<'_>) -> Result<FileIdentity, CopyError> {
    let (told, identity) = source.identity().await?;
    let has_grown = transfer.context.tolerance.growing && identity.size >= transfer.size();
    match same_version(&told, transfer.version) || has_grown {
        true => Ok(identity),
        false => Err(source.changed()),
    }
}

/// Both ends of a file, open on one lane.
pub struct Ends {
    /// The source.
    pub source: Arc<OpenFile>,
    /// The part.
    pub part: Arc<OpenFile>,
    /// What the source was at the beginning.
    pub identity: FileIdentity,
    /// Bytes that the source announces.
    pub size: u64,
}

impl Ends {
    /// The two ends of an open file.
    pub fn of(pair: &OpenPair) -> Ends {
        let (source, part) = (Arc::clone(&pair.source), Arc::clone(pair.landing.part_file().file()));
        Ends { source, part, identity: pair.identity, size: pair.size() }
    }

    /// The same two files on another lane. Nothing is taken from that source before it is known to be the same.
    ///
    /// # Errors
    /// When they cannot be opened there, or the source has changed.
    pub async fn also(&self, lane: &Lane, links: Links) -> Result<Ends, CopyError> {
        let source = async {
            let source = lane.source.open_source_again(&self.source, links).await?;
            source.is_still(self.identity).await.map(|()| source)
        };
        let (source, part) = tokio::try_join!(source, lane.destination.open_part_again(&self.part))?;
        Ok(Ends { source: Arc::new(source), part: Arc::new(part), identity: self.identity, size: self.size })
    }

    /// Most bytes of a block that both ends take.
    pub fn block(&self) -> usize {
        self.source.max_read().min(self.part.max_write())
    }
}
