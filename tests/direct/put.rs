//! A destination that runs no commands, only sftp: the source's own `sftp` sends there, whatever the names are.

use std::ffi::OsString;
use std::fs;
use std::os::unix::ffi::OsStringExt as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use super::again::{self, SIZE};
use super::refusals::secret_fails_alone;
use super::{cp, goes_straight, is_direct};
use crate::end_to_end::names::odd_names;
use crate::end_to_end::{mtime, noise, same, tree};
use crate::street::{ACC_PVT, DELL_PVT, Plan, Street, run};

pub fn no_commands() -> Plan {
    let plan = Street::plan().without_sftp(DELL_PVT).sshd(DELL_PVT, "Subsystem sftp internal-sftp");
    plan.sshd(DELL_PVT, "ForceCommand internal-sftp")
}

#[test]
fn a_tree_with_odd_names_goes_by_sftp() {
    let Some(street) = no_commands().start() else { return };
    for (index, name) in odd_names().into_iter().enumerate() {
        let folder = Path::new("tree").join(&name);
        street.put(ACC_PVT, folder.join(&name), name.as_encoded_bytes());
        if index % 3 == 1 {
            // as large as goes by itself
            street.put(ACC_PVT, folder.join("-rf"), &noise(index as u64, 5_000_000));
        }
    }
    street.put(ACC_PVT, "tree/empty", b"");
    let ran = goes_straight(cp(&street, ["-rp", "acc-pvt:tree", "dell-pvt:"]));
    assert!(ran.stderr.contains("acc-pvt sends straight to ") && ran.stderr.contains(" by sftp, tier A"), "{ran}");
    let (from, to) = (street.home(ACC_PVT).join("tree"), street.home(DELL_PVT).join("tree"));
    same(&tree(&from), &tree(&to));
    assert_eq!(mtime(&from.join("empty")), mtime(&to.join("empty")));
    assert_eq!(tree(street.home(DELL_PVT)).len(), tree(&to).len() + 1, "nothing else is left");
}

#[test]
fn many_small_files_go_by_sftp_with_the_modes_they_would_have() {
    let Some(street) = no_commands().start() else { return };
    street.put_all(
        ACC_PVT,
        (0..300usize).map(|index| (format!("data/d{}/f{index}", index % 7), noise(index as u64, index * 101))),
    );
    let odd = street.home(ACC_PVT).join("data/d1/f1");
    fs::set_permissions(odd, fs::Permissions::from_mode(0o750)).expect("set the mode");
    goes_straight(cp(&street, ["-Rr", "acc-pvt:data", "dell-pvt:"]));
    let copy = street.home(DELL_PVT).join("data");
    let mode = |path: &str| fs::metadata(copy.join(path)).expect("it is there").permissions().mode() & 0o777;
    assert_eq!((mode("d1/f1"), mode("d2/f2")), (0o750, 0o644));
    assert_eq!(tree(&street.home(ACC_PVT).join("data")).len(), tree(&copy).len());
}

#[test]
fn a_path_that_a_batch_cannot_say_is_relayed_and_that_is_said() {
    let Some(street) = no_commands().start() else { return };
    street.put(ACC_PVT, "f", b"content");
    street.put(DELL_PVT, "new\nline/x", b"there");
    let typed = || OsString::from_vec(b"dell-pvt:new\nline/f".to_vec());
    let ran = run(cp(&street, ["acc-pvt:f"]).arg(typed()));
    assert!(ran.code == Some(0) && is_direct(&ran.stderr), "{ran}");
    assert!(ran.stderr.contains("warning: f goes through here: a batch of sftp cannot say its name"), "{ran}");
    let arrived = street.home(DELL_PVT).join(OsString::from_vec(b"new\nline/f".to_vec()));
    assert_eq!(fs::read(&arrived).expect("it is there"), b"content");
    fs::remove_file(&arrived).expect("remove it");
    let ran = run(cp(&street, ["-R", "acc-pvt:f"]).arg(typed()));
    assert!(ran.code == Some(23) && ran.stderr.contains("a batch of sftp cannot say its name"), "{ran}");
    assert!(!arrived.exists(), "it never relays: {ran}");
}

#[test]
fn a_large_file_is_gone_on_from_by_the_next_run() {
    let Some((street, content)) = again::scene(no_commands(), 64 << 20) else { return };
    again::struck(&street, 88 << 20, |child| child.kill().expect("kill hop"));
    let ran = crate::whole::ran::run(&mut again::large(&street));
    assert!(ran.code == Some(0), "{ran}");
    assert!(fs::read(street.home(DELL_PVT).join("large")).is_ok_and(|there| there == content), "{ran}");
    assert!(ran.stderr.contains("all of it was read back and compared"), "{ran}");
    let kept = ran.stderr.lines().find_map(|line| line.strip_prefix("file 0: goes on from ")?.strip_suffix(" bytes"));
    assert!(kept.is_some_and(|kept| (1 << 20..SIZE as u64).contains(&kept.parse().expect("a number"))), "{ran}");
}

#[test]
fn what_cannot_be_read_fails_alone() {
    let Some(street) = no_commands().start() else { return };
    secret_fails_alone(&street, &[]);
}
