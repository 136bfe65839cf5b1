//! How much of a part file can be used? After a lost session the run itself knows what was acknowledged ([`SoFar`]),
//! and checks samples of it. A part file of an earlier run is compared with the source, and only bytes that were
//! compared are kept: all of them, by SHA-256 where both ends can compute it themselves, else by reading back. Samples
//! alone are compared where only the part file's end can compute it. A part file that fails is started over by the
//! caller: nothing is cut here.

use std::ops::Range;

use crate::copy::ends::file::OpenFile;
use crate::copy::ends::file_checksum::FileChecksum;
use crate::copy::ends::join_in_order::all;
use crate::copy::ends::lanes::Lanes;
use crate::copy::ends::side::Side;
use crate::copy::error::CopyError;
use crate::copy::place::Links;
use crate::copy::task::so_far::SoFar;
use crate::sftp::{Sizes, Window};

/// Bytes compared at the end of what is taken on trust.
const TAIL: u64 = 256 * 1024;

/// Units compared elsewhere in it, evenly spread.
const SAMPLES: u64 = 8;

/// Most pieces that are compared as a whole; one that differs is compared again block by block.
const PIECES: u64 = 64;

/// Comparisons under way at once.
const TOGETHER: usize = 32;

/// Fewest bytes of a unit that is compared.
const SHORTEST: u64 = 32 * 1024;

type Pieces = Vec<Range<u64>>;

/// How finely a run knows what the destination has, and so how a part file is examined.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Acknowledged {
    /// Each block, acknowledged to this machine.
    BlockByBlock,
    /// Whole shares, which one host sends the other. SHA-256 shows what a broken share has left; where it cannot be had
    /// at both ends, nothing of an earlier run is trusted.
    ShareByShare,
    /// Only the length: one host writes the file from beginning to end.
    InOrder,
}

/// How finely a file's bytes are sent, and known to have arrived.
#[derive(Debug, Clone, Copy)]
pub struct Granularity {
    /// Sizes of the window that hands the bytes out.
    pub sizes: Sizes,
    /// Bytes that are sent at once, and arrive whole or not at all; a part file is compared in units of them.
    pub block: usize,
    /// How the destination's bytes are known to this run.
    pub acknowledged: Acknowledged,
}

/// The source and the part file, whose SHA-256 can be asked for.
struct BothChecksums<'a> {
    source: FileChecksum<'a>,
    part: FileChecksum<'a>,
}

/// A source and its part file, over one lane.
pub struct PartialFile<'a> {
    /// The lanes between the two ends.
    pub lanes: &'a Lanes,
    /// Source and destination.
    pub sides: (&'a Side, &'a Side),
    /// The source and the part.
    pub files: (&'a OpenFile, &'a OpenFile),
    /// Bytes of the source.
    pub size: u64,
    /// How finely its bytes are sent.
    pub granularity: Granularity,
}

