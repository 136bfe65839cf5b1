//! Which bytes of a file are moved next, so that what has arrived can be trusted after a crash? The sliding window.
//!
//! [`Window`] hands out the blocks of a byte range in order, to as many lanes as ask, and is told what became of them. It
//! keeps `low`, below which every byte is acknowledged, and never hands out a byte at or beyond `low + band`: a file that
//! was being written through it, and is `n` bytes long, is whole up to `n - band`. Pure state: it moves no bytes, and
//! whoever finds nothing to take waits until a block comes back.

use std::collections::BTreeMap;
use std::ops::Range;

/// Blocks never shrink below this, whatever a server gives; it bounds the bookkeeping to `band / BLOCK_MIN` ranges.
const BLOCK_MIN: usize = 4 * 1024;

/// Limits of a window, in bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sizes {
    /// Length of a block, at most `band`.
    pub block: usize,
    /// Length of the band: no byte at or beyond `low + band` is handed out.
    pub band: u64,
    /// Most bytes under way at the same time; one block is always allowed.
    pub in_flight: u64,
}

impl Default for Sizes {
    fn default() -> Sizes {
        Sizes { block: 255 * 1024, band: 64 << 20, in_flight: 32 << 20 }
    }
}

/// A range of bytes to move. It goes back to its window in one of four ways; a window waits forever for a block that is
/// dropped.
#[derive(Debug, PartialEq, Eq)]
#[must_use = "a window waits for its blocks"]
pub struct Block {
    offset: u64,
    len: usize,
}

impl Block {
    /// Offset of its first byte in the file.
    pub fn offset(&self) -> u64 {
        self.offset
    }

    /// Length in bytes, at least 1.
    #[allow(clippy::len_without_is_empty)]
    pub fn len(&self) -> usize {
        self.len
    }

    /// Range of its bytes in the file.
    pub fn range(&self) -> Range<u64> {
        self.offset..self.offset + self.len as u64
    }
}

/// Which bytes of one file have arrived, are under way, or are still to be moved.
#[derive(Debug, Clone)]
pub struct Window {
    sizes: Sizes,
    end: u64,
    low: u64,
    /// Offset of the first byte that was never handed out.
    next: u64,
    /// Acknowledged ranges above `low`, start → end, apart from each other.
    islands: BTreeMap<u64, u64>,
    /// Ranges below `next` to hand out again, start → end.
    gaps: BTreeMap<u64, u64>,
    /// Offset below which every block under way has been handed out a second time.
    again: u64,
    in_flight: u64,
}

impl Window {
    /// A window over `range`; its end may lie beyond the file's, see [`Window::end_at`].
    pub fn new(range: Range<u64>, sizes: Sizes) -> Window {
        let band = sizes.band.max(1);
        let block = sizes.block.clamp(1, usize::try_from(band).unwrap_or(usize::MAX));
        Window {
            sizes: Sizes { block, band, in_flight: sizes.in_flight },
            end: range.end.max(range.start),
            low: range.start,
            next: range.start,
            islands: BTreeMap::new(),
            gaps: BTreeMap::new(),
            again: range.start,
            in_flight: 0,
        }
    }

    /// A window over `0..end` of a file of which the ranges in `arrived` are there already, apart from each other.
    pub fn resumed(end: u64, arrived: &[Range<u64>], sizes: Sizes) -> Window {
        let mut window = Window::new(0..end, sizes);
        for range in arrived.iter().filter(|range| range.start < range.end && range.start < end) {
            window.settle(range.clone());
        }
        window.recall();
        window
    }

    /// A window over the missing bytes and all that follow them, from offset `low` on or earlier.
    pub fn from(&self, low: u64) -> Window {
        Window::new(low.min(self.low)..self.end, self.sizes)
    }

    /// Forgets every block under way, because their session was lost: what was not acknowledged is handed out again.
    pub fn recall(&mut self) {
        let last = self.islands.last_key_value().map_or(0, |(_, end)| *end);
        self.next = last.max(self.low);
        let mut gaps = BTreeMap::new();
        let mut free = self.low;
        for (start, end) in &self.islands {
            gaps.insert(free, *start);
            free = *end;
        }
        self.gaps = gaps;
        self.again = self.low;
        self.in_flight = 0;
    }

    /// Bytes that have arrived, those before the window's start included.
    pub fn arrived(&self) -> u64 {
        self.low + self.islands.iter().map(|(start, end)| end - start).sum::<u64>()
    }

    /// The end of the last range that has arrived.
    pub fn reach(&self) -> u64 {
        self.islands.last_key_value().map_or(self.low, |(_, end)| *end)
    }

    /// The next block, at most `most` (≥ 1) bytes long. `None` when everything is under way or done, or the window is
    /// full; ask again once a block has come back.
    pub fn take(&mut self, most: usize) -> Option<Block> {
        let (offset, end) = self.gaps.first_key_value().map_or((self.next, self.end), |(start, end)| (*start, *end));
        let left = end.saturating_sub(offset).min(self.sizes.block.min(most) as u64);
        let is_full = self.in_flight > 0 && self.in_flight + left > self.sizes.in_flight;
        if left == 0 || is_full || offset + left > self.low.saturating_add(self.sizes.band) {
            return None;
        }
        match self.gaps.remove(&offset) {
            Some(_) if offset + left < end => drop(self.gaps.insert(offset + left, end)),
            Some(_) => {}
            None => self.next = offset + left,
        }
        self.in_flight += left;
        Some(Block { offset, len: left as usize })
    }

