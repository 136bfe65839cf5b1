//! The questions about `hop ssh`, against `ssh` on the same street: bytes through a command, keys and their echo, the
//! way to a prompt, a tunnel's rate, and the memory of many tunnels at once.

use std::fs::File;
use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use crate::ground::Ground;
use crate::measure::{Taken, median, peak_memory, run};
use crate::peers::{Peer, Work};
use crate::scenario::{make_file, mebibytes, print_all, runs};

const PEERS: [Peer; 2] = [Peer::Hop, Peer::Ssh];
/// Keys whose echo is waited for.
const KEYS: usize = 400;
/// Tunnelled connections at once.
const CROWD: usize = 200;

/// `ssh -F config WORDS` or `hop ssh -F config WORDS`.
fn command(peer: Peer, ground: &Ground, words: &[&str]) -> Command {
    let mut command = match peer {
        Peer::Hop => {
            let mut hop = ground.command(env!("CARGO_BIN_EXE_hop"));
            hop.arg("ssh");
            hop
        }
        _ => ground.command("ssh"),
    };
    command.arg("-F").arg(ground.config()).args(words);
    command
}

/// `cat` there, as a command's output and as its input.
pub fn pipe() {
    let ground = Ground::over(None);
    let size = mebibytes() << 20;
    let big = ground.laptop().join("big");
    make_file(&big, size);
    run(Peer::Scp.command(Work::Up { file: "big" }, &ground).expect("scp uploads")).expect("scp uploads");
    let down = |peer| {
        let mut cat = command(peer, &ground, &["acc-pvt", "cat big"]);
        timed(cat.stdin(Stdio::null()).stdout(Stdio::null()))
    };
    let up = |peer| {
        let mut cat = command(peer, &ground, &["acc-pvt", "cat >/dev/null"]);
        timed(cat.stdin(File::open(&big).expect("the file")))
    };
    in_turn("up", size, up);
    in_turn("down", size, down);
}

fn timed(command: &mut Command) -> Taken {
    let began = Instant::now();
    let status = command.status().expect("start a program");
    assert!(status.success(), "{command:?}: {status}");
    Taken { time: began.elapsed(), memory: 0 }
}

/// One key after the other, each when the echo of the one before has come.
pub fn keys() {
    let ground = Ground::over(None);
    in_turn("echo", 0, |peer| {
        let mut cat = command(peer, &ground, &["-tt", "acc-pvt", "stty raw -echo; echo ready; exec cat"]);
        let mut child = cat.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("start a program");
        let (mut keys, mut screen) = (child.stdin.take().expect("piped"), child.stdout.take().expect("piped"));
        screen.read_exact(&mut [0; 6]).expect("it is ready");
        let echoes = (0..KEYS).map(|_| {
            std::thread::sleep(Duration::from_millis(2)); // nobody types without a pause
            let began = Instant::now();
            keys.write_all(b"k").expect("typed");
            screen.read_exact(&mut [0]).expect("its echo");
            Taken { time: began.elapsed(), memory: 0 }
        });
        let taken = median(echoes.collect());
        end(child);
        taken
    });
}

/// From the command line to what a shell with a terminal first says.
pub fn prompt() {
    let ground = Ground::over(None);
    let typed = ground.laptop().join("typed");
    std::fs::write(&typed, "exit\n").expect("what is typed");
    in_turn("prompt", 0, |peer| {
        let once = |_| {
            let mut shell = command(peer, &ground, &["-tt", "acc-pvt"]);
            shell.stdin(File::open(&typed).expect("what is typed")).stdout(Stdio::piped());
            let began = Instant::now();
            let mut child = shell.spawn().expect("start a program");
            let mut screen = child.stdout.take().expect("piped");
            screen.read_exact(&mut [0]).expect("a prompt");
            let time = began.elapsed();
            std::io::copy(&mut screen, &mut std::io::sink()).expect("the rest");
            child.wait().expect("wait for a program");
            Taken { time, memory: 0 }
        };
        median((0..5).map(once).collect())
    });
}

