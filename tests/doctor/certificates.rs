//! Certificates whose time is over or has not come, or that are somebody else's: of users and of hosts.

use std::fs;

use super::ground::{beside, diagnosed, page, reconfigured};
use crate::street::{ACC_BASTION, Street, run};

/// A street whose acc-bastion takes only what an authority has signed.
fn guarded() -> Option<Street> {
    let street = Street::start()?;
    shell(&street, "ssh-keygen -q -t ed25519 -N '' -f ca; ssh-keygen -y -f acc.pem > acc.pem.pub");
    let authority = fs::read_to_string(street.laptop().join("ca.pub")).expect("the authority");
    fs::write(beside(&street, ACC_BASTION, "authorized_keys"), format!("cert-authority {authority}"))
        .expect("authorized_keys");
    Some(street)
}

fn shell(street: &Street, line: &str) {
    let outcome = run(street.on_laptop("sh").args(["-ec", line]));
    assert_eq!(outcome.code, Some(0), "{line}: {outcome}");
}

#[test]
fn certificates_of_users() {
    let Some(street) = guarded() else { return };
    let signed = |words: &str| {
        shell(&street, &format!("ssh-keygen -q -s ca -I test {words} acc.pem.pub"));
        page(&street, &["acc-bastion"])
    };
    let user = street.user();
    assert!(signed(&format!("-n {user} -V -1h:+1h")).contains("exit 0"), "a good one is taken");
    diagnosed!("user_certificate_ended", signed(&format!("-n {user} -V -10d:-3d")));
    diagnosed!("user_certificate_not_begun", signed(&format!("-n {user} -V +49h:+100h")));
    diagnosed!("user_certificate_for_others", signed("-n root,admin -V -1h:+1h"));
}

#[test]
fn certificates_of_hosts() {
    let Some(mut street) = Street::start() else { return };
    let key = beside(&street, ACC_BASTION, "host_ed25519");
    let address = street.server(ACC_BASTION).address;
    shell(
        &street,
        &format!(
            "ssh-keygen -q -t ed25519 -N '' -f ca; ssh-keygen -y -f {key} > {key}.pub
             ssh-keygen -q -h -s ca -I test -n {} -V -10d:-3d {key}.pub
             echo \"@cert-authority * $(cat ca.pub)\" > .ssh/known_hosts",
            address.ip(),
            key = key.display()
        ),
    );
    reconfigured(&mut street, ACC_BASTION, &format!("HostCertificate {}-cert.pub", key.display()));
    diagnosed!("host_certificate_ended", page(&street, &["acc-bastion"]));
}
