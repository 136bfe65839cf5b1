//! Files that cannot be read or written, and a configuration that cannot be understood.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use super::{TO_ACC, refused};
use crate::skips::need_root;
use crate::street::{ACC_PVT, Street};

#[test]
fn an_unreadable_file_in_a_tree() {
    let Some(street) = Street::start() else { return };
    for index in 0..100 {
        street.put(ACC_PVT, format!("tree/d{}/f{index}", index % 4), b"content");
    }
    let secret = street.home(ACC_PVT).join("tree/d1/f41");
    fs::set_permissions(&secret, fs::Permissions::from_mode(0o000)).expect("set the mode");
    let says = [TO_ACC, "tree/d1/f41", "permission denied", "1 file failed, 99 files arrived"];
    let ran = refused(&street, &["-r", "acc-pvt:tree", "back"], 23, &says);
    assert_eq!(ran.stderr.matches("f41").count(), 1, "said once: {ran}");
    let arrived = (0..100).filter(|index| street.laptop().join(format!("back/d{}/f{index}", index % 4)).exists());
    assert_eq!(arrived.count(), 99);
    assert!(!street.laptop().join("back/d1/f41").exists());
}

#[test]
fn an_unwritable_folder_in_a_tree() {
    if !need_root("root can give a folder to another user") {
        return;
    }
    let Some(street) = Street::start() else { return };
    for index in 0..20 {
        street.put_here(format!("tree/d{}/f{index}", index % 4), b"content");
        street.put(ACC_PVT, format!("tree/d{}/old", index % 4), b"old");
    }
    let folder = street.home(ACC_PVT).join("tree/d2");
    // another user's: to one of its own the user would lend what it takes
    std::os::unix::fs::chown(&folder, Some(0), Some(0)).expect("give it to root");
    fs::set_permissions(&folder, fs::Permissions::from_mode(0o555)).expect("set the mode");
    refused(&street, &["-r", "tree", "acc-pvt:"], 23, &[TO_ACC, "tree/d2/f2", "permission denied", "15 files arrived"]);
    assert!(street.home(ACC_PVT).join("tree/d3/f3").exists() && !folder.join("f2").exists());
}

#[test]
fn a_source_that_is_not_there() {
    let Some(street) = Street::start() else { return };
    refused(&street, &["no-such-file", "acc-pvt:"], 11, &["no-such-file", "no such file"]);
    refused(&street, &["acc-pvt:no-such-file", "."], 23, &[TO_ACC, "no-such-file", "no such file"]);
}

#[test]
fn a_destination_folder_that_is_not_there() {
    let Some(street) = Street::start() else { return };
    street.put_here("f", b"x");
    let ran = refused(&street, &["f", "acc-pvt:no/such/folder/f"], 23, &[TO_ACC, "no/such/folder"]);
    assert!(!ran.stderr.contains("arrived under"), "{ran}");
    street.put(ACC_PVT, "f", b"x");
    refused(&street, &["acc-pvt:f", "no/such/folder/f"], 11, &["no/such/folder"]);
}

#[test]
fn an_unknown_option_in_the_config() {
    let Some(street) = Street::start() else { return };
    street.put_here("f", b"x");
    street.configure("# a comment\nProxyJumpp acc-bastion");
    let place = format!("{}:2", street.config().display());
    refused(&street, &["f", "acc-pvt:"], 2, &[&place, "proxyjumpp"]);
}

#[test]
fn a_config_that_is_not_there() {
    let Some(street) = Street::start() else { return };
    street.put_here("f", b"x");
    refused(&street, &["-F", "no-such-config", "f", "acc-pvt:"], 2, &["no-such-config"]);
}
