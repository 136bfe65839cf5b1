//! How do many small files go up together? [`TarUpload`]: as one stream of `tar`, which a shell of the destination unpacks
//! into a private folder beside the target. Files leave that folder for their names once a listing has shown them there,
//! complete: what `tar` says of itself proves nothing.
//!
//! Only files of folders that this run has made, or one that it goes on from, go together: others may give their files
//! a group or access rights of their own.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::oneshot;
use tokio::time::timeout;

use super::arrivals::{Arrivals, Arrived, QueuedFile};
use super::only_stream::{Entrance, OnlyStream, is_plain};
use super::tar::LARGEST;
use super::upload_stream::UploadStream;
use crate::copy::error::CopyError;
use crate::copy::land::adopt;
use crate::copy::name::Name;
use crate::copy::options::{Keep, MODE_MASK, MODE_UNTOLD};
use crate::copy::task::file_transfer::FileTransfer;
use crate::copy::task::folder::Ground;
use crate::copy::task::item::Item;
use crate::copy::task::run_context::RunContext;
use crate::progress::Event;

/// Time to find a shell and `tar` there.
const BEGINS: Duration = Duration::from_secs(30);

/// The small files of a run that go up together.
pub struct TarUpload {
    stream: OnlyStream<QueuedFile>,
    arrivals: Arc<Arrivals>,
}

impl TarUpload {
    /// Files that go together, where that is wanted.
    pub fn new(is_wanted: bool) -> TarUpload {
        TarUpload { stream: OnlyStream::new(is_wanted), arrivals: Arc::default() }
    }

    /// Whether files are going together now.
    pub fn is_on(&self) -> bool {
        self.stream.is_on()
    }

    /// Copies a small file together with others; `false` when it has to go by itself.
    ///
    /// # Errors
    /// When the session is lost.
    pub async fn send(&self, transfer: FileTransfer<'_>) -> Result<bool, CopyError> {
        let FileTransfer { context, item, links, version, started } = transfer;
        if !is_plain(context) || transfer.size() > LARGEST || !is_own(transfer).await {
            return Ok(false);
        }
        let begin = |entrance| begin(entrance, Arc::clone(&self.arrivals), Arc::clone(context), item.clone());
        let Some(queue) = self.stream.queue(context, begin) else { return Ok(false) };
        started.begin_at(0);
        let (tell, told) = oneshot::channel();
        let (Some(folder), Some(name)) = (&item.folder, item.target.name()) else { return Ok(false) };
        let (folder, Ok(name)) = (Arc::clone(folder), Name::vet(name)) else { return Ok(false) };
        let (source, mode) = (item.source.clone(), mode(transfer));
        let file = QueuedFile { source, links, version: *version, mode, folder, name, tell };
        // a stream that has ended lets go of what waited for it
        let Ok(()) = queue.send(file) else { return Ok(false) };
        let told = {
            let _waits = item.lanes.clock().waits();
            told.await
        };
        let Ok(Arrived { staged, there, sent }) = told else { return Ok(false) };
        started.reads(sent);
        started.moved(transfer.size());
        let Some(staged) = staged else {
            started.seen_as(Some(there));
            return Ok(true);
        };
        let lane = item.lanes.idlest();
        let _busy = lane.busy();
        // boxed, as all that most files do not come to: thousands of them wait
        match Box::pin(adopt::adopt(&lane.destination, transfer, &staged, &there)).await {
            Ok(()) => Ok(true),
            Err(error) if error.ends_the_run() => Err(error),
            // why it cannot have its name is told where it goes by itself
            Err(_) => Ok(false),
        }
    }

    /// Ends the stream and removes the folder that files arrived in, if that takes no longer than `limit`. What is
    /// left, the next run removes.
    pub async fn end(&self, limit: Duration) {
        let ended = async {
            // a folder that is being made is made first
            self.stream.end().await;
            if let Some(staging) = self.arrivals.staging() {
                // it is a part, which the next run removes
                let _ = staging.remove().await;
            }
        };
        let _ = timeout(limit, ended).await;
    }
}

/// Makes the folder that files arrive in; `None` where that cannot be done. Returns the stream.
async fn begin(
    entrance: Entrance<QueuedFile>,
    arrivals: Arc<Arrivals>,
    context: Arc<RunContext>,
    item: Item,
) -> Option<impl Future<Output = ()> + Send> {
    arrivals.make(&item, &context).await.ok()??;
    // its folder is not held: it is finished when its files are done
    let lanes = Arc::clone(&item.lanes);
    drop(item);
    Some(async move {
        let begun = timeout(BEGINS, UploadStream::begin(&arrivals, &context, lanes)).await;
        let Some(stream) = begun.ok().flatten() else { return };
        let files = entrance.open();
        context.ledger.event(Event::Detail("small files go together, in a stream of tar".to_owned()));
        stream.run(files, &context).await;
    })
}

/// Whether a file's folder was made by this run, or by one that it goes on from: then it is like the staging folder.
async fn is_own(transfer: FileTransfer<'_>) -> bool {
    transfer.item.folder.is_some() && (transfer.item.ground().await == Ground::Fresh || transfer.context.goes_on)
}

/// The permission bits that a new file is to have.
fn mode(FileTransfer { context, item, version, .. }: FileTransfer<'_>) -> u32 {
    let mode = version.permissions.unwrap_or(MODE_UNTOLD) & MODE_MASK;
    match context.keep {
        Keep::ModeAndTimes => mode,
        Keep::Nothing => mode & !item.lanes.destination().umask.guess(),
    }
}
