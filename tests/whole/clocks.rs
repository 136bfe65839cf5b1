//! F24: what `--update` and `hop sync` leave out, where clocks are wrong and times are beyond what SFTP can say. No change of
//! content is hidden by that.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use rustix::fs::{AtFlags, CWD, Timespec, Timestamps, utimensat};

use crate::street::{ACC_PVT, DELL_PVT, Street, run};

/// 1901, just after 1970, the last second of 32 bits with a sign, one beyond those without, and a clock ten years ahead.
const TIMES: [i64; 5] = [-2_147_400_000, 1, 2_147_483_648, 4_294_967_300, 2_100_000_000];

/// From where to where, the verb with its flags, and the folder that is to be equal.
struct Way {
    verb: &'static str,
    words: &'static [&'static str],
    from: fn(&Street) -> PathBuf,
    to: fn(&Street) -> PathBuf,
}

fn here(street: &Street) -> PathBuf {
    street.laptop().join("tree")
}

fn there(street: &Street) -> PathBuf {
    street.home(ACC_PVT).join("tree")
}

fn beyond(street: &Street) -> PathBuf {
    street.home(DELL_PVT).join("tree")
}

const WAYS: [Way; 4] = [
    Way { verb: "cp", words: &["-p", "--update", "-r", "tree", "acc-pvt:"], from: here, to: there },
    Way { verb: "cp", words: &["-p", "--update", "-r", "acc-pvt:tree", "."], from: there, to: here },
    Way { verb: "cp", words: &["-3", "-p", "--update", "-r", "acc-pvt:tree", "dell-pvt:"], from: there, to: beyond },
    Way { verb: "sync", words: &["tree/", "acc-pvt:tree"], from: here, to: there },
];

impl Way {
    /// How many files it leaves out; it must succeed.
    fn leaves_out(&self, street: &Street, more: &[&str]) -> usize {
        self.tells(street, more, "unchanged")
    }

    fn tells(&self, street: &Street, more: &[&str], event: &str) -> usize {
        let mut command: Command = street.hop(self.verb);
        let ran = run(command.arg("--json").args(more).args(self.words));
        assert_eq!(ran.code, Some(0), "{}: {ran}", self.verb);
        ran.stdout.matches(&format!("\"event\":\"{event}\"")).count()
    }
}

fn set(file: &Path, content: &[u8], time: i64) {
    fs::create_dir_all(file.parent().expect("a folder")).expect("make it");
    fs::write(file, content).expect("write");
    let second = Timespec { tv_sec: time, tv_nsec: 0 };
    let times = Timestamps { last_access: second, last_modification: second };
    utimensat(CWD, file, &times, AtFlags::empty()).expect("set the time");
}

#[test]
fn f24_clocks_apart_never_hide_a_change() {
    for way in WAYS {
        let Some(street) = Street::start() else { return };
        let (from, to) = ((way.from)(&street), (way.to)(&street));
        let write = |content: &[u8], later: i64| {
            for (index, time) in TIMES.iter().enumerate() {
                set(&from.join(format!("f{index}")), content, time + later);
            }
            [ACC_PVT, DELL_PVT].iter().for_each(|host| street.own(host));
        };
        let has = |content: &[u8]| {
            for index in 0..TIMES.len() {
                let file = to.join(format!("f{index}"));
                assert_eq!(fs::read(&file).ok().as_deref(), Some(content), "{} {}", way.verb, file.display());
            }
        };
        write(b"before", 0);
        assert_eq!(way.leaves_out(&street, &[]), 0);
        has(b"before");
        // times that SFTP can tell are believed; where they tell nothing, contents are compared. A dry run sees the same
        assert_eq!(way.tells(&street, &["--dry-run"], "planned"), 0);
        for _ in 0..2 {
            assert_eq!(way.leaves_out(&street, &[]), TIMES.len());
        }
        // another content of the same length, a second later by the clock of the file
        write(b"after!", 1);
        assert_eq!(way.leaves_out(&street, &[]), 0);
        has(b"after!");
        // and one whose size and time are the same, as far as anybody tells: the sums are not
        write(b"behind", 1);
        let sums = if way.verb == "sync" { "--checksum" } else { "--verify" };
        assert_eq!(way.leaves_out(&street, &[sums]), 0);
        has(b"behind");
    }
}
