//! Servers that are down, that refuse, or that lack what is needed.

use std::time::Duration;

use super::{TO_ACC, refused};
use crate::street::{ACC_BASTION, ACC_PVT, DELL_PVT, Street, run, run_within};
use crate::wire::{Cut, Direction, How, Link};

#[test]
fn a_bastion_that_refuses_to_forward() {
    let Some(street) = Street::plan().sshd(ACC_BASTION, "AllowTcpForwarding no").start() else { return };
    street.put_here("f", b"x");
    let says = [TO_ACC, "acc-bastion cannot open", "administratively prohibited", "AllowTcpForwarding"];
    refused(&street, &["f", "acc-pvt:"], 10, &says);
}

#[test]
fn a_private_server_that_is_down() {
    let Some(mut street) = Street::start() else { return };
    street.put_here("f", b"x");
    street.server_mut(ACC_PVT).stop();
    let place = street.server(ACC_PVT).address.to_string();
    refused(&street, &["f", "acc-pvt:"], 10, &[TO_ACC, "acc-bastion cannot open", &place, "Connection refused"]);
}

#[test]
fn a_bastion_that_is_down() {
    let Some(mut street) = Street::start() else { return };
    street.put_here("f", b"x");
    street.server_mut(ACC_BASTION).stop();
    let place = street.server(ACC_BASTION).address.to_string();
    let says = ["acc-bastion: laptop > acc-bastion: dial", &place, "onnection refused"];
    let ran = refused(&street, &["f", "acc-pvt:"], 10, &says);
    assert!(!ran.stderr.contains("> acc-pvt"), "the wrong hop is named: {ran}");
}

#[test]
fn one_end_of_a_relay_that_is_down() {
    let Some(mut street) = Street::start() else { return };
    street.put(ACC_PVT, "f", b"x");
    street.server_mut(DELL_PVT).stop();
    let says = ["laptop > dell-bastion > dell-pvt", "dell-bastion cannot open", "Connection refused"];
    refused(&street, &["-3", "acc-pvt:f", "dell-pvt:"], 10, &says);
}

#[test]
fn a_name_that_nobody_knows() {
    let Some(street) = Street::start() else { return };
    street.put_here("f", b"x");
    let says = ["no-such-host.invalid: laptop > no-such-host.invalid: resolve"];
    refused(&street, &["f", "no-such-host.invalid:"], 10, &says);
}

#[test]
fn no_sftp_subsystem() {
    let Some(street) = Street::plan().without_sftp(ACC_PVT).start() else { return };
    street.put_here("f", b"x");
    refused(&street, &["f", "acc-pvt:"], 10, &[TO_ACC, "start sftp", "no sftp subsystem", "Subsystem sftp"]);
}

#[test]
fn a_server_that_dies_in_the_middle() {
    let cut = Cut { direction: Direction::Up, at: 3 << 20, how: How::Reset };
    let link = Link { rate: Some(20 << 20), cut: Some(cut), ..Link::default() };
    let Some(street) = Street::plan().link(ACC_PVT, link).start() else { return };
    street.put_here("f", &vec![1; 16 << 20]);
    street.put(ACC_PVT, "f", b"old");
    let ran = run_within(street.hop("cp").args(["f", "acc-pvt:"]), Duration::from_secs(60));
    match ran.code {
        // a lane was lost and another took over
        Some(0) => assert_eq!(std::fs::read(street.home(ACC_PVT).join("f")).expect("there"), vec![1; 16 << 20]),
        Some(10) => {
            assert!(
                ran.stderr.contains("acc-pvt") && (ran.stderr.contains("lost") || ran.stderr.contains("ended")),
                "{ran}"
            );
            assert_eq!(std::fs::read(street.home(ACC_PVT).join("f")).expect("there"), b"old");
        }
        _ => panic!("{ran}"),
    }
    assert!(street.server(ACC_PVT).wire.as_ref().is_some_and(crate::wire::Wire::is_cut));
}

#[test]
fn a_forced_command_instead_of_sftp() {
    let Some(street) = Street::plan().sshd(ACC_PVT, "ForceCommand echo this account only greets").start() else {
        return;
    };
    street.put_here("f", b"x");
    let ran = run(street.hop("cp").args(["f", "acc-pvt:"]));
    assert!(matches!(ran.code, Some(10 | 12)), "{ran}");
    assert!(ran.stderr.contains(TO_ACC) && ran.stderr.contains("start sftp"), "{ran}");
}
