//! Somebody who is root on the source: speaks any bytes to the forwarded agent's socket, and has stolen host keys.
//!
//! Main types: [`Attacker`], on the socket of a real sshd; [`Stolen`], a host key to sign with.

use std::io::{Read as _, Write as _};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::time::Duration;

use hop::agent::wire::{Reply, Request, SessionBind, SignRequest, frame, put_string};
use hop::agent::{KeySigner, Signer as _};
use hop::chain::Output;
use hop::lend::{Loan, Running};
use tokio::task::JoinHandle;

use crate::street::Street;

/// A session id that nobody has used yet.
pub const SESSION: [u8; 32] = [5; 32];

/// One connection to the forwarded agent.
pub struct Attacker(UnixStream);

impl Attacker {
    pub fn connect(socket: &Path) -> Attacker {
        let stream = UnixStream::connect(socket).expect("sshd listens");
        stream.set_read_timeout(Some(Duration::from_secs(8))).expect("a limit");
        Attacker(stream)
    }

    /// The answer, or `None` when the channel is closed instead.
    pub fn ask(&mut self, request: &Request) -> Option<Reply> {
        self.send(&frame(&request.encode()));
        self.answer()
    }

    /// Any bytes; a closed channel shows in what is read.
    pub fn send(&mut self, bytes: &[u8]) {
        let _ = self.0.write_all(bytes); // it may be closed already, which the answer shows
    }

    pub fn answer(&mut self) -> Option<Reply> {
        let mut length = [0; 4];
        self.0.read_exact(&mut length).ok()?;
        let mut message = vec![0; u32::from_be_bytes(length) as usize];
        self.0.read_exact(&mut message).ok()?;
        Some(Reply::parse(&message).expect("an agent's answer"))
    }

    /// Waits until the channel is closed.
    pub fn is_closed(&mut self) -> bool {
        matches!(self.0.read(&mut [0; 1]), Ok(0)) || self.0.peer_addr().is_err()
    }

    /// Binds, and takes the key that is shown.
    pub fn bind_and_list(&mut self, bind: SessionBind) -> Vec<u8> {
        assert_eq!(self.ask(&Request::Bind(bind)), Some(Reply::Success));
        match self.ask(&Request::Identities) {
            Some(Reply::Identities(mut keys)) if keys.len() == 1 => keys.remove(0).key,
            other => panic!("{other:?}"),
        }
    }
}

/// A host key in the wrong hands.
pub struct Stolen(std::sync::Arc<russh::keys::PrivateKey>);

impl Stolen {
    /// The key of `host` with this fingerprint; any for `None`.
    pub fn from(street: &Street, host: &str, fingerprint: Option<&str>) -> Stolen {
        let files = ["ed25519", "ecdsa", "rsa"].map(|kind| street.home(host).with_file_name(format!("host_{kind}")));
        let keys = files.map(|file| russh::keys::load_secret_key(file, None).expect("a host key"));
        let is_it = |key: &russh::keys::PrivateKey| {
            let of_key = key.public_key().fingerprint(russh::keys::HashAlg::Sha256).to_string();
            fingerprint.is_none_or(|fingerprint| fingerprint == of_key)
        };
        Stolen(keys.into_iter().find(is_it).expect("the pinned key").into())
    }

    pub fn key(key: std::sync::Arc<russh::keys::PrivateKey>) -> Stolen {
        Stolen(key)
    }

    pub fn blob(&self) -> Vec<u8> {
        self.0.public_key().to_bytes().expect("a key")
    }

    pub async fn bind(&self, session_id: &[u8]) -> SessionBind {
        let hash = Some(russh::keys::HashAlg::Sha512);
        let signature = KeySigner(self.0.clone()).sign(session_id, hash).await.expect("it signs");
        SessionBind { host_key: self.blob(), session_id: session_id.to_vec(), signature, is_forwarding: false }
    }
}

/// A login request to be signed, field by field.
pub struct Login<'a> {
    pub session_id: &'a [u8],
    pub user: &'a str,
    pub service: &'a str,
    pub key: &'a [u8],
    pub host_key: Option<&'a [u8]>,
}

impl Login<'_> {
    pub fn request(&self) -> Request {
        let method = if self.host_key.is_some() { "publickey-hostbound-v00@openssh.com" } else { "publickey" };
        let mut data = Vec::new();
        put_string(&mut data, self.session_id);
        data.push(50);
        [self.user, self.service, method].iter().for_each(|field| put_string(&mut data, field.as_bytes()));
        data.push(1);
        put_string(&mut data, b"rsa-sha2-512");
        put_string(&mut data, self.key);
        self.host_key.iter().for_each(|key| put_string(&mut data, key));
        sign(self.key, data)
    }
}

/// A request to sign anything with the street's RSA key.
pub fn sign(key: &[u8], data: Vec<u8>) -> Request {
    Request::Sign(SignRequest { key: key.to_vec(), data, flags: 4 })
}

/// A loan while a script runs on the source that does nothing: the agent's socket there.
pub struct Standing {
    pub socket: PathBuf,
    _running: JoinHandle<()>,
}

impl Standing {
    pub async fn begin(loan: &Loan) -> Standing {
        let mut running = loan.run(b"echo $SSH_AUTH_SOCK; exec cat").await.expect("it starts");
        let socket = first_line(&mut running).await;
        let running = tokio::spawn(async move { while let Ok(Some(_)) = running.next().await {} });
        Standing { socket: socket.into(), _running: running }
    }
}

impl Drop for Standing {
    fn drop(&mut self) {
        self._running.abort();
    }
}

async fn first_line(running: &mut Running) -> String {
    let mut said = Vec::new();
    while !said.contains(&b'\n') {
        match running.next().await.expect("it runs") {
            Some(Output::Stdout(chunk)) => said.extend_from_slice(&chunk),
            Some(other) => panic!("{other:?}"),
            None => panic!("it ended"),
        }
    }
    String::from_utf8(said).expect("a path").trim_end().to_owned()
}
