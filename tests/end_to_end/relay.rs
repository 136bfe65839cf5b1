//! From one private server to the other, through this machine, each end behind its own bastion.

use std::fs;

use super::{Node, cp, noise, same, silently, tree};
use crate::street::{ACC_BASTION, ACC_PVT, DELL_BASTION, DELL_PVT, Street, run};

#[test]
fn a_file_crosses_and_leaves_nothing_here() {
    let Some(street) = Street::start() else { return };
    let content = noise(3, 9_876_543);
    street.put(ACC_PVT, "customers.csv", &content);
    let before = tree(street.laptop());
    silently(cp(&street, ["-3", "acc-pvt:customers.csv", "dell-pvt:"]));
    assert!(fs::read(street.home(DELL_PVT).join("customers.csv")).expect("it is there") == content);
    let mut after = tree(street.laptop());
    // the folder in which runs show that they live stays, with nothing in it
    after.retain(|name, node| !(name.as_encoded_bytes().starts_with(b".local") && matches!(node, Node::Folder { .. })));
    same(&before, &after);
    for bastion in [ACC_BASTION, DELL_BASTION] {
        assert!(street.server(bastion).log().contains("Accepted publickey"), "{bastion} was on the way");
    }
    let home = tree(street.home(DELL_PVT));
    assert_eq!(home.len(), 1, "no part is left: {:?}", home.keys());
}

#[test]
fn trees_and_patterns_cross_with_modes_and_times() {
    let Some(street) = Street::start() else { return };
    street.put_all(
        ACC_PVT,
        (0..120u64).map(|index| (format!("data/d{}/f{index}", index % 5), noise(index, index as usize * 101))),
    );
    fs::create_dir(street.home(DELL_PVT).join("in")).expect("a folder");
    street.own(DELL_PVT);
    silently(cp(&street, ["-3rp", "acc-pvt:data", "dell-pvt:"]));
    silently(cp(&street, ["-3rp", "acc-pvt:data/d[12]", "dell-pvt:in/"]));
    let (acc, dell) = (street.home(ACC_PVT), street.home(DELL_PVT));
    same(&tree(&acc.join("data")), &tree(&dell.join("data")));
    same(&tree(&acc.join("data/d2")), &tree(&dell.join("in/d2")));
    let names: Vec<_> = fs::read_dir(dell.join("in")).expect("list").map(|e| e.expect("list").file_name()).collect();
    assert_eq!(names.len(), 2, "{names:?}");
    assert_eq!(super::mtime(&acc.join("data/d1/f1")), super::mtime(&dell.join("data/d1/f1")));
}

#[test]
fn the_route_is_said_with_its_reason() {
    let Some(street) = Street::start() else { return };
    street.put(ACC_PVT, "f", b"x");
    let ran = run(&mut cp(&street, ["-3v", "acc-pvt:f", "dell-pvt:"]));
    assert!(ran.code == Some(0) && ran.stderr.contains("relay"), "{ran}");
}

#[test]
fn within_one_host_it_is_a_copy_too() {
    let Some(street) = Street::start() else { return };
    street.put(ACC_PVT, "f", b"content");
    silently(cp(&street, ["acc-pvt:f", "acc-pvt:g"]));
    assert_eq!(fs::read(street.home(ACC_PVT).join("g")).expect("it is there"), b"content");
}
