//! One connection over a link. Each direction takes bytes and stamps their arrival, and hands them over when it has
//! come.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use bytes::{Bytes, BytesMut};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::net::tcp::{ReadHalf, WriteHalf};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{Instant, sleep, sleep_until};

use super::link::{Direction, How, State};

/// Bytes moved at once, so that a rate is even.
const CHUNK: usize = 16 * 1024;

/// The connection is to be reset at both ends.
struct Reset;

/// Bytes under way, with the room they take in the sender's window.
struct Parcel {
    arrives: Instant,
    data: Bytes,
    room: OwnedSemaphorePermit,
    then: Option<How>,
}

/// Carries both directions until both have ended, or one was reset.
pub async fn carry(mut near: TcpStream, mut far: TcpStream, state: &State) {
    for stream in [&near, &far] {
        // a stream that is gone already shows at the first read
        let _ = stream.set_nodelay(true);
    }
    if pass_both(&mut near, &mut far, state).await.is_err() {
        for stream in [&near, &far] {
            // one that the peer has reset needs no second one
            let _ = stream.set_zero_linger();
        }
    }
}

async fn pass_both(near: &mut TcpStream, far: &mut TcpStream, state: &State) -> Result<(), Reset> {
    let ((near_read, near_write), (far_read, far_write)) = (near.split(), far.split());
    let both = async {
        let up = pass(near_read, far_write, Direction::Up, state);
        let down = pass(far_read, near_write, Direction::Down, state);
        tokio::try_join!(up, down).map(|_| ())
    };
    tokio::select! {
        result = both => result,
        () = state.silence() => {
            state.burial().await;
            Err(Reset)
        }
    }
}

async fn pass(from: ReadHalf<'_>, to: WriteHalf<'_>, direction: Direction, state: &State) -> Result<(), Reset> {
    let (sender, receiver) = unbounded_channel();
    let taken = take(from, sender, direction, state);
    let handed = hand_over(to, receiver, direction, state);
    tokio::try_join!(taken, handed).map(|_| ())
}

async fn take(
    mut from: ReadHalf<'_>,
    parcels: UnboundedSender<Parcel>,
    direction: Direction,
    state: &State,
) -> Result<(), Reset> {
    let window = Arc::new(Semaphore::new(state.link.window));
    let chunk = CHUNK.min(state.link.window);
    loop {
        let mut room = window.clone().acquire_many_owned(chunk as u32).await.expect("never closed");
        let mut data = BytesMut::with_capacity(chunk);
        let length = from.read_buf(&mut data).await.map_err(|_| Reset)?;
        drop(room.split(chunk - length));
        let (passes, cut) = state.take(direction, length);
        data.truncate(passes);
        let then = cut.or((length == 0).then_some(How::Close));
        let parcel = Parcel { arrives: state.arrival(direction, passes), data: data.freeze(), room, then };
        if parcels.send(parcel).is_err() || then.is_some() {
            return Ok(());
        }
    }
}

async fn hand_over(
    mut to: WriteHalf<'_>,
    mut parcels: UnboundedReceiver<Parcel>,
    direction: Direction,
    state: &State,
) -> Result<(), Reset> {
    while let Some(Parcel { arrives, data, room, then }) = parcels.recv().await {
        sleep_until(arrives).await;
        to.write_all(&data).await.map_err(|_| Reset)?;
        state.way(direction).passed.fetch_add(data.len() as u64, Ordering::Relaxed);
        acknowledge(room, state);
        match then {
            None => {}
            Some(How::Close) => return to.shutdown().await.map_err(|_| Reset),
            Some(How::Reset) => return Err(Reset),
            Some(How::Silence) => state.fall_silent(),
        }
    }
    Ok(())
}

/// The sender's window opens again when the acknowledgement has travelled back.
fn acknowledge(room: OwnedSemaphorePermit, state: &State) {
    let delay = state.link.delay;
    if !delay.is_zero() {
        tokio::spawn(async move {
            sleep(delay).await;
            drop(room);
        });
    }
}
