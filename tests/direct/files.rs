//! What arrives: one file, many, trees, empty ones, odd names, in both directions.

use std::ffi::OsString;
use std::fs;
use std::os::unix::ffi::OsStringExt as _;
use std::os::unix::fs::PermissionsExt as _;
use std::time::{Duration, SystemTime};

use super::{cp, goes_straight};
use crate::end_to_end::names::odd_names;
use crate::end_to_end::{mtime, noise, same, tree};
use crate::street::{ACC_BASTION, ACC_PVT, DELL_BASTION, DELL_PVT, Plan, Street, run};
use crate::wire::{Direction, Link};

#[test]
fn a_file_goes_straight_and_the_key_stays_here() {
    let Some(street) = Street::start() else { return };
    let content = noise(1, 34_567_890);
    street.put(ACC_PVT, "customers.csv", &content);
    let ran = goes_straight(cp(&street, ["-R", "acc-pvt:customers.csv", "dell-pvt:~"]));
    assert!(ran.stderr.contains("acc-pvt sends straight to ") && ran.stderr.contains("tier A"), "{ran}");
    assert!(fs::read(street.home(DELL_PVT).join("customers.csv")).expect("it is there") == content);
    assert_eq!(tree(street.home(DELL_PVT)).len(), 1, "nothing else is left");
}

#[test]
fn json_tells_the_route_the_login_and_what_came_of_it() {
    let Some(street) = Street::start() else { return };
    street.put(ACC_PVT, "f", b"content");
    let ran = run(&mut cp(&street, ["--json", "acc-pvt:f", "dell-pvt:"]));
    let objects: Vec<serde_json::Value> =
        ran.stdout.lines().map(|line| serde_json::from_str(line).expect("an object a line")).collect();
    let find = |event: &str| objects.iter().find(|object| object["event"] == event).expect("it is told");
    assert_eq!(find("route")["route"], "direct", "{ran}");
    let agent = find("agent");
    assert_eq!((&agent["host"], &agent["tier"]), (&"dell-pvt".into(), &"A".into()), "{ran}");
    assert_eq!((&agent["signatures"], &agent["refused"]), (&1.into(), &0.into()), "{ran}");
    let fingerprint = agent["fingerprint"].as_str().expect("a text");
    let reason = find("route")["reason"].as_str().expect("a text");
    assert!(fingerprint.starts_with("SHA256:") && reason.ends_with(fingerprint), "{ran}");
    let summary = find("summary");
    assert_eq!((&summary["route"], &summary["bytes"]), (&"direct".into(), &7.into()), "{ran}");
}

#[test]
fn a_tree_goes_the_other_way_with_modes_and_times() {
    let Some(street) = Street::start() else { return };
    a_tree_with_modes_and_times(&street, &[]);
}

/// From dell-pvt to acc-pvt.
pub fn a_tree_with_modes_and_times(street: &Street, options: &[&str]) {
    street.put_all(
        DELL_PVT,
        (0..300usize).map(|index| (format!("data/d{}/f{index}", index % 7), noise(index as u64, index * 101))),
    );
    street.put(DELL_PVT, "data/empty", b"");
    street.put(DELL_PVT, "data/large", &noise(9, 9_000_000));
    let root = street.home(DELL_PVT).join("data");
    fs::set_permissions(root.join("d1/f1"), fs::Permissions::from_mode(0o640)).expect("set the mode");
    let long_ago = SystemTime::UNIX_EPOCH + Duration::from_secs(1_000_000_000);
    fs::File::options().write(true).open(root.join("d2/f2")).expect("open").set_modified(long_ago).expect("set");
    goes_straight(cp(street, options.iter().chain(&["-rp", "dell-pvt:data", "acc-pvt:copy"])));
    let copy = street.home(ACC_PVT).join("copy");
    same(&tree(&root), &tree(&copy));
    assert_eq!((mtime(&copy.join("d2/f2")), mtime(&copy.join("d3/f3"))), (1_000_000_000, mtime(&root.join("d3/f3"))));
    assert_eq!(tree(street.home(ACC_PVT)).len(), tree(&copy).len() + 1, "nothing else is left");
    assert_eq!(tree(street.home(DELL_PVT)).len(), tree(&root).len() + 1, "nothing else is left");
}

