//! Everything a hostile host could try with the agent it was lent, on a real sshd's socket; each ends as stated, and what
//! was refused is counted. Each is tried by the source of a copy, and by a destination that fetches.

use std::time::Duration;

use hop::agent::Refusal;
use hop::agent::wire::{Reply, Request, SessionBind, put_string};
use hop::lend::{Loan, LoanRequest};

use super::attacker::{Attacker, Login, SESSION, Standing, Stolen, sign};
use super::{ROLES, Roles, loan_between, nothing_left, run_there};
use crate::street::{ACC_BASTION, Street, until, until_within};

/// A loan, and the stolen host key of where it leads.
async fn ground(street: &Street, roles: Roles, signatures: u32) -> (Loan, Stolen) {
    let loan =
        loan_between(street, roles, &LoanRequest { signatures, ..LoanRequest::default() }).await.expect("a loan");
    let stolen = Stolen::from(street, roles.1, Some(loan.fingerprint()));
    (loan, stolen)
}

/// The one login that would be signed.
fn honest<'a>(street: &Street, key: &'a [u8], host_key: &'a [u8]) -> Login<'a> {
    Login { session_id: &SESSION, user: street.user(), service: "ssh-connection", key, host_key: Some(host_key) }
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_but_the_one_login_is_signed() {
    for roles in ROLES {
        let Some(street) = Street::start() else { return };
        nothing_but_the_one_login_is_signed_as(&street, roles).await;
    }
}

async fn nothing_but_the_one_login_is_signed_as(street: &Street, roles: Roles) {
    let (loan, stolen) = ground(street, roles, 1).await;
    let standing = Standing::begin(&loan).await;
    let mut attacker = Attacker::connect(&standing.socket);
    assert_eq!(attacker.ask(&Request::Identities), Some(Reply::Identities(Vec::new())), "shown to a stranger");
    let key = attacker.bind_and_list(stolen.bind(&SESSION).await);
    let pinned = stolen.blob();
    let other = Stolen::from(street, ACC_BASTION, None).blob();
    let honest = || honest(street, &key, &pinned);

    let attacks = [
        ("another user", Login { user: "root", ..honest() }.request()),
        ("another service", Login { service: "ssh-userauth", ..honest() }.request()),
        ("another session", Login { session_id: &[6; 32], ..honest() }.request()),
        ("another host in the login", Login { host_key: Some(&other), ..honest() }.request()),
        ("a relay with the stolen host key", Login { host_key: None, ..honest() }.request()),
        ("another key", Login { key: &other, ..honest() }.request()),
        ("an SSHSIG for git", sign(&key, sshsig("git"))),
        ("an SSHSIG for a file", sign(&key, sshsig("file"))),
        ("a certificate", sign(&key, fields(&[b"ssh-rsa-cert-v01@openssh.com", &[1; 32], &key]))),
        ("a proof of host keys", sign(&key, fields(&[b"hostkeys-prove-00@openssh.com", &SESSION, &key]))),
        ("a session id", sign(&key, SESSION.to_vec())),
        ("adding a key", Request::Other(17)),
        ("removing all keys", Request::Other(19)),
        ("locking", Request::Other(22)),
        ("adding a smartcard", Request::Other(20)),
        ("an extension", Request::Extension(b"query".to_vec())),
    ];
    for (attack, request) in &attacks {
        assert_eq!(attacker.ask(request), Some(Reply::Failure), "{attack}");
    }
    assert_eq!(loan.account().refused() as usize, attacks.len(), "{:?}", loan.account());
    assert_eq!(loan.account().signatures, 0);
    // and after all that the honest login still is
    assert!(matches!(attacker.ask(&honest().request()), Some(Reply::Signature(_))));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bad_binding_spoils_its_channel() {
    for roles in ROLES {
        let Some(street) = Street::start() else { return };
        a_bad_binding_spoils_its_channel_as(&street, roles).await;
    }
}

async fn a_bad_binding_spoils_its_channel_as(street: &Street, roles: Roles) {
    let (loan, stolen) = ground(street, roles, 1).await;
    let standing = Standing::begin(&loan).await;
    let bastion = Stolen::from(street, ACC_BASTION, None);
    let good = stolen.bind(&SESSION).await;
    let attacks = [
        ("passing the agent on", SessionBind { is_forwarding: true, ..good.clone() }),
        ("another host", bastion.bind(&SESSION).await),
        (
            "a signature of another host",
            SessionBind { signature: bastion.bind(&SESSION).await.signature, ..good.clone() },
        ),
        ("another session", SessionBind { session_id: vec![6; 32], ..good.clone() }),
    ];
    for (attack, bind) in &attacks {
        let mut attacker = Attacker::connect(&standing.socket);
        assert_eq!(attacker.ask(&Request::Bind(bind.clone())), Some(Reply::ExtensionFailure), "{attack}");
        assert_eq!(attacker.ask(&Request::Identities), Some(Reply::Identities(Vec::new())), "{attack}");
        let after = attacker.ask(&Request::Bind(good.clone()));
        assert_eq!(after, Some(Reply::ExtensionFailure), "{attack}: a second binding");
    }
    assert_eq!(loan.account().refused() as usize, 2 * attacks.len(), "{:?}", loan.account());
    assert_eq!(loan.account().signatures, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_replay_and_a_second_signature_are_refused_and_then_the_door_is_shut() {
    for roles in ROLES {
        let Some(street) = Street::start() else { return };
        a_replay_and_a_second_signature_are_refused_and_then_the_door_is_shut_as(&street, roles).await;
    }
}

async fn a_replay_and_a_second_signature_are_refused_and_then_the_door_is_shut_as(street: &Street, roles: Roles) {
    let (loan, stolen) = ground(street, roles, 2).await;
    let standing = Standing::begin(&loan).await;
    let pinned = stolen.blob();
    let mut attacker = Attacker::connect(&standing.socket);
    let key = attacker.bind_and_list(stolen.bind(&SESSION).await);
    let login = honest(street, &key, &pinned).request();
    assert!(matches!(attacker.ask(&login), Some(Reply::Signature(_))));
    assert_eq!(attacker.ask(&login), Some(Reply::Failure), "a replay");

    let mut second = Attacker::connect(&standing.socket);
    second.bind_and_list(stolen.bind(&[6; 32]).await);
    let login = Login { session_id: &[6; 32], ..honest(street, &key, &pinned) }.request();
    assert!(matches!(second.ask(&login), Some(Reply::Signature(_))));
    assert!(second.is_closed() && attacker.is_closed(), "spent: every channel is closed");
    for _ in 0..3 {
        let mut late = Attacker::connect(&standing.socket);
        assert_eq!(late.ask(&Request::Identities), None, "a channel after the last signature");
    }
    until("the three are counted", || loan.account().refused() == 4);
    let account = loan.account();
    assert_eq!((account.signatures, account.refusals[&Refusal::Replay]), (2, 1), "{account:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn of_two_who_race_one_gets_a_login_and_the_theft_is_seen() {
    for roles in ROLES {
        let Some(street) = Street::start() else { return };
        of_two_who_race_one_gets_a_login_and_the_theft_is_seen_as(&street, roles).await;
    }
}

async fn of_two_who_race_one_gets_a_login_and_the_theft_is_seen_as(street: &Street, roles: Roles) {
    let (loan, stolen) = ground(street, roles, 1).await;
    let pinned = stolen.blob();
    let standing = Standing::begin(&loan).await;
    let mut thieves = [Attacker::connect(&standing.socket), Attacker::connect(&standing.socket)];
    let mut requests = Vec::new();
    for (thief, session) in thieves.iter_mut().zip([[6; 32], [7; 32]]) {
        let key = thief.bind_and_list(stolen.bind(&session).await);
        requests.push(Login { session_id: &session, ..honest(street, &key, &pinned) }.request());
    }
    let racing = thieves.iter_mut().zip(&requests);
    let answers: Vec<_> = std::thread::scope(|scope| {
        let threads: Vec<_> = racing.map(|(thief, request)| scope.spawn(|| thief.ask(request))).collect();
        threads.into_iter().map(|thread| thread.join().expect("it asks")).collect()
    });
    let signed = answers.iter().filter(|answer| matches!(answer, Some(Reply::Signature(_)))).count();
    assert_eq!((signed, loan.account().signatures), (1, 1), "{answers:?}");
    drop(standing);

    let cheated = run_there(&loan, &format!("ssh -F $HOP_LENT {} true", roles.1)).await;
    assert_eq!(cheated.code, Some(255), "{}", cheated.stderr);
    let misused = loan.misused(cheated.stderr.as_bytes()).expect("it is seen");
    assert_eq!(hop::error::Error::from(misused).kind().code(), 31);
}

#[tokio::test(flavor = "multi_thread")]
async fn floods_and_giants_meet_their_limits() {
    for roles in ROLES {
        let Some(street) = Street::start() else { return };
        floods_and_giants_meet_their_limits_as(&street, roles).await;
    }
}

async fn floods_and_giants_meet_their_limits_as(street: &Street, roles: Roles) {
    let (loan, _) = ground(street, roles, 1).await;
    let standing = Standing::begin(&loan).await;
    let mut held: Vec<_> = (0..2).map(|_| Attacker::connect(&standing.socket)).collect();
    for attacker in &mut held {
        assert_eq!(attacker.ask(&Request::Identities), Some(Reply::Identities(Vec::new())));
    }
    for _ in 0..3 {
        assert_eq!(Attacker::connect(&standing.socket).ask(&Request::Identities), None, "a third at a time");
    }
    assert_eq!(loan.account().refusals[&Refusal::Crowd], 3);
    for (attacker, length) in held.iter_mut().zip([0u32, 256 * 1024 + 1]) {
        attacker.send(&length.to_be_bytes());
        assert_eq!(attacker.answer(), None, "a frame of {length} bytes");
    }
    drop(held);
    until("they are counted", || loan.account().refusals.get(&Refusal::Frame) == Some(&2));
    for length in [u32::MAX, 1 << 31, 1 << 20, 256 * 1024 + 4, 0, 0] {
        let mut attacker = Attacker::connect(&standing.socket);
        attacker.send(&length.to_be_bytes());
        assert_eq!(attacker.answer(), None, "a frame of {length} bytes");
    }
    until("they are counted", || loan.account().refusals.get(&Refusal::Frame) == Some(&8));
    // eight in all, whatever became of them
    assert_eq!(Attacker::connect(&standing.socket).ask(&Request::Identities), None);
    until("the ninth is counted", || loan.account().refused() == 3 + 8 + 1);
    assert_eq!(loan.account().signatures, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn before_and_after_there_is_nobody_to_ask() {
    for roles in ROLES {
        let Some(street) = Street::start() else { return };
        before_and_after_there_is_nobody_to_ask_as(&street, roles).await;
    }
}

async fn before_and_after_there_is_nobody_to_ask_as(street: &Street, roles: Roles) {
    let (loan, _) = ground(street, roles, 1).await;
    // whoever has the connection before the agent is armed has no socket yet
    let program = hop::chain::Program::new(hop::chain::Task::Command(b"echo ${SSH_AUTH_SOCK:-none}".to_vec()));
    let mut process = loan.source().start(&program).await.expect("it starts");
    let said = process.output.next().await.expect("it runs");
    assert_eq!(said, Some(hop::chain::Output::Stdout("none\n".into())));
    drop(process);

    let standing = Standing::begin(&loan).await;
    let socket = standing.socket.clone();
    let mut open = Attacker::connect(&socket);
    assert_eq!(open.ask(&Request::Identities), Some(Reply::Identities(Vec::new())));
    drop(standing);
    assert!(open.is_closed(), "a channel from before");
    assert_eq!(Attacker::connect(&socket).ask(&Request::Identities), None, "after the script");
    until("it is counted", || loan.account().refused() == 1);

    let folder = loan.folder().to_owned();
    loan.close().await;
    nothing_left(&folder);
    until("the socket is gone", || !socket.exists());
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_is_slow_is_shown_out() {
    let Some(street) = Street::start() else { return };
    let (loan, _) = ground(&street, ROLES[0], 1).await;
    let standing = Standing::begin(&loan).await;
    let mut slow: Vec<_> = (0..2).map(|_| Attacker::connect(&standing.socket)).collect();
    for (attacker, bytes) in slow.iter_mut().zip([&b"\0\0"[..], b"\0\0\0\x09\x0b"]) {
        attacker.send(bytes);
    }
    // longer than the agent waits for a frame, shorter than it would serve one that keeps talking
    until_within(Duration::from_secs(40), "both are counted", || {
        loan.account().refusals.get(&Refusal::TooSlow) == Some(&2)
    });
    assert!(slow.iter_mut().all(Attacker::is_closed));
    assert_eq!(loan.account().signatures, 0);
}

fn fields(fields: &[&[u8]]) -> Vec<u8> {
    let mut out = Vec::new();
    fields.iter().for_each(|field| put_string(&mut out, field));
    out
}

/// PROTOCOL.sshsig: what `ssh-keygen -Y sign` has signed.
fn sshsig(namespace: &str) -> Vec<u8> {
    [b"SSHSIG".to_vec(), fields(&[namespace.as_bytes(), b"", b"sha512", &[9; 64]])].concat()
}
