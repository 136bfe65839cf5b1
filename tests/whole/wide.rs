//! Trees that are wide and deep, honest or made up, with links to folders everywhere (F39): hop keeps within 64 MiB, leaves
//! nothing behind where it keeps what does not fit, and what is honest arrives.
//!
//! `endless-sftp-server` is started by the private server's sshd instead of the real one.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use tempfile::TempDir;

use super::ran::{Ran, run};
use crate::skips::need;
use crate::street::{ACC_PVT, Street};

/// KiB that hop may take, whatever a server says.
const MOST: u64 = 64 << 10;

/// A street whose acc-pvt makes its trees up.
struct Scene {
    street: Street,
    /// Where hop keeps what does not fit.
    scratch: TempDir,
}

impl Scene {
    /// With the server's own words.
    fn new(words: &str) -> Option<Scene> {
        let perl = need("perl")?;
        let subsystem = format!("Subsystem sftp {} .endless {words}", perl.display());
        let street = Street::plan().without_sftp(ACC_PVT).sshd(ACC_PVT, subsystem).start()?;
        street.put(ACC_PVT, ".endless", include_bytes!("endless-sftp-server"));
        // commands start in the home folder, so it must be the street's
        street.own_homes().then(|| Scene { street, scratch: tempfile::tempdir().expect("a folder") })
    }

    fn hop(&self, words: &[&str]) -> Ran {
        let mut command = self.street.hop(words[0]);
        command.env("TMPDIR", self.scratch.path()).args(&words[1..]);
        let ran = run(&mut command);
        assert!(ran.signal.is_none() && !ran.stderr.contains("panicked"), "{words:?}: {}", brief(&ran));
        assert!(ran.peak > 0 && ran.peak < MOST, "{words:?}: {}", brief(&ran));
        assert_eq!(fs::read_dir(self.scratch.path()).expect("list").count(), 0, "{words:?} leaves something");
        ran
    }
}

/// What was said may be long.
fn brief(ran: &Ran) -> String {
    let last =
        |text: &str| text.lines().rev().take(3).map(|line| line.chars().take(300).collect()).collect::<Vec<String>>();
    format!(
        "exit {:?} signal {:?}, {} KiB: {:?} {:?}",
        ran.code,
        ran.signal,
        ran.peak,
        last(&ran.stdout),
        last(&ran.stderr)
    )
}

/// The walk goes on until the server is gone, after so many parts of listings; a hundredth when files are copied, too.
fn is_bounded(shape: &str, parts: usize) {
    for dry in [true, false] {
        let Some(scene) = Scene::new(&format!("{shape} {}", if dry { parts } else { parts / 100 })) else { return };
        let dry_run: &[&str] = if dry { &["--dry-run"] } else { &[] };
        let words = [&["cp", "-r", "--retries", "0", "--progress", "none"], dry_run, &["acc-pvt:tree", "to"]].concat();
        let ran = scene.hop(&words);
        assert_eq!(ran.code, Some(10), "{shape}: {}", brief(&ran));
        remove(&scene.street.laptop().join("to"));
    }
}

fn folders_below(folder: &Path) -> usize {
    let (mut count, mut waiting) = (0, vec![folder.to_owned()]);
    while let Some(next) = waiting.pop() {
        let entries = fs::read_dir(next).expect("list").map(|entry| entry.expect("list"));
        let folders = entries.filter(|entry| entry.file_type().expect("its kind").is_dir());
        waiting.extend(folders.map(|folder| folder.path()).inspect(|_| count += 1));
    }
    count
}

/// A tree whose paths are too long for one call.
fn remove(tree: &Path) {
    assert!(Command::new("rm").arg("-rf").arg(tree).status().is_ok_and(|status| status.success()));
}

#[test]
fn f39_folders_of_folders_without_end() {
    is_bounded("folders", 1000);
}

#[test]
fn f39_five_hundred_folders_and_files_a_level() {
    is_bounded("levels", 1000);
}

#[test]
fn f39_fifty_links_to_folders_a_folder() {
    is_bounded("links", 3000);
}

#[test]
fn f39_the_shortest_and_the_longest_names() {
    is_bounded("shortest", 500);
    is_bounded("longest", 1500);
}

/// A folder or a tree without end: one is said to be too much, the other ends with the server.
#[test]
fn f39_what_is_made_up_is_listed() {
    let endless = [("folders 900", "-R", 12), ("longest 200", "-lR", 12), ("shortest 300", "--json", 12)];
    for (shape, how, code) in endless.into_iter().chain([("levels 100", "-lR", 10), ("links 400", "-lR", 0)]) {
        let Some(scene) = Scene::new(shape) else { return };
        let ran = scene.hop(&["ls", how, "acc-pvt:tree"]);
        assert_eq!(ran.code, Some(code), "{shape} {how}: {}", brief(&ran));
        assert!(code != 12 || ran.stderr.contains("more than 24 MiB of names"), "{shape} {how}: {}", brief(&ran));
    }
}

