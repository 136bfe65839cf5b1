//! A server that changes its host key when keys are changed: a small SSH server of our own, since no other does that.
//!
//! Main type: [`Turncoat`], started with a [`Manner`]. It speaks curve25519-sha256, ssh-ed25519 and aes128-gcm@openssh.com (RFC 4253, RFC 5647, RFC
//! 8731), lets everybody in, and asks for new keys when a session channel is opened. A program on it then ends with the
//! status 7. Or it never comes to the point, and talks until it is cut off.

use std::io::{self, Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;

use aws_lc_rs::aead::{AES_128_GCM, Aad, LessSafeKey, Nonce, UnboundKey};
use aws_lc_rs::agreement::{EphemeralPrivateKey, UnparsedPublicKey, X25519, agree_ephemeral};
use aws_lc_rs::digest::{Context, SHA256};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair as _};

const VERSION: &[u8] = b"SSH-2.0-turncoat";
const TAG: usize = 16;

mod number {
    pub const KEXINIT: u8 = 20;
    pub const NEWKEYS: u8 = 21;
    pub const KEX_ECDH_INIT: u8 = 30;
    pub const KEX_ECDH_REPLY: u8 = 31;
    pub const SERVICE_REQUEST: u8 = 5;
    pub const USERAUTH_REQUEST: u8 = 50;
    pub const GLOBAL_REQUEST: u8 = 80;
    pub const CHANNEL_OPEN: u8 = 90;
    pub const CHANNEL_REQUEST: u8 = 98;
}

/// Host keys: that of the first key exchange, and that of all later ones where it is another.
struct Keys {
    first: Ed25519KeyPair,
    later: Option<Ed25519KeyPair>,
}

/// What a server does wrong, if anything.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Manner {
    /// Nothing: keys are changed, the host key stays.
    Honest,
    /// It shows another host key when keys are changed.
    Changes,
    /// It answers a login with banners, each another, without end.
    Chatters,
}

/// A server that listens until the test ends.
pub struct Turncoat {
    pub address: SocketAddr,
    /// The first key, as known_hosts has it.
    pub known: String,
}

impl Turncoat {
    /// Listens on the loopback interface.
    pub fn start(manner: Manner) -> Turncoat {
        let pair = || Ed25519KeyPair::generate().expect("a key");
        let first = pair();
        let later = if manner == Manner::Changes { Some(pair()) } else { None };
        let keys = Arc::new(Keys { first, later });
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let address = listener.local_addr().expect("its address");
        let blob = blob(&keys.first);
        let known = format!("[{}]:{} ssh-ed25519 {}", address.ip(), address.port(), base64(&blob));
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let keys = keys.clone();
                // a client that refuses hangs up in mid-sentence
                std::thread::spawn(move || stream.and_then(|stream| Talk::begin(stream)?.serve(&keys, manner)));
            }
        });
        Turncoat { address, known }
    }
}

/// One direction's key and counter.
struct Gcm {
    key: LessSafeKey,
    fixed: [u8; 4],
    counter: u64,
}

impl Gcm {
    fn new(key: &[u8], iv: &[u8]) -> Gcm {
        let key = LessSafeKey::new(UnboundKey::new(&AES_128_GCM, &key[..16]).expect("a key of 16 bytes"));
        let counter = u64::from_be_bytes(iv[4..12].try_into().expect("eight bytes"));
        Gcm { key, fixed: iv[..4].try_into().expect("four bytes"), counter }
    }

    fn nonce(&mut self) -> Nonce {
        let nonce = [&self.fixed[..], &self.counter.to_be_bytes()].concat();
        self.counter = self.counter.wrapping_add(1);
        Nonce::try_assume_unique_for_key(&nonce).expect("twelve bytes")
    }
}

/// One connection.
struct Talk {
    stream: TcpStream,
    client_version: Vec<u8>,
    session: Option<Vec<u8>>,
    /// The channel that was opened last, by the client's number.
    channel: [u8; 4],
    sending: Option<Gcm>,
    receiving: Option<Gcm>,
}

impl Talk {
    fn begin(mut stream: TcpStream) -> io::Result<Talk> {
        stream.write_all(&[VERSION, b"\r\n"].concat())?;
        let (mut line, mut byte) = (Vec::new(), [0]);
        while !line.ends_with(b"\n") {
            stream.read_exact(&mut byte)?;
            line.extend_from_slice(&byte);
        }
        let client_version = line.trim_ascii_end().to_vec();
        Ok(Talk { stream, client_version, session: None, channel: [0; 4], sending: None, receiving: None })
    }

