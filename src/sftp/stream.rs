//! The byte stream below SFTP: chunks in, chunks out. An SSH channel hands over whole chunks without a copy; a pipe is
//! read through [`Reader`] and written through [`Writer`].

use std::future::Future;
use std::io;

use bytes::{Bytes, BytesMut};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};

/// The receiving half. Cancel-safe: a dropped call loses no bytes.
pub trait Receive: Send + 'static {
    /// The next chunk, never empty; `None` at the end of the stream.
    fn receive(&mut self) -> impl Future<Output = io::Result<Option<Bytes>>> + Send;
}

/// The transmitting half.
pub trait Transmit: Send + 'static {
    /// Takes a chunk; waits while the peer is not ready for more.
    fn transmit(&mut self, chunk: Bytes) -> impl Future<Output = io::Result<()>> + Send;
}

/// An [`AsyncRead`] as a receiving half.
pub struct Reader<R> {
    inner: R,
    buffer: BytesMut,
}

/// Bytes asked for in one read.
const READ_SIZE: usize = 64 * 1024;

impl<R> Reader<R> {
    /// Wraps `inner`.
    pub fn new(inner: R) -> Self {
        Reader { inner, buffer: BytesMut::new() }
    }
}

impl<R: AsyncRead + Unpin + Send + 'static> Receive for Reader<R> {
    async fn receive(&mut self) -> io::Result<Option<Bytes>> {
        self.buffer.reserve(READ_SIZE);
        match self.inner.read_buf(&mut self.buffer).await? {
            0 => Ok(None),
            _ => Ok(Some(self.buffer.split().freeze())),
        }
    }
}

/// An [`AsyncWrite`] as a transmitting half.
pub struct Writer<W> {
    inner: W,
}

impl<W> Writer<W> {
    /// Wraps `inner`.
    pub fn new(inner: W) -> Self {
        Writer { inner }
    }
}

impl<W: AsyncWrite + Unpin + Send + 'static> Transmit for Writer<W> {
    async fn transmit(&mut self, chunk: Bytes) -> io::Result<()> {
        self.inner.write_all(&chunk).await?;
        self.inner.flush().await
    }
}
