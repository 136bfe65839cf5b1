//! Which channels may the server open to us? Only those that were asked for.
//!
//! Main type: [`IncomingChannels`]. An allowed channel waits in a queue of [`QUEUE`] until it is served. If the queue
//! is full it is refused, so that the session's loop never waits here.

use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use russh::client::{ChannelOpenHandle, Msg};
use russh::{Channel, ChannelOpenFailure};
use tokio::sync::mpsc::error::TrySendError;
use tokio::sync::mpsc::{Receiver, Sender, channel};

/// The most channels of a type that wait to be served.
const QUEUE: usize = 64;

/// A channel type that the server may be allowed to open.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum IncomingType {
    /// Connections to a port on which the server listens for us (RFC 4254 §7.2): the address of the request, the port.
    Tcpip(String, u32),
    /// Connections to a socket on which the server listens for us (OpenSSH PROTOCOL §2.4): its path.
    Streamlocal(String),
    /// Connections to the forwarded agent.
    Agent,
}

/// A channel that the server has opened.
pub struct IncomingChannel {
    /// The channel.
    pub channel: Channel<Msg>,
    /// The address of the client that connected, as named by the server; empty if it names none.
    pub originator: String,
}

/// The channel types that are allowed, each with its queue.
#[derive(Default)]
pub struct IncomingChannels {
    allowed: Mutex<Vec<(IncomingType, Sender<IncomingChannel>)>>,
    agents_refused: AtomicU32,
}

impl IncomingChannels {
    /// Allows channels of a type until the receiver is dropped.
    pub fn allow(&self, kind: IncomingType) -> Receiver<IncomingChannel> {
        let (sender, receiver) = channel(QUEUE);
        let mut allowed = self.locked();
        allowed.retain(|(_, queue)| !queue.is_closed());
        allowed.push((kind, sender));
        receiver
    }

    /// Accepts or refuses a channel that the server wants to open, and says whether it was accepted.
    pub async fn offer(&self, kind: &IncomingType, incoming: IncomingChannel, reply: ChannelOpenHandle) -> bool {
        let found = self
            .locked()
            .iter()
            .find(|(allowed, queue)| allowed == kind && !queue.is_closed())
            .map(|(_, queue)| queue.clone());
        let Some(queue) = found else {
            return self.refuse(kind, reply, ChannelOpenFailure::AdministrativelyProhibited).await;
        };
        match queue.try_reserve() {
            Ok(place) => {
                reply.accept().await;
                place.send(incoming);
                true
            }
            Err(TrySendError::Closed(())) => {
                self.refuse(kind, reply, ChannelOpenFailure::AdministrativelyProhibited).await
            }
            Err(TrySendError::Full(())) => self.refuse(kind, reply, ChannelOpenFailure::ResourceShortage).await,
        }
    }

    async fn refuse(&self, kind: &IncomingType, reply: ChannelOpenHandle, reason: ChannelOpenFailure) -> bool {
        self.count(kind);
        reply.reject(reason).await;
        false
    }

    /// The number of agent channels that were refused.
    pub fn agents_refused(&self) -> u32 {
        self.agents_refused.load(Ordering::Acquire)
    }

    fn count(&self, kind: &IncomingType) {
        if *kind == IncomingType::Agent {
            self.agents_refused.fetch_add(1, Ordering::AcqRel);
        }
    }

    fn locked(&self) -> MutexGuard<'_, Vec<(IncomingType, Sender<IncomingChannel>)>> {
        self.allowed.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
