//! What does a server send before SSH begins? Its version string, or whatever else answers on the port.
//!
//! Main type: [`BannerStream`]. RFC 4253 §4.2 lets a server send lines of text before `SSH-…`; an sshd that is full
//! sends one and closes. The text is reported once ([`Event::Identified`]); the bytes are passed on unchanged.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::abortable::Duplex;
use crate::progress::{Event, Observer};

/// The most bytes that are kept; a version string has at most 255.
const LONGEST: usize = 1024;

/// A transport whose first line is reported.
pub struct BannerStream {
    inner: Box<dyn Duplex>,
    hop: String,
    observer: Arc<dyn Observer>,
    /// The bytes so far; `None` once they have been reported.
    seen: Option<Vec<u8>>,
}

impl BannerStream {
    /// Reports the first line that `hop` sends over `inner`.
    pub fn new(inner: Box<dyn Duplex>, hop: &str, observer: Arc<dyn Observer>) -> BannerStream {
        BannerStream { inner, hop: hop.to_owned(), observer, seen: Some(Vec::new()) }
    }

    fn see(&mut self, bytes: &[u8]) {
        let Some(seen) = &mut self.seen else { return };
        seen.extend_from_slice(&bytes[..bytes.len().min(LONGEST - seen.len())]);
        let version = seen.split_inclusive(|&byte| byte == b'\n').find(|line| line.starts_with(b"SSH-"));
        let text = match version {
            Some(line) if line.ends_with(b"\n") => line.trim_ascii().to_vec(),
            _ if bytes.is_empty() || seen.len() == LONGEST => seen.trim_ascii().to_vec(),
            _ => return,
        };
        self.report(text);
    }

    fn report(&mut self, text: Vec<u8>) {
        self.seen = None;
        if !text.is_empty() {
            self.observer.event(Event::Identified { hop: self.hop.clone(), text });
        }
    }
}

impl AsyncRead for BannerStream {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let before = buf.filled().len();
        ready!(Pin::new(&mut self.inner).poll_read(cx, buf))?;
        self.see(&buf.filled()[before..]);
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for BannerStream {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.inner).poll_write(cx, buf)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_shutdown(cx)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Mutex;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    #[derive(Default)]
    struct Ear(Mutex<Vec<Vec<u8>>>);

    impl Observer for Ear {
        fn event(&self, event: Event) {
            if let Event::Identified { text, .. } = event {
                self.0.lock().unwrap().push(text);
            }
        }
    }

    async fn seen(pieces: &[&[u8]]) -> (Vec<u8>, Vec<Vec<u8>>) {
        let (near, mut far) = tokio::io::duplex(16);
        let ear = Arc::new(Ear::default());
        let mut stream = BannerStream::new(Box::new(near), "h", ear.clone());
        let pieces: Vec<Vec<u8>> = pieces.iter().map(|piece| piece.to_vec()).collect();
        let writing = tokio::spawn(async move {
            for piece in pieces {
                far.write_all(&piece).await.unwrap();
            }
        });
        let mut all = Vec::new();
        stream.read_to_end(&mut all).await.unwrap();
        writing.await.unwrap();
        let told = ear.0.lock().unwrap().clone();
        (all, told)
    }

    #[tokio::test]
    async fn the_version_line_is_told_once_and_the_bytes_go_on() {
        let (all, told) = seen(&[b"hello\r\nSS", b"H-2.0-x 1\r\nSSH-2.0-later\r\n\0\0"]).await;
        assert_eq!(all, b"hello\r\nSSH-2.0-x 1\r\nSSH-2.0-later\r\n\0\0");
        assert_eq!(told, [b"SSH-2.0-x 1"]);
    }

    #[tokio::test]
    async fn what_is_no_ssh_is_told_when_it_ends() {
        assert_eq!(seen(&[b"Exceeded Max", b"Startups\r\n"]).await.1, [b"Exceeded MaxStartups"]);
        assert!(seen(&[]).await.1.is_empty());
        assert_eq!(seen(&[&[b'x'; 3000]]).await.1, [vec![b'x'; LONGEST]]);
    }
}
