//! F45, the other way: many small files come down together, as archives that `tar` packs there; `tar`, its server, the link
//! or hop itself ends somewhere in the middle, or `tar` says what nobody has asked for. Every file is old or new, and
//! what did not come together comes by itself.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use super::packed_ends::{Ends, ends};
use super::packed_trip::Trip;
use super::ran::run;
use super::ways::street;
use crate::direct::tools::Tools;
use crate::end_to_end::tree;
use crate::skips::need;
use crate::street::{ACC_PVT, Street};

const DOWN: Trip = Trip::Down;

/// KiB that hop may take, whatever `tar` says.
const MOST: u64 = 64 << 10;

#[test]
fn small_files_that_came_together_are_as_if_each_had_come_by_itself() {
    let Some(street) = street(None) else { return };
    DOWN.furnish(&street);
    DOWN.is_as_by_itself(&street, &[&[], &["-p"], &["--symlinks", "keep"]]);
}

#[test]
fn files_that_stand_there_are_replaced_and_keep_their_modes() {
    let Some(street) = street(None) else { return };
    DOWN.furnish(&street);
    DOWN.by_itself(&street, &[]);
    let ran = run(&mut DOWN.copy(&street, &[]));
    assert_eq!(ran.code, Some(0), "{ran}");
    let there = DOWN.target(&street).join("d7");
    for entry in fs::read_dir(&there).expect("list it") {
        let path = entry.expect("list it").path();
        fs::write(&path, b"old").expect("write it");
        fs::set_permissions(&path, fs::Permissions::from_mode(0o640)).expect("set the mode");
    }
    let ran = run(&mut DOWN.copy(&street, &[]));
    assert!(ran.code == Some(0) && ran.stderr.contains(DOWN.together()), "{ran}");
    for entry in fs::read_dir(&there).expect("list it") {
        let path = entry.expect("list it").path();
        assert_eq!(fs::metadata(&path).expect("look at it").permissions().mode() & 0o777, 0o640, "an old file's mode");
        fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).expect("set the mode");
    }
    DOWN.arrives(&street, &ran, true);
}

#[test]
fn what_is_compared_or_flushed_comes_by_itself() {
    let Some(street) = street(None) else { return };
    DOWN.furnish(&street);
    DOWN.by_itself(&street, &[]);
    for more in ["--verify", "--fsync", "--no-pack"] {
        DOWN.arrives(&street, &run(&mut DOWN.copy(&street, &[more])), false);
    }
}

#[test]
fn any_tar_will_do_for_a_download() {
    for name in ["busybox", "bsdtar"] {
        let Some(program) = need(name) else { return };
        let verb = if name == "busybox" { "tar" } else { "" };
        let tools = Tools::new().put("tar", &format!("exec {} {verb} \"$@\"", program.display()));
        let Some(street) = DOWN.on(tools.plan(ACC_PVT)) else { return };
        DOWN.arrives(&street, &run(&mut DOWN.copy(&street, &[])), true);
        DOWN.by_itself(&street, &["-p"]);
        DOWN.arrives(&street, &run(&mut DOWN.copy(&street, &["-p"])), true);
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
        let Some(street) = DOWN.on(tools.plan(ACC_PVT)) else { return };
        let ran = run(&mut DOWN.copy(&street, &[]));
        assert_eq!(ran.code, Some(0), "{name}: {ran}");
        assert!(ran.peak < MOST, "{name}: {ran}");
        DOWN.arrives(&street, &ran, true);
    }
}

#[test]
fn without_a_shell_or_tar_every_file_comes_by_itself() {
    DOWN.goes_by_itself_without_a_shell_or_tar();
}

#[test]
fn a_login_shell_that_prints_is_no_matter_for_a_download() {
    let tools =
        Tools::new().put("sh", "case $* in *sftp*) ;; *) echo welcome; echo hop-pack; echo;; esac; exec $real \"$@\"");
    let Some(street) = DOWN.on(Street::plan().login_shell(ACC_PVT, tools.path().join("sh"))) else { return };
    DOWN.arrives(&street, &run(&mut DOWN.copy(&street, &[])), true);
}

#[test]
fn a_file_that_cannot_be_read_is_told_and_the_others_come() {
    let Some(street) = street(None) else { return };
    let root = DOWN.furnish(&street);
    // the street's user reads none of these
    for index in [20usize, 300, 700] {
        let path = root.join(format!("d{}/f{index}", index % 17));
        fs::set_permissions(path, fs::Permissions::from_mode(0o000)).expect("set the mode");
    }
    let ran = run(&mut DOWN.copy(&street, &[]));
    assert!(ran.code == Some(23) && ran.stderr.contains(DOWN.together()), "{ran}");
    for index in [20usize, 300, 700] {
        assert!(ran.stderr.contains(&format!("tree/d{}/f{index}", index % 17)), "{ran}");
    }
    let (here, there) = (tree(&DOWN.target(&street)), tree(&root));
    assert_eq!(here.len() + 3, there.len(), "{ran}");
}

#[test]
fn hop_is_killed_while_small_files_come_together() {
    ends(DOWN, Ends::Hop, 0);
}

#[test]
fn tar_is_killed_while_small_files_come_together() {
    ends(DOWN, Ends::Tar, 1);
}

#[test]
fn the_server_is_killed_while_small_files_come_together() {
    ends(DOWN, Ends::Server, 2);
}

#[test]
fn the_link_is_cut_while_small_files_come_together() {
    ends(DOWN, Ends::Link, 3);
}