#[test]
fn several_sources_and_patterns_go_into_a_folder_and_replace_what_is_there() {
    let Some(street) = Street::start() else { return };
    for name in ["a.csv", "b.csv", "c.txt"] {
        street.put(ACC_PVT, format!("out/{name}"), name.as_bytes());
    }
    let old = street.put(DELL_PVT, "in/a.csv", b"old");
    fs::set_permissions(&old, fs::Permissions::from_mode(0o600)).expect("set the mode");
    goes_straight(cp(&street, ["acc-pvt:out/*.csv", "acc-pvt:out/c.txt", "dell-pvt:in"]));
    for name in ["a.csv", "b.csv", "c.txt"] {
        assert_eq!(fs::read(street.home(DELL_PVT).join("in").join(name)).expect("it is there"), name.as_bytes());
    }
    assert_eq!(old.metadata().expect("it is there").permissions().mode() & 0o777, 0o600, "as the old one had it");
}

#[test]
fn odd_names_arrive_as_they_are() {
    let Some(street) = Street::start() else { return };
    odd_names_arrive(&street, &[]);
}

/// From acc-pvt to dell-pvt.
pub fn odd_names_arrive(street: &Street, options: &[&str]) {
    for (index, name) in odd_names().into_iter().enumerate() {
        let folder = std::path::Path::new("tree").join(&name);
        street.put(ACC_PVT, folder.join(&name), name.as_encoded_bytes());
        if index % 3 == 0 {
            // as large as goes by itself
            street.put(ACC_PVT, folder.join("-rf"), &noise(index as u64, 5_000_000));
        }
    }
    goes_straight(cp(street, options.iter().chain(&["-r", "acc-pvt:tree", "dell-pvt:"])));
    same(&tree(&street.home(ACC_PVT).join("tree")), &tree(&street.home(DELL_PVT).join("tree")));
    // one by itself, into a folder whose name is as odd
    let typed = OsString::from_vec(b"dell-pvt:tree/new\nline/it's $(id) \xff".to_vec());
    let words = ["acc-pvt:tree/say \"hi\"/say \"hi\"".into(), typed];
    goes_straight(cp(street, options.iter().map(OsString::from).chain(words)));
    let arrived = street.home(DELL_PVT).join(OsString::from_vec(b"tree/new\nline/it's $(id) \xff".to_vec()));
    assert_eq!(fs::read(arrived).expect("it is there"), b"say \"hi\"");
}

/// What many small files take of hop itself: a link and a look at the source, an entry of a listing and a name at the
/// destination. Bytes stand for requests here.
#[test]
fn many_small_files_take_few_words_each() {
    small_files_take_few_words_each(Street::plan());
}

pub fn small_files_take_few_words_each(plan: Plan) {
    const FILES: u64 = 1000;
    let plan = plan.link(ACC_BASTION, Link::default()).link(DELL_BASTION, Link::default());
    let Some(street) = plan.start() else { return };
    street.put_all(ACC_PVT, (0..FILES).map(|index| (format!("tree/{index:04}"), noise(index, 4096))));
    let passed = |host: &str| {
        let wire = street.server(host).wire.as_ref().expect("planned above");
        wire.bytes(Direction::Up) + wire.bytes(Direction::Down)
    };
    goes_straight(cp(&street, ["-Rr", "acc-pvt:tree", "dell-pvt:"]));
    same(&tree(&street.home(ACC_PVT).join("tree")), &tree(&street.home(DELL_PVT).join("tree")));
    let (source, destination) = (passed(ACC_BASTION) / FILES, passed(DELL_BASTION) / FILES);
    eprintln!("{source} and {destination} bytes a file");
    assert!(source < 1200 && destination < 900, "{source} and {destination} bytes a file");
}