#[test]
fn f39_a_folder_of_270_000_is_listed() {
    let Some(scene) = Scene::new("big -1") else { return };
    for how in ["-R", "-lR"] {
        let ran = scene.hop(&["ls", how, "acc-pvt:tree"]);
        let count = ran.stdout.lines().count();
        assert_eq!((ran.code, count), (Some(0), 270_001), "{how}: {}", brief(&ran));
    }
}

#[test]
fn f39_an_honest_wide_and_deep_tree_is_listed() {
    let Some(scene) = Scene::new("honest -1 1 1") else { return };
    let ran = scene.hop(&["ls", "-R", "acc-pvt:tree"]);
    // its chains are deeper than is listed
    assert!(ran.code == Some(23) && ran.stderr.contains("deeper than 256"), "{}", brief(&ran));
    let folders = ran.stdout.lines().filter(|line| line.ends_with(':')).count();
    assert_eq!(folders, 1 + 1_000 + 255, "{}", brief(&ran));
}

#[test]
fn f39_an_honest_wide_and_deep_tree_arrives() {
    let (wide, chains) = if super::is_full() { (12, 40) } else { (12, 12) };
    let Some(scene) = Scene::new(&format!("honest -1 {wide} {chains}")) else { return };
    let ran = scene.hop(&["cp", "-r", "--json", "acc-pvt:tree", "to"]);
    assert_eq!(ran.code, Some(0), "{}", brief(&ran));
    assert_eq!(ran.summary("files_done"), chains);
    let to = scene.street.laptop().join("to");
    let deepest: PathBuf = std::iter::repeat_n("c", 600).collect();
    assert_eq!(
        fs::read(to.join(format!("d{}", wide * 1000 - 1)).join(deepest).join("leaf")).expect("it is there"),
        b"x"
    );
    assert_eq!(folders_below(&to), wide * 1000 + chains as usize * 600);
    remove(&to);
}

#[test]
fn f39_a_folder_of_270_000_is_mirrored() {
    let Some(scene) = Scene::new("big -1") else { return };
    for name in ["f0_1", "f269_1000", "f270_1", "extra/g"] {
        scene.street.put_here(format!("to/{name}"), b"x");
    }
    let ran = scene.hop(&["sync", "--delete", "--dry-run", "acc-pvt:tree/", "to"]);
    assert_eq!(ran.code, Some(0), "{}", brief(&ran));
    let mut goes: Vec<&str> = ran.stdout.lines().filter_map(|line| line.strip_prefix("delete ")).collect();
    goes.sort_unstable();
    assert_eq!(goes, ["to/extra", "to/extra/g", "to/f270_1"]);
}

#[test]
fn f39_many_folders_on_a_server_with_few_handles() {
    const FOLDERS: usize = 700;
    let Some(server) = need("sftp-server") else { return };
    let forced = format!("ForceCommand ulimit -n $(cat \"$HOME/most\"); exec {}", server.display());
    let Some(street) = Street::plan().sshd(ACC_PVT, forced).start() else { return };
    if !street.own_homes() {
        return;
    }
    let synced = |most: &str| {
        street.put(ACC_PVT, "most", most.as_bytes());
        let ran = run(street.hop("sync").args(["--json", "tree/", "acc-pvt:tree"]));
        assert_eq!(ran.code, Some(0), "{most} handles: {}", brief(&ran));
        (ran.summary("files_done"), ran.summary("files_unchanged"))
    };
    (0..FOLDERS).for_each(|index| drop(street.put_here(format!("tree/d{index}/f"), b"old")));
    assert_eq!(synced("1024"), (FOLDERS as u64, 0));
    assert_eq!(synced("80"), (0, FOLDERS as u64));
    (0..FOLDERS / 2).for_each(|index| drop(street.put_here(format!("tree/d{index}/f"), b"newer")));
    assert_eq!(synced("80"), (FOLDERS as u64 / 2, FOLDERS as u64 / 2));
    for (index, content) in [(0, "newer"), (FOLDERS - 1, "old")] {
        let there = street.home(ACC_PVT).join(format!("tree/d{index}/f"));
        assert_eq!(fs::read_to_string(there).expect("it is there"), content);
    }
}

#[test]
fn f39_patterns_without_end() {
    for (shape, pattern) in [("folders", "acc-pvt:d*/*/*"), ("longest", "acc-pvt:n*")] {
        let Some(scene) = Scene::new(&format!("{shape} -1")) else { return };
        let ran = scene.hop(&["cp", "-r", pattern, "."]);
        assert_eq!(ran.code, Some(2), "{pattern}: {}", brief(&ran));
        assert!(ran.stderr.contains("matches too many files"), "{pattern}: {}", brief(&ran));
    }
}
