//! Times that say nothing: of file systems that keep them in steps of 2 s, or not as they are. Nothing is sent for them, and
//! nothing that differs is left out.

use std::fs;
use std::os::unix::fs::MetadataExt as _;

use super::{Untidy, mtime, set_time, write};
use crate::whole::ways::{WAYS, Way};

/// What the source has, and what the file systems make of it there.
const KEPT: [(&str, i64, i64); 4] = [
    ("in-steps", 1_600_000_001, 1_600_000_000),
    ("rounded-up", 1_600_000_001, 1_600_000_002),
    ("after-2038", 4_000_000_000, i32::MAX as i64),
    ("before-1970", -5, 0),
];

impl Untidy {
    /// Writes all files of this content, with their times.
    fn write_kept(&self, content: &[u8]) {
        for (name, time, _) in KEPT {
            write(&self.from(name), content);
            set_time(&self.from(name), time);
        }
    }

    /// Does to the times at the destination what its file system would.
    fn keep(&self) {
        KEPT.iter().for_each(|(name, _, kept)| set_time(&self.to(name), *kept));
    }
}

#[test]
fn a_file_whose_time_is_not_kept_goes_when_it_differs_and_only_then() {
    for way in WAYS {
        let Some(untidy) = Untidy::new(way) else { return };
        untidy.write_kept(b"before");
        assert_eq!(untidy.run("sync", &[]).code, Some(0), "{way:?}");
        for _ in 0..2 {
            untidy.keep();
            let inodes = || KEPT.map(|(name, ..)| fs::metadata(untidy.to(name)).expect("there").ino());
            let before = inodes();
            let ran = untidy.run("sync", &["--json"]);
            assert_eq!((ran.code, ran.summary("bytes"), inodes()), (Some(0), 0, before), "{way:?}: {ran}");
        }
        untidy.keep();
        // of the same length, and the time is the same again
        untidy.write_kept(b"after!");
        let ran = untidy.run("sync", &[]);
        assert_eq!(ran.code, Some(0), "{way:?}: {ran}");
        for (name, ..) in KEPT {
            assert_eq!(fs::read(untidy.to(name)).expect("there"), b"after!", "{way:?} {name}: {ran}");
        }
    }
}

#[test]
fn times_within_the_window_are_equal() {
    let Some(untidy) = Untidy::new(Way::Up) else { return };
    write(&untidy.from("f"), b"before");
    set_time(&untidy.from("f"), 1_600_000_000);
    assert_eq!(untidy.run("sync", &[]).code, Some(0));
    write(&untidy.from("f"), b"after!");
    set_time(&untidy.from("f"), 1_600_000_004);
    let ran = untidy.run("sync", &["--modify-window", "4", "--json"]);
    assert_eq!((ran.code, ran.summary("bytes"), mtime(&untidy.to("f"))), (Some(0), 0, 1_600_000_000), "{ran}");
    let ran = untidy.run("sync", &["--modify-window", "3", "--json"]);
    assert_eq!((ran.code, ran.summary("bytes"), mtime(&untidy.to("f"))), (Some(0), 6, 1_600_000_004), "{ran}");
}
