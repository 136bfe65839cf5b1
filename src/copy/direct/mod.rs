//! A copy straight from one host to another: a host's own ssh carries the bytes, hop does the rest. [`Direct`] is one
//! copy's login from the source to the destination, or the other way round (`Direction`), signed by a lent agent
//! (`lend`), with what goes over that login.
//!
//! As for any copy, hop's own sessions walk the sources, make the folders, and open, measure and rename the part files.
//! Only the contents of files go from host to host: large files in shares ([`stream`]), small files many together
//! ([`pack`]). Both are orders (`script`) to a program on the host that logs in (`remote_helper`), which has one login
//! open for all of them.
//!
//! | floor | what is there |
//! | --- | --- |
//! | `send` | what goes over a login |
//! | `setup` | how a login is had |
//! | `remote` | what runs at the host that has logged in |
//! | `transport` | with what the bytes go |

mod remote;
mod send;
mod setup;
mod transport;

use std::sync::Arc;
use std::time::Duration;

use tokio::time::timeout;

use super::connector::Location;
use super::error::CopyError;
use super::obstacle::Obstacle;
use super::options::DirectOptions;
use super::task::file_transfer::FileTransfer;
use super::task::so_far::SoFar;
use send::orders::Orders;
use send::pack::Packing;
use send::{announced, pack, put, stream};
pub use setup::attempt::{DirectMode, RetryPolicy};
use setup::begin;
use setup::begin::Begun;
use setup::lent::Lent;
pub use transport::Carried;
use transport::Transport;

/// A direct copy between two hosts, under way.
pub struct Direct {
    orders: Arc<Orders>,
    packing: Packing,
}

/// Begins a direct copy. Returns it with a description for people; in a dry run there is only the description.
///
/// # Errors
/// What keeps the hosts from copying directly. Nothing is left at either end.
pub async fn begin(
    sources: &[Location],
    destination: &Location,
    options: &DirectOptions,
    mode: DirectMode,
    retry_policy: &RetryPolicy,
) -> Result<(Option<Arc<Direct>>, String), Obstacle> {
    let (begun, reason) = begin::begin(sources, destination, options, mode, retry_policy).await?;
    Ok((begun.map(|begun| Arc::new(Direct::new(begun))), reason))
}

impl Direct {
    /// Wraps a login that has begun.
    fn new(Begun { attempt, login, held }: Begun) -> Direct {
        let packing = Packing::of(attempt.transport);
        Direct { orders: Arc::new(Orders::new(attempt, login, held)), packing }
    }

    /// Copies a file that is not empty. A login that is lost is made again as often as
    /// `Logins` allows.
    ///
    /// # Errors
    /// See [`Kind`](super::Kind). `Cause::SourceChanged` when the source is no longer the version that was listed.
    pub async fn send(&self, transfer: FileTransfer<'_>, so_far: &mut SoFar) -> Result<Carried, CopyError> {
        loop {
            let number = self.orders.logins.current().number;
            match self.attempt(transfer, &mut *so_far).await {
                Err(error) if error.is_of_login() => {
                    self.orders.logins.restore(error, number).await?;
                    // what waited for the old one has its links there
                    self.packing.give_up(number);
                }
                Err(error) if announced::gives_way(&self.orders, transfer, &error) => return Ok(Carried::NotHere),
                ended => return ended,
            }
        }
    }

    async fn attempt(&self, transfer: FileTransfer<'_>, so_far: &mut SoFar) -> Result<Carried, CopyError> {
        let (orders, packing) = (&self.orders, &self.packing);
        if orders.transport == Transport::Sftp {
            return put::send_by_sftp(orders, packing, transfer).await;
        }
        if pack::fits(transfer) && packing.is_on() && pack::send_packed(orders, packing, transfer).await? {
            return Ok(Carried::Here);
        }
        stream::send_large(orders, transfer, so_far).await.map(|()| Carried::Here)
    }

    /// Ends the login and removes the folder that small files arrived in, both within `limit`. Returns what was lent.
    pub async fn end(&self, limit: Duration) -> Lent {
        let emptied = async {
            let staging = self.packing.made()?;
            let removed = timeout(limit, staging.remove()).await;
            // it is a part, which the next run removes
            (!matches!(removed, Ok(Ok(())))).then(|| staging.left())
        };
        let (left, mut lent) = tokio::join!(emptied, self.orders.logins.end(limit));
        lent.left = lent.left.into_iter().chain(left).reduce(|one, other| format!("{one}; {other}"));
        lent
    }
}
