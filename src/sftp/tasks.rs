//! The two tasks of a session: one reads answers and never waits for anything but the server, one writes requests.
//! Whichever stops first ends the session, and with it the other.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use tokio::sync::mpsc::UnboundedReceiver;

use super::error::SftpError;
use super::frame::Framer;
use super::session::SftpSession;
use super::stream::{Receive, Transmit};
use super::wire::Frame;

/// Bytes of a chunk that short requests are put together into: over SSH, each chunk costs a packet.
const CHUNK: usize = 32 * 1024;

/// Bytes from which file data is sent as a chunk of its own: copying it behind its header cost a third of the speed to
/// an `sftp-server` on a pipe, and half the client's time.
const OWN_CHUNK: usize = 16 * 1024;

/// How long a failure to send waits for the receiving side to say why.
const LAST_WORD: Duration = Duration::from_millis(500);

/// Requests taken from the queue at once.
const BATCH: usize = 64;

/// The stream of answers; the framer may hold what came behind the greeting.
pub(super) struct Inbound<R> {
    pub receive: R,
    pub framer: Framer,
}

/// The stream for requests, and the queue they come from.
pub(super) struct Outbound<T> {
    pub transmit: T,
    pub queue: UnboundedReceiver<Frame>,
}

/// Starts both tasks.
pub(super) fn start(session: &Arc<SftpSession>, incoming: Inbound<impl Receive>, outgoing: Outbound<impl Transmit>) {
    let (Inbound { receive, framer }, Outbound { transmit, queue }) = (incoming, outgoing);
    let reader = Arc::clone(session);
    tokio::spawn(async move {
        let reason = tokio::select! {
            () = reader.closed.cancelled() => SftpError::Ended("closed here".into()),
            reason = read(&reader, receive, framer) => reason,
        };
        reader.end(reason);
    });
    let writer = Arc::clone(session);
    tokio::spawn(async move {
        let reason = tokio::select! {
            () = writer.closed.cancelled() => SftpError::Ended("closed here".into()),
            reason = write(&writer, transmit, queue) => {
                // whoever receives meets the same end, and knows more about it
                let _ = tokio::time::timeout(LAST_WORD, writer.closed.cancelled()).await;
                reason
            }
        };
        writer.end(reason);
    });
}

/// Delivers answers until the stream ends or breaks. Returns why.
async fn read(session: &Arc<SftpSession>, mut receive: impl Receive, mut framer: Framer) -> SftpError {
    loop {
        if let Err(error) = deliver_all(session, &mut framer) {
            return error;
        }
        match next_chunk(&mut receive, &mut framer).await {
            Ok(length) => session.pulse.received.fetch_add(length as u64, Ordering::Relaxed),
            Err(error) => return error,
        };
    }
}

fn deliver_all(session: &Arc<SftpSession>, framer: &mut Framer) -> Result<(), SftpError> {
    while let Some(packet) = framer.next()? {
        session.deliver(packet)?;
    }
    Ok(())
}

/// Gives the framer one chunk. Returns the chunk's length.
pub(super) async fn next_chunk(receive: &mut impl Receive, framer: &mut Framer) -> Result<usize, SftpError> {
    match receive.receive().await {
        Ok(Some(chunk)) => {
            let length = chunk.len();
            framer.feed(chunk);
            Ok(length)
        }
        Ok(None) if framer.is_between_packets() => Err(SftpError::Ended("the server closed it".into())),
        Ok(None) => Err(SftpError::Ended("the server closed it inside a packet".into())),
        Err(error) => Err(SftpError::Ended(format!("cannot receive: {error}"))),
    }
}

/// Sends requests until that fails. Returns why.
async fn write(session: &SftpSession, mut transmit: impl Transmit, mut queue: UnboundedReceiver<Frame>) -> SftpError {
    let mut frames = Vec::with_capacity(BATCH);
    while queue.recv_many(&mut frames, BATCH).await > 0 {
        for chunk in chunks(frames.drain(..)) {
            let length = chunk.len() as u64;
            if let Err(error) = transmit.transmit(chunk).await {
                return SftpError::Ended(format!("cannot send: {error}"));
            }
            session.pulse.sent.fetch_add(length, Ordering::Relaxed);
        }
    }
    SftpError::Ended("closed here".into())
}

/// The frames' bytes in few chunks; file data is not copied.
fn chunks(frames: impl Iterator<Item = Frame>) -> Vec<Bytes> {
    let (mut chunks, mut gathered) = (Vec::new(), BytesMut::new());
    for frame in frames {
        gathered.extend_from_slice(&frame.head);
        match frame.data.len() < OWN_CHUNK {
            true => gathered.extend_from_slice(&frame.data),
            false => chunks.extend([gathered.split().freeze(), frame.data]),
        }
        if gathered.len() >= CHUNK {
            chunks.push(gathered.split().freeze());
        }
    }
    if !gathered.is_empty() {
        chunks.push(gathered.freeze());
    }
    chunks
}
