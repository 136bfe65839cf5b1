//! F45: many small files go up together, as one stream that `tar` unpacks there; the stream, `tar`, its server or hop
//! itself ends somewhere in the middle, or `tar` is not what it should be. Every file is old or new, and what did not
//! come together comes by itself.

use std::fs;

use super::packed_ends::{Ends, ends};
use super::packed_trip::Trip;
use super::ran::run;
use super::ways::street;
use crate::direct::tools::Tools;
use crate::end_to_end::{same, tree};
use crate::pseudorandom::noise;
use crate::skips::need;
use crate::street::{ACC_PVT, Street};

const UP: Trip = Trip::Up;

#[test]
fn small_files_that_went_together_are_as_if_each_had_gone_by_itself() {
    let Some(street) = street(None) else { return };
    UP.furnish(&street);
    UP.is_as_by_itself(&street, &[&[], &["-p"], &["--symlinks", "keep"]]);
}

#[test]
fn what_is_compared_or_flushed_goes_by_itself() {
    let Some(street) = street(None) else { return };
    UP.furnish(&street);
    UP.by_itself(&street, &[]);
    for more in ["--verify", "--fsync", "--no-pack"] {
        UP.arrives(&street, &run(&mut UP.copy(&street, &[more])), false);
    }
}

#[test]
fn any_tar_will_do() {
    let Some(busybox) = need("busybox") else { return };
    let tools = Tools::new().put("tar", &format!("exec {} tar \"$@\"", busybox.display()));
    let Some(street) = UP.on(tools.plan(ACC_PVT)) else { return };
    UP.arrives(&street, &run(&mut UP.copy(&street, &[])), true);
    UP.by_itself(&street, &["-p"]);
    UP.arrives(&street, &run(&mut UP.copy(&street, &["-p"])), true);
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
        ("it makes links to files", "$real \"$@\"; for n in */*; do ln -sf /etc/passwd \"$n\"; done"),
        ("its files vanish", "$real \"$@\" & sleep 0.2; rm -rf *; wait"),
    ] {
        let tools = tools(script);
        let Some(street) = UP.on(tools.plan(ACC_PVT)) else { return };
        let ran = run(&mut UP.copy(&street, &[]));
        assert_eq!(ran.code, Some(0), "{name}: {ran}");
        UP.arrives(&street, &ran, true);
    }
}

#[test]
fn without_a_shell_or_tar_every_file_goes_by_itself() {
    UP.goes_by_itself_without_a_shell_or_tar();
}

#[test]
fn a_login_shell_that_prints_is_no_matter() {
    let tools = Tools::new()
        .put("sh", "case $* in *sftp*) ;; *) echo welcome; echo hop-unpack; echo;; esac; exec $real \"$@\"");
    let Some(street) = UP.on(Street::plan().login_shell(ACC_PVT, tools.path().join("sh"))) else { return };
    UP.arrives(&street, &run(&mut UP.copy(&street, &[])), true);
}

#[test]
fn nothing_is_left_where_the_run_is_over_before_files_could_go_together() {
    let tools = Tools::new().put("sh", "case $* in *sftp*) ;; *) sleep 8;; esac; exec $real \"$@\"");
    let Some(street) = Street::plan().login_shell(ACC_PVT, tools.path().join("sh")).start() else { return };
    UP.put_beside(&street);
    for index in 0..150usize {
        street.put_here(format!("tree/f{index}"), &noise(index as u64, index));
    }
    for _ in 0..3 {
        let ran = run(&mut UP.copy(&street, &[]));
        assert!(ran.code == Some(0) && !ran.stderr.contains(UP.together()), "{ran}");
        UP.leaves_nothing(&street, &ran.to_string());
        same(&tree(&UP.source(&street)), &tree(&UP.target(&street)));
        fs::remove_dir_all(UP.target(&street)).expect("it is there");
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
    assert!(ran.stderr.contains(UP.together()), "{ran}");
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
    ends(UP, Ends::Hop, 0);
}

#[test]
fn tar_is_killed_while_small_files_go_together() {
    ends(UP, Ends::Tar, 1);
}

#[test]
fn the_server_is_killed_while_small_files_go_together() {
    ends(UP, Ends::Server, 2);
}

#[test]
fn the_link_is_cut_while_small_files_go_together() {
    ends(UP, Ends::Link, 3);
}
