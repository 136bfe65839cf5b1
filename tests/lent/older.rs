//! A destination from before host-bound logins (tier B, and tier C with plain logins): a server that says it is OpenSSH
//! 8.7, and knows publickey as RFC 4252 has it.

use std::net::SocketAddr;
use std::sync::Arc;

use hop::agent::wire::Reply;
use hop::lend::{Loan, LoanRequest, Tier, Weakest};
use russh::keys::{Algorithm, PrivateKey};
use russh::server::{Auth, ChannelOpenHandle, Config, Handler, Msg, Session, VerifiedPublicKey, run_stream};
use russh::{Channel, ChannelId, SshId};

use super::attacker::{Attacker, Login, SESSION, Standing};
use super::old::OldClient;
use super::{run_there, ways};
use crate::street::{ACC_PVT, Street};

const OLD_PVT: &str = "old-pvt";

/// Lets everybody with a key in, and answers every command with `old`.
struct Guest;

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

    async fn exec_request(&mut self, id: ChannelId, _: &[u8], session: &mut Session) -> Result<(), russh::Error> {
        session.channel_success(id)?;
        session.data(id, &b"old\n"[..])?;
        session.exit_status_request(id, 0)?;
        session.eof(id)?;
        session.close(id)
    }
}

/// The server; its host key, which the laptop knows.
async fn old_server(street: &Street) -> Arc<PrivateKey> {
    let mut rng = russh::keys::key::safe_rng();
    let key = PrivateKey::random(&mut rng, Algorithm::Ed25519).expect("a key");
    let config = Config {
        server_id: SshId::Standard("SSH-2.0-OpenSSH_8.7".into()),
        keys: vec![key.clone()],
        ..Config::default()
    };
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("its address");
    tell(street, (OLD_PVT, address), &key);
    let config = Arc::new(config);
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let config = config.clone();
            tokio::spawn(async move {
                if let Ok(session) = run_stream(config, stream, Guest).await {
                    let _ = session.await; // a client that leaves is none of ours
                }
            });
        }
    });
    Arc::new(key)
}

/// The laptop knows it by this name.
pub fn tell(street: &Street, (name, address): (&str, SocketAddr), key: &PrivateKey) {
    let (ip, port, laptop) = (address.ip(), address.port(), street.laptop().display());
    street.configure(&format!(
        "Host {name}\n  HostName {ip}\n  Port {port}\n  IdentityFile {laptop}/dell.pem\n  IdentitiesOnly yes\n"
    ));
    let public = key.public_key().to_openssh().expect("a public key");
    let mut known = std::fs::read(street.known_hosts()).expect("known hosts");
    known.extend_from_slice(format!("[{ip}]:{port} {}\n", public.trim_end()).as_bytes());
    std::fs::write(street.known_hosts(), known).expect("write known hosts");
}

async fn loan(street: &Street, weakest: Weakest) -> Result<Loan, hop::lend::LendError> {
    let [source, destination] = ways(street, [ACC_PVT, OLD_PVT]);
    Loan::prepare(&source, &destination, &LoanRequest { weakest, ..LoanRequest::default() }).await
}

#[tokio::test(flavor = "multi_thread")]
async fn an_old_server_gets_tier_b_where_a_stolen_host_key_is_what_it_takes() {
    let Some(street) = Street::start() else { return };
    let host = old_server(&street).await;
    let honest = loan(&street, Weakest::Any).await.expect("a loan");
    assert_eq!(honest.tier(), Tier::B);
    let ran = run_there(&honest, "ssh -F $HOP_LENT old-pvt anything").await;
    assert_eq!((ran.code, ran.stdout.as_str()), (Some(0), "old\n"), "{}", ran.stderr);
    assert_eq!((honest.account().signatures, honest.account().refused()), (1, 0), "{:?}", honest.account());

    // documented: who holds the destination's host key can have a login elsewhere signed; in tier A not even that
    let robbed = loan(&street, Weakest::Any).await.expect("a loan");
    let standing = Standing::begin(&robbed).await;
    let mut thief = Attacker::connect(&standing.socket);
    let key = thief.bind_and_list(super::attacker::Stolen::key(host).bind(&SESSION).await);
    let (user, service) = (street.user(), "ssh-connection");
    let plain = Login { session_id: &SESSION, user, service, key: &key, host_key: None }.request();
    assert!(matches!(thief.ask(&plain), Some(Reply::Signature(_))));

    let strict = loan(&street, Weakest::Hostbound).await.err().expect("no loan").to_string();
    assert!(strict.starts_with("tier B, where host-bound logins are required"), "{strict}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_old_client_at_an_old_server_is_overheard() {
    let client = OldClient::old();
    let Some(street) = client.plan().start() else { return };
    old_server(&street).await;
    let loan = loan(&street, Weakest::Any).await.expect("a loan");
    assert_eq!(loan.tier(), Tier::C);
    let ran = run_there(&loan, "ssh -F $HOP_LENT old-pvt anything").await;
    assert_eq!((ran.code, ran.stdout.as_str()), (Some(0), "old\n"), "{}", ran.stderr);
    assert_eq!((loan.account().signatures, loan.account().refused()), (1, 0), "{:?}", loan.account());
}