    fn serve(mut self, keys: &Keys, manner: Manner) -> io::Result<()> {
        let ours = self.propose()?;
        let theirs = self.receive()?;
        self.exchange(&keys.first, &ours, &theirs)?;
        loop {
            let packet = self.receive()?;
            match packet[0] {
                number::SERVICE_REQUEST => self.send(&[&[6], &string(b"ssh-userauth")[..]].concat())?,
                number::USERAUTH_REQUEST if manner == Manner::Chatters => self.chatter()?,
                number::USERAUTH_REQUEST => self.send(&[52])?,
                number::CHANNEL_OPEN => {
                    let ours = self.propose()?;
                    let theirs = self.until(number::KEXINIT)?;
                    self.exchange(keys.later.as_ref().unwrap_or(&keys.first), &ours, &theirs)?;
                    self.confirm(&packet)?;
                }
                number::CHANNEL_REQUEST => self.end_program(&packet)?,
                number::GLOBAL_REQUEST => self.send(&[82])?,
                _ => {}
            }
        }
    }

    /// Returns once the other side has had enough.
    fn chatter(&mut self) -> io::Result<()> {
        for count in 0.. {
            let text = format!("banner {count} {}\n", "x".repeat(8000));
            self.send(&[&[53], &string(text.as_bytes())[..], &string(b"")].concat())?;
        }
        Ok(())
    }

    /// Sends KEXINIT.
    fn propose(&mut self) -> io::Result<Vec<u8>> {
        let lists: [&[u8]; 10] = [
            b"curve25519-sha256",
            b"ssh-ed25519",
            b"aes128-gcm@openssh.com",
            b"aes128-gcm@openssh.com",
            b"hmac-sha2-256",
            b"hmac-sha2-256",
            b"none",
            b"none",
            b"",
            b"",
        ];
        let lists: Vec<u8> = lists.iter().flat_map(|list| string(list)).collect();
        let packet = [&[number::KEXINIT], &[7; 16][..], &lists, &[0; 5]].concat();
        self.send(&packet)?;
        Ok(packet)
    }

    /// The next packet of a kind; nobody sends another while keys are changed.
    fn until(&mut self, kind: u8) -> io::Result<Vec<u8>> {
        loop {
            let packet = self.receive()?;
            if packet[0] == kind {
                return Ok(packet);
            }
        }
    }

    fn exchange(&mut self, key: &Ed25519KeyPair, ours: &[u8], theirs: &[u8]) -> io::Result<()> {
        let init = self.until(number::KEX_ECDH_INIT)?;
        let (point, _) = split_string(&init[1..]);
        let private = EphemeralPrivateKey::generate(&X25519, &SystemRandom::new()).map_err(io::Error::other)?;
        let public = private.compute_public_key().map_err(io::Error::other)?;
        let peer = UnparsedPublicKey::new(&X25519, point);
        let failed = io::Error::other("no agreement");
        let secret = agree_ephemeral(private, peer, failed, |secret| Ok(mpint(secret)))?;
        let host_key = blob(key);
        let parts: [&[u8]; 7] = [&self.client_version, VERSION, theirs, ours, &host_key, point, public.as_ref()];
        let parts: Vec<u8> = parts.iter().flat_map(|part| string(part)).collect();
        let hash = sha256(&[&parts, &secret]);
        let signature = [string(b"ssh-ed25519"), string(key.sign(&hash).as_ref())].concat();
        let reply = [string(&host_key), string(public.as_ref()), string(&signature)].concat();
        self.send(&[&[number::KEX_ECDH_REPLY], &reply[..]].concat())?;
        self.send(&[number::NEWKEYS])?;
        let session = self.session.get_or_insert_with(|| hash.clone()).clone();
        let derive = |letter: u8| sha256(&[&secret, &hash, &[letter], &session]);
        self.sending = Some(Gcm::new(&derive(b'D'), &derive(b'B')));
        self.until(number::NEWKEYS)?;
        self.receiving = Some(Gcm::new(&derive(b'C'), &derive(b'A')));
        Ok(())
    }

