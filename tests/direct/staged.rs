//! The folders that small files arrive in: each run's own, under a name that nobody can guess. What a killed run has left
//! goes with the next one, whatever file came first; what is not surely this user's is neither used nor touched.

use std::fs;
use std::os::unix::fs::{PermissionsExt as _, chown, symlink};
use std::path::{Path, PathBuf};
use std::process::{Child, Command};
use std::time::{Duration, SystemTime};

use super::{at_once, cp, is_direct};
use crate::end_to_end::{Tree, noise, same, tree};
use crate::skips::need_root;
use crate::street::{ACC_PVT, DELL_PVT, Street, run, until};
use crate::whole::ran::run_while;
use crate::wire::Link;

const FILES: usize = 160;
const LENGTH: usize = 40_000;

/// A source of many small files, and a link on which they take some seconds.
fn scene() -> Option<Street> {
    let slow = Link { rate: Some(4 << 20), ..Link::default() };
    let street = Street::plan().link(DELL_PVT, slow).start()?;
    let name = |index: usize| format!("{}/d{}/f{index}", ["tree", "other"][index % 2], index % 5);
    street.put_all(ACC_PVT, (0..FILES).map(|index| (name(index), noise(index as u64, LENGTH))));
    Some(street)
}

fn copy(street: &Street, words: &[&str]) -> Command {
    match words {
        ["sync", words @ ..] => {
            let mut command = street.hop("sync");
            command.args(["--progress", "plain", "-R"]).args(words);
            command
        }
        words => cp(street, ["-R", "-r"].iter().chain(words)),
    }
}

fn parts_below(folder: &Path) -> Vec<PathBuf> {
    let names = tree(folder).into_keys().map(PathBuf::from);
    names.filter(|path| path.extension().is_some_and(|ending| ending == "part")).collect()
}

/// The folder in which files have arrived that have no names yet.
fn staged(street: &Street) -> Option<PathBuf> {
    let home = street.home(DELL_PVT);
    let has_some = |folder: &PathBuf| fs::read_dir(folder).is_ok_and(|files| files.count() > 10);
    parts_below(home).into_iter().map(|part| home.join(part)).find(has_some)
}

/// Kills it when there is such a folder; which.
fn killed(street: &Street, words: &[&str]) -> PathBuf {
    let ran = run_while(&mut copy(street, words), |hop, _| {
        if staged(street).is_some() {
            hop.kill().expect("kill hop");
        }
    });
    until("nobody writes there any more", || street.server(DELL_PVT).processes_named("tar").is_empty());
    staged(street).unwrap_or_else(|| panic!("nothing was left: {ran}"))
}

fn sent(street: &Street, name: &str) -> Tree {
    tree(&street.home(ACC_PVT).join(name))
}

fn arrived(street: &Street, name: &str) -> Tree {
    tree(&street.home(DELL_PVT).join(name))
}

#[test]
fn the_folder_of_a_killed_run_goes_with_the_next_whatever_comes_first() {
    let commands: [&[&str]; 5] = [
        &["sync", "acc-pvt:tree/", "dell-pvt:new"],
        &["acc-pvt:tree/.", "dell-pvt:old"],
        &["acc-pvt:tree", "acc-pvt:other", "dell-pvt:old"],
        &["acc-pvt:tree/d*", "dell-pvt:old"],
        &["acc-pvt:tree", "dell-pvt:new"],
    ];
    at_once(commands, |words| {
        let Some(street) = scene() else { return };
        fs::create_dir(street.home(DELL_PVT).join("old")).expect("a folder");
        street.own(DELL_PVT);
        let left = killed(&street, words);
        // what came first does not come now
        let first = left.file_name().expect("a name").to_string_lossy().into_owned();
        let first = first.trim_start_matches('.').split(".hop-").next().expect("a name").to_owned();
        if first != "new" {
            fs::rename(street.home(ACC_PVT).join("tree").join(&first), street.home(ACC_PVT).join("tree/renamed"))
                .or_else(|_| fs::rename(street.home(ACC_PVT).join(&first), street.home(ACC_PVT).join("renamed")))
                .expect("rename it");
        }
        let words: Vec<String> =
            words.iter().map(|word| word.replace(&format!("acc-pvt:{first}"), "acc-pvt:renamed")).collect();
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        let ran = run(&mut copy(&street, &words));
        assert!(ran.code == Some(0) && is_direct(&ran.stderr), "{words:?}: {ran}");
        assert_eq!(parts_below(street.home(DELL_PVT)), Vec::<PathBuf>::new(), "{words:?}: {left:?} {ran}");
    });
}

#[test]
fn the_folder_of_a_killed_run_goes_when_nothing_is_left_to_send() {
    let Some(street) = scene() else { return };
    let words = ["sync", "acc-pvt:tree/", "dell-pvt:new"];
    killed(&street, &words);
    let [from, to] = [street.home(ACC_PVT).join("tree"), street.home(DELL_PVT).join("new")];
    let ran = run(Command::new("cp").arg("-a").arg(from.join(".")).arg(&to));
    assert_eq!(ran.code, Some(0), "{ran}");
    street.own(DELL_PVT);
    let ran = run(&mut copy(&street, &words));
    assert!(ran.code == Some(0) && is_direct(&ran.stderr), "{ran}");
    assert_eq!(parts_below(street.home(DELL_PVT)), Vec::<PathBuf>::new(), "{ran}");
    same(&sent(&street, "tree"), &arrived(&street, "new"));
}

