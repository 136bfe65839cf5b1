//! A way for packets between the two ends of a link: real TCP over a tun device in a network namespace of its own, where
//! packets are late, lost, or too long.
//!
//! ```text
//!   near ── Wire ──┤ TCP to 10.9.0.2 → `lossy-packets` → 10.9.0.1 ├── Wire ── far
//!                  └──────────────── the namespace ───────────────┘
//! ```

use std::fs::File;
use std::io::{BufRead as _, BufReader, Write as _};
use std::net::{SocketAddr, TcpListener};
use std::os::fd::AsFd as _;
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::Mutex;
use std::time::Duration;

use rustix::thread::{LinkNameSpaceType, move_into_link_name_space};

use super::{Link, Wire};

/// Nobody else is in the namespace.
const PORT: u16 = 7000;

/// What happens to packets.
#[derive(Debug, Clone)]
pub struct Packets {
    /// One way.
    pub delay: Duration,
    /// Bytes a second in each direction.
    pub rate: Option<u64>,
    /// Of a hundred, in each direction; which ones, the seed says.
    pub lost: u32,
    pub seed: u64,
}

impl Packets {
    /// Whether this machine can do it; why not.
    pub fn can_be_had() -> Result<(), String> {
        let trial = "[ -c /dev/net/tun ] && : <>/dev/net/tun && ip link set lo up";
        let tried = Command::new("unshare").args(["--net", "sh", "-c", trial]).stdin(Stdio::null()).output();
        match tried {
            Ok(ran) if ran.status.success() => Ok(()),
            Ok(ran) => {
                Err(format!("no tun device in a namespace: {}", String::from_utf8_lossy(&ran.stderr).trim_end()))
            }
            Err(problem) => Err(format!("unshare: {problem}")),
        }
    }
}

/// The way at work.
pub struct Passage {
    /// What connects from inside reaches the far end.
    pub near: SocketAddr,
    pub namespace: File,
    orders: Mutex<Option<ChildStdin>>,
    beyond: Option<Box<Wire>>,
    child: Child,
}

impl Passage {
    /// Ends at `far`, in the namespace of the caller.
    pub fn start(packets: &Packets, far: SocketAddr) -> Passage {
        let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/wire/lossy-packets");
        let words = [
            PORT.to_string(),
            packets.delay.as_secs_f64().to_string(),
            packets.rate.unwrap_or(0).to_string(),
            packets.lost.to_string(),
            packets.seed.to_string(),
        ];
        let mut command = Command::new("unshare");
        command.args(["--net", "perl", script]).args(words).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command.spawn().expect("unshare starts");
        let mut line = String::new();
        let read = BufReader::new(child.stdout.take().expect("piped")).read_line(&mut line);
        assert!(read.is_ok() && line == "ready\n", "no way for packets: {line:?}");
        let namespace = File::open(format!("/proc/{}/ns/net", child.id())).expect("its namespace");
        // nobody else is in there
        let listener = listener(&namespace, ([10, 9, 0, 1], PORT).into());
        let beyond = Some(Box::new(Wire::over(listener, far, Link::default())));
        let orders = Mutex::new(child.stdin.take());
        Passage { near: ([10, 9, 0, 2], PORT).into(), namespace, orders, beyond, child }
    }

    /// So many of a hundred are lost from now on.
    pub fn lose(&self, percent: u32) {
        self.order(&format!("loss {percent}\n"));
    }

    /// Longer ones vanish from now on, and nobody is told.
    pub fn swallow_beyond(&self, bytes: u32) {
        self.order(&format!("longest {bytes}\n"));
    }

    fn order(&self, line: &str) {
        let mut orders = self.orders.lock().expect("no holder panics");
        orders.as_mut().expect("open until it is dropped").write_all(line.as_bytes()).expect("it listens");
    }
}

impl Drop for Passage {
    fn drop(&mut self) {
        self.beyond = None;
        *self.orders.lock().expect("no holder panics") = None;
        let ended = self.child.wait();
        assert!(ended.is_ok_and(|status| status.success()) || std::thread::panicking(), "the way for packets broke");
    }
}

/// The calling thread moves into a network namespace, with the sockets that it makes from now on.
pub fn enter(namespace: &File) {
    move_into_link_name_space(namespace.as_fd(), Some(LinkNameSpaceType::Network)).expect("enter a namespace of ours");
}

/// Listens at an address of a namespace.
pub fn listener(namespace: &File, near: SocketAddr) -> TcpListener {
    let bind = || {
        enter(namespace);
        TcpListener::bind(near).expect("bind the near end")
    };
    std::thread::scope(|scope| scope.spawn(bind).join().expect("a listener"))
}
