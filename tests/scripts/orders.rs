//! What an order of a direct copy has the two hosts do: a share of a file is read and written, small files are packed and
//! unpacked.

use std::fs;
use std::io::Write as _;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, symlink};
use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::time::{Duration, SystemTime};

use hop::lend::with_variables;

use super::shells::{Programs, Shell, printed, shells};

const ORDER: &str = include_str!("../../src/copy/direct/remote/order.sh");
const READ_SHARE: &str = include_str!("../../src/copy/direct/remote/read_share.sh");
const WRITE_SHARE: &str = include_str!("../../src/copy/direct/remote/write_share.sh");
const PACK: &str = include_str!("../../src/copy/direct/remote/pack.sh");
const UNPACK: &str = include_str!("../../src/copy/direct/remote/unpack.sh");
const RUNS_COMMANDS: &str = include_str!("../../src/copy/direct/setup/runs_commands.sh");

/// A tar that is not GNU's.
const PLAIN_TAR: (&str, &str) =
    ("tar", "case $* in *--hard-dereference*) echo unknown >&2; exit 1 ;; esac; exec /usr/bin/tar \"$@\"");

fn text(path: &Path) -> &str {
    path.to_str().expect("text")
}

/// As it begins on a host, in a language of its own, with a mask of its own.
fn order(shell: &Shell, variables: &[(&str, &str)], script: &str) -> Command {
    let script = ["umask 022\n".as_bytes(), ORDER.as_bytes(), &with_variables(variables, script)].concat();
    let mut command = shell.script(&script);
    command.env("LC_ALL", "C.UTF-8");
    command
}

/// What comes of a command that is given this input.
fn fed(mut command: Command, input: &[u8]) -> Output {
    let mut child =
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("a shell");
    // one that ends at once reads none of it
    let _ = child.stdin.take().expect("piped").write_all(input);
    child.wait_with_output().expect("it ends")
}

#[test]
fn a_host_shows_that_it_runs_commands() {
    let Some(shells) = shells() else { return };
    for shell in &shells {
        assert_eq!(printed(&mut shell.script(RUNS_COMMANDS.as_bytes())), "hop-runs-commands\n", "{}", shell.name);
    }
}

#[test]
fn each_end_of_an_order_speaks_english() {
    let Some(shells) = shells() else { return };
    for shell in &shells {
        let said = order(shell, &[], "printenv LC_ALL").output().expect("it starts");
        assert_eq!((&said.stdout[..], &said.stderr[..]), (&b"C\n"[..], &b"\n"[..]), "{}", shell.name);
    }
}

#[test]
fn a_share_is_read_where_it_begins_and_counted() {
    let Some(shells) = shells() else { return };
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("it's a file");
    fs::write(&file, b"aaaabbbbccccdd").expect("a file");
    for shell in &shells {
        let read = |skip, count| {
            let variables = [("source", text(&file)), ("block", "4"), ("skip", skip), ("count", count)];
            let read = order(shell, &variables, READ_SHARE).output().expect("it starts");
            (String::from_utf8(read.stdout).expect("text"), String::from_utf8(read.stderr).expect("text"))
        };
        let (data, words) = read("1", "2");
        assert_eq!(data, "bbbbcccc", "{}", shell.name);
        // a greeting without an end stands on a line of its own
        assert!(words.starts_with("\n2+0 records in\n"), "{}: {words}", shell.name);
        let (data, words) = read("2", "2");
        assert!(data == "ccccdd" && words.contains("\n1+1 records in\n"), "{}: {data} {words}", shell.name);
    }
}

