//! IPv6: the whole street at ::1. Addresses with a port stand in brackets, wherever they are printed.

use std::fs;

use super::ground::{diagnosed, page};
use crate::street::{ACC_BASTION, ACC_PVT, DELL_PVT, Street, run};

#[test]
fn a_street_without_ipv4() {
    let Some(mut street) = Street::plan().ipv6().start() else { return };
    insta::assert_snapshot!("well_over_ipv6", page(&street, &["acc-pvt"]));
    insta::assert_snapshot!("two_hosts_over_ipv6", page(&street, &["acc-pvt", "dell-pvt"]));
    street.put(ACC_PVT, "customers.csv", b"one,two\n");
    for (route, name) in [("relay", "relayed"), ("direct", "sent")] {
        let to = format!("dell-pvt:{name}");
        let copied = run(street.hop("cp").args(["--route", route, "acc-pvt:customers.csv", &to]));
        assert_eq!(copied.code, Some(0), "{route}: {copied}");
        if street.own_homes() {
            assert_eq!(fs::read(street.home(DELL_PVT).join(name)).expect("the copy"), b"one,two\n");
        }
    }
    street.configure("Host acc-bastion\n  AddressFamily inet");
    diagnosed!("address_family_that_is_not_there", page(&street, &["acc-bastion"]));
    let any = page(&street, &["-o", "AddressFamily=any", "acc-bastion"]);
    assert!(any.ends_with("exit 0"), "the line to type helps: {any}");
    street.configure("Host acc-bastion\n  AddressFamily inet6");
    let six = page(&street, &["acc-pvt"]);
    assert!(six.ends_with("exit 0"), "{six}");
    street.server_mut(ACC_PVT).stop();
    diagnosed!("refused_behind_the_bastion_over_ipv6", page(&street, &["acc-pvt"]));
}

#[test]
fn faults_that_name_an_address_with_its_port() {
    let plan = Street::plan().ipv6().sshd(ACC_BASTION, "AllowTcpForwarding no");
    let Some(street) = plan.start() else { return };
    diagnosed!("forwarding_forbidden_over_ipv6", page(&street, &["acc-pvt"]));
    fs::write(street.known_hosts(), "").expect("known_hosts");
    diagnosed!("host_key_unknown_over_ipv6", page(&street, &["acc-bastion"]));
}
