//! A byte stream that can be cut from outside, that gives up when its other side takes nothing any more, and that counts.
//!
//! Main types: [`Severable`], [`Severed`]. `russh::client::connect_stream` spawns its session before it returns, and
//! dropping its future leaves that task running on the stream: cutting the stream ends it. A session that waits in a
//! write sends no keepalives and misses their answers, so writes have a limit of their own.

use std::future::Future;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Sleep, sleep};
use tokio_util::sync::{CancellationToken, DropGuard, WaitForCancellationFutureOwned};

use super::byte_counts::Odometer;

/// Any transport below SSH.
pub trait Duplex: AsyncRead + AsyncWrite + Send + Unpin {}
impl<S: AsyncRead + AsyncWrite + Send + Unpin> Duplex for S {}

/// A transport with a cord: once the cord is cut it reads and writes nothing any more.
pub struct Severable {
    inner: Box<dyn Duplex>,
    cut: Pin<Box<WaitForCancellationFutureOwned>>,
    patience: Option<Duration>,
    waiting: Option<Pin<Box<Sleep>>>,
    odometer: Arc<Odometer>,
}

/// The cord of a [`Severable`]: dropping it cuts.
pub struct Severed {
    token: CancellationToken,
    _cuts: DropGuard,
}

impl Severed {
    /// Cuts now.
    pub fn cut(&self) {
        self.token.cancel();
    }

    /// It has been cut.
    pub fn is_cut(&self) -> bool {
        self.token.is_cancelled()
    }
}

impl Severable {
    /// Ties a cord to `inner`. A write may wait for `patience`; without, for ever.
    pub fn new(inner: Box<dyn Duplex>, patience: Option<Duration>) -> (Self, Severed) {
        let token = CancellationToken::new();
        let cut = Box::pin(token.clone().cancelled_owned());
        let odometer = Arc::default();
        let stream = Severable { inner, cut, patience, waiting: None, odometer };
        (stream, Severed { _cuts: token.clone().drop_guard(), token })
    }

    /// What went over it.
    pub fn odometer(&self) -> Arc<Odometer> {
        self.odometer.clone()
    }

    fn poll_cut(&mut self, cx: &mut Context<'_>) -> io::Result<()> {
        match self.cut.as_mut().poll(cx) {
            Poll::Ready(()) => Err(io::Error::new(io::ErrorKind::ConnectionAborted, "given up")),
            Poll::Pending => Ok(()),
        }
    }

    fn within_patience<T>(&mut self, cx: &mut Context<'_>, written: Poll<io::Result<T>>) -> Poll<io::Result<T>> {
        let (Poll::Pending, Some(patience)) = (&written, self.patience) else {
            self.waiting = None;
            return written;
        };
        let waiting = self.waiting.get_or_insert_with(|| Box::pin(sleep(patience)));
        match waiting.as_mut().poll(cx) {
            Poll::Ready(()) => {
                Poll::Ready(Err(io::Error::new(io::ErrorKind::TimedOut, "the server takes nothing any more")))
            }
            Poll::Pending => Poll::Pending,
        }
    }
}

impl AsyncRead for Severable {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        self.poll_cut(cx)?;
        let before = buf.filled().len();
        let read = Pin::new(&mut self.inner).poll_read(cx, buf);
        self.odometer.read.fetch_add((buf.filled().len() - before) as u64, Ordering::Relaxed);
        read
    }
}

impl AsyncWrite for Severable {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        self.poll_cut(cx)?;
        let written = Pin::new(&mut self.inner).poll_write(cx, buf);
        if let Poll::Ready(Ok(length)) = written {
            self.odometer.written.fetch_add(length as u64, Ordering::Relaxed);
        }
        self.within_patience(cx, written)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.poll_cut(cx)?;
        let flushed = Pin::new(&mut self.inner).poll_flush(cx);
        self.within_patience(cx, flushed)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_shutdown(cx)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    #[tokio::test]
    async fn a_cut_wakes_a_reader_that_waits() {
        let (near, mut far) = tokio::io::duplex(16);
        let (mut stream, cord) = Severable::new(Box::new(near), None);
        far.write_all(b"ab").await.unwrap();
        let mut two = [0; 2];
        stream.read_exact(&mut two).await.unwrap();
        let waiting = tokio::spawn(async move { stream.read_u8().await });
        tokio::task::yield_now().await;
        drop(cord);
        assert_eq!(waiting.await.unwrap().unwrap_err().kind(), io::ErrorKind::ConnectionAborted);
    }

    #[tokio::test]
    async fn a_write_that_nobody_takes_ends() {
        let (near, mut far) = tokio::io::duplex(4);
        let (mut stream, _cord) = Severable::new(Box::new(near), Some(Duration::from_millis(50)));
        stream.write_all(b"abcd").await.unwrap();
        let (written, read) = tokio::join!(stream.write_all(b"efgh"), async {
            tokio::time::sleep(Duration::from_millis(20)).await;
            far.read_exact(&mut [0; 4]).await
        });
        assert!(written.is_ok() && read.is_ok());
        assert_eq!(stream.write_all(b"ijkl").await.unwrap_err().kind(), io::ErrorKind::TimedOut);
    }
}
