//! What is a part worth? After a lost session the run itself knows what was acknowledged ([`SoFar`]), and looks whether the
//! end of it is there. A part of an earlier run is compared with the source: by SHA-256 where both ends can tell it
//! without the bytes travelling, else by reading back what the band leaves in doubt. One that does not pass is started over.

use std::ops::Range;
use std::sync::{Arc, Mutex, PoisonError};

use super::error::CopyError;
use super::file::OpenFile;
use super::lanes::Lanes;
use super::side::{Links, Side};
use super::sums::UNIT;
use super::together::all;
use super::witness::Witness;
use crate::sftp::{Attributes, Sizes, Window};

/// Bytes compared before those that are taken on trust.
const TAIL: u64 = 256 * 1024;

/// Pieces that are compared by themselves, at most; none is shorter than [`UNIT`].
const PIECES: u64 = 64;

/// Whether the part of an earlier run is used.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Resume {
    /// As far as it can be trusted.
    #[default]
    Trusted,
    /// Everything is sent.
    Never,
}

/// What this run knows of a file from before its session was lost.
#[derive(Default)]
pub struct SoFar {
    window: Option<Arc<Mutex<Window>>>,
}

impl SoFar {
    /// Remembers the window of the attempt that begins.
    pub fn keep(&mut self, window: &Arc<Mutex<Window>>) {
        self.window = Some(Arc::clone(window));
    }

    /// The window of the attempt before, with nothing under way.
    fn recalled(&self) -> Option<Window> {
        let mut window = self.window.as_ref()?.lock().unwrap_or_else(PoisonError::into_inner).clone();
        window.recall();
        Some(window)
    }
}

/// Both ends of a file, by way of one lane.
pub struct Pair<'a> {
    /// Between the two ends.
    pub lanes: &'a Lanes,
    /// Source and destination.
    pub sides: (&'a Side, &'a Side),
    /// The source and the part.
    pub files: (&'a OpenFile, &'a OpenFile),
    /// Bytes of the source.
    pub size: u64,
}

/// What a part is worth.
pub struct Worth {
    /// To go on with.
    pub window: Window,
    /// How it is known, for people; `None` when there is nothing to say.
    pub because: Option<&'static str>,
}

impl Pair<'_> {
    /// A window over what is still missing. A part that cannot be trusted is emptied.
    ///
    /// # Errors
    /// When an end cannot be read, or the session is lost.
    pub async fn worth(&self, so_far: &SoFar, resume: Resume, sizes: Sizes) -> Result<Worth, CopyError> {
        let length = self.files.1.identity().await?.1.size;
        if let Some(window) = so_far.recalled() {
            return match length >= window.reach() && self.has_end(window.low()).await? {
                true => Ok(Worth { window, because: None }),
                false => self.start_over(sizes, "started over: what was acknowledged is not there any more").await,
            };
        }
        match length {
            0 => Ok(Worth { window: Window::new(0..self.size, sizes), because: None }),
            _ if resume == Resume::Never => self.start_over(sizes, "started over, as was asked for").await,
            _ if length > self.size => self.start_over(sizes, "started over: the part is longer than the source").await,
            length => self.compared(length, sizes).await,
        }
    }

    /// Empties the part: no later run may take what is in it for good.
    async fn start_over(&self, sizes: Sizes, because: &'static str) -> Result<Worth, CopyError> {
        self.files.1.set(Attributes { size: Some(0), ..Attributes::default() }).await?;
        Ok(Worth { window: Window::new(0..self.size, sizes), because: Some(because) })
    }

    /// Whether the part has what the source has, just before `end`.
    async fn has_end(&self, end: u64) -> Result<bool, CopyError> {
        let range = end.saturating_sub(TAIL)..end;
        let part = self.sides.1.open(self.files.1.place(), Links::Keep).await?;
        let (source, part) = self.witnesses(&part).await?;
        let (one, other) = tokio::try_join!(source.read(range.clone()), part.read(range))?;
        Ok(one == other)
    }

    async fn witnesses<'a>(&'a self, part: &'a OpenFile) -> Result<(Witness<'a>, Witness<'a>), CopyError> {
        tokio::try_join!(
            Witness::of(self.lanes.source(), self.sides.0, self.files.0),
            Witness::of(self.lanes.destination(), self.sides.1, part)
        )
    }

    /// A part of an earlier run, `length` bytes long.
    async fn compared(&self, length: u64, sizes: Sizes) -> Result<Worth, CopyError> {
        let part = self.sides.1.open(self.files.1.place(), Links::Keep).await?;
        let both = self.witnesses(&part).await?;
        // below this every byte was acknowledged, by the band's rule
        let certain = length.saturating_sub(sizes.band) / UNIT * UNIT;
        let tail = certain.saturating_sub(TAIL)..certain;
        let (sure, pieces, because) = match (both.0.is_near(), both.1.is_near()) {
            (true, true) => (0..certain, self.pieces(certain, length), "its SHA-256 is that of the source"),
            (true, false) => (tail, self.pieces(certain, length), "its end was read back and compared"),
            (false, _) => (tail, Vec::new(), "its end was read back and compared"),
        };
        if !is_same(&both, sure).await? {
            return self.start_over(sizes, "started over: the part differs from the source").await;
        }
        let same = all(pieces.iter().map(|piece| is_same(&both, piece.clone()))).await;
        let mut arrived = Vec::with_capacity(same.len() + 1);
        arrived.push(0..certain);
        for (piece, same) in pieces.into_iter().zip(same) {
            if same? {
                arrived.push(piece);
            }
        }
        Ok(Worth { window: Window::resumed(self.size, &arrived, sizes), because: Some(because) })
    }

    /// The pieces between `from` and `length`. A unit that the part does not fill is none, unless it is the source's last.
    fn pieces(&self, from: u64, length: u64) -> Vec<Range<u64>> {
        let end = if length == self.size { length } else { length / UNIT * UNIT };
        let step = ((end.saturating_sub(from)).div_ceil(PIECES)).div_ceil(UNIT).max(1) * UNIT;
        let starts = (0..).map(|number| from + number * step).take_while(|start| *start < end);
        starts.map(|start| start..(start + step).min(end)).collect()
    }
}

async fn is_same((one, other): &(Witness<'_>, Witness<'_>), range: Range<u64>) -> Result<bool, CopyError> {
    if range.is_empty() {
        return Ok(true);
    }
    let (one, other) = tokio::try_join!(one.sum(range.clone()), other.sum(range))?;
    Ok(one == other)
}
