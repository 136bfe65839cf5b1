//! What must each make do? [`serves`] and [`forwards`], one cell after the other, so that a make's whole column is told
//! at once. Where a cell fails, the same is tried with OpenSSH's own tools: hop must not be worse.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::process::Command;

use super::make::{Make, Part, Times, login_key};
use crate::pseudorandom::noise;
use crate::street::{ACC_BASTION, ACC_PVT, Street, run};
use crate::whole::invariants::note;
use crate::whole::ran::{self, Ran};
use crate::wire::{Cut, Direction, How, Link};

const MIB: u64 = 1 << 20;

/// A file that takes half a second to pass the wire, so that there is a middle of it.
const LARGE: u64 = 8 * MIB;
const RATE: u64 = 16 * MIB;
const MIDDLE: u64 = 5 * MIB;

/// Files and their sizes, each alone.
const SIZES: [(&str, u64); 3] = [("nothing", 0), ("byte", 1), ("five", 5 * MIB)];

/// Files of the tree.
const FILES: usize = 200;

/// The host where files end is of this make, behind an OpenSSH bastion.
pub fn serves(make: &Make) {
    let Some(scene) = Scene::set(make, ACC_PVT) else { return };
    let mut column = Column::default();
    for way in [Way::Up, Way::Down] {
        column.cell(&format!("0 B, 1 B, 5 MiB {way:?}"), || scene.sizes(way));
        column.cell(&format!("the same over old ones, --verify {way:?}"), || scene.replaced(way));
        column.cell(&format!("200 files {way:?}"), || scene.tree(way));
        column.cell(&format!("killed, and on {way:?}"), || scene.killed(way, make.part));
        column.cell(&format!("cut, and on {way:?}"), || scene.cut(way));
        match (way, make.times) {
            (Way::Up, Times::Unsupported) => column.cell("sync Up", || scene.synced_without_times()),
            _ => column.cell(&format!("sync {way:?}"), || scene.synced(way)),
        }
    }
    column.told();
}

/// The bastion is of this make, before an OpenSSH host.
pub fn forwards(make: &Make) {
    let Some(scene) = Scene::set(make, ACC_BASTION) else { return };
    let mut column = Column::default();
    for way in [Way::Up, Way::Down] {
        column.cell(&format!("0 B, 1 B, 5 MiB {way:?}"), || scene.sizes(way));
        column.cell(&format!("200 files {way:?}"), || scene.tree(way));
        column.cell(&format!("cut, and on {way:?}"), || scene.cut(way));
    }
    column.told();
}

/// The host where files end has a shell, and no SFTP server: that is said, and nothing is there.
pub fn is_without_sftp(make: &Make) {
    let Some(scene) = Scene::set(make, ACC_PVT) else { return };
    scene.put(Way::Up, "file", b"content");
    let ran = ran::run(scene.hop("cp").args(["--retries", "0", "file", "acc-pvt:"]));
    let is_told = ran.stderr.contains("laptop > acc-bastion > acc-pvt") && ran.stderr.contains("sftp");
    assert!(ran.code.is_some_and(|code| code != 0) && is_told, "{}", brief(&ran));
    assert!(!scene.there(Way::Up, "file").exists(), "something is there");
}

/// What held, and what did not.
#[derive(Default)]
struct Column {
    cells: usize,
    failed: Vec<String>,
}

impl Column {
    fn cell(&mut self, name: &str, check: impl FnOnce()) {
        self.cells += 1;
        let holds = catch_unwind(AssertUnwindSafe(check)).is_ok();
        let test = std::thread::current().name().unwrap_or_default().to_owned();
        eprintln!("{test}: {name}: {}", if holds { "holds" } else { "does not hold" });
        if !holds {
            self.failed.push(name.to_owned());
        }
        note(&format!("case {test}: {name}"));
    }

