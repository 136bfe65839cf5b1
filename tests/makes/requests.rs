//! OpenSSH's `sftp-server -P REQUEST`, one request after the other: whatever a server does not do, hop does what scp does
//! there, and says so where it cannot. There is no shell to help.

use std::fs;
use std::path::Path;
use std::process::Command;

use super::make::printed;
use crate::pseudorandom::noise;
use crate::skips::need;
use crate::street::{ACC_PVT, Street, run};
use crate::wire::{Cut, Direction, How, Link};

const LARGE: u64 = 3 << 20;

/// Tests that share the requests.
const SHARES: usize = 4;

/// What scp is asked for, and whether all is there then.
type ByHand<'a> = Option<(&'a [&'a str], &'a dyn Fn() -> bool)>;

/// A host that denies what its file `denied` names.
struct Scene {
    street: Street,
    denied: String,
    failed: Vec<String>,
}

fn each_of(share: usize) {
    let Some(server) = need("sftp-server") else { return };
    let server = server.display().to_string();
    let listed = String::from_utf8(printed(&server, &["-Q", "requests"])).expect("a list");
    let forced = format!("ForceCommand exec {server} -P \"$(cat \"$HOME/denied\")\"");
    let link = Link { rate: Some(24 << 20), ..Link::default() };
    let plan = Street::plan().sshd(ACC_PVT, forced).link(ACC_PVT, link);
    let Some(street) = plan.start() else { return };
    if !street.own_homes() {
        return;
    }
    let mut scene = Scene { street, denied: "nothing".to_owned(), failed: Vec::new() };
    files().iter().for_each(|(name, bytes)| {
        scene.street.put_here(format!("tree/{name}"), bytes);
        scene.street.put(ACC_PVT, format!("tree/{name}"), bytes);
    });
    scene.street.put(ACC_PVT, "denied", b"");
    assert!(scene.up(), "nothing works where nothing is denied");
    for request in listed.lines().skip(share).step_by(SHARES) {
        scene.denied = request.to_owned();
        scene.street.put(ACC_PVT, "denied", request.as_bytes());
        let works = scene.up();
        scene.down();
        if works {
            scene.over_an_old_one();
            scene.cut();
            scene.synced();
        }
    }
    assert!(scene.failed.is_empty(), "{} do not hold:\n{}", scene.failed.len(), scene.failed.join("\n"));
}

