//! Full disks, there and here: the old content stays, and it is said that there is no space.

use std::fs;

use super::{TO_ACC, refused};
use crate::skips::need_root;
use crate::street::{ACC_PVT, Street, run};

#[test]
fn the_servers_disk_is_full() {
    let Some(street) = Street::plan().disk(ACC_PVT, 4).start() else { return };
    street.put_here("f", &vec![7; 16 << 20]);
    let old = street.server(ACC_PVT).inside("disk/f");
    fs::write(&old, b"old").expect("write the old one");
    refused(&street, &["f", "acc-pvt:disk/f"], 28, &[TO_ACC, "disk/f", "no space left"]);
    assert_eq!(fs::read(&old).expect("it stays"), b"old");
    // what was left does not stand in the way of what fits
    street.put_here("small", &vec![8; 1 << 20]);
    let names = || {
        let entries = fs::read_dir(old.parent().expect("a folder")).expect("list");
        entries.map(|entry| entry.expect("list").file_name().into_string().expect("UTF-8")).collect::<Vec<_>>()
    };
    assert!(names().iter().all(|name| name == "f" || name.ends_with(".part")), "{:?}", names());
}

#[test]
fn the_servers_disk_fills_up_within_a_tree() {
    let Some(street) = Street::plan().disk(ACC_PVT, 2).start() else { return };
    for index in 0..40 {
        street.put_here(format!("tree/f{index}"), &[index as u8; 100_000]);
    }
    let ran = run(street.hop("cp").args(["-r", "tree", "acc-pvt:disk/"]));
    assert!(matches!(ran.code, Some(23 | 28)) && ran.stderr.contains("no space left"), "{ran}");
    let folder = street.server(ACC_PVT).inside("disk/tree");
    for entry in fs::read_dir(folder).expect("list") {
        let path = entry.expect("list").path();
        if path.extension().is_none_or(|extension| extension != "part") {
            assert_eq!(fs::metadata(&path).expect("look").len(), 100_000, "{} is torn", path.display());
        }
    }
}

#[test]
fn this_machines_disk_is_full() {
    let Some(street) = Street::start() else { return };
    if !need_root("a disk that is full") {
        return;
    }
    street.put(ACC_PVT, "f", &vec![7; 16 << 20]);
    street.put_here("disk/.keep", b"");
    let hop = street.hop("cp");
    let mut words = vec![hop.get_program().to_str().expect("UTF-8").to_owned()];
    words.extend(hop.get_args().map(|word| word.to_str().expect("UTF-8").to_owned()));
    let script = "mount -t tmpfs -o size=4m tmpfs disk && printf old >disk/f\n\
                  \"$@\" acc-pvt:f disk/f; code=$?\n\
                  [ \"$(cat disk/f)\" = old ] || exit 99\n\
                  exit $code";
    let mut command = street.on_laptop("unshare");
    let ran = run(command.args(["--mount", "sh", "-c", script, "sh"]).args(&words));
    assert!(ran.code == Some(28) && ran.stderr.contains("no space left") && ran.stderr.contains("disk/f"), "{ran}");
}
