//! A server that does what the test says: it speaks SFTP's packets with code of its own, so that nothing is tested
//! against itself.

use std::time::Duration;

use hop::sftp::{Client, Handle, OpenDirectory, OpenFlags, Reader, SftpError, Writer};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, DuplexStream};

pub const OPEN: u8 = 3;
pub const CLOSE: u8 = 4;
pub const READ: u8 = 5;
pub const WRITE: u8 = 6;
pub const READDIR: u8 = 12;
pub const STATUS: u8 = 101;
pub const HANDLE: u8 = 102;
pub const DATA: u8 = 103;
pub const NAME: u8 = 104;
pub const ATTRS: u8 = 105;

/// What nothing here may take longer than; a test that reaches it has found a hang.
const PATIENCE: Duration = Duration::from_secs(60);

/// Waits for `future`, and fails the test when it hangs.
pub async fn soon<T>(future: impl Future<Output = T>) -> T {
    tokio::time::timeout(PATIENCE, future).await.expect("it hangs")
}

/// One request as it came.
pub struct Request {
    pub kind: u8,
    pub id: u32,
    pub body: Vec<u8>,
}

impl Request {
    /// Of a READ: its offset and length.
    pub fn range(&self) -> (u64, usize) {
        assert_eq!(self.kind, READ);
        let fields = &self.body[4 + u32_at(&self.body, 0) as usize..];
        (u64::from_be_bytes(fields[..8].try_into().unwrap()), u32_at(fields, 8) as usize)
    }
}

pub fn u32_at(bytes: &[u8], at: usize) -> u32 {
    u32::from_be_bytes(bytes[at..at + 4].try_into().unwrap())
}

pub fn string(bytes: &[u8]) -> Vec<u8> {
    [&(bytes.len() as u32).to_be_bytes()[..], bytes].concat()
}

pub fn packet(kind: u8, id: u32, body: &[u8]) -> Vec<u8> {
    string(&[&[kind][..], &id.to_be_bytes(), body].concat())
}

pub fn status(id: u32, code: u32, text: &str) -> Vec<u8> {
    packet(STATUS, id, &[&code.to_be_bytes()[..], &string(text.as_bytes()), &string(b"en")].concat())
}

pub fn data(id: u32, bytes: &[u8]) -> Vec<u8> {
    packet(DATA, id, &string(bytes))
}

pub fn handle(id: u32, bytes: &[u8]) -> Vec<u8> {
    packet(HANDLE, id, &string(bytes))
}

/// A listing whose names have no attributes.
pub fn names(id: u32, names: &[&[u8]]) -> Vec<u8> {
    let count = (names.len() as u32).to_be_bytes().to_vec();
    let entries = names.iter().map(|name| [string(name), string(b""), vec![0; 4]].concat());
    packet(NAME, id, &std::iter::once(count).chain(entries).collect::<Vec<_>>().concat())
}

/// A greeting of version 3 with these extensions.
pub fn greeting(extensions: &[(&str, &str)]) -> Vec<u8> {
    let pairs: Vec<u8> = extensions
        .iter()
        .flat_map(|(name, version)| [string(name.as_bytes()), string(version.as_bytes())].concat())
        .collect();
    packet(2, 3, &pairs)
}

/// The server's end of a stream.
pub struct Script {
    pub stream: DuplexStream,
}

impl Script {
    /// A client greeted with `extensions`, and its server.
    pub async fn greet(extensions: &[(&str, &str)]) -> (Client, Script) {
        let (script, start) = Script::begin(&greeting(extensions), 64 * 1024).await;
        (soon(start).await.unwrap().expect("a good greeting"), script)
    }

    /// A server that sends `first` whatever it is told, over a stream that holds `buffer` bytes, and the client's start.
    pub async fn begin(first: &[u8], buffer: usize) -> (Script, tokio::task::JoinHandle<Result<Client, SftpError>>) {
        let (ours, theirs) = tokio::io::duplex(buffer);
        let (input, output) = tokio::io::split(ours);
        let start = tokio::spawn(Client::start(Reader::new(input), Writer::new(output)));
        let mut script = Script { stream: theirs };
        let mut init = [0; 9];
        soon(script.stream.read_exact(&mut init)).await.unwrap();
        assert_eq!(init, [0, 0, 0, 5, 1, 0, 0, 0, 3]);
        script.send(first).await;
        (script, start)
    }

    /// Sends bytes; a client that has hung up does not mind.
    pub async fn send(&mut self, bytes: &[u8]) {
        let _ = soon(self.stream.write_all(bytes)).await;
    }

    /// The next request, `None` when the client has hung up.
    pub async fn request(&mut self) -> Option<Request> {
        let mut length = [0; 4];
        soon(self.stream.read_exact(&mut length)).await.ok()?;
        let mut packet = vec![0; u32::from_be_bytes(length) as usize];
        soon(self.stream.read_exact(&mut packet)).await.ok()?;
        Some(Request { kind: packet[0], id: u32_at(&packet, 1), body: packet[5..].to_vec() })
    }

    /// The next `count` requests.
    pub async fn requests(&mut self, count: usize) -> Vec<Request> {
        let mut requests = Vec::with_capacity(count);
        while requests.len() < count {
            requests.push(self.request().await.expect("another request"));
        }
        requests
    }

    /// Whether the client stays silent for a while.
    pub async fn is_silent(&mut self) -> bool {
        let mut byte = [0];
        tokio::time::timeout(Duration::from_millis(100), self.stream.read_exact(&mut byte)).await.is_err()
    }

    /// Lets the client open a file; its handle is `h`.
    pub async fn open(&mut self, client: &Client) -> Handle {
        let asking = client.clone();
        let opening = tokio::spawn(async move { asking.open(b"file", OpenFlags::READ, &Default::default()).await });
        let request = self.request().await.expect("an open");
        self.send(&handle(request.id, b"h")).await;
        soon(opening).await.unwrap().expect("opened")
    }

    /// Lets the client begin to list a folder; its handle is `h`.
    pub async fn list(&mut self, client: &Client) -> OpenDirectory {
        let asking = client.clone();
        let opening = tokio::spawn(async move { asking.list(b"folder").await });
        let request = self.request().await.expect("an opendir");
        self.send(&handle(request.id, b"h")).await;
        soon(opening).await.unwrap().expect("opened")
    }
}
