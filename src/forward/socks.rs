//! Where does a connection want to go? The server's side of SOCKS, versions 4, 4a and 5 (RFC 1928), CONNECT only,
//! without a login.
//!
//! Main function: [`greet`], over any stream; its parsers are pure. Lengths are bounded. Names stay unresolved, because
//! only the far side can resolve them.

use std::io;
use std::net::{Ipv4Addr, Ipv6Addr};

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};

/// The longest name, or user of version 4, in bytes.
const LONGEST: usize = 255;
const CONNECT: u8 = 1;
const NO_LOGIN: u8 = 0;
const NO_METHOD: u8 = 0xff;

/// The version of SOCKS that a client uses.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SocksVersion {
    /// 4 and 4a.
    Four,
    /// 5.
    Five,
}

/// A client's request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SocksRequest {
    /// The version of the request, and of the answer it needs.
    pub version: SocksVersion,
    /// A name or an address.
    pub host: String,
    /// The port.
    pub port: u16,
}

/// Reads the client's request; a request that is not supported is answered with an error.
pub async fn greet<S: AsyncRead + AsyncWrite + Unpin>(stream: &mut S) -> io::Result<SocksRequest> {
    match stream.read_u8().await? {
        4 => four(stream).await,
        5 => five(stream).await,
        _ => Err(wrong("neither SOCKS 4 nor 5")),
    }
}

/// The answer to a request, by whether the connection was made.
pub fn answer(version: SocksVersion, connected: Result<(), ()>) -> Vec<u8> {
    match (version, connected) {
        (SocksVersion::Four, Ok(())) => vec![0, 90, 0, 0, 0, 0, 0, 0],
        (SocksVersion::Four, Err(())) => vec![0, 91, 0, 0, 0, 0, 0, 0],
        (SocksVersion::Five, Ok(())) => vec![5, 0, 0, 1, 0, 0, 0, 0, 0, 0],
        (SocksVersion::Five, Err(())) => vec![5, 5, 0, 1, 0, 0, 0, 0, 0, 0],
    }
}

async fn four<S: AsyncRead + AsyncWrite + Unpin>(stream: &mut S) -> io::Result<SocksRequest> {
    let command = stream.read_u8().await?;
    let port = stream.read_u16().await?;
    let address = Ipv4Addr::from(stream.read_u32().await?);
    text_to_nul(stream).await?; // the user, which nobody checks
    let host = match address.octets() {
        [0, 0, 0, last] if last != 0 => name(text_to_nul(stream).await?)?,
        _ => address.to_string(),
    };
    if command != CONNECT {
        stream.write_all(&answer(SocksVersion::Four, Err(()))).await?;
        return Err(wrong("only CONNECT is served"));
    }
    Ok(SocksRequest { version: SocksVersion::Four, host, port })
}

async fn five<S: AsyncRead + AsyncWrite + Unpin>(stream: &mut S) -> io::Result<SocksRequest> {
    let count = stream.read_u8().await?;
    let mut methods = vec![0; count.into()];
    stream.read_exact(&mut methods).await?;
    if !methods.contains(&NO_LOGIN) {
        stream.write_all(&[5, NO_METHOD]).await?;
        return Err(wrong("the client insists on a login"));
    }
    stream.write_all(&[5, NO_LOGIN]).await?;
    let mut head = [0; 4];
    stream.read_exact(&mut head).await?;
    let host = match head[3] {
        1 => Ipv4Addr::from(stream.read_u32().await?).to_string(),
        4 => Ipv6Addr::from(stream.read_u128().await?).to_string(),
        3 => {
            let mut bytes = vec![0; stream.read_u8().await?.into()];
            stream.read_exact(&mut bytes).await?;
            name(bytes)?
        }
        _ => return refuse(stream, 8, "no such kind of address").await,
    };
    let port = stream.read_u16().await?;
    match (head[0], head[1]) {
        (5, CONNECT) => Ok(SocksRequest { version: SocksVersion::Five, host, port }),
        _ => refuse(stream, 7, "only CONNECT is served").await,
    }
}

