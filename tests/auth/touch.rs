//! FIDO keys (`sk-…`, OpenSSH's PROTOCOL.u2f) through an agent. The security key is played here, by software that signs
//! as one does; that it is good is for the real sshd to say.

use std::io::{Read as _, Write as _};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::PathBuf;
use std::sync::Arc;

use aws_lc_rs::digest::{SHA256, digest};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair as _};
use hop::agent::wire::{Identity, Reply, Request, frame, put_string};
use hop::auth::Keyring;
use hop::prompt::Asking;
use russh::keys::PublicKey;

use super::door::Sshd;
use super::person::{Notes, Person};

const ALGORITHM: &[u8] = b"sk-ssh-ed25519@openssh.com";
const APPLICATION: &[u8] = b"ssh:";
/// The flag that says somebody touched it.
const TOUCHED: u8 = 1;

/// A security key in an agent.
struct Token {
    pair: Ed25519KeyPair,
}

impl Token {
    fn blob(&self) -> Vec<u8> {
        let mut blob = Vec::new();
        for field in [ALGORITHM, self.pair.public_key().as_ref(), APPLICATION] {
            put_string(&mut blob, field);
        }
        blob
    }

    fn sign(&self, data: &[u8]) -> Vec<u8> {
        let counter = 7u32.to_be_bytes();
        let sha256 = |bytes: &[u8]| digest(&SHA256, bytes).as_ref().to_vec();
        let signed = [&sha256(APPLICATION)[..], &[TOUCHED], &counter, &sha256(data)].concat();
        let mut signature = Vec::new();
        put_string(&mut signature, ALGORITHM);
        put_string(&mut signature, self.pair.sign(&signed).as_ref());
        signature.push(TOUCHED);
        signature.extend(counter);
        signature
    }

    fn answer(&self, request: &Request) -> Reply {
        match request {
            Request::Identities => Reply::Identities(vec![Identity { key: self.blob(), comment: b"token".to_vec() }]),
            Request::Sign(sign) if sign.key == self.blob() => Reply::Signature(self.sign(&sign.data)),
            _ => Reply::Failure,
        }
    }

    fn serve(&self, mut stream: UnixStream) {
        let mut length = [0; 4];
        while stream.read_exact(&mut length).is_ok() {
            let mut message = vec![0; u32::from_be_bytes(length) as usize];
            stream.read_exact(&mut message).expect("a whole message");
            let request = Request::parse(&message).expect("a request");
            stream.write_all(&frame(&self.answer(&request).encode())).expect("the client is there");
        }
    }
}

/// An agent that holds the token, at this socket.
fn agent(sshd: &Sshd, token: Token) -> PathBuf {
    let socket = sshd.path("agent");
    let listener = UnixListener::bind(&socket).expect("a socket");
    std::thread::spawn(move || listener.incoming().for_each(|stream| token.serve(stream.expect("a connection"))));
    socket
}

#[tokio::test]
async fn a_security_key_in_the_agent_logs_in_and_its_touch_is_asked_for() {
    let Some(sshd) = Sshd::new() else { return };
    let pkcs8 = Ed25519KeyPair::generate_pkcs8(&SystemRandom::new()).expect("a key");
    let token = Token { pair: Ed25519KeyPair::from_pkcs8(pkcs8.as_ref()).expect("the key") };
    let public = PublicKey::from_bytes(&token.blob()).expect("a public key").to_openssh().expect("as text");
    sshd.authorize(&public);
    let config = format!("IdentityAgent \"{}\"", agent(&sshd, token).display());
    let notes = Arc::new(Notes::default());
    let keyring = Keyring::new(Asking::nobody(), notes.clone());
    let authenticated = sshd.login(&config, &keyring).await.expect("touched");
    assert_eq!(authenticated.method(), "publickey agent: token");
    assert!(authenticated.needed_a_person(), "a further lane would need another touch");
    assert!(notes.text().contains("door: touch the security key to log in"), "{}", notes.text());
}

#[tokio::test]
async fn the_handle_of_a_security_key_is_called_what_it_is() {
    let Some(sshd) = Sshd::new() else { return };
    // ssh-keygen makes such files only with the hardware there: this one is written as PROTOCOL.key and PROTOCOL.u2f say
    let pkcs8 = Ed25519KeyPair::generate_pkcs8(&SystemRandom::new()).expect("a key");
    let token = Token { pair: Ed25519KeyPair::from_pkcs8(pkcs8.as_ref()).expect("the key") };
    let mut private = vec![1, 2, 3, 4, 1, 2, 3, 4];
    private.extend(token.blob());
    private.push(TOUCHED);
    for field in [&b"handle"[..], b"", b"comment"] {
        put_string(&mut private, field);
    }
    (1..).take(private.len().next_multiple_of(8) - private.len()).for_each(|byte| private.push(byte));
    let mut file = b"openssh-key-v1\0".to_vec();
    for field in [&b"none"[..], b"none", b""] {
        put_string(&mut file, field);
    }
    file.extend([0, 0, 0, 1]);
    put_string(&mut file, &token.blob());
    put_string(&mut file, &private);
    std::fs::write(sshd.path("raw"), file).expect("the key");
    let label = "OPENSSH PRIVATE KEY";
    let wrap =
        format!("(echo '-----BEGIN {label}-----'; base64 -w 70 raw; echo '-----END {label}-----') > k; chmod 600 k");
    super::door::shell(sshd.folder(), &wrap);
    let config = format!("IdentityFile \"{}\"", sshd.path("k").display());
    let refused = sshd.login(&config, &Person::who_says(&[]).keyring()).await.expect_err("no agent");
    let said = "the handle of a security key: load it into an agent (ssh-add)";
    assert!(refused.to_string().ends_with(said), "{refused}");
}
