//! How do many small files come down together? [`TarDownload`]: `tar` of the source's shell packs exactly the files that
//! were asked for. What it says is compared with what was listed, the sources are looked at again behind it, and each
//! file lands as it would by itself: through a part file, in one step. Files of a folder that this run has made are
//! written many at a time.

use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use tokio::sync::oneshot;
use tokio::time::timeout;

use super::download_stream::DownloadStream;
use super::only_stream::{Entrance, OnlyStream, is_plain};
use super::tar::LARGEST;
use super::wanted::{Came, NewTarget, WantedFile};
use crate::copy::ends::identity::FileIdentity;
use crate::copy::ends::lanes::Lanes;
use crate::copy::error::CopyError;
use crate::copy::land::landing::{Landing, final_attributes};
use crate::copy::land::takeover::{self, pair_of};
use crate::copy::options::{MODE_MASK, MODE_UNTOLD};
use crate::copy::part::{self, Id};
use crate::copy::place::{Links, Place};
use crate::copy::task::file_transfer::FileTransfer;
use crate::copy::task::folder::Ground;
use crate::copy::task::run_context::RunContext;
use crate::copy::task::so_far::SoFar;
use crate::progress::Event;

/// Time to find a shell and `tar` there.
const BEGINS: Duration = Duration::from_secs(30);

/// The small files of a run that come down together.
pub struct TarDownload {
    stream: OnlyStream<WantedFile>,
}

impl TarDownload {
    /// Files that come together, where that is wanted.
    pub fn new(is_wanted: bool) -> TarDownload {
        TarDownload { stream: OnlyStream::new(is_wanted) }
    }

    /// Whether files are coming together now.
    pub fn is_on(&self) -> bool {
        self.stream.is_on()
    }

    /// Copies a small file together with others; `false` when it has to go by itself.
    ///
    /// # Errors
    /// When the session is lost.
    pub async fn send(&self, transfer: FileTransfer<'_>) -> Result<bool, CopyError> {
        let FileTransfer { context, item, links, version, started } = transfer;
        if !is_plain(context) || !(1..=LARGEST).contains(&transfer.size()) || !can_be_named(&item.source, links) {
            return Ok(false);
        }
        let begin = |entrance| begin(entrance, Arc::clone(context), Arc::clone(&item.lanes));
        let Some(queue) = self.stream.queue(context, begin) else { return Ok(false) };
        let began = Instant::now();
        started.begin_at(0);
        let (tell, told) = oneshot::channel();
        let new = new_target(transfer).await?;
        let Ok(()) = queue.send(WantedFile { source: item.source.clone(), version: *version, new, tell }) else {
            return Ok(false);
        };
        let told = {
            let _waits = item.lanes.clock().waits();
            told.await
        };
        // a stream that has ended lets go of what waited for it
        let Ok(came) = told else { return Ok(false) };
        started.reads(FileIdentity::from(version));
        let landed = match came {
            Came::Landed(there) => {
                started.moved(transfer.size());
                started.seen_as(Some(there));
                Ok(())
            }
            Came::Content(data, _memory) => Box::pin(land(transfer, data, began)).await,
        };
        match landed {
            Ok(()) => Ok(true),
            Err(error) if error.ends_the_run() => Err(error),
            // why it cannot have its name is told where it goes by itself
            Err(_) => Ok(false),
        }
    }

    /// Ends the stream, if that takes no longer than `limit`.
    pub async fn end(&self, limit: Duration) {
        let _ = timeout(limit, self.stream.end()).await;
    }
}

/// The stream.
async fn begin(
    entrance: Entrance<WantedFile>,
    context: Arc<RunContext>,
    lanes: Arc<Lanes>,
) -> Option<impl Future<Output = ()> + Send> {
    Some(async move {
        let begun = timeout(BEGINS, DownloadStream::begin(lanes)).await;
        let Some(stream) = begun.ok().flatten() else { return };
        let files = entrance.open();
        context.ledger.event(Event::Detail("small files come together, in a stream of tar".to_owned()));
        stream.run(files, &context).await;
    })
}

/// Whether a list of names that is read line by line can say this one: some read `\` as the beginning of a byte's number.
fn can_be_named(source: &Place, links: Links) -> bool {
    let is_plain = |byte: &u8| !matches!(byte, b'\n' | b'\r' | b'\\' | 0);
    links == Links::Keep && source.name().is_some() && source.below().iter().all(is_plain)
}

/// Where the file lands in a folder that this run has made; `None` where there may be something already.
async fn new_target(transfer: FileTransfer<'_>) -> Result<Option<NewTarget>, CopyError> {
    let FileTransfer { context, item, version, .. } = transfer;
    let side = &item.lanes.idlest().destination;
    let mode = version.permissions.unwrap_or(MODE_UNTOLD) & MODE_MASK;
    let (Ground::Fresh, Some(new)) =
        (item.ground().await, item.lanes.destination().umask.new_mode(side, mode, context.keep))
    else {
        return Ok(None);
    };
    // as any part of this run
    let version_id = item.lanes.idlest().source.version_of(&FileIdentity::from(version));
    let id = Id { pair: pair_of(item), version: version_id, run: context.run.id(0).await };
    let part = part::part(&side.own_name(&item.target)?, &id);
    let wanted = final_attributes(None, new, version, context.keep);
    Ok(Some(NewTarget { target: item.target.clone(), part, wanted }))
}

/// Lands a file whose bytes have come, as any that goes by itself.
async fn land(transfer: FileTransfer<'_>, data: Bytes, began: Instant) -> Result<(), CopyError> {
    let FileTransfer { context, item, version, started, .. } = transfer;
    let lane = item.lanes.idlest();
    let version = lane.source.version_of(&FileIdentity::from(version));
    let landing = Landing::begin(&lane.destination, transfer, version, &SoFar::default()).await?;
    landing.write_whole(vec![data]).await?;
    started.moved(transfer.size());
    landing.land(context).await?;
    takeover::clear_soon(&lane.destination, item, context, began).await;
    Ok(())
}
