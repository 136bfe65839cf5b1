//! What runs at the near end, the host that logs in at the other (the far end)? [`dispatch`], a POSIX shell script that
//! takes one order a line, and the orders themselves ([`share`], [`pack`]). An order has a reader, which runs at the
//! source, and a writer, which runs at the destination; the [`Direction`] decides which of them is near. Pure. Every
//! name is quoted, whatever bytes it has, for each shell that will read it.

use crate::copy::direct::transport::Transport;
use crate::copy::route::Direction;
use crate::lend::{Loan, Seal, line, quoted, with_variables};

/// Bytes of a block that is read at the source. Shares begin and end at multiples of it.
pub const BLOCK: u64 = 1 << 20;

/// Bytes of a block that is written at the destination.
const WRITTEN: u64 = 256 << 10;

/// Name of the folder of links to small files, inside the private folder.
pub const LINKS: &str = "links";

/// The parts of the script: the two hosts, which of them reads and which writes, the login, the orders.
const ENDS: &str = include_str!("ends.sh");
const PUSH: &str = include_str!("push.sh");
const PULL: &str = include_str!("pull.sh");
const LOGIN: &str = include_str!("login.sh");
const STREAM_ORDERS: &str = include_str!("stream_orders.sh");
const SFTP_ORDERS: &str = include_str!("sftp_orders.sh");

/// The parts of an order: how each reader and writer begins, and what it does.
const ORDER: &str = include_str!("order.sh");
const READ_SHARE: &str = include_str!("read_share.sh");
const WRITE_SHARE: &str = include_str!("write_share.sh");
const PACK: &str = include_str!("pack.sh");
const UNPACK: &str = include_str!("unpack.sh");

/// The word that an order with an sftp(1) batch begins with.
pub const BATCH: &str = "put";

/// What the script says when it is ready.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ready {
    /// Absolute path of the script's private folder.
    pub folder: Vec<u8>,
    /// Whether it can send many small files together.
    pub packs: bool,
}

/// The far end of a loan, and how it is given commands: as a line for its login shell, with a seal where only sealed
/// commands are accepted.
pub struct Far {
    direction: Direction,
    /// The line after which data from the far end begins.
    token: String,
    seal: Option<Seal>,
}

impl Far {
    /// The other end of a loan.
    pub fn new(direction: Direction, loan: &Loan) -> Far {
        Far { direction, token: loan.folder().to_owned(), seal: loan.seal().cloned() }
    }

    /// The command that runs `script` at the source.
    fn reader(&self, script: &[u8]) -> Vec<u8> {
        match self.direction {
            Direction::Push => line(script),
            Direction::Pull => self.there([b"echo hop; echo ", self.token.as_bytes(), b"; ", &line(script)].concat()),
        }
    }

    /// The command that runs `script` at the destination.
    fn writer(&self, script: &[u8]) -> Vec<u8> {
        match self.direction {
            Direction::Push => self.there(line(script)),
            Direction::Pull => line(script),
        }
    }

    /// Whether `words`, a complaint from the far end, say that it accepts no more commands, sealed or not.
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

/// The script, for a loan's private `folder` and the name of the far `host`.
pub fn dispatch(far: &Far, transport: Transport, folder: &str, host: &str) -> Vec<u8> {
    let tar = far.reader(b"command -v tar");
    let ends = match far.direction {
        Direction::Push => PUSH,
        Direction::Pull => PULL,
    };
    let script = match transport {
        Transport::Streams => [ENDS, ends, LOGIN, STREAM_ORDERS].concat(),
        Transport::Sftp => [ENDS, LOGIN, SFTP_ORDERS].concat(),
    };
    with_variables(&[("d", folder.as_bytes()), ("host", host.as_bytes()), ("tar", &tar)], &script)
}

/// A range of a file that one order sends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Share {
    /// Offset of its first byte in the file, a multiple of [`BLOCK`].
    pub offset: u64,
    /// Length in bytes, a multiple of [`BLOCK`] for all but a file's last share.
    pub length: u64,
}

impl Share {
    /// What `dd` reports (`FULL+PARTIAL`) when it has read the whole share.
    pub fn records(self) -> String {
        format!("{}+{}", self.length / BLOCK, u64::from(!self.length.is_multiple_of(BLOCK)))
    }
}

/// The order to send a share of the file `source` into the file `part` at the destination; both paths are absolute.
pub fn share(far: &Far, number: u64, source: &[u8], part: &[u8], share: Share) -> Vec<u8> {
    let digits = |number: u64| number.to_string().into_bytes();
    let (skip, count) = (digits(share.offset / BLOCK), digits(share.length.div_ceil(BLOCK)));
    let (read, written) = (digits(BLOCK), digits(WRITTEN));
    let reader = [("source", source), ("block", &read), ("skip", &skip), ("count", &count)];
    let writer = [("part", part), ("block", &written), ("seek", &digits(share.offset / WRITTEN))];
    order(far, number, &with_variables(&reader, READ_SHARE), &with_variables(&writer, WRITE_SHARE))
}

/// The order to send files into the folder `staging` at the destination, each named by the number of its link in the
/// folder `links` at the source. The links are removed.
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