    fn told(self) {
        let Column { cells, failed } = self;
        assert!(failed.is_empty(), "{} of {cells} cells do not hold: {}", failed.len(), failed.join(" · "));
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Way {
    Up,
    Down,
}

/// A street with one host of another make.
struct Scene {
    street: Street,
}

impl Scene {
    fn set(make: &Make, host: &'static str) -> Option<Scene> {
        let other = make.other()?;
        let link = Link { rate: Some(RATE), ..Link::default() };
        let street = Street::plan().other(host, other).link(ACC_PVT, link).start()?;
        let key = street.put_here("makes.key", &login_key().0);
        fs::set_permissions(&key, fs::Permissions::from_mode(0o400)).expect("set a mode");
        let lines = make.settings.iter().map(|line| format!("  {line}\n")).collect::<String>();
        street.configure(&format!("Host {host}\n  IdentityFile {}\n{lines}", key.display()));
        Some(Scene { street })
    }

    fn there(&self, way: Way, path: &str) -> std::path::PathBuf {
        match way {
            Way::Up => self.street.home(ACC_PVT).join(path),
            Way::Down => self.street.laptop().join(path),
        }
    }

    fn put(&self, way: Way, path: &str, content: &[u8]) {
        match way {
            Way::Up => self.street.put_here(path, content),
            Way::Down => self.street.put(ACC_PVT, path, content),
        };
    }

    /// An empty folder where copies of this way end.
    fn folder(&self, way: Way, name: &str) {
        let folder = self.there(way, name);
        if folder.exists() {
            fs::remove_dir_all(&folder).expect("empty a folder");
        }
        fs::create_dir_all(folder).expect("a folder");
        self.street.own(ACC_PVT);
    }

    fn hop(&self, verb: &str) -> Command {
        let mut command = self.street.hop(verb);
        command.args(["--timeout", "20s", "--progress", "none"]);
        command
    }

    /// Sources and target, as words of this way.
    fn words(way: Way, sources: &[&str], target: &str) -> Vec<String> {
        let on_host = |path: &str| format!("{ACC_PVT}:{path}");
        let plain = |path: &str| path.to_owned();
        let (source, target): (&dyn Fn(&str) -> String, String) = match way {
            Way::Up => (&plain, on_host(target)),
            Way::Down => (&on_host, plain(target)),
        };
        sources.iter().map(|path| source(path)).chain([target]).collect()
    }

    /// Runs it; when it fails, so must scp.
    fn must_end_well(&self, command: &mut Command, scp: &[String]) -> Ran {
        let ran = ran::run(command);
        if ran.code != Some(0) {
            let by_hand = run(self.street.openssh("scp").arg("-r").args(scp));
            panic!("{}\nby hand, scp: exit {:?}: {}", brief(&ran), by_hand.code, by_hand.stderr.trim_end());
        }
        ran
    }

    fn sizes(&self, way: Way) {
        self.folder(way, "to");
        self.copied(way, &[], 1);
    }

    /// Other content under the same names, after [`Scene::sizes`].
    fn replaced(&self, way: Way) {
        self.copied(way, &["--verify"], 2);
    }

    fn copied(&self, way: Way, flags: &[&str], seed: u64) {
        let files = SIZES.map(|(name, size)| (name, noise(seed, size as usize)));
        files.iter().for_each(|(name, bytes)| self.put(way, &format!("from/{name}"), bytes));
        let words = Scene::words(way, &["from/nothing", "from/byte", "from/five"], "to/");
        let ran = self.must_end_well(self.hop("cp").args(flags).args(&words), &words);
        for (name, bytes) in &files {
            same(&self.there(way, &format!("to/{name}")), bytes, &ran);
        }
        self.nothing_is_left(way, "to", &ran);
    }

    fn tree(&self, way: Way) {
        self.folder(way, "trees");
        let files = tree();
        files.iter().for_each(|(name, bytes)| self.put(way, &format!("tree/{name}"), bytes));
        let words = Scene::words(way, &["tree"], "trees/");
        let ran = self.must_end_well(self.hop("cp").arg("-r").args(&words), &words);
        for (name, bytes) in &files {
            same(&self.there(way, &format!("trees/tree/{name}")), bytes, &ran);
        }
        self.nothing_is_left(way, "trees/tree", &ran);
    }

    fn large(&self, way: Way) -> (Vec<u8>, Vec<String>) {
        self.folder(way, "large");
        let bytes = noise(3, LARGE as usize);
        self.put(way, "from/large", &bytes);
        (bytes, Scene::words(way, &["from/large"], "large/"))
    }

    fn killed(&self, way: Way, part: Part) {
        let (bytes, words) = self.large(way);
        let wire = self.street.server(ACC_PVT).wire.as_ref().expect("a wire");
        let before = wire.bytes(way.direction());
        let ran = ran::run_while(self.hop("cp").args(&words), |child, _| {
            if wire.bytes(way.direction()) - before > MIDDLE {
                child.kill().expect("kill hop");
            }
        });
        assert_eq!(ran.signal, Some(9), "it ended before: {}", brief(&ran));
        let target = self.there(way, "large/large");
        assert!(!target.exists(), "a torn file has its name");
        let parts = Street::parts(&self.there(way, "large"));
        assert_eq!(parts.len(), 1, "one part is left: {parts:?}");
        let ran = self.must_end_well(self.hop("cp").args(["-v", "--json"]).args(&words), &words);
        same(&target, &bytes, &ran);
        self.nothing_is_left(way, "large", &ran);
        // what a source cannot tell without sending it is sent
        if way == Way::Up && part == Part::GoesOn {
            assert!(ran.summary("bytes") < LARGE, "nothing of the part was used: {}", brief(&ran));
        }
    }

    fn cut(&self, way: Way) {
        let (bytes, words) = self.large(way);
        let wire = self.street.server(ACC_PVT).wire.as_ref().expect("a wire");
        wire.arm(Some(Cut { direction: way.direction(), at: MIDDLE, how: How::Reset }));
        let ran = self.must_end_well(self.hop("cp").args(["-v", "--json"]).args(&words), &words);
        assert!(wire.is_cut(), "it was not cut: {}", brief(&ran));
        same(&self.there(way, "large/large"), &bytes, &ran);
        self.nothing_is_left(way, "large", &ran);
    }

    /// Twice, and the second time nothing moves; then what changed, and what went.
    fn synced(&self, way: Way) {
        let files = tree();
        let (source, target) = (source_of(way, "synced-from"), "synced-to");
        self.folder(way, target);
        files.iter().for_each(|(name, bytes)| self.put(way, &format!("{source}/{name}"), bytes));
        let words = Scene::words(way, &[&format!("{source}/")], target);
        let sync = || self.must_end_well(self.hop("sync").args(["--json", "--delete"]).args(&words), &words);
        let first = sync();
        files.iter().for_each(|(name, bytes)| same(&self.there(way, &format!("{target}/{name}")), bytes, &first));
        let second = sync();
        assert_eq!(second.summary("bytes"), 0, "the second moved something: {}", brief(&second));
        let (name, _) = &files[3];
        self.put(way, &format!("{source}/{name}"), b"changed");
        let gone = source_side(self, way, &format!("{source}/{}", files[4].0));
        fs::remove_file(gone).expect("remove a file");
        let third = sync();
        same(&self.there(way, &format!("{target}/{name}")), b"changed", &third);
        assert!(!self.there(way, &format!("{target}/{}", files[4].0)).exists(), "it was to go: {}", brief(&third));
        self.nothing_is_left(way, target, &third);
    }

    /// Everything arrives, and fails for its times, as with scp; folders are told in one line.
    fn synced_without_times(&self) {
        self.folder(Way::Up, "synced-to");
        let files = tree();
        files.iter().for_each(|(name, bytes)| self.put(Way::Up, &format!("synced-from/{name}"), bytes));
        let words = Scene::words(Way::Up, &["synced-from/"], "synced-to");
        let ran = ran::run(self.hop("sync").args(&words));
        let is_told = ran.stderr.contains("operation not supported") && ran.stderr.contains("11 have their own");
        assert!(ran.code == Some(23) && is_told, "{}", brief(&ran));
        files.iter().for_each(|(name, bytes)| same(&self.there(Way::Up, &format!("synced-to/{name}")), bytes, &ran));
        self.nothing_is_left(Way::Up, "synced-to", &ran);
    }

    fn nothing_is_left(&self, way: Way, folder: &str, ran: &Ran) {
        let parts = Street::parts(&self.there(way, folder));
        assert!(parts.is_empty(), "left: {parts:?}: {}", brief(ran));
    }
}

impl Way {
    fn direction(self) -> Direction {
        match self {
            Way::Up => Direction::Up,
            Way::Down => Direction::Down,
        }
    }
}

fn source_of(way: Way, name: &str) -> String {
    format!("{name}-{way:?}")
}

fn source_side(scene: &Scene, way: Way, path: &str) -> std::path::PathBuf {
    let other = if way == Way::Up { Way::Down } else { Way::Up };
    scene.there(other, path)
}

/// Two hundred small files in ten folders.
fn tree() -> Vec<(String, Vec<u8>)> {
    let file = |index: usize| (format!("d{}/f{index}", index % 10), noise(index as u64, index * 97));
    (0..FILES).map(file).collect()
}

fn same(file: &Path, bytes: &[u8], ran: &Ran) {
    let found = fs::read(file).unwrap_or_else(|problem| panic!("{}: {problem}: {}", file.display(), brief(ran)));
    let first = found.iter().zip(bytes).position(|(one, other)| one != other);
    let is_same = found.len() == bytes.len() && first.is_none();
    let told = format!("{} has {} of {} bytes, other from {first:?}", file.display(), found.len(), bytes.len());
    assert!(is_same, "{told}: {}", brief(ran));
}

/// How a run ended, and the last it said.
fn brief(ran: &Ran) -> String {
    let said: Vec<&str> = ran.stderr.lines().filter(|line| !is_trace(line)).collect();
    format!("exit {:?} signal {:?}:\n  {}", ran.code, ran.signal, said[said.len().saturating_sub(6)..].join("\n  "))
}

fn is_trace(line: &str) -> bool {
    line.starts_with("russh::") || line.ends_with(" bytes are there")
}
