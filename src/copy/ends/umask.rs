//! Which permission bits does an end take from a new file? [`Umask`], learnt from the first part file made there: while
//! it is empty it has the mode that its file is to have, then 0600 until all of it is written. No extra file is made to
//! find out. It also remembers whether the end sets modes at all.

use std::sync::{Mutex, OnceLock, PoisonError};

use super::file::OpenFile;
use super::local;
use super::side::Side;
use crate::copy::error::CopyError;
use crate::copy::options::{Keep, MODE_MASK};
use crate::copy::place::{Links, Place};
use crate::sftp::Attributes;

/// The bits that a umask is likely to take.
const OTHERS: u32 = 0o077;

/// The umask of most systems, assumed for an end that does not show its own.
pub const USUAL: u32 = 0o022;

/// What is known of one end's umask.
#[derive(Default)]
pub struct Umask {
    known: Mutex<LearntBits>,
    /// Lets one part file at a time have another mode than 0600 for a moment.
    turn: tokio::sync::Mutex<()>,
    /// Whether the end sets modes, once that was tried.
    sets_modes: OnceLock<bool>,
}

/// Permission bits: those that were asked for, and those of them that the end took away.
#[derive(Debug, Clone, Copy, Default)]
struct LearntBits {
    asked: u32,
    taken: u32,
}

impl Umask {
    /// The mode of a new file whose source has `mode`; `None` when that is not known yet.
    pub fn new_mode(&self, side: &Side, mode: u32, keep: Keep) -> Option<u32> {
        if keep == Keep::ModeAndTimes || mode & OTHERS == 0 {
            return Some(mode);
        }
        let mut known = self.known();
        if matches!(side, Side::Local)
            && known.asked == 0
            && let Some(umask) = local::umask()
        {
            *known = LearntBits { asked: MODE_MASK, taken: umask };
        }
        (mode & OTHERS & !known.asked == 0).then_some(mode & !known.taken)
    }

    /// Whether the end sets the modes of files; `None` before it was tried.
    pub fn sets_modes(&self) -> Option<bool> {
        self.sets_modes.get().copied()
    }

    /// Remembers whether the end has set a mode.
    pub fn has_set_mode(&self, has: bool) {
        // the first answer counts
        let _ = self.sets_modes.set(has);
    }

    /// The umask as far as it is known, and what is usual for the other bits.
    pub fn guess(&self) -> u32 {
        let known = self.known();
        known.taken | USUAL & !known.asked
    }

    /// Makes a part file whose file is to have `mode`, finds out which mode the end gives it, and sets it to 0600.
    /// Returns the file and the mode; `None` for the file when another task found out first.
    ///
    /// # Errors
    /// When the part file cannot be made.
    pub async fn learn(&self, side: &Side, part: &Place, mode: u32) -> Result<(Option<OpenFile>, u32), CopyError> {
        let _turn = self.turn.lock().await;
        if let Some(new) = self.new_mode(side, mode, Keep::Nothing) {
            return Ok((None, new));
        }
        let file = side.create(part, mode).await?;
        let (told, private) = tokio::join!(biased; file.identity(), file.set(Attributes::with_permissions(0o600)));
        let told = told?.0.permissions.unwrap_or(mode & !USUAL);
        self.found(mode, mode & !told);
        match private {
            Err(error) if error.ends_the_run() => Err(error),
            // a server that sets no modes: it is made once more, with the mode it is to have until the end
            Err(_) => {
                self.has_set_mode(false);
                file.let_go().await;
                side.remove(part).await?;
                Ok((None, mode & told))
            }
            Ok(()) => {
                self.has_set_mode(true);
                Ok((Some(file), mode & told))
            }
        }
    }

    /// Finds out by an extra file at `place`, which is in a folder of this run that nobody else sees.
    ///
    /// # Errors
    /// When the session is lost.
    pub async fn learn_by_probe(&self, side: &Side, place: &Place) -> Result<(), CopyError> {
        let _turn = self.turn.lock().await;
        if self.known().asked & OTHERS == OTHERS {
            return Ok(());
        }
        let make = side.create(place, MODE_MASK);
        let (made, told, removed) = tokio::join!(biased; make, side.stat(place, Links::Keep), side.remove(place));
        let told = match (made, told, removed) {
            (Err(error), ..) | (_, Err(error), _) | (.., Err(error)) if error.ends_the_run() => return Err(error),
            (Ok(_), Ok(told), _) => told.permissions.unwrap_or(MODE_MASK & !USUAL),
            // a file that is left goes with its folder
            _ => MODE_MASK & !USUAL,
        };
        self.found(MODE_MASK, MODE_MASK & !told);
        Ok(())
    }

    fn found(&self, asked: u32, taken: u32) {
        let mut known = self.known();
        *known = LearntBits { asked: known.asked | asked, taken: known.taken | taken };
    }

    fn known(&self) -> std::sync::MutexGuard<'_, LearntBits> {
        // nothing panics while it holds this
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mode_tells_of_the_bits_it_has_and_of_no_others() {
        let umask = Umask::default();
        let far = Side::Local;
        umask.found(0o640, 0o040);
        assert_eq!(umask.new_mode(&far, 0o640, Keep::Nothing), Some(0o600));
        assert_eq!(umask.new_mode(&far, 0o644, Keep::Nothing), None);
        assert_eq!(umask.new_mode(&far, 0o644, Keep::ModeAndTimes), Some(0o644));
        assert_eq!(umask.guess(), 0o062);
        umask.found(0o777, 0o022);
        assert_eq!(umask.new_mode(&far, 0o664, Keep::Nothing), Some(0o604));
    }
}
