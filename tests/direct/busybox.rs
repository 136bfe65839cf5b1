//! Private servers with BusyBox and OpenSSH and nothing else, as on Alpine: another shell, another dd, tar, mktemp and
//! sha256sum.

use std::fs;
use std::os::unix::fs::{MetadataExt as _, symlink};
use std::path::Path;
use std::process::Command;

use super::again::goes_on_from_what_a_killed_one_has_left;
use super::files::small_files_take_few_words_each;
use super::tools::Tools;
use super::{cp, fetching, goes_straight};
use crate::end_to_end::{noise, same, tree};
use crate::skips::need;
use crate::street::{ACC_BASTION, ACC_PVT, DELL_PVT, Plan, Street, run};
use crate::wire::{Direction, Link};

/// What such a host has, and its login shell.
struct BusyBox(Tools);

impl BusyBox {
    fn new() -> Option<BusyBox> {
        let busybox = need("busybox")?;
        let tools = Tools::new();
        let applets = Command::new(&busybox).arg("--list").output().expect("it lists its applets").stdout;
        let link = |program: &Path, name: &str| symlink(program, tools.path().join(name)).expect("a link");
        String::from_utf8(applets).expect("names").lines().for_each(|applet| link(&busybox, applet));
        ["ssh", "sftp"].iter().try_for_each(|name| need(name).map(|real| link(&real, name)))?;
        Some(BusyBox(tools))
    }

    /// A street whose private servers are such hosts.
    fn plan(&self) -> Plan {
        let path = self.0.path();
        let add = |plan: Plan, host| {
            plan.sshd(host, format!("SetEnv PATH={}", path.display())).login_shell(host, path.join("sh"))
        };
        add(add(Street::plan(), ACC_PVT), DELL_PVT)
    }

    /// Such a street, with a link that is counted before acc-bastion.
    fn start(&self) -> Option<Street> {
        let street = self.plan().link(ACC_BASTION, Link::default()).start()?;
        let ran = run(street.hop("ssh").args([ACC_PVT, "command -v dd; dd --version 2>&1"]));
        assert!(
            ran.stdout.starts_with(&self.0.path().display().to_string()) && ran.stdout.contains("BusyBox"),
            "{ran}"
        );
        Some(street)
    }
}

fn furnish(street: &Street) {
    street
        .put_all(ACC_PVT, (0..200usize).map(|index| (format!("data/d{}/f{index}", index % 7), noise(1, index * 101))));
    street.put(ACC_PVT, "data/empty", b"");
    street.put(ACC_PVT, "data/large", &noise(9, 20_000_001));
    street.put(ACC_PVT, "data/it's $(id)\n -rf", &noise(8, 5_000_000));
    fs::hard_link(street.home(ACC_PVT).join("data/d1/f1"), street.home(ACC_PVT).join("data/d1/again")).expect("a link");
}

#[test]
fn a_tree_goes_straight_either_way_and_is_compared() {
    let Some(busybox) = BusyBox::new() else { return };
    let Some(street) = busybox.start() else { return };
    furnish(&street);
    let data = street.home(ACC_PVT).join("data");
    let fetching = fetching(&street, ACC_PVT);
    for (copy, more) in [("pushed", &[][..]), ("fetched", &fetching[..])] {
        let target = format!("{DELL_PVT}:{copy}");
        goes_straight(cp(&street, more.iter().map(String::as_str).chain(["-rp", "--verify", "acc-pvt:data", &target])));
        same(&tree(&data), &tree(&street.home(DELL_PVT).join(copy)));
        let twin = street.home(DELL_PVT).join(copy).join("d1/again");
        assert_eq!(twin.metadata().expect("it is there").nlink(), 1, "two files, not one with two names");
    }
    assert_eq!(tree(street.home(ACC_PVT)).len(), tree(&data).len() + 1, "nothing else is left");
    assert_eq!(tree(street.home(DELL_PVT)).len(), 2 * (tree(&data).len() + 1), "nothing else is left");

    // nothing of this can be packed
    let pairs = street.put(ACC_PVT, "pairs/one", b"content").with_file_name("");
    fs::hard_link(pairs.join("one"), pairs.join("two")).expect("a link");
    goes_straight(cp(&street, ["-r", "acc-pvt:pairs", "dell-pvt:"]));
    same(&tree(&pairs), &tree(&street.home(DELL_PVT).join("pairs")));
}

#[test]
fn the_next_run_goes_on_from_what_a_killed_one_has_left() {
    let Some(busybox) = BusyBox::new() else { return };
    goes_on_from_what_a_killed_one_has_left(busybox.plan());
}

#[test]
fn many_small_files_take_few_words_each() {
    let Some(busybox) = BusyBox::new() else { return };
    small_files_take_few_words_each(busybox.plan());
}

#[test]
fn up_and_down_are_compared_by_its_own_tools() {
    let Some(busybox) = BusyBox::new() else { return };
    let Some(street) = busybox.start() else { return };
    let content = noise(5, 9_000_000);
    fs::write(street.laptop().join("up"), &content).expect("write");
    let wire = street.server(ACC_BASTION).wire.as_ref().expect("planned");
    let passed = || wire.bytes(Direction::Up) + wire.bytes(Direction::Down);
    for words in [["--verify", "up", "acc-pvt:x"], ["--verify", "acc-pvt:x", "down"]] {
        let before = passed();
        let ran = run(&mut cp(&street, words));
        assert_eq!(ran.code, Some(0), "{ran}");
        let passed = passed() - before;
        assert!(passed < 3 * content.len() as u64 / 2, "{passed} bytes: it was read back to be compared: {ran}");
    }
    assert!(fs::read(street.laptop().join("down")).expect("it is there") == content);
}
