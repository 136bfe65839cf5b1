//! What the two hosts may be like: other users, other ports, other login shells, no bastion of their own.

use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};

use super::{begins, cp, fetching, goes_straight};
use crate::end_to_end::names::odd_names;
use crate::end_to_end::{noise, same, tree};
use crate::skips::need;
use crate::street::{ACC_PVT, DELL_PVT, Street, run};

/// Both ways, sent and fetched: everything arrives, and belongs to whom it should.
fn both_ways(street: &Street) {
    for (source, destination) in [(ACC_PVT, DELL_PVT), (DELL_PVT, ACC_PVT)] {
        for name in odd_names() {
            street.put(source, PathBuf::from("tree").join(&name), name.as_encoded_bytes());
        }
        street.put(source, "tree/empty", b"");
        street.put(source, "tree/large", &noise(21, 5_000_001));
        for (fetches, by, at) in [(false, source, destination), (true, destination, source)] {
            let options = fetching(street, source).into_iter().filter(|_| fetches);
            let words = ["-r".to_owned(), format!("{source}:tree"), format!("{destination}:arrived")];
            let ran = goes_straight(cp(street, options.chain(words)));
            assert!(begins(&ran, &format!("direct: {by} ")), "{ran}");
            assert!(ran.stderr.contains(&format!("\nagent: 1 signature for {}@{at} (", street.user_at(at))), "{ran}");
            let arrived = street.home(destination).join("arrived");
            same(&tree(&street.home(source).join("tree")), &tree(&arrived));
            fs::remove_dir_all(arrived).expect("take it away");
        }
        for host in [source, destination] {
            fs::remove_dir_all(street.home(host).join("tree")).ok();
            let left = tree(street.home(host));
            // what shells keep for themselves
            let own = |name: &OsStr| [".config", ".local", ".cache"].iter().any(|own| Path::new(name).starts_with(own));
            assert!(left.keys().all(|name| own(name)), "something else is left on {host}: {:?}", left.keys());
        }
    }
}

#[test]
fn each_end_has_a_user_and_a_port_of_its_own() {
    let Some(street) = Street::plan().user(DELL_PVT, "admin").start() else { return };
    assert_ne!(street.user_at(ACC_PVT), street.user_at(DELL_PVT));
    assert_ne!(street.server(ACC_PVT).address.port(), street.server(DELL_PVT).address.port());
    both_ways(&street);
}

#[test]
fn fish_is_a_login_shell() {
    let Some(fish) = need("fish") else { return };
    let plan = Street::plan().login_shell(ACC_PVT, &fish).login_shell(DELL_PVT, &fish);
    let Some(street) = plan.start() else { return };
    both_ways(&street);
}

#[test]
fn csh_is_a_login_shell() {
    let Some(tcsh) = need("tcsh") else { return };
    let plan = Street::plan().login_shell(ACC_PVT, &tcsh).login_shell(DELL_PVT, &tcsh);
    let Some(street) = plan.start() else { return };
    both_ways(&street);
}

#[test]
fn an_end_that_only_the_other_reaches() {
    let plan = Street::plan().sshd(ACC_PVT, "AllowTcpForwarding yes").sshd(DELL_PVT, "AllowTcpForwarding yes");
    let Some(street) = plan.start() else { return };
    street.configure("Host dell-pvt\n  ProxyJump acc-pvt");
    both_ways(&street);
}

#[test]
fn a_source_without_sftp_cannot_be_read() {
    let Some(street) = Street::plan().without_sftp(ACC_PVT).start() else { return };
    street.put(ACC_PVT, "f", b"content");
    let ran = run(&mut cp(&street, ["-R", "acc-pvt:f", "dell-pvt:"]));
    assert_eq!(ran.code, Some(10), "{ran}");
    assert!(ran.stderr.contains("laptop > acc-bastion > acc-pvt") && ran.stderr.contains("sftp"), "{ran}");
    assert!(ran.stderr.contains("hint: ") && !street.home(DELL_PVT).join("f").exists(), "{ran}");
}

#[test]
fn an_empty_file_alone() {
    let Some(street) = Street::start() else { return };
    street.put(ACC_PVT, "empty", b"");
    goes_straight(cp(&street, ["acc-pvt:empty", "dell-pvt:"]));
    assert_eq!(fs::read(street.home(DELL_PVT).join("empty")).expect("it is there"), b"");
    fs::remove_file(street.home(DELL_PVT).join("empty")).expect("remove it");
    let [option, address] = fetching(&street, ACC_PVT);
    goes_straight(cp(&street, [&option, &address, "acc-pvt:empty", "dell-pvt:"]));
    assert_eq!(fs::read(street.home(DELL_PVT).join("empty")).expect("it is there"), b"");
}
