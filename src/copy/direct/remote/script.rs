//! What runs at the end that logs in at the other, the near one: [`dispatch`], a POSIX shell script that takes one order a
//! line, and the orders ([`share`], [`pack`]). An order is what reads, at the source, and what writes, at the destination;
//! which of them is near depends on the [`Direction`]. Pure; every name is quoted, whatever bytes it has, for each of the
//! shells that will read it.

use crate::copy::direct::engine::Engine;
use crate::copy::route::Direction;
use crate::lend::{Loan, Seal, line, quoted, with_variables};

/// Bytes of a block that is read at the source; shares begin and end at multiples of it.
pub const BLOCK: u64 = 1 << 20;

/// Bytes of a block that is written at the destination.
const WRITTEN: u64 = 256 << 10;

/// The folder of links to small files, in the private folder.
pub const LINKS: &str = "links";

/// What the program is put together from: the two hosts, which of them reads and which writes, the login, the orders.
const ENDS: &str = include_str!("ends.sh");
const PUSH: &str = include_str!("push.sh");
const PULL: &str = include_str!("pull.sh");
const LOGIN: &str = include_str!("login.sh");
const STREAM_ORDERS: &str = include_str!("stream_orders.sh");
const SFTP_ORDERS: &str = include_str!("sftp_orders.sh");

/// What an order is put together from: how each reader and writer begins, and what it does.
const ORDER: &str = include_str!("order.sh");
const READ_SHARE: &str = include_str!("read_share.sh");
const WRITE_SHARE: &str = include_str!("write_share.sh");
const PACK: &str = include_str!("pack.sh");
const UNPACK: &str = include_str!("unpack.sh");

/// The word that a batch for sftp(1) begins with.
pub const BATCH: &str = "put";

/// Where the script works, once it is ready.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ready {
    /// Its private folder, absolute.
    pub folder: Vec<u8>,
    /// Whether it can send many small files together.
    pub packs: bool,
}

/// Which of the two ends is far, and how it is told what to do there: by a line for its login shell, sealed where it takes
/// no others.
pub struct Far {
    direction: Direction,
    /// What data from there begins after.
    token: String,
    seal: Option<Seal>,
}

impl Far {
    /// The other end of a loan.
    pub fn new(direction: Direction, loan: &Loan) -> Far {
        Far { direction, token: loan.folder().to_owned(), seal: loan.seal().cloned() }
    }

    /// What runs at the source.
    fn reader(&self, script: &[u8]) -> Vec<u8> {
        match self.direction {
            Direction::Push => line(script),
            Direction::Pull => self.there([b"echo hop; echo ", self.token.as_bytes(), b"; ", &line(script)].concat()),
        }
    }

    /// What runs at the destination.
    fn writer(&self, script: &[u8]) -> Vec<u8> {
        match self.direction {
            Direction::Push => self.there(line(script)),
            Direction::Pull => line(script),
        }
    }

    /// Whether these words of its say that it takes no more orders, sealed or not.
    pub fn is_shut(&self, words: &str) -> bool {
        self.seal.as_ref().is_some_and(|seal| seal.is_shut_out(words))
    }

    fn there(&self, line: Vec<u8>) -> Vec<u8> {
        match &self.seal {
            Some(seal) => seal.sealed(&line),
            None => line,
        }
    }
}

/// The script, for a loan's private folder and the far host's name.
pub fn dispatch(far: &Far, engine: Engine, folder: &str, host: &str) -> Vec<u8> {
    let tar = far.reader(b"command -v tar");
    let ends = match far.direction {
        Direction::Push => PUSH,
        Direction::Pull => PULL,
    };
    let script = match engine {
        Engine::Streams => [ENDS, ends, LOGIN, STREAM_ORDERS].concat(),
        Engine::Puts => [ENDS, LOGIN, SFTP_ORDERS].concat(),
    };
    with_variables(&[("d", folder.as_bytes()), ("host", host.as_bytes()), ("tar", &tar)], &script)
}

/// A part of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Share {
    /// Where it begins, a multiple of [`BLOCK`].
    pub offset: u64,
    /// Its length in bytes; only the last share of a file ends between two blocks.
    pub length: u64,
}

impl Share {
    /// What `dd` says it has read when all of it was there: `FULL+PARTIAL`.
    pub fn records(self) -> String {
        format!("{}+{}", self.length / BLOCK, u64::from(!self.length.is_multiple_of(BLOCK)))
    }
}

/// The order to send a share of `source` into the file `part` at the destination; both paths absolute.
pub fn share(far: &Far, number: u64, source: &[u8], part: &[u8], share: Share) -> Vec<u8> {
    let digits = |number: u64| number.to_string().into_bytes();
    let (skip, count) = (digits(share.offset / BLOCK), digits(share.length.div_ceil(BLOCK)));
    let (read, written) = (digits(BLOCK), digits(WRITTEN));
    let reader = [("source", source), ("block", &read), ("skip", &skip), ("count", &count)];
    let writer = [("part", part), ("block", &written), ("seek", &digits(share.offset / WRITTEN))];
    order(far, number, &with_variables(&reader, READ_SHARE), &with_variables(&writer, WRITE_SHARE))
}

/// The order to send files, by the numbers of their links in the folder `links` at the source, into the folder `staging`
/// at the destination. The links are removed.
pub fn pack(far: &Far, number: u64, links: &[u8], staging: &[u8], numbers: &[u64]) -> Vec<u8> {
    let numbers = numbers.iter().map(u64::to_string).collect::<Vec<_>>().join(" ");
    let reader = with_variables(&[("links", links), ("numbers", numbers.as_bytes())], PACK);
    order(far, number, &reader, &with_variables(&[("staging", staging)], UNPACK))
}

fn order(far: &Far, number: u64, reader: &[u8], writer: &[u8]) -> Vec<u8> {
    let reader = quoted(&far.reader(&[ORDER.as_bytes(), reader].concat()));
    let writer = quoted(&far.writer(&[ORDER.as_bytes(), writer].concat()));
    [format!("send {number} ").as_bytes(), &reader, b" ", &writer, b"\n"].concat()
}