    /// A block that is under way already, at most `most` (≥ 1) bytes long, for a faster lane to move as well; the next
    /// one each time, and each byte once. For when there is nothing to [`take`](Window::take) and nothing comes back:
    /// it may exceed the limit by what is under way. The first to arrive counts.
    pub fn take_again(&mut self, most: usize) -> Option<Block> {
        let mut start = self.again.max(self.low);
        while let Some(end) = [&self.islands, &self.gaps].into_iter().find_map(|ranges| end_of(ranges, start)) {
            start = end;
        }
        let next = |ranges: &BTreeMap<u64, u64>| ranges.range(start..).next().map_or(u64::MAX, |(start, _)| *start);
        let end = self.next.min(self.end).min(next(&self.islands)).min(next(&self.gaps));
        let len = end.saturating_sub(start).min(self.sizes.block.min(most) as u64);
        self.again = start + len;
        self.in_flight += len;
        (len > 0).then_some(Block { offset: start, len: len as usize })
    }

    /// Like [`Window::take`], at most `most` bytes and of any length beyond the band, for a writer that writes from
    /// beginning to end: while the block is under way, every byte before the last one written is there. `None` while
    /// anything is under way.
    pub fn take_alone(&mut self, most: u64) -> Option<Block> {
        if self.in_flight > 0 {
            return None;
        }
        let sizes = self.sizes;
        let most = usize::try_from(most).unwrap_or(usize::MAX);
        self.sizes = Sizes { block: most, band: u64::MAX, in_flight: u64::MAX };
        let block = self.take(most);
        self.sizes = sizes;
        block
    }

    /// The whole block has arrived.
    pub fn acknowledge(&mut self, block: Block) {
        self.land(&block);
        self.settle(block.range());
    }

    /// Only the first `got` bytes have arrived: the rest is handed out again, and later blocks are no longer than that.
    pub fn shorten(&mut self, block: Block, got: usize) {
        if got >= block.len {
            return self.acknowledge(block);
        }
        self.land(&block);
        let middle = block.offset + got as u64;
        self.settle(block.offset..middle);
        self.reopen(middle..block.range().end);
        if got > 0 {
            self.sizes.block = self.sizes.block.min(got.max(BLOCK_MIN));
        }
    }

    /// Nothing of the block has arrived, perhaps because its lane was lost: it is handed out again before any other.
    pub fn give_back(&mut self, block: Block) {
        self.shorten(block, 0);
    }

    /// The file turned out to end at `offset`: nothing at or beyond it is handed out any more. Blocks under way still
    /// have to come back.
    pub fn end_at(&mut self, offset: u64) {
        if offset >= self.end {
            return;
        }
        self.end = offset;
        self.low = self.low.min(offset);
        for ranges in [&mut self.islands, &mut self.gaps] {
            ranges.split_off(&offset);
            if let Some(mut last) = ranges.last_entry() {
                let end = last.get_mut();
                *end = offset.min(*end);
            }
        }
        self.settle(self.low..self.low);
    }

    /// Offset below which every byte has arrived.
    pub fn low(&self) -> u64 {
        self.low
    }

    /// Offset of the end of the range, as far as is known.
    pub fn end(&self) -> u64 {
        self.end
    }

    /// Bytes under way.
    pub fn in_flight(&self) -> u64 {
        self.in_flight
    }

    /// Most bytes of the blocks handed out now.
    pub fn block(&self) -> usize {
        self.sizes.block
    }

    /// Whether everything has arrived and nothing is under way.
    pub fn is_complete(&self) -> bool {
        self.low == self.end && self.in_flight == 0
    }

    fn land(&mut self, block: &Block) {
        self.in_flight = self.in_flight.saturating_sub(block.len as u64);
    }

    /// Adds an acknowledged range, and moves `low` past the ranges it now reaches.
    fn settle(&mut self, range: Range<u64>) {
        let arrived = range.start..range.end.min(self.end);
        take_out(&mut self.gaps, &arrived);
        let Range { start, end } = joined(&mut self.islands, arrived);
        match start <= self.low {
            true => self.low = self.low.max(end),
            false if start < end => drop(self.islands.insert(start, end)),
            false => {}
        }
    }

    /// Adds what has not arrived of a range, to be handed out again.
    fn reopen(&mut self, range: Range<u64>) {
        let end = range.end.min(self.end);
        let mut start = range.start.max(self.low);
        while start < end {
            if let Some(arrived) = end_of(&self.islands, start) {
                start = arrived;
                continue;
            }
            let island = self.islands.range(start..end).next().map_or(end, |(start, _)| *start);
            let gap = joined(&mut self.gaps, start..island);
            self.gaps.insert(gap.start, gap.end);
            start = island;
        }
    }
}

/// The end of the range that holds the byte `at`.
fn end_of(ranges: &BTreeMap<u64, u64>, at: u64) -> Option<u64> {
    ranges.range(..=at).next_back().map(|(_, end)| *end).filter(|end| *end > at)
}

/// Removes `range` from the ranges.
fn take_out(ranges: &mut BTreeMap<u64, u64>, range: &Range<u64>) {
    while let Some((start, end)) = ranges.range(..range.end).next_back().map(|(start, end)| (*start, *end))
        && end > range.start
    {
        ranges.remove(&start);
        if end > range.end {
            ranges.insert(range.end, end);
        }
        if start < range.start {
            ranges.insert(start, range.start);
        }
    }
}

/// `range` and all that overlap or touch it, which are taken out.
fn joined(ranges: &mut BTreeMap<u64, u64>, mut range: Range<u64>) -> Range<u64> {
    while let Some((start, end)) = ranges.range(..=range.end).next_back().map(|(start, end)| (*start, *end))
        && end >= range.start
    {
        ranges.remove(&start);
        range = range.start.min(start)..range.end.max(end);
    }
    range
}

#[cfg(test)]
mod tests;
