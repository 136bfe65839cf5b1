//! F45, the other way: many small files come down together, as archives that `tar` packs there; `tar`, its server, the link
//! or hop itself ends somewhere in the middle, or `tar` says what nobody has asked for. Every file is old or new, and
//! what did not come together comes by itself.

use std::fs;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::{Path, PathBuf};
use std::process::Command;

use super::packed_ends::{Ends, Trip, ends};
use super::ran::{Ran, run};
use super::ways::street;
use crate::direct::tools::Tools;
use crate::end_to_end::{same, tree};
use crate::pseudorandom::noise;
use crate::skips::need;
use crate::street::{ACC_PVT, Plan, Street};

/// What `-v` says once files come together.
const TOGETHER: &str = "small files come together";

const FILES: usize = 1000;

/// A tree of small files on acc-pvt, with everything that a name, a mode or a size can be.
fn furnish(street: &Street) -> PathBuf {
    let files =
        (0..FILES).map(|index| (format!("tree/d{}/f{index}", index % 17), noise(index as u64, index * 7 % 9000)));
    street.put_all(ACC_PVT, files);
    let odd: [&[u8]; 7] = [b"it's $(id)\n -rf", b"-x", b"\xff\xfe", b"a\\b", b" ", b"$x`y`\"", &[b'n'; 255]];
    let root = street.home(ACC_PVT).join("tree");
    for (index, name) in odd.into_iter().enumerate() {
        use std::os::unix::ffi::OsStrExt as _;
        fs::write(root.join("d1").join(std::ffi::OsStr::from_bytes(name)), noise(7, 1 + index * 600))
            .expect("write it");
    }
    fs::hard_link(root.join("d1/f1"), root.join("d1/same")).expect("a second name");
    fs::create_dir_all(root.join("empty/below").join("d".repeat(200))).expect("make it");
    for index in 0..20 {
        let long = format!("{}/{index}-{}", "d".repeat(200), "n".repeat(200));
        fs::write(root.join("empty/below").join(long), noise(9, 1 + index)).expect("write it");
    }
    fs::write(root.join("empty/not"), b"").expect("write it");
    symlink("f1", root.join("d1/link")).expect("a link");
    street.put(ACC_PVT, "tree/d3/large", &noise(5, 3 << 20));
    street.own(ACC_PVT);
    for (index, mode) in [0o600, 0o755, 0o444, 0o666, 0o4711].into_iter().enumerate() {
        let path = root.join(format!("d2/f{}", 2 + 17 * index));
        fs::set_permissions(path, fs::Permissions::from_mode(mode)).expect("set the mode");
    }
    fs::create_dir_all(street.laptop().join("to")).expect("make it");
    fs::write(street.laptop().join("to/beside"), b"not to be touched").expect("write it");
    root
}

fn copy(street: &Street, more: &[&str]) -> Command {
    let mut command = street.hop("cp");
    command.args(["-r", "-v", "--progress", "none"]).args(more).args(["acc-pvt:tree", "to/"]);
    command
}

/// It has arrived, nothing is left, and files came together, or not.
fn arrives(street: &Street, ran: &Ran, together: bool) {
    assert_eq!(ran.code, Some(0), "{ran}");
    assert_eq!(ran.stderr.contains(TOGETHER), together, "{ran}");
    let to = street.laptop().join("to");
    same(&tree(&street.laptop().join("by-itself")), &tree(&to.join("tree")));
    assert_eq!(Street::parts(&to), Vec::<PathBuf>::new(), "{ran}");
    assert_eq!(fs::read(to.join("beside")).ok().as_deref(), Some(&b"not to be touched"[..]));
    fs::remove_dir_all(to.join("tree")).expect("it is there");
}

/// The same tree, each file by itself.
fn by_itself(street: &Street, more: &[&str]) {
    let here = street.laptop().join("by-itself");
    if here.exists() {
        fs::remove_dir_all(&here).expect("remove it");
    }
    let mut command = street.hop("cp");
    let ran = run(command.args(["-r", "-v", "--no-pack"]).args(more).args(["acc-pvt:tree", "by-itself"]));
    assert!(ran.code == Some(0) && !ran.stderr.contains(TOGETHER), "{ran}");
    assert_eq!(tree(&here).len(), tree(&street.home(ACC_PVT).join("tree")).len());
}

