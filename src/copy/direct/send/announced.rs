//! Does a file have as many bytes as it announces? `tar` and `dd` cut a file or pad it to its announced size; `sftp`
//! does not even look at it. [`is_misstated`] reads the last announced byte and the one behind it over hop's own
//! session. A file that does not end there is copied through this machine instead.

use super::orders::Orders;
use crate::copy::ends::identity::FileIdentity;
use crate::copy::ends::side::Side;
use crate::copy::error::{Cause, CopyError};
use crate::copy::task::file_transfer::FileTransfer;
use crate::copy::transfer::source_end::{OpenSource, Reached, judge};
use crate::progress::{Event, Stage};

/// Whether `source` is not being changed, and does not end at its announced size.
///
/// # Errors
/// When the session is lost.
pub async fn is_misstated(transfer: FileTransfer<'_>, source: OpenSource<'_>) -> Result<bool, CopyError> {
    let (size, file) = (transfer.size(), source.file);
    let (last, behind) = tokio::join!(biased; file.goes_on(size.saturating_sub(1)), file.goes_on(size));
    if last? && !behind? {
        return Ok(false);
    }
    match judge(transfer, source, Reached::Early(0)).await {
        Err(error) if error.is_source_changed() => Ok(false),
        judged => judged.map(|_| true),
    }
}

/// Checks a file that is not open. If it cannot be opened, whoever sends it reports that.
///
/// # Errors
/// [`Cause::Misstated`]; when the session is lost.
pub async fn check(transfer: FileTransfer<'_>) -> Result<(), CopyError> {
    let FileTransfer { item, links, version, .. } = transfer;
    let side = &item.lanes.idlest().source;
    let file = match side.open_source(&item.source, links).await {
        Err(error) if !error.ends_the_run() => return Ok(()),
        opened => opened?,
    };
    let source = OpenSource { side, file: &file, began: FileIdentity::from(version) };
    let is_misstated = is_misstated(transfer, source).await;
    let closed = file.close().await;
    match is_misstated? {
        true => Err(misstated(transfer, side)),
        false => closed,
    }
}

/// The error for a file that does not end at its announced size.
pub fn misstated(transfer: FileTransfer<'_>, side: &Side) -> CopyError {
    side.error(Stage::Transfer, &transfer.item.source, Cause::Misstated)
}

/// Whether a file that failed with `error` is copied through this machine instead; if so, the user is told.
pub fn gives_way(orders: &Orders, transfer: FileTransfer<'_>, error: &CopyError) -> bool {
    let FileTransfer { context, item, .. } = transfer;
    let why = match &error.cause {
        Cause::Misstated => "it has more or fewer bytes than it says",
        Cause::SourceChanged if context.tolerance.growing => "it grows",
        _ => return false,
    };
    if !orders.is_insisted_on {
        let path = String::from_utf8_lossy(&item.source.path()).into_owned();
        context.ledger.event(Event::Warning(format!("{path} goes through here: {why}")));
    }
    !orders.is_insisted_on
}
