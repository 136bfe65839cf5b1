//! F45: many small files go up together, as one stream that `tar` unpacks there; the stream, `tar`, its server or hop
//! itself ends somewhere in the middle, or `tar` is not what it should be. Every file is old or new, and what did not
//! come together comes by itself.

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

/// What `-v` says once files go together.
const TOGETHER: &str = "small files go together";

const FILES: usize = 1000;

/// A tree of small files, with everything that a name, a mode or a size can be.
fn furnish(street: &Street) -> PathBuf {
    for index in 0..FILES {
        street.put_here(format!("tree/d{}/f{index}", index % 17), &noise(index as u64, index * 7 % 9000));
    }
    let odd: [&[u8]; 6] = [b"it's $(id)\n -rf", b"-x", b"\xff\xfe", b"a\\b", b" ", &[b'n'; 255]];
    let root = street.laptop().join("tree");
    for (index, name) in odd.into_iter().enumerate() {
        use std::os::unix::ffi::OsStrExt as _;
        fs::write(root.join("d1").join(std::ffi::OsStr::from_bytes(name)), noise(7, index * 600)).expect("write it");
    }
    for (index, mode) in [0o600, 0o755, 0o444, 0o666, 0o4711].into_iter().enumerate() {
        let path = root.join(format!("d2/f{}", 2 + 17 * index));
        fs::set_permissions(path, fs::Permissions::from_mode(mode)).expect("set the mode");
    }
    fs::create_dir_all(root.join("empty/below")).expect("make it");
    fs::write(root.join("empty/not"), b"").expect("write it");
    symlink("f1", root.join("d1/link")).expect("a link");
    street.put_here("tree/d3/large", &noise(5, 3 << 20));
    root
}

fn copy(street: &Street, more: &[&str]) -> Command {
    let mut command = street.hop("cp");
    command.args(["-r", "-v", "--progress", "none"]).args(more).args(["tree", "acc-pvt:to/"]);
    command
}

/// It has arrived, nothing is left, and files went together, or not.
fn arrives(street: &Street, ran: &Ran, together: bool) {
    assert_eq!(ran.code, Some(0), "{ran}");
    assert_eq!(ran.stderr.contains(TOGETHER), together, "{ran}");
    let to = street.home(ACC_PVT).join("to");
    same(&tree(&street.home(ACC_PVT).join("by-itself")), &tree(&to.join("tree")));
    assert_eq!(Street::parts(&to), Vec::<PathBuf>::new(), "{ran}");
    fs::remove_dir_all(to.join("tree")).expect("it is there");
}

/// The same tree, each file by itself.
fn by_itself(street: &Street, more: &[&str]) {
    let there = street.home(ACC_PVT).join("by-itself");
    if there.exists() {
        fs::remove_dir_all(&there).expect("remove it");
    }
    let mut command = street.hop("cp");
    let ran = run(command.args(["-r", "-v", "--no-pack"]).args(more).args(["tree", "acc-pvt:by-itself"]));
    assert!(ran.code == Some(0) && !ran.stderr.contains(TOGETHER), "{ran}");
    assert_eq!(tree(&there).len(), tree(&street.laptop().join("tree")).len());
}

fn times(folder: &Path) -> Vec<(PathBuf, std::time::SystemTime)> {
    let mut times: Vec<_> = fs::read_dir(folder)
        .expect("list it")
        .map(|entry| {
            let entry = entry.expect("list it");
            (entry.file_name().into(), entry.metadata().expect("look at it").modified().expect("a time"))
        })
        .collect();
    times.sort();
    times
}

#[test]
fn small_files_that_went_together_are_as_if_each_had_gone_by_itself() {
    let Some(street) = street(None) else { return };
    street.put(ACC_PVT, "to/beside", b"not to be touched");
    let root = furnish(&street);
    for more in [&[][..], &["-p"], &["--symlinks", "keep"]] {
        by_itself(&street, more);
        arrives(&street, &run(&mut copy(&street, more)), true);
    }
    let ran = run(&mut copy(&street, &["-p"]));
    assert_eq!(ran.code, Some(0), "{ran}");
    let second = |times: Vec<(PathBuf, std::time::SystemTime)>| {
        let seconds =
            |time: std::time::SystemTime| time.duration_since(std::time::UNIX_EPOCH).expect("after").as_secs();
        times.into_iter().map(|(name, time)| (name, seconds(time))).collect::<Vec<_>>()
    };
    let there = street.home(ACC_PVT).join("to/tree/d5");
    assert_eq!(second(times(&root.join("d5"))), second(times(&there)), "-p keeps times");
}

#[test]
fn what_is_compared_or_flushed_goes_by_itself() {
    let Some(street) = street(None) else { return };
    street.put(ACC_PVT, "to/beside", b"");
    furnish(&street);
    by_itself(&street, &[]);
    for more in ["--verify", "--fsync", "--no-pack"] {
        arrives(&street, &run(&mut copy(&street, &[more])), false);
    }
}

/// A street whose acc-pvt has these programs first.
fn with(tools: &Tools, change: impl FnOnce(Plan) -> Plan) -> Option<Street> {
    let street = change(tools.plan(ACC_PVT)).start()?;
    street.put(ACC_PVT, "to/beside", b"");
    furnish(&street);
    by_itself(&street, &[]);
    Some(street)
}

#[test]
fn any_tar_will_do() {
    let Some(busybox) = need("busybox") else { return };
    let tools = Tools::new().put("tar", &format!("exec {} tar \"$@\"", busybox.display()));
    let Some(street) = with(&tools, |plan| plan) else { return };
    arrives(&street, &run(&mut copy(&street, &[])), true);
    by_itself(&street, &["-p"]);
    arrives(&street, &run(&mut copy(&street, &["-p"])), true);
}