    fn confirm(&mut self, open: &[u8]) -> io::Result<()> {
        let (_, rest) = split_string(&open[1..]);
        self.channel.copy_from_slice(&rest[..4]);
        let window = [2u32 << 20, 32 << 10].map(u32::to_be_bytes).concat();
        self.send_there(91, &[&[0; 4][..], &window].concat())
    }

    /// Answers a request for a program, which is over at once.
    fn end_program(&mut self, request: &[u8]) -> io::Result<()> {
        let (name, rest) = split_string(&request[5..]);
        match (name, rest[0]) {
            (b"exec", _) => {
                self.send_there(99, b"")?;
                let status = [&string(b"exit-status")[..], &[0, 0, 0, 0, 7]].concat();
                self.send_there(98, &status)?;
                self.send_there(97, b"")
            }
            (_, 0) => Ok(()),
            _ => self.send_there(100, b""),
        }
    }

    /// Sends a message about the channel that was opened last.
    fn send_there(&mut self, kind: u8, rest: &[u8]) -> io::Result<()> {
        self.send(&[&[kind], &self.channel[..], rest].concat())
    }

    fn send(&mut self, payload: &[u8]) -> io::Result<()> {
        // the length counts towards a block only where it is not encrypted apart (RFC 5647 §7.2)
        let (apart, block) = if self.sending.is_some() { (0, 16) } else { (4, 8) };
        let mut padding = block - (apart + 1 + payload.len()) % block;
        if padding < 4 {
            padding += block;
        }
        let mut body = [&[padding as u8], payload, &vec![0; padding]].concat();
        let length = (body.len() as u32).to_be_bytes();
        if let Some(gcm) = &mut self.sending {
            let nonce = gcm.nonce();
            gcm.key.seal_in_place_append_tag(nonce, Aad::from(length), &mut body).map_err(io::Error::other)?;
        }
        self.stream.write_all(&[&length[..], &body].concat())
    }

    fn receive(&mut self) -> io::Result<Vec<u8>> {
        let mut length = [0; 4];
        self.stream.read_exact(&mut length)?;
        let tag = if self.receiving.is_some() { TAG } else { 0 };
        let mut body = vec![0; u32::from_be_bytes(length) as usize + tag];
        self.stream.read_exact(&mut body)?;
        if let Some(gcm) = &mut self.receiving {
            let nonce = gcm.nonce();
            gcm.key.open_in_place(nonce, Aad::from(length), &mut body).map_err(io::Error::other)?;
            body.truncate(body.len() - TAG);
        }
        Ok(body[1..body.len() - usize::from(body[0])].to_vec())
    }
}

/// A host key as it goes over the wire (RFC 8709).
fn blob(key: &Ed25519KeyPair) -> Vec<u8> {
    [string(b"ssh-ed25519"), string(key.public_key().as_ref())].concat()
}

fn string(bytes: &[u8]) -> Vec<u8> {
    [&(bytes.len() as u32).to_be_bytes(), bytes].concat()
}

fn split_string(bytes: &[u8]) -> (&[u8], &[u8]) {
    let length = u32::from_be_bytes(bytes[..4].try_into().expect("four bytes")) as usize;
    bytes[4..].split_at(length)
}

/// An unsigned number as RFC 4251 §5 has it.
fn mpint(bytes: &[u8]) -> Vec<u8> {
    let zeros = bytes.iter().take_while(|byte| **byte == 0).count();
    let digits = &bytes[zeros..];
    let sign: &[u8] = if digits.first().is_some_and(|first| first & 0x80 != 0) { &[0] } else { &[] };
    string(&[sign, digits].concat())
}

fn sha256(parts: &[&[u8]]) -> Vec<u8> {
    let mut context = Context::new(&SHA256);
    parts.iter().for_each(|part| context.update(part));
    context.finish().as_ref().to_vec()
}

fn base64(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let four = |three: &[u8]| {
        let bits = three.iter().fold(0u32, |bits, byte| bits << 8 | u32::from(*byte)) << (8 * (3 - three.len()));
        let digit = |place: usize| {
            if place > three.len() { '=' } else { DIGITS[(bits >> (18 - 6 * place) & 63) as usize].into() }
        };
        (0..4).map(digit).collect::<String>()
    };
    bytes.chunks(3).map(four).collect()
}
