//! A source that asks for the agent before anything is lent to it: its server opens channels to it by itself. Nothing comes
//! of the login then, and what was refused is told all the same, in one line.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use expectrl::{Eof, Expect as _};
use russh::keys::{Algorithm, PrivateKey};
use russh::server::{Auth, ChannelOpenHandle, Config, Handler, Msg, Session, VerifiedPublicKey, run_stream};
use russh::{Channel, ChannelId, ChannelOpenFailure};

use crate::street::{DELL_PVT, Outcome, Street, run};

/// How often it asks.
const ASKS: usize = 3;

/// What becomes of the program that keeps the loan's folder.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Keeper {
    /// It says that there is none.
    Fails,
    /// It says nothing, and meanwhile no other host is to be reached.
    IsSilent,
}

/// One connection.
struct Guest {
    keeper: Keeper,
    has_asked: Arc<AtomicBool>,
}

impl Handler for Guest {
    type Error = russh::Error;

    async fn auth_publickey(&mut self, _: &str, _: VerifiedPublicKey<'_>) -> Result<Auth, russh::Error> {
        Ok(Auth::Accept)
    }

    async fn channel_open_session(
        &mut self,
        _: Channel<Msg>,
        reply: ChannelOpenHandle,
        _: &mut Session,
    ) -> Result<(), russh::Error> {
        reply.accept().await;
        Ok(())
    }

    async fn channel_open_direct_tcpip(
        &mut self,
        _: Channel<Msg>,
        _: &str,
        _: u32,
        _: &str,
        _: u32,
        reply: ChannelOpenHandle,
        _: &mut Session,
    ) -> Result<(), russh::Error> {
        if self.keeper == Keeper::Fails {
            reply.reject(ChannelOpenFailure::AdministrativelyProhibited).await;
            return Ok(());
        }
        let has_asked = Arc::clone(&self.has_asked);
        tokio::spawn(async move {
            while !has_asked.swap(false, Ordering::AcqRel) {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
            reply.reject(ChannelOpenFailure::ConnectFailed).await;
        });
        Ok(())
    }

    async fn subsystem_request(&mut self, id: ChannelId, _: &str, session: &mut Session) -> Result<(), russh::Error> {
        session.channel_failure(id)
    }

    async fn exec_request(&mut self, id: ChannelId, line: &[u8], session: &mut Session) -> Result<(), russh::Error> {
        session.channel_success(id)?;
        let says = |text: &str| line.windows(text.len()).any(|window| window == text.as_bytes());
        let (handle, keeper, has_asked) = (session.handle(), self.keeper, Arc::clone(&self.has_asked));
        let keeps = says("Keeps a private folder") || says("mktemp");
        tokio::spawn(async move {
            if keeps {
                for _ in 0..ASKS {
                    assert!(handle.channel_open_agent().await.is_err(), "it was let in");
                }
                has_asked.store(true, Ordering::Release);
            }
            if !keeps || keeper == Keeper::Fails {
                let _ = handle.data(id, &b"hop-runs-commands\n"[..]).await;
                let _ = handle.exit_status_request(id, 0).await;
                let _ = handle.eof(id).await;
                let _ = handle.close(id).await;
            }
        });
        Ok(())
    }
}

/// A street with such a host, which the laptop reaches without a bastion.
async fn street(keeper: Keeper) -> Option<Street> {
    let street = Street::start()?;
    let mut rng = russh::keys::key::safe_rng();
    let key = PrivateKey::random(&mut rng, Algorithm::Ed25519).expect("a key");
    let config = Arc::new(Config { keys: vec![key.clone()], ..Config::default() });
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("its address");
    super::older::tell(&street, ("greedy", address), &key);
    let has_asked: Arc<AtomicBool> = Arc::default();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let (config, guest) = (config.clone(), Guest { keeper, has_asked: Arc::clone(&has_asked) });
            tokio::spawn(async move {
                if let Ok(session) = run_stream(config, stream, guest).await {
                    let _ = session.await; // a client that leaves is none of ours
                }
            });
        }
    });
    Some(street)
}

/// The one line about it.
fn is_told(said: &str, when: &str) {
    let lines: Vec<&str> = said.lines().filter(|line| line.contains("agent: ")).collect();
    let expected =
        format!("warning: agent: 0 signatures for a login lent to greedy that came to nothing, {ASKS} refused");
    assert_eq!(lines.iter().map(|line| line.trim()).collect::<Vec<_>>(), [expected], "{when}: {said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_refused_before_there_is_a_loan_is_told() {
    for keeper in [Keeper::Fails, Keeper::IsSilent] {
        let Some(street) = street(keeper).await else { return };
        let dell = street.server(DELL_PVT).address.to_string();
        let commands = || {
            let mut copy = street.hop("cp");
            copy.args(["-R", "--peer-address", &dell, "--timeout", "10s", "greedy:f", "dell-pvt:"]);
            let mut ssh = street.hop("ssh");
            ssh.args(["--lend", DELL_PVT, "greedy", "true"]);
            // nothing ends the wait of that one but a time limit of its own
            [Some(copy), (keeper == Keeper::Fails).then_some(ssh)].into_iter().flatten()
        };
        for mut command in commands() {
            let ran: Outcome = tokio::task::block_in_place(|| run(&mut command));
            assert!(ran.code != Some(0), "{keeper:?}: {ran}");
            is_told(&ran.stderr, &format!("{keeper:?} {command:?}"));
        }
        for command in commands() {
            let said = tokio::task::block_in_place(|| {
                let mut session = expectrl::Session::spawn(command).expect("hop on a terminal");
                session.set_expect_timeout(Some(Duration::from_secs(60)));
                let said = session.expect(Eof).expect("it ends");
                String::from_utf8_lossy(said.as_bytes()).into_owned()
            });
            is_told(&said, &format!("{keeper:?} on a terminal"));
        }
    }
}
