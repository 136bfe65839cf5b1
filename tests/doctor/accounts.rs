//! Accounts that let us in and are of no use: no login shell, no home.

use std::fs;

use super::ground::{diagnosed, page};
use crate::street::{ACC_BASTION, ACC_PVT, Street, run};

#[test]
fn accounts_without_a_shell() {
    let plan = Street::plan().login_shell(ACC_PVT, "/usr/sbin/nologin").login_shell(ACC_BASTION, "/bin/false");
    let Some(street) = plan.start() else { return };
    diagnosed!("no_login_shell", page(&street, &["acc-pvt"]));
    diagnosed!("shell_that_ends_at_once", page(&street, &["acc-bastion"]));
}

/// Such an account is how people are let have files and nothing else: that is no fault.
#[test]
fn files_without_a_shell() {
    let plan = Street::plan().without_sftp(ACC_PVT).sshd(ACC_PVT, "Subsystem sftp internal-sftp");
    let Some(street) = plan.login_shell(ACC_PVT, "/usr/sbin/nologin").start() else { return };
    insta::assert_snapshot!(page(&street, &["acc-pvt"]));
    street.put_here("report.pdf", b"pages");
    let copied = run(street.hop("cp").args(["report.pdf", "acc-pvt:"]));
    assert_eq!(copied.code, Some(0), "what the page says holds: {copied}");
}

#[test]
fn a_home_that_was_never_made() {
    let Some(street) = Street::start() else { return };
    if !street.own_homes() {
        return;
    }
    fs::remove_dir_all(street.home(ACC_PVT)).expect("remove the home folder");
    diagnosed!("home_missing", page(&street, &["acc-pvt"]));
}
