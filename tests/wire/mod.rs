//! A TCP proxy that behaves like a bad network: delay, a rate, and a cut at byte N.
//!
//! [`Wire::start`] listens on one address and passes every connection on to another, over a [`Link`]. Bytes are never
//! changed and never reordered. A sender has at most [`Link::window`] bytes under way per connection, as a TCP sender
//! with a full window has, so a long delay limits one connection as it does in the world. Loss is not simulated: where
//! packets matter, the bytes pass a real way of packets ([`Packets`]), which takes root.

mod connection;
mod link;
mod packets;

use std::fs::File;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::thread::JoinHandle;

use tokio::net::{TcpListener, TcpStream};
use tokio_util::sync::CancellationToken;

use link::State;
pub use link::{Cut, Direction, How, Link, somewhere};
pub use packets::Packets;
use packets::Passage;

/// A running proxy; dropping it ends every connection.
pub struct Wire {
    address: SocketAddr,
    state: Arc<State>,
    closed: CancellationToken,
    thread: Option<JoinHandle<()>>,
    passage: Option<Passage>,
}

impl Wire {
    /// Listens on `near` (port 0: one from the system) and passes connections on to `far`.
    pub fn start(near: SocketAddr, far: SocketAddr, link: Link) -> Wire {
        Wire::over(std::net::TcpListener::bind(near).expect("bind the near end"), far, link)
    }

    /// Listens in a network namespace, and passes on to the caller's.
    pub fn start_in(namespace: &File, near: SocketAddr, far: SocketAddr, link: Link) -> Wire {
        Wire::over(packets::listener(namespace, near), far, link)
    }

    /// Passes on what connects to `listener`.
    fn over(listener: std::net::TcpListener, far: SocketAddr, link: Link) -> Wire {
        listener.set_nonblocking(true).expect("a non-blocking listener");
        let address = listener.local_addr().expect("the near end's address");
        let passage = link.packets.as_ref().map(|packets| Passage::start(packets, far));
        let far = passage.as_ref().map_or(far, |passage| passage.near);
        let namespace = passage.as_ref().map(|passage| passage.namespace.try_clone().expect("clone a descriptor"));
        let (state, closed) = (Arc::new(State::new(link)), CancellationToken::new());
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        let serve = serve(listener, far, state.clone(), closed.clone());
        let thread = std::thread::spawn(move || {
            namespace.iter().for_each(packets::enter);
            runtime.block_on(serve);
        });
        Wire { address, state, closed, thread: Some(thread), passage }
    }

    /// The near end.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Connections so far.
    pub fn connections(&self) -> u64 {
        self.state.connections.load(Ordering::Relaxed)
    }

    /// Bytes passed on so far, over all connections.
    pub fn bytes(&self, direction: Direction) -> u64 {
        self.state.way(direction).passed.load(Ordering::Relaxed)
    }

    /// From now on nothing passes, on any connection, and nothing is closed.
    pub fn fall_silent(&self) {
        self.state.fall_silent();
    }

    /// Resets connections that have fallen silent, as their ends would do some day.
    pub fn bury(&self) {
        self.state.bury();
    }

    /// Plans another cut, counted from now, or none; a link that had fallen silent carries new connections again.
    pub fn arm(&self, cut: Option<Cut>) {
        self.state.arm(cut);
    }

    /// So many packets of a hundred are lost from now on.
    pub fn lose(&self, percent: u32) {
        self.passage.as_ref().expect("planned with packets").lose(percent);
    }

    /// Packets of more bytes vanish from now on.
    pub fn swallow_beyond(&self, bytes: u32) {
        self.passage.as_ref().expect("planned with packets").swallow_beyond(bytes);
    }

    /// True once the planned cut has happened.
    pub fn is_cut(&self) -> bool {
        self.state.is_cut()
    }
}

impl Drop for Wire {
    fn drop(&mut self) {
        self.closed.cancel();
        let ended = self.thread.take().map(JoinHandle::join);
        if !std::thread::panicking() {
            assert!(ended.is_none_or(|result| result.is_ok()), "the wire panicked");
        }
    }
}

async fn serve(listener: std::net::TcpListener, far: SocketAddr, state: Arc<State>, closed: CancellationToken) {
    let listener = TcpListener::from_std(listener).expect("a listener of this runtime");
    let accept = async {
        loop {
            let (near, _) = listener.accept().await.expect("accept");
            state.connections.fetch_add(1, Ordering::Relaxed);
            tokio::spawn(connect(near, far, state.clone(), closed.clone()));
        }
    };
    closed.run_until_cancelled(accept).await;
}