/// One connection through `-L`, both ways.
pub fn tunnel() {
    let ground = Ground::with_tunnels();
    let size = mebibytes() << 20;
    let (source, sink) = (serve(move |stream| fill(stream, size)), serve(|stream| assert!(drain(stream) < u64::MAX)));
    let through = |peer, there: SocketAddr, carry: fn(TcpStream, u64)| {
        let (child, port) = listening(peer, &ground, there);
        let began = Instant::now();
        carry(connect(port), size);
        let taken = Taken { time: began.elapsed(), memory: peak_memory(&child) };
        end(child);
        taken
    };
    in_turn("-L down", size, |peer| through(peer, source, |stream, size| assert_eq!(drain(stream), size)));
    in_turn("-L up", size, |peer| {
        through(peer, sink, |mut stream, size| {
            fill(stream.try_clone().expect("a clone"), size);
            stream.shutdown(std::net::Shutdown::Write).expect("the end");
            let _ = stream.read(&mut [0]); // the other side closes when it has all
        })
    });
}

/// Many connections through one `-L`, all of them busy; the most memory the client had.
pub fn crowd() {
    let ground = Ground::with_tunnels();
    let each = (mebibytes() << 20) / CROWD as u64;
    let there = serve(move |stream| fill(stream, each));
    for peer in PEERS {
        let (child, port) = listening(peer, &ground, there);
        let began = Instant::now();
        std::thread::scope(|scope| {
            for _ in 0..CROWD {
                scope.spawn(|| assert_eq!(drain(connect(port)), each));
            }
        });
        let (time, memory) = (began.elapsed().as_secs_f64(), peak_memory(&child) as f64 / 1024.0);
        println!("  {CROWD} x {each} B     {:<5} {memory:>8.1} MiB {time:>8.2} s", peer.name(Work::Echo));
        end(child);
    }
}

/// Starts the tunnel and waits until it carries.
fn listening(peer: Peer, ground: &Ground, there: SocketAddr) -> (Child, u16) {
    let port = TcpListener::bind("127.0.0.1:0").and_then(|free| free.local_addr()).expect("a free port").port();
    let forward = format!("{port}:127.0.0.1:{}", there.port());
    let mut tunnel = command(peer, ground, &["-N", "-L", &forward, "acc-pvt"]);
    let child = tunnel.stdin(Stdio::null()).spawn().expect("start a program");
    let end = Instant::now() + Duration::from_secs(20);
    while TcpStream::connect(("127.0.0.1", port)).is_err() {
        assert!(Instant::now() < end, "the tunnel never stood");
        std::thread::sleep(Duration::from_millis(5));
    }
    (child, port)
}

fn connect(port: u16) -> TcpStream {
    TcpStream::connect(("127.0.0.1", port)).expect("the tunnel listens")
}

fn serve(answer: impl Fn(TcpStream) + Clone + Send + 'static) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = listener.local_addr().expect("its address");
    std::thread::spawn(move || {
        for stream in listener.incoming().map_while(Result::ok) {
            let answer = answer.clone();
            std::thread::spawn(move || answer(stream));
        }
    });
    address
}

/// Sends so many bytes; a reader that goes away ends it.
fn fill(mut stream: TcpStream, size: u64) {
    let block = vec![0x5a; 256 * 1024];
    let mut left = size;
    while left > 0 {
        let now = left.min(block.len() as u64) as usize;
        if stream.write_all(&block[..now]).is_err() {
            return;
        }
        left -= now as u64;
    }
}

/// Reads to the end; how much it was.
fn drain(mut stream: TcpStream) -> u64 {
    let (mut block, mut all) = (vec![0; 256 * 1024], 0);
    while let Ok(count @ 1..) = stream.read(&mut block) {
        all += count as u64;
    }
    all
}

fn end(mut child: Child) {
    child.kill().expect("kill a program");
    child.wait().expect("wait for a program");
}

/// Each peer in turn, so often; the median of each and the ratio.
fn in_turn(label: &str, size: u64, mut once: impl FnMut(Peer) -> Taken) {
    let mut taken = PEERS.map(|peer| (peer, Vec::new()));
    for _ in 0..runs() {
        for (peer, runs) in &mut taken {
            runs.push(once(*peer));
        }
    }
    print_all(label, Work::Echo, &taken.map(|(peer, runs)| (peer, median(runs))), size);
}