/// How much of a part file can be used? After a lost session the run itself knows what was acknowledged ([`SoFar`]),
/// and checks samples of it. A part file of an earlier run is compared with the source, and only bytes that were
/// compared are kept: all of them, by SHA-256 where both ends can compute it themselves, else by reading back. Samples
/// alone are compared where only the part file's end can compute it. A part file that fails is started over by the
/// caller: nothing is cut here.
pub enum Worth {
    /// This window is still missing; and how that is known, for people, when there is something to say.
    Missing(Window, Option<&'static str>),
    /// Nothing: the part file has to be started over, for this reason.
    Nothing(&'static str),
}

impl PartialFile<'_> {
    /// A window over what is still missing.
    ///
    /// # Errors
    /// When an end cannot be read, or the session is lost.
    pub async fn worth(&self, so_far: &SoFar) -> Result<Worth, CopyError> {
        let length = self.files.1.identity().await?.1.size;
        if let Some(window) = so_far.recalled() {
            return match length >= window.reach() && self.has(window.low()).await? {
                true => Ok(Worth::Missing(self.with_broken_shares(window, length).await?, None)),
                false => Ok(Worth::Nothing("started over: what was acknowledged is not there any more")),
            };
        }
        match length {
            0 => Ok(Worth::Missing(Window::new(0..self.size, self.granularity.sizes), None)),
            _ if length > self.size => Ok(Worth::Nothing("started over: the part is longer than the source")),
            length => self.compared(length).await,
        }
    }

    /// The window of the attempt before, with what its broken shares have left.
    async fn with_broken_shares(&self, window: Window, length: u64) -> Result<Window, CopyError> {
        if self.granularity.acknowledged != Acknowledged::ShareByShare {
            return Ok(window);
        }
        let part = self.sides.1.open(self.files.1.place(), Links::Keep).await?;
        let both = self.checksums(&part).await?;
        if !(both.source.is_near() && both.part.is_near()) {
            return Ok(window);
        }
        let mut arrived = same_pieces(&both, self.unit(), window.low()..self.whole(length)).await?;
        arrived.push(0..window.low());
        Ok(Window::resumed(self.size, &arrived, self.granularity.sizes))
    }

    /// Whether the part file agrees with the source before offset `end`, as far as samples show.
    async fn has(&self, end: u64) -> Result<bool, CopyError> {
        let part = self.sides.1.open(self.files.1.place(), Links::Keep).await?;
        let both = self.checksums(&part).await?;
        for sample in self.samples(end) {
            if !is_equal(&both, sample).await? {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// The ranges of samples: the last bytes before `end`, and some units spread over the rest.
    fn samples(&self, end: u64) -> Pieces {
        let unit = self.unit();
        let tail = end.saturating_sub(TAIL.next_multiple_of(unit)) / unit * unit;
        let units = tail / unit;
        let spread = (0..SAMPLES.min(units)).map(|number| number * units / SAMPLES.min(units) * unit);
        spread.map(|start| start..start + unit).chain(std::iter::once(tail..end)).collect()
    }

    async fn checksums<'a>(&'a self, part: &'a OpenFile) -> Result<BothChecksums<'a>, CopyError> {
        let (source, part) = tokio::try_join!(
            FileChecksum::of(self.lanes.source(), self.sides.0, self.files.0),
            FileChecksum::of(self.lanes.destination(), self.sides.1, part)
        )?;
        Ok(BothChecksums { source, part })
    }

    /// Compares a part file of an earlier run, `length` bytes long.
    async fn compared(&self, length: u64) -> Result<Worth, CopyError> {
        let part = self.sides.1.open(self.files.1.place(), Links::Keep).await?;
        let both = self.checksums(&part).await?;
        let unit = self.unit();
        // below this every byte was acknowledged, by the band's rule
        let certain = length.saturating_sub(self.granularity.sizes.band) / unit * unit;
        let (sure, doubtful, because) = match (both.source.is_near(), both.part.is_near()) {
            (true, true) => (
                std::iter::once(0..certain).collect(),
                certain..self.whole(length),
                "its SHA-256 is that of the source",
            ),
            _ if self.granularity.acknowledged == Acknowledged::ShareByShare => {
                return Ok(Worth::Nothing("started over: no SHA-256 can be had at both ends"));
            }
            (_, false) => (Vec::new(), 0..self.whole(length), "all of it was read back and compared"),
            (false, true) => (self.samples(certain), 0..0, "samples of it were read at the source and compared"),
        };
        let taken = if sure.is_empty() { 0..0 } else { 0..certain };
        if !compared(&both, unit, sure.into_iter()).await?.1.is_empty() {
            return Ok(Worth::Nothing("started over: the part differs from the source"));
        }
        let mut arrived = same_pieces(&both, unit, doubtful).await?;
        arrived.push(taken);
        let window = Window::resumed(self.size, &arrived, self.granularity.sizes);
        let is_short = self.granularity.acknowledged == Acknowledged::InOrder && window.low() != length;
        // it is written on from its end, so the rest of it counts, too
        if is_short && !(window.low() == self.whole(length) && is_equal(&both, window.low()..length).await?) {
            return Ok(Worth::Nothing("started over: the part differs from the source"));
        }
        let all = 0..length;
        let window = if is_short {
            Window::resumed(self.size, std::slice::from_ref(&all), self.granularity.sizes)
        } else {
            window
        };
        Ok(Worth::Missing(window, Some(because)))
    }

    /// The bytes of whole units in a part file of `length` bytes; the source's last unit may be shorter.
    fn whole(&self, length: u64) -> u64 {
        if length == self.size { length } else { length / self.unit() * self.unit() }
    }

    /// Bytes of the smallest piece that is compared: a block, or several where blocks are very short.
    fn unit(&self) -> u64 {
        let block = self.granularity.block.max(1) as u64;
        block * SHORTEST.div_ceil(block)
    }
}

/// The pieces of `range` that are the same at both ends. The range is cut into a few pieces; one that differs is
/// compared unit by unit.
async fn same_pieces(both: &BothChecksums<'_>, unit: u64, range: Range<u64>) -> Result<Pieces, CopyError> {
    let few = (range.end - range.start).div_ceil(PIECES).next_multiple_of(unit);
    // what has to be read back is read once
    let step = if both.part.is_near() { few } else { unit };
    let (mut same, other) = compared(both, unit, cut(range, step)).await?;
    if step > unit {
        let units = other.into_iter().flat_map(|piece| cut(piece, unit));
        same.extend(compared(both, unit, units).await?.0);
    }
    Ok(same)
}

/// The `pieces` that are the same at both ends, and those that are not; neighbours are joined.
async fn compared(
    both: &BothChecksums<'_>,
    unit: u64,
    mut pieces: impl Iterator<Item = Range<u64>>,
) -> Result<(Pieces, Pieces), CopyError> {
    let (mut same, mut other) = (Vec::new(), Vec::new());
    loop {
        let group: Pieces = pieces.by_ref().take(TOGETHER).collect();
        if group.is_empty() {
            return Ok((same, other));
        }
        let answers = all(group.iter().map(|piece| is_same(both, unit, piece.clone()))).await;
        for (piece, answer) in group.into_iter().zip(answers) {
            add(if answer? { &mut same } else { &mut other }, piece);
        }
    }
}

/// Adds a piece, in order.
fn add(pieces: &mut Pieces, piece: Range<u64>) {
    match pieces.last_mut() {
        Some(last) if last.end == piece.start => last.end = piece.end,
        _ => pieces.push(piece),
    }
}

/// Cuts a range into pieces of `step` bytes; the last one may be shorter.
fn cut(range: Range<u64>, step: u64) -> impl Iterator<Item = Range<u64>> {
    let starts = (0..).map(move |number| range.start + number * step).take_while(move |start| *start < range.end);
    starts.map(move |start| start..(start + step).min(range.end))
}

/// Whether any range is the same at both ends, by reading its bytes.
async fn is_equal(both: &BothChecksums<'_>, range: Range<u64>) -> Result<bool, CopyError> {
    let (source, part) = tokio::try_join!(both.source.read(range.clone()), both.part.read(range))?;
    Ok(source == part)
}

/// Whether `range` is the same at both ends; it begins at a multiple of `unit`, and ends at one or with the file.
async fn is_same(both: &BothChecksums<'_>, unit: u64, range: Range<u64>) -> Result<bool, CopyError> {
    if range.is_empty() {
        return Ok(true);
    }
    let (source, part) = tokio::try_join!(both.source.sum_in(unit, range.clone()), both.part.sum_in(unit, range))?;
    Ok(source == part)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_range_is_cut_without_gaps() {
        let pieces = |range, step| cut(range, step).collect::<Pieces>();
        assert_eq!(pieces(30..100, 30), [30..60, 60..90, 90..100]);
        assert_eq!(pieces(30..90, 30), [30..60, 60..90]);
        assert_eq!(pieces(30..30, 30), Vec::<Range<u64>>::new());
    }

    #[test]
    fn neighbours_become_one() {
        let mut pieces = Pieces::new();
        add(&mut pieces, 0..10);
        add(&mut pieces, 10..20);
        add(&mut pieces, 30..40);
        assert_eq!(pieces, [0..20, 30..40]);
    }
}
