//! What a link does to bytes, and what it has done so far.

use std::ops::Range;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::Instant;

use super::Packets;

/// A link's nature. The default passes everything at once.
#[derive(Debug, Clone)]
pub struct Link {
    /// One way.
    pub delay: Duration,
    /// Bytes a second in each direction, shared by all connections.
    pub rate: Option<u64>,
    /// Bytes under way per connection and direction; Linux' default limit of a TCP sender.
    pub window: usize,
    /// Happens once, counted over all connections; [`super::Wire::arm`] plans another.
    pub cut: Option<Cut>,
    /// The bytes go as packets, and may be lost as such.
    pub packets: Option<Packets>,
}

impl Default for Link {
    fn default() -> Link {
        Link { delay: Duration::ZERO, rate: None, window: 4 << 20, cut: None, packets: None }
    }
}

/// The end of a connection, or of the link.
#[derive(Debug, Clone, Copy)]
pub struct Cut {
    /// Whose bytes are counted.
    pub direction: Direction,
    /// So many bytes pass, the next one does not.
    pub at: u64,
    pub how: How,
}

/// How a cut looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum How {
    /// RST to both ends of the connection that reached the byte.
    Reset,
    /// FIN to the receiver; the other direction lives on.
    Close,
    /// Nothing passes any more, on any connection, and nothing is closed.
    Silence,
}

/// Up is from the near end, who connects, to the far end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Direction {
    Up,
    Down,
}

/// A byte within `range`, the same for the same seed (splitmix64).
pub fn somewhere(seed: u64, range: Range<u64>) -> u64 {
    let mut mixed = seed.wrapping_add(1).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    range.start + (mixed ^ (mixed >> 31)) % (range.end - range.start)
}

/// A link at work.
pub struct State {
    pub link: Link,
    pub connections: AtomicU64,
    up: Way,
    down: Way,
    armed: Mutex<Option<Cut>>,
    cut: AtomicBool,
    silent: watch::Sender<bool>,
    buried: watch::Sender<()>,
}

/// One direction at work.
#[derive(Default)]
pub struct Way {
    /// Bytes handed to the receiver.
    pub passed: AtomicU64,
    /// Bytes taken from senders.
    taken: AtomicU64,
    /// When the link is free for the next byte.
    free: Mutex<Option<Instant>>,
}

impl State {
    pub fn new(link: Link) -> State {
        let (up, down) = (Way::default(), Way::default());
        let (cut, silent) = (AtomicBool::new(false), watch::Sender::new(false));
        let buried = watch::Sender::new(());
        let armed = Mutex::new(link.cut);
        State { link, connections: AtomicU64::new(0), up, down, armed, cut, silent, buried }
    }

    pub fn way(&self, direction: Direction) -> &Way {
        match direction {
            Direction::Up => &self.up,
            Direction::Down => &self.down,
        }
    }

    pub fn is_cut(&self) -> bool {
        self.cut.load(Ordering::Relaxed)
    }

    /// Ends when the link has fallen silent.
    pub async fn silence(&self) {
        let _ = self.silent.subscribe().wait_for(|silent| *silent).await;
    }

    /// Ends when silent connections are given up.
    pub async fn burial(&self) {
        let _ = self.buried.subscribe().changed().await;
    }

    /// Gives up connections that have fallen silent.
    pub fn bury(&self) {
        self.buried.send_replace(());
    }

    /// Takes `length` bytes from a sender: how many of them may pass, and what happens after them.
    pub fn take(&self, direction: Direction, length: usize) -> (usize, Option<How>) {
        let before = self.way(direction).taken.fetch_add(length as u64, Ordering::Relaxed);
        let mut armed = self.armed.lock().expect("no holder panics");
        match armed.take_if(|cut| cut.direction == direction && before + length as u64 > cut.at) {
            Some(cut) => {
                self.cut.store(true, Ordering::Relaxed);
                (usize::try_from(cut.at.saturating_sub(before)).unwrap_or(length), Some(cut.how))
            }
            None => (length, None),
        }
    }

    /// Plans another cut, so many bytes from now; ends a silence.
    pub fn arm(&self, cut: Option<Cut>) {
        let from_now = |cut: Cut| cut.at + self.way(cut.direction).taken.load(Ordering::Relaxed);
        *self.armed.lock().expect("no holder panics") = cut.map(|cut| Cut { at: from_now(cut), ..cut });
        self.cut.store(false, Ordering::Relaxed);
        self.silent.send_replace(false);
    }

    pub fn fall_silent(&self) {
        self.silent.send_replace(true);
    }

    /// When the last of `length` bytes, sent now, arrives.
    pub fn arrival(&self, direction: Direction, length: usize) -> Instant {
        let now = Instant::now();
        let Some(rate) = self.link.rate else { return now + self.link.delay };
        let mut free = self.way(direction).free.lock().expect("no holder panics");
        let sent =
            free.filter(|free| *free > now).unwrap_or(now) + Duration::from_secs_f64(length as f64 / rate as f64);
        *free = Some(sent);
        sent + self.link.delay
    }
}