async fn connect(near: TcpStream, far: SocketAddr, state: Arc<State>, closed: CancellationToken) {
    // the handshake's own round trip
    tokio::time::sleep(state.link.delay * 2).await;
    match TcpStream::connect(far).await {
        Ok(far) => drop(closed.run_until_cancelled(connection::carry(near, far, &state)).await),
        Err(_) => drop(near.set_zero_linger()),
    }
}

#[cfg(test)]
mod tests {
    use std::io::{ErrorKind, Read as _, Write as _};
    use std::net::{Shutdown, TcpListener, TcpStream};
    use std::thread::{self, JoinHandle};
    use std::time::{Duration, Instant};

    use super::*;

    /// Both ends of one connection over a link.
    fn pair(link: Link) -> (Wire, TcpStream, TcpStream) {
        let far = TcpListener::bind("127.0.0.1:0").expect("bind");
        let wire = Wire::start("127.0.0.1:0".parse().expect("address"), far.local_addr().expect("address"), link);
        let near = TcpStream::connect(wire.address()).expect("connect");
        let (end, _) = far.accept().expect("accept");
        for stream in [&near, &end] {
            stream.set_read_timeout(Some(Duration::from_secs(60))).expect("timeout");
        }
        (wire, near, end)
    }

    fn send(mut stream: TcpStream, count: usize) -> JoinHandle<std::io::Result<()>> {
        thread::spawn(move || stream.write_all(&pattern(count)).and_then(|()| stream.shutdown(Shutdown::Write)))
    }

    fn pattern(count: usize) -> Vec<u8> {
        (0..count).map(|index| (index % 251) as u8).collect()
    }

    fn read_all(stream: &mut TcpStream) -> (Vec<u8>, std::io::Result<usize>) {
        let mut all = Vec::new();
        let result = stream.read_to_end(&mut all);
        (all, result)
    }

    #[test]
    fn bytes_pass_unchanged_both_ways_and_ends_are_passed_on() {
        let (wire, near, mut far) = pair(Link::default());
        let up = send(near.try_clone().expect("clone"), 3_000_000);
        assert!(read_all(&mut far).0 == pattern(3_000_000));
        let down = send(far, 2_000_000);
        assert!(read_all(&mut { near }).0 == pattern(2_000_000));
        assert!(up.join().expect("sender").is_ok() && down.join().expect("sender").is_ok());
        assert_eq!((wire.bytes(Direction::Up), wire.bytes(Direction::Down)), (3_000_000, 2_000_000));
        assert_eq!(wire.connections(), 1);
    }

    #[test]
    fn a_delay_is_paid_in_each_direction() {
        let (_wire, mut near, mut far) = pair(Link { delay: Duration::from_millis(60), ..Link::default() });
        let began = Instant::now();
        near.write_all(b"ping").expect("write");
        far.read_exact(&mut [0; 4]).expect("read");
        let one_way = began.elapsed();
        far.write_all(b"pong").expect("write");
        near.read_exact(&mut [0; 4]).expect("read");
        assert!(one_way >= Duration::from_millis(60) && began.elapsed() >= Duration::from_millis(120), "{one_way:?}");
    }

    #[test]
    fn a_rate_is_shared_and_never_exceeded() {
        let (_wire, near, mut far) = pair(Link { rate: Some(2_000_000), ..Link::default() });
        let began = Instant::now();
        let sender = send(near, 1_000_000);
        assert_eq!(read_all(&mut far).0.len(), 1_000_000);
        assert!(began.elapsed() >= Duration::from_millis(480), "{:?}", began.elapsed());
        sender.join().expect("sender").expect("sent");
    }

    #[test]
    fn a_window_bounds_what_is_under_way() {
        let link = Link { delay: Duration::from_millis(50), window: 100_000, ..Link::default() };
        let (_wire, near, mut far) = pair(link);
        let began = Instant::now();
        let sender = send(near, 500_000);
        assert_eq!(read_all(&mut far).0.len(), 500_000);
        // five windows, one round trip each
        assert!(began.elapsed() >= Duration::from_millis(400), "{:?}", began.elapsed());
        sender.join().expect("sender").expect("sent");
    }

