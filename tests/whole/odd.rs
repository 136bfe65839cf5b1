//! What is no ordinary file: sparse and empty ones, and what cannot be copied at all (F34).

use std::fs;
use std::os::unix::fs::MetadataExt as _;

use rustix::fs::{CWD, FileType, Mode, mknodat};

use super::ran::run;
use crate::street::{ACC_PVT, Street};

#[test]
fn empty_and_sparse_files_arrive_and_what_is_no_file_is_told() {
    let Some(street) = Street::start() else { return };
    street.put_here("tree/empty", b"");
    let sparse = street.put_here("tree/sparse", b"begin");
    let file = fs::OpenOptions::new().write(true).open(&sparse).expect("open it");
    file.set_len(24 << 20).expect("make it long");
    std::os::unix::fs::FileExt::write_all_at(&file, b"end", (24 << 20) - 3).expect("write its end");
    for (name, kind) in [("fifo", FileType::Fifo), ("socket", FileType::Socket)] {
        mknodat(CWD, street.laptop().join("tree").join(name), kind, Mode::RUSR | Mode::WUSR, 0).expect("make it");
    }
    let has_device = rustix::process::geteuid().is_root() && {
        let device = street.laptop().join("tree/device");
        // the null device; some sandboxes keep root from it
        mknodat(CWD, device, FileType::CharacterDevice, Mode::RUSR, rustix::fs::makedev(1, 3)).is_ok()
    };
    let ran = run(street.hop("cp").args(["-r", "tree", "acc-pvt:"]));
    assert_eq!(ran.code, Some(23), "{ran}");
    let strange = if has_device { 3 } else { 2 };
    assert_eq!(ran.stderr.matches("not a regular file").count(), strange, "{ran}");
    assert!(ran.stderr.contains(&format!("{strange} files failed, 2 files arrived")), "{ran}");
    let there = street.home(ACC_PVT).join("tree");
    assert_eq!(fs::metadata(there.join("empty")).expect("it arrived").size(), 0);
    assert!(fs::read(there.join("sparse")).expect("it arrived") == fs::read(&sparse).expect("read"));
    assert_eq!(fs::read_dir(&there).expect("list").count(), 2, "something else was made");
}