#[test]
fn a_tar_that_does_not_do_its_work_costs_no_file() {
    let tools = |script: &str| Tools::new().put("tar", script);
    for (name, script) in [
        ("it ends at once", "exit 0"),
        ("it ends in the middle", "head -c 300000 | $real \"$@\"; exit 0"),
        ("it falls silent", "head -c 300000 | $real \"$@\"; exec cat >/dev/null"),
        ("it writes no more than 1 KiB a file", "trap '' XFSZ; ulimit -f 1; exec $real \"$@\""),
        (
            "links and folders are in its way",
            "for n in 3 4 5; do ln -s /etc/passwd $n; mkdir 1$n; done; exec $real \"$@\"",
        ),
        ("it gives every file another mode", "umask 077; exec $real -xmof -"),
        ("it makes links to files", "$real \"$@\"; for n in *; do ln -sf /etc/passwd \"$n\"; done"),
        ("its files vanish", "$real \"$@\" & sleep 0.2; rm -f *; wait"),
    ] {
        let tools = tools(script);
        let Some(street) = with(&tools, |plan| plan) else { return };
        let ran = run(&mut copy(&street, &[]));
        assert_eq!(ran.code, Some(0), "{name}: {ran}");
        arrives(&street, &ran, true);
    }
}

#[test]
fn without_a_shell_or_tar_every_file_goes_by_itself() {
    let none = Tools::new().put("tar", "exit 1");
    fs::remove_file(none.path().join("tar")).expect("it was there");
    for name in ["sh", "cat", "ls", "dd", "sha256sum"] {
        let Some(real) = need(name) else { return };
        symlink(real, none.path().join(name)).expect("a link");
    }
    let path = format!("SetEnv PATH={}", none.path().display());
    let Some(street) = Street::plan().sshd(ACC_PVT, path).start() else { return };
    street.put(ACC_PVT, "to/beside", b"");
    furnish(&street);
    by_itself(&street, &[]);
    arrives(&street, &run(&mut copy(&street, &[])), false);

    let Some(street) = Street::plan().sshd(ACC_PVT, "ForceCommand internal-sftp").start() else { return };
    street.put(ACC_PVT, "to/beside", b"");
    furnish(&street);
    by_itself(&street, &[]);
    arrives(&street, &run(&mut copy(&street, &[])), false);
}

#[test]
fn a_login_shell_that_prints_is_no_matter() {
    let tools = Tools::new()
        .put("sh", "case $* in *sftp*) ;; *) echo welcome; echo hop-unpack; echo;; esac; exec $real \"$@\"");
    let Some(street) = with(&Tools::new(), |plan| plan.login_shell(ACC_PVT, tools.path().join("sh"))) else { return };
    arrives(&street, &run(&mut copy(&street, &[])), true);
}

#[test]
fn nothing_is_left_where_the_run_is_over_before_files_could_go_together() {
    let tools = Tools::new().put("sh", "case $* in *sftp*) ;; *) sleep 8;; esac; exec $real \"$@\"");
    let Some(street) = Street::plan().login_shell(ACC_PVT, tools.path().join("sh")).start() else { return };
    street.put(ACC_PVT, "to/beside", b"");
    for index in 0..150usize {
        street.put_here(format!("tree/f{index}"), &noise(index as u64, index));
    }
    for _ in 0..3 {
        let ran = run(&mut copy(&street, &[]));
        assert!(ran.code == Some(0) && !ran.stderr.contains(TOGETHER), "{ran}");
        let to = street.home(ACC_PVT).join("to");
        assert_eq!(Street::parts(&to), Vec::<PathBuf>::new(), "{ran}");
        same(&tree(&street.laptop().join("tree")), &tree(&to.join("tree")));
        fs::remove_dir_all(to.join("tree")).expect("it is there");
    }
}

#[test]
fn a_disk_that_fills_up_is_told_for_every_file_that_has_not_arrived() {
    let Some(street) = Street::plan().disk(ACC_PVT, 8).start() else { return };
    const MANY: usize = 1500;
    const LARGE: usize = 6000;
    for index in 0..MANY {
        street.put_here(format!("tree/f{index}"), &noise(index as u64, LARGE));
    }
    let mut command = street.hop("cp");
    let disk = street.server(ACC_PVT).inside("disk");
    let ran = run(command.args(["-r", "-v", "--json", "tree"]).arg(format!("acc-pvt:{}/tree", "disk")));
    assert_eq!(ran.code, Some(28), "{ran}");
    assert!(ran.stderr.contains(TOGETHER), "{ran}");
    let (mut there, folder) = (0, disk.join("tree"));
    for index in 0..MANY {
        let name = format!("tree/f{index}\"");
        let is_told = ran.stdout.lines().any(|line| line.contains("file_done") && line.contains(&name));
        match fs::read(folder.join(format!("f{index}"))) {
            Ok(content) => {
                assert!(content == noise(index as u64, LARGE), "f{index} is torn");
                there += 1;
            }
            Err(_) => assert!(!is_told, "f{index} is not there: {ran}"),
        }
    }
    assert!((100..MANY as u64).contains(&there), "{there}");
    assert_eq!(ran.summary("files_done"), there, "{ran}");
}

#[test]
fn hop_is_killed_while_small_files_go_together() {
    ends(Trip::Up, Ends::Hop, 0);
}

#[test]
fn tar_is_killed_while_small_files_go_together() {
    ends(Trip::Up, Ends::Tar, 1);
}

#[test]
fn the_server_is_killed_while_small_files_go_together() {
    ends(Trip::Up, Ends::Server, 2);
}

#[test]
fn the_link_is_cut_while_small_files_go_together() {
    ends(Trip::Up, Ends::Link, 3);
}