    #[test]
    fn a_reset_comes_at_its_byte_in_its_direction() {
        let cut = Cut { direction: Direction::Up, at: 70_001, how: How::Reset };
        let (wire, near, mut far) = pair(Link { cut: Some(cut), ..Link::default() });
        let mut up = near.try_clone().expect("clone");
        let sender = thread::spawn(move || up.write_all(&pattern(5_000_000)));
        let (all, result) = read_all(&mut far);
        // a reset may overtake the last bytes in the receiver's buffer
        assert!(all.len() <= 70_001 && pattern(70_001).starts_with(&all));
        assert_eq!(result.expect_err("reset").kind(), ErrorKind::ConnectionReset);
        assert!(sender.join().expect("sender").is_err());
        assert!(wire.is_cut() && wire.bytes(Direction::Up) == 70_001);
    }

    #[test]
    fn a_half_close_ends_one_direction_only() {
        let cut = Cut { direction: Direction::Down, at: 1_000, how: How::Close };
        let (_wire, mut near, far) = pair(Link { cut: Some(cut), ..Link::default() });
        let sender = send(far.try_clone().expect("clone"), 5_000);
        let (all, result) = read_all(&mut near);
        assert!(all == pattern(1_000) && result.is_ok());
        near.write_all(b"still here").expect("write");
        { far }.read_exact(&mut [0; 10]).expect("the other direction lives");
        drop(sender.join().expect("sender"));
    }

    #[test]
    fn silence_passes_nothing_and_closes_nothing() {
        let cut = Cut { direction: Direction::Up, at: 10, how: How::Silence };
        let (wire, mut near, mut far) = pair(Link { cut: Some(cut), ..Link::default() });
        near.write_all(&pattern(100)).expect("write");
        far.read_exact(&mut [0; 10]).expect("what was before the cut");
        for stream in [&mut near, &mut far] {
            stream.set_read_timeout(Some(Duration::from_millis(200))).expect("timeout");
            let kind = stream.read(&mut [0; 1]).expect_err("silence").kind();
            assert!(matches!(kind, ErrorKind::WouldBlock | ErrorKind::TimedOut), "{kind}");
        }
        assert!(wire.is_cut());
    }

    #[test]
    fn packets_are_late_and_lost_and_the_bytes_arrive() {
        if !crate::skips::need_root("a network namespace with a tun device") {
            return;
        }
        if let Err(why) = Packets::can_be_had() {
            return crate::skips::cannot(crate::skips::Lacking::Networks, &why);
        }
        let packets = Packets { delay: Duration::from_millis(20), rate: None, lost: 5, seed: 1 };
        let (wire, near, mut far) = pair(Link { packets: Some(packets), ..Link::default() });
        let sender = send(near.try_clone().expect("clone"), 300_000);
        assert!(read_all(&mut far).0 == pattern(300_000));
        sender.join().expect("sender").expect("sent");
        // the other direction lives; what is too long never comes
        wire.lose(0);
        wire.swallow_beyond(600);
        { &far }.write_all(b"short").expect("write");
        { &near }.read_exact(&mut [0; 5]).expect("it passes");
        { &far }.write_all(&pattern(2_000)).expect("write");
        near.set_read_timeout(Some(Duration::from_millis(500))).expect("timeout");
        let kind = { &near }.read(&mut [0; 1]).expect_err("nothing comes").kind();
        assert!(matches!(kind, ErrorKind::WouldBlock | ErrorKind::TimedOut), "{kind}");
        wire.swallow_beyond(1_500);
        near.set_read_timeout(Some(Duration::from_secs(60))).expect("timeout");
        { &near }.read_exact(&mut [0; 2_000]).expect("it is sent again");
    }

    #[test]
    fn the_next_connection_after_a_cut_is_whole() {
        let far = TcpListener::bind("127.0.0.1:0").expect("bind");
        let cut = Cut { direction: Direction::Up, at: 10, how: How::Reset };
        let link = Link { cut: Some(cut), ..Link::default() };
        let wire = Wire::start("127.0.0.1:0".parse().expect("address"), far.local_addr().expect("address"), link);
        for expected in [false, true] {
            let near = TcpStream::connect(wire.address()).expect("connect");
            let (mut end, _) = far.accept().expect("accept");
            let sender = send(near, 1_000);
            assert_eq!(read_all(&mut end).0.len() == 1_000, expected);
            drop(sender.join().expect("sender"));
        }
    }

    #[test]
    fn a_seed_always_cuts_at_the_same_byte() {
        let places: Vec<u64> = (0..100).map(|seed| somewhere(seed, 10..1_000_000)).collect();
        assert!(places.iter().all(|place| (10..1_000_000).contains(place)));
        assert_eq!(places, (0..100).map(|seed| somewhere(seed, 10..1_000_000)).collect::<Vec<_>>());
        assert!(places.iter().collect::<std::collections::HashSet<_>>().len() > 90);
    }
}
