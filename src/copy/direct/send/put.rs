//! How does a file go to a host that runs no commands? [`carry`]: by batches of the source's own `sftp` over the one login.
//! A large file goes into its part, in order, so that it can be gone on from its length; small ones many together ([`puts`]).
//!
//! The source's names are not in the batches: files are linked by number. The destination's are, exactly ([`said`]); where a
//! name cannot be said, the file goes into the staging folder by number, and gets its name there.

use std::time::Instant;

use super::growth::Growth;
use super::orders::{Orders, numbered};
use super::pack::{self, Packing};
use super::{announced, stream};
use crate::copy::direct::engine::Carried;
use crate::copy::direct::remote::batch::{batch, said};
use crate::copy::direct::remote::login::Login;
use crate::copy::ends::identity::same_version;
use crate::copy::ends::sums::UNIT;
use crate::copy::error::{Cause, CopyError};
use crate::copy::land::{adopt, takeover};
use crate::copy::place::Links;
use crate::copy::task::freight::Freight;
use crate::copy::task::item::Item;
use crate::copy::task::so_far::SoFar;
use crate::copy::transfer::both::Both;
use crate::copy::transfer::resume::Acknowledged;
use crate::progress::{Event, Stage};
use crate::sftp::{FileKind, Sizes};

const UNSAID: &str = "a batch of sftp cannot say its name";

/// Copies a file, if its name can be said.
///
/// # Errors
/// As [`stream::carry`].
pub async fn carry(orders: &Orders, packing: &Packing, freight: Freight<'_>) -> Result<Carried, CopyError> {
    let Freight { means, item, .. } = freight;
    let can_stage = match packing.staging(freight).await? {
        Some(staging) => said(&orders.absolute_target(item, &staging.join(&numbered(u64::MAX))).await?).is_some(),
        None => false,
    };
    if pack::fits(freight) && can_stage && pack::carry(orders, packing, freight).await? {
        return Ok(Carried::Here);
    }
    if into_part(orders, freight).await? {
        return Ok(Carried::Here);
    }
    match (pack::is_plain(means) && can_stage, orders.is_insisted_on) {
        (true, _) => staged(orders, packing, freight).await.map(|()| Carried::Here),
        (false, true) => {
            let cause = Cause::Unfit(UNSAID);
            Err(item.lanes.idlest().destination.error(Stage::Transfer, &item.target, cause))
        }
        (false, false) => {
            let path = String::from_utf8_lossy(&item.source.path()).into_owned();
            means
                .ledger
                .event(Event::Warning(format!("{path} goes through here: a batch of sftp cannot say its name")));
            Ok(Carried::NotHere)
        }
    }
}

/// Into its part; `false` when the part's name cannot be said, or the server does not bear that hop has it open, too.
async fn into_part(orders: &Orders, freight: Freight<'_>) -> Result<bool, CopyError> {
    if !freight.item.lanes.idlest().destination.takes_any_order() {
        return Ok(false);
    }
    let _turn = freight.means.turn(freight.size()).await;
    let mut both = Both::open(freight, &SoFar::default()).await?;
    if said(&orders.absolute_target(freight.item, both.landing.part_file().place()).await?).is_none() {
        both.landing.discard().await;
        return Ok(false);
    }
    let arrived = async {
        // nothing but its length tells of an earlier try, which is looked at as any other
        let how = (Sizes::default(), UNIT as usize, Acknowledged::InOrder);
        let window = both.missing(freight, how, &mut SoFar::default()).await?;
        freight.started.begin_at(window.arrived());
        if window.low() < both.size() {
            put(orders, freight, &both, window.low()).await?;
        }
        stream::finish(&both, freight).await?;
        let sum = both.source_sum(freight).await?;
        both.landing.check(freight, sum.map(|sum| (sum, both.size()))).await
    };
    let arrived = arrived.await;
    let arrived = stream::judged(freight, &both, arrived).await;
    both.end(freight, arrived).await.map(|()| true)
}

async fn put(orders: &Orders, freight: Freight<'_>, both: &Both, from: u64) -> Result<(), CopyError> {
    let Freight { item, started, .. } = freight;
    let place = both.landing.part_file().place();
    let (link, part) = tokio::try_join!(linked(orders, item), orders.absolute_target(item, place))?;
    let Some(part) = said(&part) else {
        return Err(both.lane.destination.error(Stage::Transfer, &item.target, Cause::Unfit(UNSAID)));
    };
    let verb: &[u8] = if from == 0 { b"put " } else { b"reput " };
    let line = [verb, &link, b" ", &part].concat();
    let growth = Growth::of((item, place), from, both.size() - from);
    let began = Instant::now();
    let order = |_: &Login, number| batch(number, &[&line]);
    let answer = orders.order_and_watch(item, order, growth.watch(orders, Some(started))).await?;
    if answer.status != 0 {
        return Err(orders.failed(item, &answer));
    }
    orders.pace.learn((both.size() - from, began.elapsed()), 1);
    growth.tell_all(started);
    Ok(())
}

/// Into the staging folder, and from there to its name.
async fn staged(orders: &Orders, packing: &Packing, freight: Freight<'_>) -> Result<(), CopyError> {
    let Freight { means, item, links, version, started } = freight;
    started.begin_at(0);
    let (lane, began) = (item.lanes.idlest(), Instant::now());
    let unfit = |what| Err(lane.destination.error(Stage::Transfer, &item.target, Cause::Unfit(what)));
    let Some(staging) = packing.staging(freight).await? else { return unfit("no folder can be made beside it") };
    let place = staging.join(&numbered(orders.number()));
    let Some(path) = said(&orders.absolute_target(item, &place).await?) else {
        return unfit("its name cannot be said");
    };
    let line = [b"put ", &linked(orders, item).await?[..], b" ", &path].concat();
    let growth = Growth::of((item, &place), 0, freight.size());
    let watch = growth.watch(orders, Some(started));
    let answer = orders.order_and_watch(item, |_: &Login, number| batch(number, &[&line]), watch).await?;
    if answer.status != 0 {
        return Err(orders.failed(item, &answer));
    }
    let (source, arrived) =
        tokio::try_join!(lane.source.stat(&item.source, links), lane.destination.stat(&place, Links::Keep))?;
    announced::check(freight).await?;
    if !same_version(&source, version) || arrived.kind() != FileKind::File || arrived.size != version.size {
        return Err(lane.source.error(Stage::Transfer, &item.source, Cause::SourceChanged));
    }
    growth.tell_all(started);
    adopt::adopt(&lane.destination, freight, &place, &arrived).await?;
    takeover::clear_soon(&lane.destination, item, means, began).await;
    Ok(())
}

/// The path of a link to the source.
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
