//! Which channels the server may open to us: none, but for what was asked for.
//!
//! Main type: [`Doors`]. A channel that arrives at an open door waits in a short queue; at a full one it is refused, so
//! that the session's loop never waits here.

use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use russh::client::{ChannelOpenHandle, Msg};
use russh::{Channel, ChannelOpenFailure};
use tokio::sync::mpsc::error::TrySendError;
use tokio::sync::mpsc::{Receiver, Sender, channel};

/// Channels that may wait at a door.
const QUEUE: usize = 64;

/// What a door is for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Door {
    /// Connections to a port the server listens on (RFC 4254 §7.2): address as it was asked for, and the port.
    Tcpip(String, u32),
    /// Connections to a socket the server listens on (OpenSSH PROTOCOL §2.4).
    Streamlocal(String),
    /// The forwarded agent.
    Agent,
}

/// Someone at a door: the channel, and who connected where that is known.
pub type Guest = (Channel<Msg>, String);

/// The doors that are open.
#[derive(Default)]
pub struct Doors {
    open: Mutex<Vec<(Door, Sender<Guest>)>>,
    agents_refused: AtomicU32,
}

impl Doors {
    /// Opens a door; it is closed when the queue is dropped.
    pub fn open(&self, door: Door) -> Receiver<Guest> {
        let (sender, receiver) = channel(QUEUE);
        let mut open = self.locked();
        open.retain(|(_, guests)| !guests.is_closed());
        open.push((door, sender));
        receiver
    }

    /// Lets a channel in, or refuses it.
    pub async fn knock(&self, door: &Door, guest: Guest, reply: ChannelOpenHandle) {
        let found = self
            .locked()
            .iter()
            .find(|(open, guests)| open == door && !guests.is_closed())
            .map(|(_, guests)| guests.clone());
        let Some(guests) = found else {
            self.count(door);
            return reply.reject(ChannelOpenFailure::AdministrativelyProhibited).await;
        };
        match guests.try_reserve() {
            Ok(place) => {
                reply.accept().await;
                place.send(guest);
            }
            Err(TrySendError::Closed(())) => {
                self.count(door);
                reply.reject(ChannelOpenFailure::AdministrativelyProhibited).await;
            }
            Err(TrySendError::Full(())) => {
                self.count(door);
                reply.reject(ChannelOpenFailure::ResourceShortage).await;
            }
        }
    }

    /// Channels to an agent that were refused here.
    pub fn agents_refused(&self) -> u32 {
        self.agents_refused.load(Ordering::Acquire)
    }

    fn count(&self, door: &Door) {
        if *door == Door::Agent {
            self.agents_refused.fetch_add(1, Ordering::AcqRel);
        }
    }

    fn locked(&self) -> MutexGuard<'_, Vec<(Door, Sender<Guest>)>> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
