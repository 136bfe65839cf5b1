//! Sources that are not what they should be: an ssh client from before session-bind (tier C), one that lies about its
//! version, no agent forwarding, shells that talk or are no shells.
//!
//! The client here is the system's, made old on the wire: a pipe between it and the agent's socket keeps session-bind
//! from the agent, and `ssh -V` says 8.7. Where `HOP_OLD_SSH` names a client that really is older than 8.9, that one is
//! taken as it is.

use std::fs;
use std::io::{Read as _, Write as _};
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::net::{UnixListener, UnixStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use hop::agent::Refusal;
use hop::agent::wire::{Reply, Request, frame};
use hop::lend::{LendError, LoanRequest, Tier, Weakest};
use tempfile::TempDir;

use super::attacker::{Attacker, Login, Standing, Stolen};
use super::{loan, run_there};
use crate::street::{ACC_BASTION, ACC_PVT, DELL_PVT, Plan, Street, run};

/// An `ssh` that stands before the real one on the source's PATH.
pub struct OldClient {
    folder: TempDir,
    /// Bindings that were kept from the agent.
    stripped: Arc<AtomicUsize>,
}

impl OldClient {
    /// A client from before session-bind.
    pub fn old() -> OldClient {
        match std::env::var("HOP_OLD_SSH") {
            Ok(program) => OldClient::with(&format!("#!/bin/sh\nexec {program} \"$@\"\n")),
            Err(_) => OldClient::new(OLD).strip(),
        }
    }

    /// `says` is what `ssh -V` prints; nothing else changes until [`OldClient::strip`].
    pub fn new(says: &str) -> OldClient {
        let client = OldClient::with("");
        let script = format!(
            "#!/bin/sh\n[ \"$1\" != -V ] || {{ printf '%b\\n' '{says}' >&2; exit 0; }}\n\
             if [ -S {0}/agent ] && [ -n \"$SSH_AUTH_SOCK\" ]; then\n  \
             echo \"$SSH_AUTH_SOCK\" >{0}/real; SSH_AUTH_SOCK={0}/agent; export SSH_AUTH_SOCK\nfi\n\
             exec /usr/bin/ssh \"$@\"\n",
            client.folder.path().display()
        );
        fs::write(client.folder.path().join("ssh"), script).expect("write a client");
        client
    }

    fn with(script: &str) -> OldClient {
        let folder = tempfile::tempdir().expect("a folder for a client");
        let file = folder.path().join("ssh");
        fs::write(&file, script).expect("write a client");
        for path in [&file, folder.path()] {
            fs::set_permissions(path, fs::Permissions::from_mode(0o777)).expect("for the street's user");
        }
        OldClient { folder, stripped: Arc::default() }
    }

    /// Keeps session-bind from the agent from here on.
    fn strip(self) -> OldClient {
        let socket = self.folder.path().join("agent");
        let listener = UnixListener::bind(&socket).expect("a socket");
        fs::set_permissions(&socket, fs::Permissions::from_mode(0o777)).expect("for the street's user");
        let (real, stripped) = (self.folder.path().join("real"), self.stripped.clone());
        std::thread::spawn(move || {
            for client in listener.incoming().map_while(Result::ok) {
                let agent = fs::read_to_string(&real).expect("the agent's socket");
                let agent = UnixStream::connect(agent.trim_end()).expect("sshd listens");
                strip(client, agent, &stripped);
            }
        });
        self
    }

    /// Puts these tools beside it, for a source that has no others.
    pub fn with_only(&self, tools: &[&str]) {
        for tool in tools {
            let found = crate::skips::find(tool).unwrap_or_else(|| panic!("no {tool} here"));
            std::os::unix::fs::symlink(found, self.folder.path().join(tool)).expect("a link");
        }
    }

    /// A street whose source has this client and what [`OldClient::with_only`] gave it.
    pub fn plan_alone(&self) -> Plan {
        Street::plan().sshd(ACC_PVT, format!("SetEnv PATH={}", self.folder.path().display()))
    }

    pub fn plan(&self) -> Plan {
        self.plan_at(ACC_PVT)
    }

    /// It is the client of this host.
    pub fn plan_at(&self, host: &'static str) -> Plan {
        Street::plan().sshd(host, format!("SetEnv PATH={}:/usr/bin:/bin", self.folder.path().display()))
    }
}

/// Passes messages on, one after the other, but for bindings: those it answers as an agent does that knows none.
fn strip(mut client: UnixStream, mut agent: UnixStream, stripped: &AtomicUsize) {
    while let Some(message) = message(&mut client) {
        let reply = match Request::parse(&message) {
            Ok(Request::Bind(_)) => {
                stripped.fetch_add(1, Ordering::AcqRel);
                Some(Reply::Failure.encode())
            }
            _ => agent.write_all(&frame(&message)).ok().and_then(|()| self::message(&mut agent)),
        };
        let Some(reply) = reply else { return };
        if client.write_all(&frame(&reply)).is_err() {
            return;
        }
    }
}

fn message(stream: &mut UnixStream) -> Option<Vec<u8>> {
    let mut length = [0; 4];
    stream.read_exact(&mut length).ok()?;
    let mut message = vec![0; u32::from_be_bytes(length) as usize];
    stream.read_exact(&mut message).ok().map(|()| message)
}

const OLD: &str = "OpenSSH_8.7p1, OpenSSL 3.0.7 1 Nov 2022";

#[tokio::test(flavor = "multi_thread")]
async fn an_old_client_is_overheard_and_logs_in_once() {
    let client = OldClient::old();
    let Some(street) = client.plan().start() else { return };
    street.put(DELL_PVT, "secret", b"from dell-pvt");
    let loan = loan(&street, &LoanRequest::default()).await.expect("a loan");
    assert_eq!(loan.tier(), Tier::C);
    let ran = run_there(&loan, "ssh -F $HOP_LENT dell-pvt cat secret").await;
    assert_eq!((ran.code, ran.stdout.as_str()), (Some(0), "from dell-pvt"), "{}", ran.stderr);
    let stripped = if std::env::var_os("HOP_OLD_SSH").is_some() { 0 } else { 1 };
    assert_eq!(client.stripped.load(Ordering::Acquire), stripped, "the agent saw no binding");
    assert_eq!((loan.account().signatures, loan.account().refused()), (1, 0), "{:?}", loan.account());
}

#[tokio::test(flavor = "multi_thread")]
async fn every_key_exchange_there_is_can_be_overheard() {
    let client = OldClient::old();
    let exchanges = [
        "curve25519-sha256",
        "ecdh-sha2-nistp256",
        "diffie-hellman-group14-sha256",
        "diffie-hellman-group-exchange-sha256",
        "sntrup761x25519-sha512@openssh.com",
    ];
    let Some(street) = client.plan().start() else { return };
    let request = LoanRequest { signatures: exchanges.len() as u32, ..LoanRequest::default() };
    let loan = loan(&street, &request).await.expect("a loan");
    for exchange in exchanges {
        let ran = run_there(&loan, &format!("ssh -F $HOP_LENT -o KexAlgorithms={exchange} dell-pvt true")).await;
        assert_eq!(ran.code, Some(0), "{exchange}: {} {:?}", ran.stderr, loan.account());
    }
    assert_eq!((loan.account().signatures, loan.account().refused()), (5, 0), "{:?}", loan.account());
}

#[tokio::test(flavor = "multi_thread")]
async fn in_tier_c_a_session_that_nobody_overheard_is_not_signed() {
    let client = OldClient::new(OLD);
    let Some(street) = client.plan().start() else { return };
    let loan = loan(&street, &LoanRequest::default()).await.expect("a loan");
    let standing = Standing::begin(&loan).await;
    let mut attacker = Attacker::connect(&standing.socket);
    let Some(Reply::Identities(keys)) = attacker.ask(&Request::Identities) else { panic!("no list") };
    let login = Login {
        session_id: &[6; 32],
        user: street.user(),
        service: "ssh-connection",
        key: &keys[0].key,
        host_key: None,
    };
    assert_eq!(attacker.ask(&login.request()), Some(Reply::Failure), "nothing was overheard");
    // a binding by another host does not help, nor does one of the destination for another session
    let bastion = Stolen::from(&street, ACC_BASTION, None).bind(&[6; 32]).await;
    assert_eq!(attacker.ask(&Request::Bind(bastion)), Some(Reply::ExtensionFailure));
    assert_eq!(attacker.ask(&login.request()), Some(Reply::Failure));
    let account = loan.account();
    assert_eq!((account.signatures, account.refused()), (0, 3), "{account:?}");
    assert_eq!(account.refusals[&Refusal::OtherSession], 1, "{account:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lie_about_the_version_buys_nothing() {
    // a client that says it is old is overheard; one that says it is new is held to the strictest proof
    let client = OldClient::new("OpenSSH_99.9p1").strip();
    let Some(street) = client.plan().start() else { return };
    let newer = loan(&street, &LoanRequest::default()).await.expect("a loan");
    assert_eq!(newer.tier(), Tier::A);
    let ran = run_there(&newer, "ssh -F $HOP_LENT dell-pvt true").await;
    assert_eq!((ran.code, newer.account().signatures), (Some(255), 0), "{}", ran.stderr);
}

#[tokio::test(flavor = "multi_thread")]
async fn where_nothing_can_be_proven_or_host_binding_is_required_nothing_is_lent() {
    let client = OldClient::new(OLD);
    let Some(street) = client.plan().start() else { return };
    let strict = LoanRequest { weakest: Weakest::Hostbound, ..LoanRequest::default() };
    let refused = loan(&street, &strict).await.err().expect("no loan");
    assert!(matches!(refused, LendError::NotHostbound { tier: Tier::C, .. }), "{refused}");
    drop(street);
    let client = OldClient::new("Dropbear v2022.83");
    let Some(street) = client.plan().start() else { return };
    let refused = loan(&street, &LoanRequest::default()).await.err().expect("no loan");
    assert!(matches!(refused, LendError::NoProof { .. }), "{refused}");
}

#[test]
fn each_source_that_cannot_be_lent_to_is_told_apart() {
    let table = [
        ("AllowAgentForwarding no", "forwards no agent"),
        ("ForceCommand internal-sftp", "acc-pvt: no private folder"),
        ("ForceCommand printf '\\033]0;owned\\007'; exit 1", "acc-pvt: no private folder"),
    ];
    for (line, words) in table {
        let Some(street) = Street::plan().sshd(ACC_PVT, line).start() else { return };
        let ran = run(street.hop("ssh").args(["--lend", DELL_PVT, ACC_PVT, "ssh -F $HOP_LENT dell-pvt true"]));
        assert!(ran.stderr.contains(words) && !ran.stderr.contains('\x1b'), "{line}: {ran}");
        assert!(matches!(ran.code, Some(97 | 255)), "{line}: {ran}");
    }
}

#[test]
fn a_login_shell_that_greets_does_not_get_in_the_way() {
    let Some(street) = Street::start() else { return };
    if !street.own_homes() {
        return;
    }
    street.put(ACC_PVT, ".bashrc", b"echo Welcome to acc-pvt; echo hop-0 ready; echo noise >&2; printf 'no line'\n");
    let ran = run(street.hop("ssh").args(["--lend", DELL_PVT, ACC_PVT, "ssh -F $HOP_LENT dell-pvt echo there"]));
    assert_eq!(ran.code, Some(0), "{ran}");
    assert!(ran.stdout.ends_with("there\n"), "{ran}");
}
