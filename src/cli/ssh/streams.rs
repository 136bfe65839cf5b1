//! This process's standard streams as queues of chunks: a thread each, so that none waits for another.
//!
//! Main functions: [`reader`], [`writer`].

use std::fs::File;
use std::io::{self, Read, Write};
use std::os::fd::AsFd;
use std::thread::JoinHandle;

use bytes::Bytes;
use tokio::sync::mpsc::{Receiver, Sender, channel};

/// Chunks between a thread and the engine.
const QUEUE: usize = 8;
const CHUNK: usize = 64 * 1024;

/// What is read from `source`; the queue ends with it. The thread lives as long as the process: nothing can wake it.
pub fn reader(source: impl AsFd) -> io::Result<Receiver<Bytes>> {
    let mut source = File::from(source.as_fd().try_clone_to_owned()?);
    let (chunks, queue) = channel(QUEUE);
    std::thread::spawn(move || {
        let mut buffer = vec![0; CHUNK];
        loop {
            match source.read(&mut buffer) {
                Ok(0) => return,
                Ok(count) if chunks.blocking_send(Bytes::copy_from_slice(&buffer[..count])).is_err() => return,
                Ok(_) => {}
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(_) => return,
            }
        }
    });
    Ok(queue)
}

/// No input at all.
pub fn nothing() -> Receiver<Bytes> {
    channel(1).1
}

/// What is sent is written to `sink`; the thread ends when the queue is dropped, or nobody reads there any more.
pub fn writer(sink: impl AsFd) -> io::Result<(Sender<Bytes>, JoinHandle<()>)> {
    let mut sink = File::from(sink.as_fd().try_clone_to_owned()?);
    let (chunks, mut queue) = channel::<Bytes>(QUEUE);
    let thread = std::thread::spawn(move || {
        while let Some(chunk) = queue.blocking_recv() {
            if sink.write_all(&chunk).is_err() {
                return;
            }
        }
    });
    Ok((chunks, thread))
}
