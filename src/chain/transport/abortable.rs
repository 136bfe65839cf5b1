//! How is a connection ended from outside? Through a byte stream that can be aborted, whose writes have a time limit,
//! and that counts its bytes.
//!
//! Main types: [`AbortableStream`], [`AbortHandle`]. `russh::client::connect_stream` spawns its session before it
//! returns, and dropping its future leaves that task running on the stream: aborting the stream ends it. A session that
//! waits in a write sends no keepalives and misses their answers, so writes have a limit of their own.

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

use super::byte_counts::ByteCounts;

/// Any transport below SSH.
pub trait Duplex: AsyncRead + AsyncWrite + Send + Unpin {}
impl<S: AsyncRead + AsyncWrite + Send + Unpin> Duplex for S {}

/// A transport whose reads and writes fail once its [`AbortHandle`] is used.
pub struct AbortableStream {
    inner: Box<dyn Duplex>,
    aborted: Pin<Box<WaitForCancellationFutureOwned>>,
    /// How long a write may wait; `None` for no limit.
    write_limit: Option<Duration>,
    /// Runs while a write waits.
    waiting: Option<Pin<Box<Sleep>>>,
    byte_counts: Arc<ByteCounts>,
}

/// Aborts an [`AbortableStream`], at the latest when it is dropped.
pub struct AbortHandle {
    token: CancellationToken,
    _aborts: DropGuard,
}

impl AbortHandle {
    /// Aborts the stream now.
    pub fn abort(&self) {
        self.token.cancel();
    }

    /// Whether the stream was aborted.
    pub fn is_aborted(&self) -> bool {
        self.token.is_cancelled()
    }
}

impl AbortableStream {
    /// Makes `inner` abortable. A write may wait for `write_limit`; `None` is no limit.
    pub fn new(inner: Box<dyn Duplex>, write_limit: Option<Duration>) -> (Self, AbortHandle) {
        let token = CancellationToken::new();
        let aborted = Box::pin(token.clone().cancelled_owned());
        let byte_counts = Arc::default();
        let stream = AbortableStream { inner, aborted, write_limit, waiting: None, byte_counts };
        (stream, AbortHandle { _aborts: token.clone().drop_guard(), token })
    }

    /// The counts of its bytes, which continue to be updated.
    pub fn byte_counts(&self) -> Arc<ByteCounts> {
        self.byte_counts.clone()
    }

    fn poll_aborted(&mut self, cx: &mut Context<'_>) -> io::Result<()> {
        match self.aborted.as_mut().poll(cx) {
            Poll::Ready(()) => Err(io::Error::new(io::ErrorKind::ConnectionAborted, "given up")),
            Poll::Pending => Ok(()),
        }
    }

    fn within_limit<T>(&mut self, cx: &mut Context<'_>, written: Poll<io::Result<T>>) -> Poll<io::Result<T>> {
        let (Poll::Pending, Some(limit)) = (&written, self.write_limit) else {
            self.waiting = None;
            return written;
        };
        let waiting = self.waiting.get_or_insert_with(|| Box::pin(sleep(limit)));
        match waiting.as_mut().poll(cx) {
            Poll::Ready(()) => {
                Poll::Ready(Err(io::Error::new(io::ErrorKind::TimedOut, "the server takes nothing any more")))
            }
            Poll::Pending => Poll::Pending,
        }
    }
}

impl AsyncRead for AbortableStream {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        self.poll_aborted(cx)?;
        let before = buf.filled().len();
        let read = Pin::new(&mut self.inner).poll_read(cx, buf);
        self.byte_counts.read.fetch_add((buf.filled().len() - before) as u64, Ordering::Relaxed);
        match self.byte_counts.is_too_much() {
            true => Poll::Ready(Err(io::Error::other("the server sent more than any login takes, and let nobody in"))),
            false => read,
        }
    }
}

impl AsyncWrite for AbortableStream {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        self.poll_aborted(cx)?;
        let written = Pin::new(&mut self.inner).poll_write(cx, buf);
        if let Poll::Ready(Ok(length)) = written {
            self.byte_counts.written.fetch_add(length as u64, Ordering::Relaxed);
        }
        self.within_limit(cx, written)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.poll_aborted(cx)?;
        let flushed = Pin::new(&mut self.inner).poll_flush(cx);
        self.within_limit(cx, flushed)
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
    async fn aborting_wakes_a_reader_that_waits() {
        let (near, mut far) = tokio::io::duplex(16);
        let (mut stream, abort) = AbortableStream::new(Box::new(near), None);
        far.write_all(b"ab").await.unwrap();
        let mut two = [0; 2];
        stream.read_exact(&mut two).await.unwrap();
        let waiting = tokio::spawn(async move { stream.read_u8().await });
        tokio::task::yield_now().await;
        drop(abort);
        assert_eq!(waiting.await.unwrap().unwrap_err().kind(), io::ErrorKind::ConnectionAborted);
    }

    /// The number of bytes that can be read of an endless stream, at most 64 MiB, and how reading ended.
    async fn drained(mut stream: AbortableStream) -> (usize, io::Result<usize>) {
        let (mut chunk, mut all) = (vec![0; 1 << 16], 0);
        loop {
            match stream.read(&mut chunk).await {
                Ok(length) if all < 64 << 20 => all += length,
                ended => return (all, ended),
            }
        }
    }

    #[tokio::test]
    async fn a_server_that_talks_without_letting_anybody_in_is_cut_off() {
        let endless = || Box::new(tokio::io::join(tokio::io::repeat(7), tokio::io::sink()));
        let (shut, _abort) = AbortableStream::new(endless(), None);
        let (read, ended) = drained(shut).await;
        assert!(ended.is_err() && (4 << 20..5 << 20).contains(&read), "{read} bytes");
        let (open, _abort) = AbortableStream::new(endless(), None);
        open.byte_counts().logged_in();
        assert!(drained(open).await.1.is_ok());
    }

    #[tokio::test]
    async fn a_write_that_nobody_takes_ends() {
        let (near, mut far) = tokio::io::duplex(4);
        let (mut stream, _abort) = AbortableStream::new(Box::new(near), Some(Duration::from_millis(50)));
        stream.write_all(b"abcd").await.unwrap();
        let (written, read) = tokio::join!(stream.write_all(b"efgh"), async {
            tokio::time::sleep(Duration::from_millis(20)).await;
            far.read_exact(&mut [0; 4]).await
        });
        assert!(written.is_ok() && read.is_ok());
        assert_eq!(stream.write_all(b"ijkl").await.unwrap_err().kind(), io::ErrorKind::TimedOut);
    }
}
