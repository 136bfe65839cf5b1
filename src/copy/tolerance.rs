//! How far may a source differ from what it announced? [`Tolerance`], what the user allows. Where a source really ends is said
//! by [`source_end`](super::transfer::source_end).

use super::options::Options;

/// Bytes that a file at rest may have beyond those it announces, unless the user allows more.
const SURPLUS: u64 = 1 << 30;

/// Offsets in files are signed in most systems.
const LONGEST: u64 = i64::MAX as u64;

/// What a source may do.
#[derive(Debug, Clone, Copy)]
pub struct Tolerance {
    /// It may grow while it is read; the bytes it announced are taken.
    pub growing: bool,
    /// Bytes beyond the announced ones that are read of a file at rest.
    pub surplus: u64,
}

impl Tolerance {
    /// What `options` allow. A run that ends by itself, or that was told of files that grow, reads on without a bound.
    pub fn of(options: &Options) -> Tolerance {
        let is_bounded = !options.growing && options.deadline.is_none();
        let surplus = if is_bounded { options.surplus.unwrap_or(SURPLUS) } else { LONGEST };
        Tolerance { growing: options.growing, surplus }
    }

    /// The last byte offset that is read of a file that announces `size`.
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
