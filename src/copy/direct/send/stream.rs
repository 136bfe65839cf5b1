//! How does a large file go directly? [`carry`]: into a part that hop's own session has made, in shares over the one login;
//! then the part is measured, gets mode and times, and lands as any other. The source must be the same version at the end
//! as at the beginning.
//!
//! A share alone is written from its beginning to its end, and may be long. Several at once stay within the band
//! ([`Window`]), so that a part that was cut off can be trusted up to it, and what is above is told from holes by hash.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Instant;

use tokio::task::JoinSet;

use super::announced;
use super::growth::Growth;
use super::orders::Orders;
use super::pace::{BAND_SHARE, Manner};
use crate::copy::direct::engine::STREAMS;
use crate::copy::direct::remote::login::Login;
use crate::copy::direct::remote::script::{self, BLOCK, Share};
use crate::copy::ends::identity::Identity;
use crate::copy::error::{Cause, CopyError};
use crate::copy::place::Place;
use crate::copy::task::freight::Freight;
use crate::copy::task::item::Item;
use crate::copy::task::ledger::Started;
use crate::copy::task::so_far::SoFar;
use crate::copy::transfer::both::Both;
use crate::copy::transfer::handout::Handout;
use crate::copy::transfer::resume::Acknowledged;
use crate::progress::Stage;
use crate::sftp::{Block, Sizes, Window};

/// Copies a file, going on from what is there of it.
///
/// # Errors
/// As `Kind` tells; [`Cause::SourceChanged`] when it is not that version any more.
pub async fn carry(orders: &Arc<Orders>, freight: Freight<'_>, so_far: &mut SoFar) -> Result<(), CopyError> {
    let _turn = freight.means.turn(freight.size()).await;
    let (both, ()) = tokio::join!(Both::open(freight, so_far), orders.look_up_homes(freight.item));
    let mut both = both?;
    let arrived = async {
        let sizes = Sizes { block: BAND_SHARE as usize, in_flight: u64::MAX, ..Sizes::default() };
        let how = (sizes, BLOCK as usize, Acknowledged::ShareByShare);
        let window = both.missing(freight, how, so_far).await?;
        freight.started.begin_at(window.arrived());
        let window = Arc::new(Mutex::new(window));
        so_far.keep(&window);
        send(orders, freight, (&both, window)).await?;
        finish(&both, freight).await?;
        let sum = both.source_sum(freight).await?;
        both.landing.check(freight, sum.map(|sum| (sum, both.size()))).await
    };
    let arrived = arrived.await;
    let arrived = judged(freight, &both, arrived).await;
    both.end(freight, arrived).await
}

/// Why it has not `arrived`: a source at rest that ends before its announced size has not changed.
///
/// # Errors
/// When it has not arrived, or the session is lost.
pub async fn judged(freight: Freight<'_>, both: &Both, arrived: Result<(), CopyError>) -> Result<(), CopyError> {
    match arrived {
        Err(error) if error.is_source_changed() && announced::is_misstated(freight, both.open_source()).await? => {
            Err(announced::misstated(freight, &both.lane.source))
        }
        arrived => arrived,
    }
}

/// All of it is there, and the source still is what it was: the part gets what it needs to land. Shares are read by name,
/// so what is named so now must be what was opened, too.
pub async fn finish(both: &Both, freight: Freight<'_>) -> Result<(), CopyError> {
    let named = both.lane.source.stat(&freight.item.source, freight.links);
    let part = both.landing.part_file().file().identity();
    let behind = both.source.goes_on(both.size());
    let (same, behind, named, part, closed) =
        tokio::join!(biased; both.is_unchanged(freight), behind, named, part, both.landing.close(both.size()));
    same?;
    if behind? {
        // `judged` says whether it grows or announces a wrong size
        return Err(both.source.changed());
    }
    if Identity::from(&named?) != both.identity || part?.1.size < both.size() {
        return Err(both.source.changed());
    }
    closed
}

/// Sends what is missing, over as many streams as the rest bears.
async fn send(
    orders: &Arc<Orders>,
    freight: Freight<'_>,
    (both, window): (&Both, Arc<Mutex<Window>>),
) -> Result<(), CopyError> {
    let item = freight.item;
    let flow = Arc::new(Flow {
        paths: tokio::try_join!(
            orders.absolute_source(item),
            orders.absolute_target(item, both.landing.part_file().place())
        )?,
        part: both.landing.part_file().place().clone(),
        handout: Handout::new(window),
        streams: AtomicUsize::new(0),
        item: item.clone(),
        orders: Arc::clone(orders),
        started: Arc::clone(freight.started),
    });
    let most = usize::try_from(both.size().div_ceil(BAND_SHARE)).unwrap_or(usize::MAX);
    let mut workers = JoinSet::new();
    for _ in 0..most.min(STREAMS) {
        workers.spawn(Arc::clone(&flow).work());
    }
    while let Some(ended) = workers.join_next().await {
        ended.unwrap_or_else(|panicked| std::panic::resume_unwind(panicked.into_panic()))?;
    }
    Ok(())
}

/// One file on its way.
struct Flow {
    /// Of the source and the part, absolute.
    paths: (Vec<u8>, Vec<u8>),
    part: Place,
    handout: Handout,
    /// Shares that are out.
    streams: AtomicUsize,
    item: Item,
    orders: Arc<Orders>,
    started: Arc<Started>,
}

impl Flow {
    async fn work(self: Arc<Self>) -> Result<(), CopyError> {
        while let Some((block, manner)) = self.next().await {
            self.streams.fetch_add(1, Ordering::Relaxed);
            let sent = self.send(&block, manner).await;
            self.streams.fetch_sub(1, Ordering::Relaxed);
            match sent {
                Ok(()) => self.handout.acknowledge(block),
                Err(error) => {
                    self.handout.give_back(block);
                    return Err(error);
                }
            }
        }
        Ok(())
    }

    /// The next share: a long one alone, or several that divide the band.
    async fn next(&self) -> Option<(Block, Manner)> {
        let manner = Mutex::new(Manner::Alone);
        let block = self.handout.next(|window| {
            let chosen = self.orders.pace.manner(self.orders.idle());
            *manner.lock().unwrap_or_else(std::sync::PoisonError::into_inner) = chosen;
            match chosen {
                Manner::Alone => window.take_alone(self.orders.pace.alone()),
                Manner::Together => window.take(self.orders.pace.together() as usize),
            }
        });
        let block = block.await?;
        Some((block, manner.into_inner().unwrap_or_else(std::sync::PoisonError::into_inner)))
    }

    async fn send(&self, block: &Block, manner: Manner) -> Result<(), CopyError> {
        let share = Share { offset: block.offset(), length: block.len() as u64 };
        let began = Instant::now();
        let order = |login: &Login, number| script::share(&login.far, number, (&self.paths.0, &self.paths.1), share);
        let told = (manner == Manner::Alone).then_some(&*self.started);
        let growth = Growth::of((&self.item, &self.part), share.offset, share.length);
        let answer = self.orders.order_and_watch(&self.item, order, growth.watch(&self.orders, told)).await?;
        if answer.status != 0 {
            return Err(self.orders.failed(&self.item, &answer));
        }
        if answer.records != share.records() {
            let (source, place) = (&self.item.lanes.idlest().source, &self.item.source);
            return Err(source.error(Stage::Transfer, place, Cause::SourceChanged));
        }
        self.orders.pace.learn((share.length, began.elapsed()), self.streams.load(Ordering::Relaxed));
        growth.tell_all(&self.started);
        Ok(())
    }
}
