//! A login with a key that was made for it: what it is good for in the wrong hands, and where no other key would do.

use std::sync::Arc;

use hop::copy::{CopyError, DirectOptions, Job, Location, Options, Report, RoutePreference, copy};
use hop::lend::{Auth, LendError, Loan, LoanRequest, Tier, Weakest, quoted};
use hop::progress::{Counters, Silent};

use super::old::OldClient;
use super::{run_there, ways, ways_asking};
use crate::auth::Person;
use crate::skips::{need, need_root};
use crate::street::{ACC_BASTION, ACC_PVT, DELL_PVT, Plan, Street};

/// A street whose last host reads the file in the home folder, too.
fn reads_home(plan: Plan) -> Plan {
    plan.sshd(DELL_PVT, "AuthorizedKeysFile .ssh/authorized_keys %h/../authorized_keys")
}

async fn loan(street: &Street, request: LoanRequest) -> Result<Loan, LendError> {
    let [source, destination] = ways(street, [ACC_PVT, DELL_PVT]);
    Loan::prepare(&source, &destination, &LoanRequest { auth: Auth::Ephemeral, ..request }).await
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_takes_the_login_can_run_nothing_of_his_own() {
    let Some(street) = reads_home(Street::plan()).start() else { return };
    let loan = loan(&street, LoanRequest { signatures: 6, ..LoanRequest::default() }).await.expect("a loan");
    let seal = loan.seal().expect("an ephemeral key has one").clone();
    let sealed = quoted(&seal.sealed(b"echo ordered by hop; cat"));
    let bring = |options: &str, order: &str| format!("echo data | ssh -F $HOP_LENT {options} dell-pvt {order}");
    let honest = run_there(&loan, &bring("", &String::from_utf8_lossy(&sealed))).await;
    assert_eq!((honest.code, &honest.stdout[..]), (Some(0), "ordered by hop\ndata\n"), "{}", honest.stderr);
    for order in ["id", "-s sftp", "", "'00 id'", "-t id"] {
        let ran = run_there(&loan, &bring("", order)).await;
        assert_eq!((ran.code, &ran.stdout[..]), (Some(126), ""), "{order}: {}", ran.stderr);
        // what a subsystem complains of, sshd keeps to itself
        assert!(ran.stderr.contains("orders of hop only") || order == "-s sftp", "{order}: {}", ran.stderr);
    }
    loan.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_login_opens_no_other_way() {
    let plan = reads_home(Street::plan()).sshd(DELL_PVT, "AllowTcpForwarding yes");
    let Some(street) = plan.start() else { return };
    let mut loan = loan(&street, LoanRequest { signatures: 2, ..LoanRequest::default() }).await.expect("a loan");
    let bastion = street.server(ACC_BASTION).listens;
    let ran = run_there(&loan, &format!("ssh -F $HOP_LENT -W {bastion} dell-pvt </dev/null")).await;
    assert!(ran.code == Some(255) && ran.stderr.contains("prohibited"), "{}", ran.stderr);
    // and no way at all once the source has logged in
    loan.logged_in().await.expect("the line is removed");
    let ran = run_there(&loan, "ssh -F $HOP_LENT dell-pvt id").await;
    assert!(ran.code == Some(255) && ran.stderr.contains("Permission denied (publickey"), "{}", ran.stderr);
    assert_eq!(loan.account().signatures, 1, "a key that nobody takes is not signed with");
    assert!(loan.close().await.left.is_none());
}

/// A source from before session-bind, on which a key exchange cannot be overheard either.
pub fn old_and_bare() -> (OldClient, Plan) {
    let client = OldClient::old();
    client.with_only(&[
        "sh", "cat", "mktemp", "mkfifo", "rm", "tr", "dd", "mkdir", "sed", "cut", "sort", "sleep", "kill",
    ]);
    let plan = client.plan_alone();
    (client, reads_home(plan))
}

#[tokio::test(flavor = "multi_thread")]
async fn where_nothing_can_be_proven_the_key_itself_opens_one_door() {
    let (_client, plan) = old_and_bare();
    let Some(street) = plan.start() else { return };
    let [source, destination] = ways(&street, [ACC_PVT, DELL_PVT]);
    let refused = Loan::prepare(&source, &destination, &LoanRequest::default()).await.err().expect("no loan");
    assert!(matches!(refused, LendError::NoProof { .. }), "{refused}");
    let strict = loan(&street, LoanRequest { weakest: Weakest::Hostbound, ..LoanRequest::default() })
        .await
        .err()
        .expect("no loan");
    assert!(matches!(strict, LendError::NotHostbound { tier: Tier::D, .. }), "{strict}");
    let loan = loan(&street, LoanRequest::default()).await.expect("a loan");
    assert_eq!(loan.tier(), Tier::D);
    let order = loan.seal().expect("it has one").sealed(b"echo there");
    let order = String::from_utf8_lossy(&quoted(&order)).into_owned();
    let ran = run_there(&loan, &format!("ssh -F $HOP_LENT dell-pvt {order}")).await;
    assert_eq!((ran.code, &ran.stdout[..]), (Some(0), "there\n"), "{} {:?}", ran.stderr, loan.account());
    assert_eq!((loan.account().signatures, loan.account().refused()), (1, 0), "{:?}", loan.account());
    let again = run_there(&loan, &format!("ssh -F $HOP_LENT dell-pvt {order}")).await;
    assert_eq!((again.code, loan.account().signatures), (Some(255), 1), "{}", again.stderr);
}

/// Copies a file to a destination that wants a password, told as often as it asks; how often that was.
async fn copied(street: &Street, (route, auth): (RoutePreference, Auth)) -> (usize, Result<Report, CopyError>) {
    street.put(ACC_PVT, "f", b"content");
    let person = Person::who_says(&["pw"; 3]);
    let [source, destination] = ways_asking(street, [ACC_PVT, DELL_PVT], person.clone());
    let direct = DirectOptions { auth, ..DirectOptions::default() };
    let options = Options { route, direct, ..Options::default() };
    let sources = vec![Location::Remote(Arc::new(source), b"f".to_vec())];
    let job = Job { sources, destination: Location::Remote(Arc::new(destination), Vec::new()), options };
    let copied = copy(job, Arc::new(Silent), Arc::new(Counters::default())).await;
    (person.was_asked().len(), copied)
}

#[tokio::test(flavor = "multi_thread")]
async fn where_the_source_forwards_no_agent_and_the_destination_fetches_a_person_is_asked_once() {
    if !need_root("only root can give sshd a shadow file of its own") || need("openssl").is_none() {
        return;
    }
    let plan = Street::plan().password(DELL_PVT, "pw").sshd(DELL_PVT, "PasswordAuthentication yes");
    let plan = plan.sshd(DELL_PVT, "AuthorizedKeysFile .ssh/authorized_keys").sshd(ACC_PVT, "AllowAgentForwarding no");
    let keys = "AuthorizedKeysFile .ssh/authorized_keys %h/../authorized_keys";
    let Some(street) = plan.sshd(ACC_PVT, keys).start() else { return };
    for route in [RoutePreference::Auto, RoutePreference::Direct] {
        let (asked, report) = copied(&street, (route, Auth::Ephemeral)).await;
        assert_eq!((asked, report.expect("fetched").route.to_string()), (1, "direct".to_owned()));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_destination_that_takes_a_password_from_us() {
    if !need_root("only root can give sshd a shadow file of its own") || need("openssl").is_none() {
        return;
    }
    let plan = Street::plan().password(DELL_PVT, "pw").sshd(DELL_PVT, "PasswordAuthentication yes");
    let Some(street) = plan.sshd(DELL_PVT, "AuthorizedKeysFile .ssh/authorized_keys").start() else { return };
    let refused = copied(&street, (RoutePreference::Direct, Auth::Agent))
        .await
        .1
        .expect_err("a password cannot be lent")
        .to_string();
    assert!(refused.contains("the login was by password, which cannot be lent"), "{refused}");
    let report = copied(&street, (RoutePreference::Direct, Auth::Ephemeral)).await.1.expect("a key can");
    assert_eq!((report.files, report.route.to_string()), (1, "direct".to_owned()));
    assert_eq!(std::fs::read(street.home(DELL_PVT).join("f")).expect("it is there"), b"content");
    assert!(!street.home(DELL_PVT).join(".ssh").exists());
}