fn seconds(folder: &Path) -> Vec<(PathBuf, u64)> {
    let second = |time: std::time::SystemTime| time.duration_since(std::time::UNIX_EPOCH).expect("after").as_secs();
    let mut times: Vec<_> = fs::read_dir(folder)
        .expect("list it")
        .map(|entry| {
            let entry = entry.expect("list it");
            let time = entry.metadata().expect("look at it").modified().expect("a time");
            (entry.file_name().into(), second(time))
        })
        .collect();
    times.sort();
    times
}

#[test]
fn small_files_that_came_together_are_as_if_each_had_come_by_itself() {
    let Some(street) = street(None) else { return };
    let root = furnish(&street);
    for more in [&[][..], &["-p"], &["--symlinks", "keep"]] {
        by_itself(&street, more);
        arrives(&street, &run(&mut copy(&street, more)), true);
    }
    let ran = run(&mut copy(&street, &["-p"]));
    assert_eq!(ran.code, Some(0), "{ran}");
    assert_eq!(seconds(&root.join("d5")), seconds(&street.laptop().join("to/tree/d5")), "-p keeps times");
}

#[test]
fn files_that_stand_there_are_replaced_and_what_a_killed_run_left_goes() {
    let Some(street) = street(None) else { return };
    furnish(&street);
    by_itself(&street, &[]);
    let ran = run(&mut copy(&street, &[]));
    assert_eq!(ran.code, Some(0), "{ran}");
    let there = street.laptop().join("to/tree/d7");
    for entry in fs::read_dir(&there).expect("list it") {
        let path = entry.expect("list it").path();
        fs::write(&path, b"old").expect("write it");
        fs::set_permissions(&path, fs::Permissions::from_mode(0o640)).expect("set the mode");
    }
    let ran = run(&mut copy(&street, &[]));
    assert!(ran.code == Some(0) && ran.stderr.contains(TOGETHER), "{ran}");
    for entry in fs::read_dir(&there).expect("list it") {
        let path = entry.expect("list it").path();
        assert_eq!(fs::metadata(&path).expect("look at it").permissions().mode() & 0o777, 0o640, "an old file's mode");
        fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).expect("set the mode");
    }
    arrives(&street, &ran, true);
}

#[test]
fn what_is_compared_or_flushed_comes_by_itself() {
    let Some(street) = street(None) else { return };
    furnish(&street);
    by_itself(&street, &[]);
    for more in ["--verify", "--fsync", "--no-pack"] {
        arrives(&street, &run(&mut copy(&street, &[more])), false);
    }
}

/// A street whose acc-pvt has these programs first.
fn with(tools: &Tools, change: impl FnOnce(Plan) -> Plan) -> Option<Street> {
    let street = change(tools.plan(ACC_PVT)).start()?;
    furnish(&street);
    by_itself(&street, &[]);
    Some(street)
}

#[test]
fn any_tar_will_do_for_a_download() {
    for name in ["busybox", "bsdtar"] {
        let Some(program) = need(name) else { return };
        let verb = if name == "busybox" { "tar" } else { "" };
        let tools = Tools::new().put("tar", &format!("exec {} {verb} \"$@\"", program.display()));
        let Some(street) = with(&tools, |plan| plan) else { return };
        arrives(&street, &run(&mut copy(&street, &[])), true);
        by_itself(&street, &["-p"]);
        arrives(&street, &run(&mut copy(&street, &["-p"])), true);
    }
}

