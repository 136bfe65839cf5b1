//! How are this process's standard streams read and written? As queues of chunks with a thread each, so that none waits
//! for another.
//!
//! Main functions: [`reader`], [`writer`]. The program that started hop may have made them non-blocking (rsync does):
//! then the thread tries again a moment later.

use std::fs::File;
use std::io::{self, Read, Write};
use std::os::fd::AsFd;
use std::thread::{JoinHandle, sleep};
use std::time::Duration;

use bytes::Bytes;
use tokio::sync::mpsc::{Receiver, Sender, channel};

/// The most chunks between a thread and the engine.
const QUEUE: usize = 8;
const CHUNK: usize = 64 * 1024;
/// The shortest and the longest pause between two attempts on a stream that would block; it doubles each time.
const MOMENTS: (Duration, Duration) = (Duration::from_micros(200), Duration::from_millis(10));

/// Reads `source` into a queue, which ends with it. The thread lives as long as the process, because nothing can wake
/// it.
pub fn reader(source: impl AsFd) -> io::Result<Receiver<Bytes>> {
    let mut source = File::from(source.as_fd().try_clone_to_owned()?);
    let (chunks, queue) = channel(QUEUE);
    std::thread::spawn(move || {
        let mut buffer = vec![0; CHUNK];
        loop {
            match patiently(|| source.read(&mut buffer)) {
                Ok(0) | Err(_) => return,
                Ok(count) if chunks.blocking_send(Bytes::copy_from_slice(&buffer[..count])).is_err() => return,
                Ok(_) => {}
            }
        }
    });
    Ok(queue)
}

/// A queue without any input.
pub fn nothing() -> Receiver<Bytes> {
    channel(1).1
}

/// Writes whatever is sent to `sink`; the thread ends when the queue is dropped, or nobody reads from `sink` any more.
pub fn writer(sink: impl AsFd) -> io::Result<(Sender<Bytes>, JoinHandle<()>)> {
    let mut sink = File::from(sink.as_fd().try_clone_to_owned()?);
    let (chunks, mut queue) = channel::<Bytes>(QUEUE);
    let thread = std::thread::spawn(move || {
        while let Some(chunk) = queue.blocking_recv() {
            let mut rest = &chunk[..];
            while !rest.is_empty() {
                match patiently(|| sink.write(rest)) {
                    Ok(0) | Err(_) => return,
                    Ok(count) => rest = &rest[count..],
                }
            }
        }
    });
    Ok((chunks, thread))
}

/// Repeats `work` until it is done, or fails for good.
fn patiently(mut work: impl FnMut() -> io::Result<usize>) -> io::Result<usize> {
    let (mut moment, longest) = MOMENTS;
    loop {
        match work() {
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                sleep(moment);
                moment = (moment * 2).min(longest);
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            done => return done,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::net::UnixStream;

    #[test]
    fn streams_that_do_not_block_lose_nothing() {
        let (near, mut far) = UnixStream::pair().unwrap();
        near.set_nonblocking(true).unwrap();
        let (chunks, thread) = writer(&near).unwrap();
        let mut queue = reader(&near).unwrap();
        let sending = std::thread::spawn(move || {
            (0..32u8).for_each(|fill| chunks.blocking_send(Bytes::from(vec![fill; CHUNK])).unwrap());
        });
        sleep(Duration::from_millis(50)); // the socket is full by now
        let mut all = vec![0; 32 * CHUNK];
        far.read_exact(&mut all).unwrap();
        assert!(
            all.chunks(CHUNK).enumerate().all(|(index, chunk)| chunk.iter().all(|&byte| usize::from(byte) == index))
        );
        sending.join().unwrap();
        thread.join().unwrap();
        far.write_all(b"late").unwrap();
        assert_eq!(queue.blocking_recv().unwrap(), "late");
    }
}
