//! Why does an upload pause for 40 ms at a time, and what helps? A TCP connection that acknowledges at once when its
//! reader has nothing more to read.
//!
//! Main type: [`QuickAckStream`]. sshd leaves Nagle's algorithm on for everything but terminals: while an earlier small
//! packet is unacknowledged it holds back the next one, and Linux delays acknowledgements by up to 40 ms. Window
//! adjusts are small packets, so an upload that has used up its window pauses meanwhile (tcp(7), `TCP_QUICKACK`).

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;

/// A TCP connection to the first hop.
pub struct QuickAckStream(TcpStream);

impl QuickAckStream {
    /// Takes `stream` over.
    pub fn new(stream: TcpStream) -> QuickAckStream {
        QuickAckStream(stream)
    }

    /// Acknowledges the bytes that have arrived. The system soon forgets `TCP_QUICKACK`, so it is set again each time.
    fn acknowledge(&self) {
        #[cfg(any(target_os = "linux", target_os = "android"))]
        let _ = socket2::SockRef::from(&self.0).set_tcp_quickack(true); // without it, only slower
    }
}

impl AsyncRead for QuickAckStream {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let read = Pin::new(&mut self.0).poll_read(cx, buf);
        if read.is_pending() {
            self.acknowledge();
        }
        read
    }
}

impl AsyncWrite for QuickAckStream {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.0).poll_write(cx, buf)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_shutdown(cx)
    }
}
