//! How does a file go to a host that runs no commands? [`send_by_sftp`]: by batches of the source's own `sftp` over the
//! one login. A large file goes into its part file from beginning to end, so that its length tells where to go on;
//! small files go many together (`puts`).
//!
//! The batches do not name the source files but the numbers of links to them. They name the destination's files,
//! exactly ([`said`]); a file whose name cannot be written in a batch goes into the staging folder under a number, and
//! gets its name there.

use std::time::Instant;

use super::orders::Orders;
use super::pack::{self, Packing};
use super::part_poll::PartPoll;
use super::{announced, stream};
use crate::copy::direct::remote::batch::{batch, said};
use crate::copy::direct::remote::login::Login;
use crate::copy::direct::transport::Carried;
use crate::copy::ends::identity::same_version;
use crate::copy::ends::remote_sha256::UNIT;
use crate::copy::error::{Cause, CopyError};
use crate::copy::land::care::SourceContent;
use crate::copy::land::staging::numbered;
use crate::copy::land::{adopt, takeover};
use crate::copy::place::Links;
use crate::copy::task::file_transfer::FileTransfer;
use crate::copy::task::item::Item;
use crate::copy::task::so_far::SoFar;
use crate::copy::transfer::open_pair::OpenPair;
use crate::copy::transfer::resume::{Acknowledged, Granularity};
use crate::progress::{Event, Stage};
use crate::sftp::{FileKind, Sizes};

const UNSAID: &str = "a batch of sftp cannot say its name";

/// Copies a file if a batch can name it.
///
/// # Errors
/// As [`stream::send_large`].
pub async fn send_by_sftp(
    orders: &Orders,
    packing: &Packing,
    transfer: FileTransfer<'_>,
) -> Result<Carried, CopyError> {
    let FileTransfer { context, item, .. } = transfer;
    let can_stage = match packing.staging(transfer).await? {
        Some(staging) => said(&orders.absolute_target(item, &staging.join(&numbered(u64::MAX))).await?).is_some(),
        None => false,
    };
    if pack::fits(transfer) && can_stage && pack::send_packed(orders, packing, transfer).await? {
        return Ok(Carried::Here);
    }
    if into_part(orders, transfer).await? {
        return Ok(Carried::Here);
    }
    match (pack::is_plain(context) && can_stage, orders.is_insisted_on) {
        (true, _) => staged(orders, packing, transfer).await.map(|()| Carried::Here),
        (false, true) => {
            let cause = Cause::Unfit(UNSAID);
            Err(item.lanes.idlest().destination.error(Stage::Transfer, &item.target, cause))
        }
        (false, false) => {
            let path = String::from_utf8_lossy(&item.source.path()).into_owned();
            context
                .ledger
                .event(Event::Warning(format!("{path} goes through here: a batch of sftp cannot say its name")));
            Ok(Carried::NotHere)
        }
    }
}

/// Sends the file into its part file; `false` when a batch cannot name the part file, or when the server does not allow
/// hop to have the file open, too.
async fn into_part(orders: &Orders, transfer: FileTransfer<'_>) -> Result<bool, CopyError> {
    if !transfer.item.lanes.idlest().destination.takes_any_order() {
        return Ok(false);
    }
    let _turn = transfer.context.turn(transfer.size()).await;
    let mut pair = OpenPair::open(transfer, &SoFar::default()).await?;
    if said(&orders.absolute_target(transfer.item, pair.landing.part_file().place()).await?).is_none() {
        pair.landing.discard().await;
        return Ok(false);
    }
    let arrived = async {
        // nothing but its length tells of an earlier try, which is looked at as any other
        let granularity =
            Granularity { sizes: Sizes::default(), block: UNIT as usize, acknowledged: Acknowledged::InOrder };
        let window = pair.missing(transfer, granularity, &mut SoFar::default()).await?;
        transfer.started.begin_at(window.arrived());
        if window.low() < pair.size() {
            put(orders, transfer, &pair, window.low()).await?;
        }
        stream::finish(&pair, transfer).await?;
        let sum = pair.source_sum(transfer).await?;
        pair.landing.check(transfer, sum.map(|sum| SourceContent { sum, size: pair.size() })).await
    };
    let arrived = arrived.await;
    let arrived = stream::judged(transfer, &pair, arrived).await;
    pair.end(transfer, arrived).await.map(|()| true)
}

