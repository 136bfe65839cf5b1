//! Tunnels of the real `hop` through two real sshds: ports and sockets both ways, SOCKS, `-W`, the agent, many at once,
//! one that is stuck, and a connection that comes back.

mod agent;
mod crowd;
mod rekey;
mod ways;

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::process::{Child, ChildStderr, Command, Stdio};
use std::time::Duration;

use crate::street::{ACC_PVT, Street, until};

/// A street whose private server lets connections through.
pub fn street() -> Option<Street> {
    Street::plan().sshd(ACC_PVT, "AllowTcpForwarding yes").sshd(ACC_PVT, "AllowStreamLocalForwarding yes").start()
}

/// A `hop ssh` that runs until it is dropped.
pub struct Tunnel(pub Child);

impl Tunnel {
    pub fn start(mut command: Command) -> Tunnel {
        Tunnel(command.stdin(Stdio::null()).stderr(Stdio::piped()).spawn().expect("hop ssh"))
    }

    fn stderr(&mut self) -> ChildStderr {
        self.0.stderr.take().expect("piped")
    }

    /// The most memory it ever had, in KiB (proc(5)).
    pub fn peak(&self) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.0.id())).expect("it runs");
        let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).expect("a peak");
        line.trim().trim_end_matches(" kB").parse().expect("a number")
    }
}

impl Drop for Tunnel {
    fn drop(&mut self) {
        self.0.kill().expect("kill hop");
        self.0.wait().expect("wait for hop");
    }
}

/// `hop ssh -N FLAGS acc-pvt`.
pub fn tunnel(street: &Street, flags: &[&str]) -> Tunnel {
    let mut hop = street.hop("ssh");
    hop.arg("-N").args(flags).arg(ACC_PVT);
    Tunnel::start(hop)
}

/// A port that was free a moment ago.
pub fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr()).expect("a free port").port()
}

/// Answers every connection with `serve` in a thread of its own; the threads end with the test's process.
pub fn server(serve: impl Fn(TcpStream) + Clone + Send + 'static) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = listener.local_addr().expect("its address");
    std::thread::spawn(move || {
        for stream in listener.incoming().map_while(Result::ok) {
            let serve = serve.clone();
            std::thread::spawn(move || serve(stream));
        }
    });
    address
}

/// Sends back what comes, until its end.
fn echo(mut stream: TcpStream) {
    let mut all = Vec::new();
    if stream.read_to_end(&mut all).is_ok() {
        let _ = stream.write_all(&all); // the other side may have gone
    }
}

/// Connects once something listens there.
pub fn connect(port: u16) -> TcpStream {
    let mut stream = None;
    until("the port is listened on", || {
        stream = TcpStream::connect(("127.0.0.1", port)).ok();
        stream.is_some()
    });
    let stream = stream.expect("connected");
    stream.set_read_timeout(Some(Duration::from_secs(60))).expect("a limit");
    stream
}

/// What an [`echo`] server behind `stream` makes of `bytes`.
fn echoed(mut stream: TcpStream, bytes: &[u8]) -> Vec<u8> {
    stream.write_all(bytes).expect("send");
    stream.shutdown(std::net::Shutdown::Write).expect("end");
    let mut all = Vec::new();
    stream.read_to_end(&mut all).expect("receive");
    all
}

/// Bytes that are not all alike.
pub fn bytes(length: u32) -> Vec<u8> {
    (0..length).map(|number| (number.wrapping_mul(2_654_435_761) >> 13) as u8).collect()
}