async fn refuse<S: AsyncWrite + Unpin>(stream: &mut S, code: u8, why: &str) -> io::Result<SocksRequest> {
    stream.write_all(&[5, code, 0, 1, 0, 0, 0, 0, 0, 0]).await?;
    Err(wrong(why))
}

async fn text_to_nul<S: AsyncRead + Unpin>(stream: &mut S) -> io::Result<Vec<u8>> {
    let mut text = Vec::new();
    loop {
        match stream.read_u8().await? {
            0 => return Ok(text),
            byte if text.len() < LONGEST => text.push(byte),
            _ => return Err(wrong("the text is too long")),
        }
    }
}

/// The name of a host. It goes into the channel request unchanged, so only the characters of names are allowed.
fn name(bytes: Vec<u8>) -> io::Result<String> {
    let fits = !bytes.is_empty() && bytes.iter().all(u8::is_ascii_graphic);
    let text = String::from_utf8(bytes).ok().filter(|_| fits);
    text.ok_or_else(|| wrong("no name"))
}

fn wrong(why: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, why.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// The request that is read, and the answer the client gets.
    fn talk(says: &[u8]) -> (io::Result<SocksRequest>, Vec<u8>) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(async {
            let (mut near, mut far) = tokio::io::duplex(4096);
            far.write_all(says).await.unwrap();
            far.shutdown().await.unwrap();
            let request = greet(&mut near).await;
            drop(near);
            let mut heard = Vec::new();
            far.read_to_end(&mut heard).await.unwrap();
            (request, heard)
        })
    }

    fn request(version: SocksVersion, host: &str, port: u16) -> SocksRequest {
        SocksRequest { version, host: host.into(), port }
    }

    #[test]
    fn the_three_ways_to_ask_are_understood() {
        assert_eq!(
            talk(b"\x04\x01\x00\x50\x7f\x00\x00\x01me\0").0.unwrap(),
            request(SocksVersion::Four, "127.0.0.1", 80)
        );
        assert_eq!(
            talk(b"\x04\x01\x00\x50\0\0\0\x01\0db.internal\0").0.unwrap(),
            request(SocksVersion::Four, "db.internal", 80)
        );
        let (asked, heard) = talk(b"\x05\x02\x02\x00\x05\x01\x00\x03\x02db\x15\x38");
        assert_eq!((asked.unwrap(), heard), (request(SocksVersion::Five, "db", 5432), vec![5, 0]));
        let (asked, _) = talk(b"\x05\x01\x00\x05\x01\x00\x04\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\x01\x00\x50");
        assert_eq!(asked.unwrap(), request(SocksVersion::Five, "::1", 80));
    }

    #[test]
    fn what_is_not_served_is_answered() {
        let (asked, heard) = talk(b"\x05\x01\x02");
        assert!(asked.is_err() && heard == [5, 0xff]);
        let (asked, heard) = talk(b"\x05\x01\x00\x05\x02\x00\x01\x7f\x00\x00\x01\x00\x50");
        assert!(asked.is_err() && heard[2..4] == [5, 7]);
        let (asked, heard) = talk(b"\x04\x02\x00\x50\x7f\x00\x00\x01\0");
        assert!(asked.is_err() && heard[1] == 91);
        assert!(talk(b"GET / HTTP/1.1\r\n").0.is_err());
        assert!(talk(&[&b"\x04\x01\x00\x50\x7f\x00\x00\x01"[..], &[b'a'; 300]].concat()).0.is_err());
        assert!(talk(b"\x05\x01\x00\x05\x01\x00\x03\x03a\nb\x00\x50").0.is_err());
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_without_panic(bytes in proptest::collection::vec(any::<u8>(), 0..64)) {
            if let Ok(request) = talk(&bytes).0 {
                prop_assert!(!request.host.is_empty());
            }
        }
    }
}