async fn put(orders: &Orders, transfer: FileTransfer<'_>, pair: &OpenPair, from: u64) -> Result<(), CopyError> {
    let FileTransfer { item, started, .. } = transfer;
    let place = pair.landing.part_file().place();
    let (link, part) = tokio::try_join!(linked(orders, item), orders.absolute_target(item, place))?;
    let Some(part) = said(&part) else {
        return Err(pair.lane.destination.error(Stage::Transfer, &item.target, Cause::Unfit(UNSAID)));
    };
    let verb: &[u8] = if from == 0 { b"put " } else { b"reput " };
    let line = [verb, &link, b" ", &part].concat();
    let part_poll = PartPoll::of(item, place, from, pair.size() - from);
    let began = Instant::now();
    let order = |_: &Login, number| batch(number, &[&line]);
    let answer = orders.order_and_watch(item, order, part_poll.watch(orders, Some(started))).await?;
    if answer.status != 0 {
        return Err(orders.failed(item, &answer));
    }
    orders.chunk_sizer.learn(pair.size() - from, began.elapsed(), 1);
    part_poll.tell_all(started);
    Ok(())
}

/// Sends the file into the staging folder, and gives it its name from there.
async fn staged(orders: &Orders, packing: &Packing, transfer: FileTransfer<'_>) -> Result<(), CopyError> {
    let FileTransfer { context, item, links, version, started } = transfer;
    started.begin_at(0);
    let (lane, began) = (item.lanes.idlest(), Instant::now());
    let unfit = |what| Err(lane.destination.error(Stage::Transfer, &item.target, Cause::Unfit(what)));
    let Some(staging) = packing.staging(transfer).await? else { return unfit("no folder can be made beside it") };
    let place = staging.join(&numbered(orders.number()));
    let Some(path) = said(&orders.absolute_target(item, &place).await?) else {
        return unfit("its name cannot be said");
    };
    let line = [b"put ", &linked(orders, item).await?[..], b" ", &path].concat();
    let part_poll = PartPoll::of(item, &place, 0, transfer.size());
    let watch = part_poll.watch(orders, Some(started));
    let answer = orders.order_and_watch(item, |_: &Login, number| batch(number, &[&line]), watch).await?;
    if answer.status != 0 {
        return Err(orders.failed(item, &answer));
    }
    let (source, arrived) =
        tokio::try_join!(lane.source.stat(&item.source, links), lane.destination.stat(&place, Links::Keep))?;
    announced::check(transfer).await?;
    if !same_version(&source, version) || arrived.kind() != FileKind::File || arrived.size != version.size {
        return Err(lane.source.error(Stage::Transfer, &item.source, Cause::SourceChanged));
    }
    part_poll.tell_all(started);
    adopt::adopt(&lane.destination, transfer, &place, &arrived).await?;
    takeover::clear_soon(&lane.destination, item, context, began).await;
    Ok(())
}

/// The path of a new link to the source file.
async fn linked(orders: &Orders, item: &Item) -> Result<Vec<u8>, CopyError> {
    let login = orders.logins.current();
    let number = pack::link(orders, item, login.links.as_deref()).await?;
    match (number, &login.links) {
        (Some(number), Some(links)) => Ok([&links[..], b"/", number.to_string().as_bytes()].concat()),
        _ => {
            let cause = Cause::Unfit("no link to it can be made");
            Err(item.lanes.idlest().source.error(Stage::Transfer, &item.source, cause))
        }
    }
}