#[test]
fn a_tar_that_says_what_nobody_asked_for_costs_no_file() {
    for (name, script) in [
        ("it ends at once", "exit 0"),
        ("it fails", "$real \"$@\"; exit 2"),
        ("it ends in the middle", "$real \"$@\" | head -c 3000; exit 0"),
        ("it falls silent", "$real \"$@\" | head -c 3000; exec sleep 1000"),
        ("it never ends", "exec cat /dev/zero"),
        ("it says anything", "exec cat /dev/urandom"),
        ("its names lead up", "exec $real --transform 's,^./,../,' \"$@\""),
        ("its names are absolute", "exec $real -P --transform 's,^./,/tmp/,' \"$@\""),
        ("they come in another order", "sort -r | $real \"$@\""),
        ("a folder is among them", "{ echo ./d1; cat; } | $real \"$@\""),
        (
            "they are links",
            "mkdir -p $here/l; cd $here/l; while read n; do mkdir -p ${n%/*}; ln -sf /etc/passwd $n; echo $n; done | $real \"$@\"",
        ),
        (
            "they have other sizes",
            "mkdir -p $here/s; cd $here/s; while read n; do mkdir -p ${n%/*}; echo x >$n; echo $n; done | $real \"$@\"",
        ),
        (
            "they are huge",
            "mkdir -p $here/h; cd $here/h; while read n; do mkdir -p ${n%/*}; truncate -s 1G $n; echo $n; done | $real \"$@\"",
        ),
        (
            "they are devices",
            "while read n; do echo ./$n; done >/dev/null; exec $real -cf - --transform 's,dev/null,./d0/f0,' /dev/null",
        ),
        ("they change behind it", "$real \"$@\"; s=$?; [ -e $here/once ] || touch $here/once d*/f*; exit $s"),
    ] {
        let tools =
            Tools::new().put("tar", &format!("case $* in *hard-dereference*/dev/null) exit 0;; esac\n{script}"));
        let Some(street) = with(&tools, |plan| plan) else { return };
        let ran = run(&mut copy(&street, &[]));
        assert_eq!(ran.code, Some(0), "{name}: {ran}");
        assert!(ran.peak < 256 << 10, "{name}: {ran}");
        arrives(&street, &ran, true);
    }
}

#[test]
fn without_a_shell_or_tar_every_file_comes_by_itself() {
    let none = Tools::new().put("tar", "exit 1");
    fs::remove_file(none.path().join("tar")).expect("it was there");
    for name in ["sh", "cat", "ls", "dd", "sha256sum"] {
        let Some(real) = need(name) else { return };
        symlink(real, none.path().join(name)).expect("a link");
    }
    let path = format!("SetEnv PATH={}", none.path().display());
    for line in [path, "ForceCommand internal-sftp".to_owned()] {
        let Some(street) = Street::plan().sshd(ACC_PVT, line).start() else { return };
        furnish(&street);
        by_itself(&street, &[]);
        arrives(&street, &run(&mut copy(&street, &[])), false);
    }
}

#[test]
fn a_login_shell_that_prints_is_no_matter_for_a_download() {
    let tools =
        Tools::new().put("sh", "case $* in *sftp*) ;; *) echo welcome; echo hop-pack; echo;; esac; exec $real \"$@\"");
    let Some(street) = with(&Tools::new(), |plan| plan.login_shell(ACC_PVT, tools.path().join("sh"))) else { return };
    arrives(&street, &run(&mut copy(&street, &[])), true);
}

#[test]
fn a_file_that_cannot_be_read_is_told_and_the_others_come() {
    let Some(street) = street(None) else { return };
    let root = furnish(&street);
    // the street's user reads none of these
    for index in [20usize, 300, 700] {
        let path = root.join(format!("d{}/f{index}", index % 17));
        fs::set_permissions(path, fs::Permissions::from_mode(0o000)).expect("set the mode");
    }
    let ran = run(&mut copy(&street, &[]));
    assert!(ran.code == Some(23) && ran.stderr.contains(TOGETHER), "{ran}");
    for index in [20usize, 300, 700] {
        assert!(ran.stderr.contains(&format!("tree/d{}/f{index}", index % 17)), "{ran}");
    }
    let (here, there) = (tree(&street.laptop().join("to/tree")), tree(&root));
    assert_eq!(here.len() + 3, there.len(), "{ran}");
}

#[test]
fn hop_is_killed_while_small_files_come_together() {
    ends(Trip::Down, Ends::Hop, 0);
}

#[test]
fn tar_is_killed_while_small_files_come_together() {
    ends(Trip::Down, Ends::Tar, 1);
}

#[test]
fn the_server_is_killed_while_small_files_come_together() {
    ends(Trip::Down, Ends::Server, 2);
}

#[test]
fn the_link_is_cut_while_small_files_come_together() {
    ends(Trip::Down, Ends::Link, 3);
}