/// Folders and a link that another user has made, in a folder in which everybody may make something. He knows how those of a
/// run are called, and what the files in them are.
#[test]
fn what_another_user_made_beforehand_is_neither_used_nor_touched() {
    if !need_root("to make another user's files") {
        return;
    }
    let Some(street) = scene() else { return };
    if !street.own_homes() {
        return;
    }
    let shared = street.put(DELL_PVT, "shared/theirs", b"").parent().expect("a folder").to_owned();
    fs::set_permissions(&shared, fs::Permissions::from_mode(0o1777)).expect("open it to all");
    let words = ["acc-pvt:tree", "dell-pvt:shared"];
    let made = killed(&street, &words).file_name().expect("a name").to_string_lossy().into_owned();
    let victim = street.put(DELL_PVT, "victim/0", b"victim").parent().expect("a folder").to_owned();
    let called = |run: &str| shared.join(made.replace(&made[made.len() - 21..made.len() - 5], run));
    // as a version before called it, by what is known of it beforehand, and four as they are called now
    let former = shared.join(format!(".tree.hop-{}.part", &made[made.len() - 37..made.len() - 21]));
    let runs = ["0123456789abcdef", "0123456789abcde0", "0123456789abcde1"].map(called);
    let planted = [&[former][..], &runs].concat();
    for (folder, (mode, owner)) in planted.iter().zip([(0o777, 1234), (0o777, 1234), (0o700, 1234), (0o777, 0)]) {
        fs::create_dir(folder).expect("a folder");
        for number in 0..FILES {
            fs::write(folder.join(number.to_string()), vec![0; LENGTH]).expect("a file");
        }
        fs::set_permissions(folder, fs::Permissions::from_mode(mode)).expect("set the mode");
        let owner = if owner == 0 { owner_of(&shared) } else { owner };
        chown(folder, Some(owner), Some(owner)).expect("give it away");
        long_ago(folder);
    }
    let link = called("0123456789abcde2");
    symlink(&victim, &link).expect("a link");
    let before: Vec<Tree> = planted.iter().map(|folder| tree(folder)).collect();
    let ran = run(&mut copy(&street, &words));
    assert!(ran.code == Some(0) && is_direct(&ran.stderr), "{ran}");
    same(&sent(&street, "tree"), &arrived(&street, "shared/tree"));
    for (folder, before) in planted.iter().zip(&before) {
        same(before, &tree(folder));
    }
    assert_eq!(fs::read(victim.join("0")).expect("it is there"), b"victim");
    // its own went
    assert_eq!(Street::parts(&shared).len(), planted.len() + 1, "{ran}");
}

fn owner_of(folder: &Path) -> u32 {
    std::os::unix::fs::MetadataExt::uid(&fs::metadata(folder).expect("it is there"))
}

fn long_ago(folder: &Path) {
    let then = SystemTime::now() - Duration::from_secs(1000);
    fs::File::open(folder).and_then(|folder| folder.set_modified(then)).expect("set its time");
}

/// As a run of another machine, which does not see this one's locks.
fn elsewhere(street: &Street, command: &mut Command) {
    command.env("HOP_LOCKS", street.laptop().join("another machine's"));
}

#[test]
fn two_runs_of_one_tree_overlap_the_second_without_resuming() {
    let overlaps = ["old", "new"].into_iter().flat_map(|to| [(to, false), (to, true)]);
    at_once(overlaps, |(to, are_apart)| {
        let Some(street) = scene() else { return };
        street.put(ACC_PVT, "tree/large", &noise(1000, 6_000_000));
        let to = street.home(DELL_PVT).join(to);
        let words = ["acc-pvt:tree", &format!("dell-pvt:{}", to.file_name().expect("a name").to_string_lossy())];
        if words[1].ends_with("old") {
            fs::create_dir(&to).expect("a folder");
            street.own(DELL_PVT);
        }
        let mut second: Option<Child> = None;
        let first = run_while(&mut copy(&street, &words), |_, _| {
            if second.is_none() && staged(&street).is_some() {
                let mut command = copy(&street, &[&words[..], &["--no-resume"]].concat());
                if are_apart {
                    elsewhere(&street, &mut command);
                }
                command.stdin(std::process::Stdio::null()).stdout(std::process::Stdio::piped());
                second = Some(command.stderr(std::process::Stdio::piped()).spawn().expect("hop cp"));
            }
        });
        let second = second.unwrap_or_else(|| panic!("it was over: {first}")).wait_with_output().expect("wait for hop");
        let said = String::from_utf8_lossy(&second.stderr).into_owned();
        let ends_well = |code: Option<i32>, said: &str| code == Some(0) || code == Some(75) && said.contains("--lock");
        let all = format!("{words:?} apart {are_apart}: {first}\nand {:?}: {said}", second.status);
        assert!(ends_well(first.code, &first.stderr) && ends_well(second.status.code(), &said), "{all}");
        assert!(is_direct(&first.stderr) && is_direct(&said), "{all}");
        let there = if to.join("tree").exists() { to.join("tree") } else { to };
        same(&sent(&street, "tree"), &tree(&there));
        assert!(are_apart || parts_below(street.home(DELL_PVT)).is_empty(), "{all}");
    });
}