fn files() -> [(&'static str, Vec<u8>); 4] {
    [
        ("nothing", Vec::new()),
        ("byte", b"1".to_vec()),
        ("sub/some", noise(4, 1000)),
        ("large", noise(4, LARGE as usize)),
    ]
}

impl Scene {
    fn folder(&self, place: &Path) {
        if place.exists() {
            fs::remove_dir_all(place).expect("empty a folder");
        }
        fs::create_dir_all(place).expect("a folder");
        self.street.own(ACC_PVT);
    }

    fn home(&self, name: &str) -> std::path::PathBuf {
        self.street.home(ACC_PVT).join(name)
    }

    fn hop(&self, verb: &str) -> Command {
        let mut command = self.street.hop(verb);
        command.args(["--timeout", "20s", "--progress", "none"]);
        command
    }

    /// hop must not end well with less than all, nor fail where it is done by hand. Whether it ended well.
    fn judge(
        &mut self,
        what: &str,
        command: &mut Command,
        (is_complete, by_hand): (&dyn Fn() -> bool, ByHand),
    ) -> bool {
        let ran = run(command);
        let problem = match (ran.code, is_complete()) {
            (Some(0), true) => return true,
            (Some(0), false) => "it ended well with something missing",
            (_, true) => "it failed with all in its place",
            (_, false) if by_hand.is_some_and(|(words, is_complete)| self.by_hand(words, is_complete)) => {
                "by hand it is done"
            }
            _ => return false,
        };
        let said = ran.stderr.lines().next().unwrap_or_default();
        self.failed.push(format!("{} denied, {what}: {problem}: exit {:?}: {said}", self.denied, ran.code));
        false
    }

    /// Whether scp ends well, and all is there then.
    fn by_hand(&self, words: &[&str], is_complete: &dyn Fn() -> bool) -> bool {
        run(self.street.openssh("scp").arg("-q").args(words)).code == Some(0) && is_complete()
    }

    fn up(&mut self) -> bool {
        let (theirs, ours) = (self.home("scp"), self.home("hop"));
        self.folder(&theirs);
        self.folder(&ours);
        let mut hop = self.hop("cp");
        hop.args(["-r", "tree", "acc-pvt:hop/"]);
        let (ours, theirs) = (|| is_whole(&ours.join("tree")), || is_whole(&theirs.join("tree")));
        self.judge("a tree up", &mut hop, (&ours, Some((&["-r", "tree", "acc-pvt:scp/"], &theirs))))
    }

    fn down(&mut self) {
        let [theirs, ours] = ["scp", "hop"].map(|name| self.street.laptop().join(name));
        self.folder(&theirs);
        self.folder(&ours);
        let mut hop = self.hop("cp");
        hop.args(["-r", "acc-pvt:tree", "hop/"]);
        let (ours, theirs) = (|| is_whole(&ours.join("tree")), || is_whole(&theirs.join("tree")));
        self.judge("a tree down", &mut hop, (&ours, Some((&["-r", "acc-pvt:tree", "scp/"], &theirs))));
    }

    fn over_an_old_one(&mut self) {
        let [theirs, target] = ["scp", "hop"].map(|name| self.street.put(ACC_PVT, format!("over/{name}"), b"old"));
        let mut hop = self.hop("cp");
        hop.args(["tree/large", "acc-pvt:over/hop"]);
        let (ours, theirs) = (|| is_large(&target), || is_large(&theirs));
        self.judge("over an old one", &mut hop, (&ours, Some((&["tree/large", "acc-pvt:over/scp"], &theirs))));
        self.is_not_torn("over an old one", &target, b"old");
    }

    /// The connection is cut in the middle; the run goes on, or the next one does.
    fn cut(&mut self) {
        let target = self.street.put(ACC_PVT, "cut/large", b"old");
        let wire = self.street.server(ACC_PVT).wire.as_ref().expect("a wire");
        wire.arm(Some(Cut { direction: Direction::Up, at: LARGE / 2, how: How::Reset }));
        for what in ["cut", "the run after"] {
            let mut hop = self.hop("cp");
            hop.args(["tree/large", "acc-pvt:cut/large"]);
            let ended_well = self.judge(what, &mut hop, (&|| is_large(&target), None));
            self.is_not_torn(what, &target, b"old");
            if ended_well {
                return;
            }
        }
    }

    /// Times and modes are asked for as well, and may be what is refused.
    fn synced(&mut self) {
        let ours = self.home("synced");
        self.folder(&ours);
        let ran = run(self.hop("sync").args(["tree/", "acc-pvt:synced"]));
        if ran.code == Some(0) && !is_whole(&ours) {
            self.failed.push(format!("{} denied, sync: it ended well with something missing", self.denied));
        }
    }

    fn is_not_torn(&mut self, what: &str, target: &Path, old: &[u8]) {
        let found = fs::read(target).unwrap_or_default();
        if found != old && found != noise(4, LARGE as usize) {
            self.failed.push(format!("{} denied, {what}: torn: {} bytes", self.denied, found.len()));
        }
    }
}

fn is_large(place: &Path) -> bool {
    fs::read(place).is_ok_and(|found| found == noise(4, LARGE as usize))
}

fn is_whole(folder: &Path) -> bool {
    files().iter().all(|(name, bytes)| fs::read(folder.join(name)).is_ok_and(|found| found == *bytes))
}

#[test]
fn denied_one() {
    each_of(0);
}

#[test]
fn denied_two() {
    each_of(1);
}

#[test]
fn denied_three() {
    each_of(2);
}

#[test]
fn denied_four() {
    each_of(3);
}
