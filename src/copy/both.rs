//! A file that is open at both ends: [`Both`], the source still the version that was listed, and its part. What every way
//! of moving a large file has in common: how it begins, what the part of an earlier try is worth, and how it ends.

use std::sync::Arc;

use super::error::CopyError;
use super::file::OpenFile;
use super::freight::Freight;
use super::land::Landing;
use super::lanes::{Busy, Lane};
use super::resume::{Acknowledged, Pair, Resume, SoFar, Worth};
use super::side::{Identity, Side, same_version};
use super::source_end::OpenSource;
use super::sums::Sum;
use super::takeover;
use super::witness::Witness;
use crate::sftp::{Sizes, Window};

/// Both ends, by way of one lane.
pub struct Both {
    /// The lane they were opened on.
    pub lane: Arc<Lane>,
    /// The source.
    pub source: Arc<OpenFile>,
    /// What the source was at the beginning.
    pub identity: Identity,
    size: u64,
    /// The part, and what becomes of it.
    pub landing: Landing,
    _busy: Busy,
}

impl Both {
    /// Opens a file at both ends.
    ///
    /// # Errors
    /// [`Cause::SourceChanged`](super::Cause::SourceChanged) when it is not that version any more.
    pub async fn open(freight: Freight<'_>) -> Result<Both, CopyError> {
        let Freight { means, item, links, version, .. } = freight;
        let lane = item.lanes.idlest();
        let _busy = lane.busy();
        let source = async {
            let source = lane.source.open_source(&item.source, links).await?;
            let identity = identity_of(&source, freight).await?;
            Ok((Arc::new(source), identity))
        };
        let begin = async {
            let version = lane.source.version(&item.source, links, version).await?;
            Landing::begin(&lane.destination, freight, version).await
        };
        match tokio::join!(biased; source, begin) {
            (Ok((source, identity)), Ok(landing)) => {
                // where it may have changed between the two looks, and they would tell
                let is_told = matches!(lane.source, Side::Local) && !means.tolerance.growing;
                if is_told && lane.source.version_of(&identity) != landing.version() {
                    landing.discard().await;
                    return Err(source.changed());
                }
                Ok(Both { lane, source, identity, size: freight.size(), landing, _busy })
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

    /// The source, as it is judged.
    pub fn open_source(&self) -> OpenSource<'_> {
        OpenSource { side: &self.lane.source, file: &self.source, began: self.identity }
    }

    /// What is still missing: all of it, or what the part of an earlier try or run lacks. That is told, and counted.
    ///
    /// # Errors
    /// When an end cannot be read, or the session is lost.
    pub async fn missing(
        &mut self,
        freight: Freight<'_>,
        (sizes, block, acknowledged): (Sizes, usize, Acknowledged),
        so_far: &SoFar,
    ) -> Result<Window, CopyError> {
        let Freight { means, item, started, .. } = freight;
        let mut window = Window::new(0..self.size(), sizes);
        if !self.landing.is_reused() && means.resume == Resume::Trusted {
            self.landing.take_over(freight, self.size).await?;
        }
        if self.landing.is_reused() {
            let (sides, files) = ((&self.lane.source, &self.lane.destination), (&*self.source, &**self.landing.file()));
            let pair = Pair { lanes: &item.lanes, sides, files, size: self.size(), block, acknowledged };
            let because = match pair.worth(so_far, sizes).await? {
                Worth::Missing(rest, because) => {
                    window = rest;
                    because
                }
                Worth::Nothing(because) => {
                    self.landing.start_over().await?;
                    Some(because)
                }
            };
            if let Some(because) = because {
                started.resumed(&means.ledger, item.source.path(), (window.arrived(), because));
            }
        }
        started.begin_at(window.arrived());
        Ok(window)
    }

    /// The SHA-256 of the source, where both ends are to be compared.
    ///
    /// # Errors
    /// When it cannot be read.
    pub async fn source_sum(&self, freight: Freight<'_>) -> Result<Option<Sum>, CopyError> {
        if !freight.means.care.verify {
            return Ok(None);
        }
        let witness = Witness::of(freight.item.lanes.source(), &self.lane.source, &self.source).await?;
        let tolerance = freight.means.tolerance;
        let sum = match tolerance.growing {
            // where a file ends that has grown since, its host cannot be told
            true => witness.read(0..self.size()).await,
            // to its end, wherever that is
            false => witness.sum(0..tolerance.limit(self.size())).await,
        };
        sum.map(Some)
    }

    /// The source still is what it was at the beginning; one that may grow still has all that it had.
    ///
    /// # Errors
    /// [`Cause::SourceChanged`](super::Cause::SourceChanged) when it is not.
    pub async fn is_unchanged(&self, freight: Freight<'_>) -> Result<(), CopyError> {
        match freight.means.tolerance.growing {
            true => self.source.still_has(self.size()).await,
            false => self.source.is_still(self.identity).await,
        }
    }

    /// Lands what has arrived and was compared; or says what is left of what has not.
    ///
    /// # Errors
    /// Why it did not arrive, or did not get its name.
    pub async fn end(
        self,
        Freight { means, item, .. }: Freight<'_>,
        arrived: Result<(), CopyError>,
    ) -> Result<(), CopyError> {
        match arrived {
            Ok(()) => {
                self.landing.land(means).await?;
                takeover::clear(&self.lane.destination, item, means).await;
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

async fn identity_of(source: &OpenFile, freight: Freight<'_>) -> Result<Identity, CopyError> {
    let (told, identity) = source.identity().await?;
    let has_grown = freight.means.tolerance.growing && identity.size >= freight.size();
    match same_version(&told, freight.version) || has_grown {
        true => Ok(identity),
        false => Err(source.changed()),
    }
}
