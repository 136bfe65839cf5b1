//! Do commands and copies with ssh, scp and sftp behave as against sshd?

use std::fs;
use std::process::Output;

use hop::demo::Vpc;

use super::guest::{Guest, feed, same, succeeded};
use crate::pseudorandom::noise;

fn texts(output: &Output) -> (&str, &str) {
    (std::str::from_utf8(&output.stdout).unwrap(), std::str::from_utf8(&output.stderr).unwrap())
}

#[test]
fn a_command_has_its_own_status_stdout_and_stderr() {
    let Some(guest) = Guest::new() else { return };
    let output = guest.ssh("acc-pvt", "echo out; echo err >&2; exit 7");
    assert_eq!(output.status.code(), Some(7));
    assert_eq!(texts(&output), ("out\n", "err\n"));
}

#[test]
fn a_command_stands_in_its_home_with_a_small_environment() {
    let Some(guest) = Guest::new() else { return };
    let output = guest.ssh("dell-pvt", "ls; cd; ls; echo $USER; env | cut -d= -f1 | sort | tr '\\n' ' '");
    succeeded(&output);
    let files = "payments.csv\npayments.csv\nec2-user\n";
    assert_eq!(texts(&output).0, format!("{files}HOME LANG LOGNAME OLDPWD PATH PWD SHELL USER "));
}

#[test]
fn a_shell_without_a_terminal_takes_commands() {
    let Some(guest) = Guest::new() else { return };
    let output = feed(guest.tool("ssh").arg("acc-pvt"), b"echo I am $LOGNAME\nexit 3\n");
    assert_eq!(output.status.code(), Some(3));
    assert_eq!(texts(&output).0, "I am ec2-user\n");
}

#[test]
fn a_command_killed_by_a_signal_is_no_success() {
    let Some(guest) = Guest::new() else { return };
    assert_eq!(guest.ssh("acc-pvt", "kill -TERM $$").status.code(), Some(255));
}

#[test]
fn much_data_passes_both_ways_at_once() {
    let Some(guest) = Guest::new() else { return };
    let sent = noise(0, 48 << 20);
    let output = feed(guest.tool("ssh").args(["acc-pvt", "cat"]), &sent);
    succeeded(&output);
    assert!(output.stdout == sent, "{} of {} bytes came back", output.stdout.len(), sent.len());
}

#[test]
fn input_that_nobody_reads_does_not_hold_the_end_up() {
    let Some(guest) = Guest::new() else { return };
    let output = feed(guest.tool("ssh").args(["acc-pvt", "head -c 3"]), &noise(0, 8 << 20));
    assert_eq!(output.stdout, noise(0, 3));
}

#[test]
fn sftp_puts_and_gets_byte_for_byte() {
    let Some(guest) = Guest::new() else { return };
    let sent = noise(0, (9 << 20) + 17);
    fs::write(guest.path("sent"), &sent).unwrap();
    succeeded(&guest.sftp("acc-pvt", "put sent\nget sent back\n"));
    same(&guest.street.home(Vpc::Acc).join("sent"), &sent);
    same(&guest.path("back"), &sent);
}

#[test]
fn scp_copies_trees_and_between_the_two_vpcs() {
    let Some(guest) = Guest::new() else { return };
    fs::create_dir_all(guest.path("tree/sub")).unwrap();
    for number in 0..250 {
        fs::write(guest.path(&format!("tree/sub/file {number}")), noise(0, number)).unwrap();
    }
    succeeded(&guest.tool("scp").args(["-r", "tree", "acc-pvt:~/"]).output().unwrap());
    succeeded(&guest.tool("scp").args(["-3", "-r", "acc-pvt:tree", "dell-pvt:"]).output().unwrap());
    succeeded(&guest.tool("scp").args(["-r", "dell-pvt:/home/ec2-user/tree", "back"]).output().unwrap());
    for number in 0..250 {
        same(&guest.path(&format!("back/sub/file {number}")), &noise(0, number));
    }
}