#[test]
fn a_share_is_written_into_a_part_that_is_there_and_no_link() {
    let Some(shells) = shells() else { return };
    for shell in &shells {
        let folder = tempfile::tempdir().expect("a folder");
        let (part, link) = (folder.path().join("it's a part"), folder.path().join("link"));
        fs::write(&part, b"aaaabbbbccccdd").expect("a part");
        symlink(&part, &link).expect("a link");
        let write = |part: &Path| {
            let variables = [("part", text(part)), ("block", "4"), ("seek", "1")];
            fed(order(shell, &variables, WRITE_SHARE), b"BBBB").status.code()
        };
        assert_eq!(write(&part), Some(0), "{}", shell.name);
        assert_eq!(fs::read(&part).expect("it is there"), b"aaaaBBBBccccdd", "{}: the rest stays", shell.name);
        fs::write(&part, b"aaaabbbbcccc").expect("a part");
        assert_eq!(write(&link), Some(1), "{}: a link", shell.name);
        assert_eq!(fs::read(&part).expect("it is there"), b"aaaabbbbcccc", "{}: not by a link", shell.name);
        assert_eq!(write(&folder.path().join("gone")), Some(1), "{}: no part", shell.name);
        assert!(!folder.path().join("gone").exists(), "{}: none is made", shell.name);
    }
}

#[test]
fn small_files_are_packed_by_the_numbers_of_their_links() {
    let Some(shells) = shells() else { return };
    let (gnus, other) = (Programs::new(&[]), Programs::new(&[PLAIN_TAR]));
    for shell in &shells {
        // of two names of one file, another tar than GNU's would make one a link
        for (programs, arrived) in [(&gnus, &["1", "2", "3"][..]), (&other, &["3"])] {
            let folder = tempfile::tempdir().expect("a folder");
            let [files, links, staging] = ["files", "it's links", "it's staging"].map(|name| folder.path().join(name));
            for folder in [&files, &links, &staging] {
                fs::create_dir(folder).expect("a folder");
            }
            fs::write(files.join("twin"), "twin").expect("a file");
            fs::hard_link(files.join("twin"), files.join("other")).expect("a second name");
            fs::write(files.join("alone"), "alone").expect("a file");
            let old = SystemTime::now() - Duration::from_secs(600);
            fs::File::options()
                .append(true)
                .open(files.join("alone"))
                .expect("a file")
                .set_modified(old)
                .expect("older");
            fs::set_permissions(files.join("alone"), fs::Permissions::from_mode(0o640)).expect("its owner's");
            for (number, name) in [("1", "twin"), ("2", "other"), ("3", "alone"), ("4", "alone")] {
                symlink(files.join(name), links.join(number)).expect("a link");
            }
            let variables = [("links", text(&links)), ("numbers", "1 2 3")];
            let pack = order(shell, &variables, PACK).env("PATH", programs.path()).output().expect("it starts");
            let words = String::from_utf8_lossy(&pack.stderr);
            assert_eq!((pack.status.code(), &*words), (Some(0), "\n"), "{}: tar has nothing to say", shell.name);
            let left: Vec<_> = links.read_dir().expect("it is there").flatten().map(|link| link.file_name()).collect();
            assert_eq!(left, ["4"], "{}: the others are removed", shell.name);

            let unpack = order(shell, &[("staging", text(&staging))], UNPACK);
            assert_eq!(fed(unpack, &pack.stdout).status.code(), Some(0), "{}", shell.name);
            let mut found: Vec<_> = staging.read_dir().expect("it is there").flatten().collect();
            found.sort_by_key(fs::DirEntry::file_name);
            let names: Vec<_> = found.iter().map(fs::DirEntry::file_name).collect();
            assert_eq!(names, arrived, "{}", shell.name);
            let alone = fs::symlink_metadata(staging.join("3")).expect("it has arrived");
            assert!(alone.is_file() && alone.mode() & 0o777 == 0o640, "{}: {:o}", shell.name, alone.mode());
            assert_eq!(fs::read(staging.join("3")).expect("a file"), b"alone", "{}", shell.name);
            assert!(found.iter().all(|entry| entry.metadata().expect("it is there").nlink() == 1), "{}", shell.name);
            assert!(alone.modified().expect("a time") > old + Duration::from_secs(300), "{}: it is new", shell.name);
        }
        nothing_is_read_or_written_where_the_folder_has_gone(shell);
    }
}

fn nothing_is_read_or_written_where_the_folder_has_gone(shell: &Shell) {
    let pack = order(shell, &[("links", "/nowhere"), ("numbers", "1")], PACK).output().expect("it starts");
    assert!(pack.stdout.is_empty() && !pack.status.success(), "{}", shell.name);
    assert!(!fed(order(shell, &[("staging", "/nowhere")], UNPACK), b"").status.success(), "{}", shell.name);
}
