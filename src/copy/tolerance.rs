//! How far may a source differ from what it announced? [`Tolerance`] says what the user allows.
//! [`source_end`](super::transfer::source_end) finds out where a source really ends.

use super::options::Options;

/// Most bytes that a file which does not change may have beyond its announced size, unless the user allows more.
const SURPLUS: u64 = 1 << 30;

/// Largest offset in a file: signed on most systems.
const LONGEST: u64 = i64::MAX as u64;

/// What a source may do while it is read.
#[derive(Debug, Clone, Copy)]
pub struct Tolerance {
    /// The source may grow; the bytes it announced are copied.
    pub growing: bool,
    /// Most bytes beyond the announced size that are read of a source that does not change.
    pub surplus: u64,
}

impl Tolerance {
    /// What `options` allow. A run with a deadline, or one that was told of growing files, reads on without a limit.
    pub fn of(options: &Options) -> Tolerance {
        let is_bounded = !options.growing && options.deadline.is_none();
        let surplus = if is_bounded { options.surplus.unwrap_or(SURPLUS) } else { LONGEST };
        Tolerance { growing: options.growing, surplus }
    }

    /// The largest offset that is read of a file that announces `size` bytes.
    pub fn limit(self, size: u64) -> u64 {
        size.saturating_add(self.surplus).min(LONGEST)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn a_run_that_may_take_long_is_bounded() {
        let limit = |options: Options| Tolerance::of(&options).limit(10);
        assert_eq!(limit(Options::default()), 10 + SURPLUS);
        assert_eq!(limit(Options { surplus: Some(7), ..Options::default() }), 17);
        assert_eq!(limit(Options { growing: true, ..Options::default() }), LONGEST);
        assert_eq!(limit(Options { deadline: Some(Duration::from_secs(1)), ..Options::default() }), LONGEST);
    }
}
