//! What is left after a fault, and is it told? hop, scp, sftp, rsync and rclone over the same faults; how often each breaks one of
//! two promises: I1, the final name has the old content or the complete new one; I2, success is said only when all of it
//! arrived. `tests/bench/run faults`; `HOP_SEEDS` (20) runs of each. Nothing passes or fails here: it prints a table.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use crate::peers::{Peer, Work};
use crate::skips;
use crate::street::{ACC_BASTION, ACC_PVT, Street, until};
use crate::wire::{Cut, Direction, How, Link, somewhere};

const SIZE: usize = 12 << 20;
const PEERS: [Peer; 5] = [Peer::Hop, Peer::Scp, Peer::Sftp, Peer::Rsync, Peer::Rclone];
/// A run that takes longer is ended; that is no broken promise of these two.
const PATIENCE: Duration = Duration::from_secs(30);

/// One row of the table.
struct Fault {
    name: &'static str,
    street: fn() -> Option<Street>,
    strike: Strike,
    work: Work,
}

/// What goes wrong.
#[derive(Clone, Copy)]
enum Strike {
    /// The program is killed.
    Kill,
    /// Its connection ends so, somewhere.
    Cut(How),
    /// The source is written over while it is read.
    Rewrite,
    /// The street itself is what is wrong.
    Nothing,
}

const UP: Work = Work::Up { file: "file" };
const DOWN: Work = Work::Down { file: "file" };

const FAULTS: [Fault; 9] = [
    Fault { name: "F1 killed, up", street: slow, strike: Strike::Kill, work: UP },
    Fault { name: "F1 killed, down", street: slow, strike: Strike::Kill, work: DOWN },
    Fault { name: "F4 reset, up", street: slow, strike: Strike::Cut(How::Reset), work: UP },
    Fault { name: "F4 reset, down", street: slow, strike: Strike::Cut(How::Reset), work: DOWN },
    Fault { name: "F5 half closed, up", street: slow, strike: Strike::Cut(How::Close), work: UP },
    Fault { name: "F5 half closed, down", street: slow, strike: Strike::Cut(How::Close), work: DOWN },
    Fault { name: "F13 disk full, up", street: full, strike: Strike::Nothing, work: UP },
    Fault { name: "F17 source rewritten, up", street: slow, strike: Strike::Rewrite, work: UP },
    Fault { name: "F21 size that lies, down", street: lying, strike: Strike::Nothing, work: DOWN },
];

fn slow() -> Option<Street> {
    Street::plan().link(ACC_BASTION, Link { rate: Some(24 << 20), ..Link::default() }).start()
}

/// The destination is on a disk that has no room for the new content.
fn full() -> Option<Street> {
    Street::plan().disk(ACC_PVT, 8).start()
}

fn lying() -> Option<Street> {
    let perl = skips::find("perl")?;
    let line = format!("Subsystem sftp {} .hostile lying-size", perl.display());
    let street = Street::plan().without_sftp(ACC_PVT).sshd(ACC_PVT, line).start()?;
    street.put(ACC_PVT, ".hostile", include_bytes!("../failures/hostile-sftp-server"));
    Some(street)
}

/// Prints the table.
pub fn run() {
    let seeds = std::env::var("HOP_SEEDS").ok().and_then(|text| text.parse().ok()).unwrap_or(20u64);
    println!("\nfaults: broken promises in {seeds} runs each (I1 torn content, I2 success said and not so)");
    println!(
        "{:26} {}",
        "",
        PEERS.map(|peer| format!("{:>14}", peer.name(UP).split(' ').next().unwrap_or(""))).concat()
    );
    for fault in &FAULTS {
        let cells = PEERS.map(|peer| format!("{:>14}", broken(fault, peer, seeds)));
        println!("{:26} {}", fault.name, cells.concat());
    }
}

/// `I1 2, I2 0`, or `-` where this peer cannot be asked.
fn broken(fault: &Fault, peer: Peer, seeds: u64) -> String {
    let speaks_sftp = peer != Peer::Rsync;
    let Some(street) = (fault.street)().filter(|_| peer.is_here()) else { return "-".to_owned() };
    if fault.name.starts_with("F21") && !speaks_sftp {
        return "-".to_owned();
    }
    let (mut torn, mut lied) = (0, 0);
    for seed in 0..seeds {
        let scene = Scene::set(&street, fault);
        let code = scene.strike(fault, peer, seed);
        let (is_whole, is_new) = scene.look();
        torn += u64::from(!is_whole);
        lied += u64::from(code == Some(0) && !is_new);
    }
    format!("I1 {torn}, I2 {lied}")
}

/// A source, and an old file where it is to go.
struct Scene<'a> {
    street: &'a Street,
    source: PathBuf,
    target: PathBuf,
    work: Work,
}

const OLD: &[u8] = b"old content";

impl<'a> Scene<'a> {
    fn set(street: &'a Street, fault: &Fault) -> Scene<'a> {
        let content = vec![b'A'; SIZE];
        let is_up = matches!(fault.work, Work::Up { .. });
        let source = match is_up {
            true => street.put_here("file", &content),
            false => street.put(ACC_PVT, "file", &content),
        };
        let target = match (is_up, fault.name.starts_with("F13")) {
            (true, true) => street.server(ACC_PVT).inside("disk/file"),
            (true, false) => street.put(ACC_PVT, "there/file", OLD),
            (false, _) => street.put_here("back/file", OLD),
        };
        Street::parts(target.parent().expect("a folder")).iter().for_each(|part| drop(fs::remove_file(part)));
        fs::write(&target, OLD).expect("write the old content");
        fs::set_permissions(&target, fs::Permissions::from_mode(0o666)).expect("set its mode");
        Scene { street, source, target, work: fault.work }
    }

    fn command(&self, peer: Peer, tunnel: Option<&Tunnel>) -> Command {
        let config = self.street.config().display().to_string();
        let is_disk = self.target.to_string_lossy().contains("/disk/");
        let (from, to) = match self.work {
            Work::Up { .. } if is_disk => ("file", "acc-pvt:disk/file"),
            Work::Up { .. } => ("file", "acc-pvt:there/file"),
            _ => ("acc-pvt:file", "back/file"),
        };
        let line = match peer {
            Peer::Hop => format!("exec {} cp -F {config} --retries 0 {from} {to}", env!("CARGO_BIN_EXE_hop")),
            Peer::Scp => format!("exec scp -q -F {config} {from} {to}"),
            Peer::Sftp => sftp(&config, (from, to)),
            Peer::Rclone => tunnel.map(|tunnel| tunnel.rclone(self.street, (from, to))).unwrap_or_default(),
            _ => format!("exec rsync -t -e 'ssh -F {config}' {from} {to}"),
        };
        let mut command = self.street.on_laptop("sh");
        command.args(["-c", &line]).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        command
    }

    /// Runs it into the fault; its exit code.
    fn strike(&self, fault: &Fault, peer: Peer, seed: u64) -> Option<i32> {
        let tunnel = (peer == Peer::Rclone).then(|| Tunnel::open(self.street));
        let wire = self.street.server(ACC_BASTION).wire.as_ref();
        let direction = if matches!(self.work, Work::Up { .. }) { Direction::Up } else { Direction::Down };
        if let (Strike::Cut(how), Some(wire)) = (fault.strike, wire) {
            wire.arm(Some(Cut { direction, at: somewhere(seed, 64 << 10..SIZE as u64), how }));
        }
        let passed = || wire.map_or(0, |wire| wire.bytes(direction));
        let byte = passed() + somewhere(seed, 64 << 10..SIZE as u64);
        let mut child = self.command(peer, tunnel.as_ref()).spawn().expect("start a program");
        if matches!(fault.strike, Strike::Kill | Strike::Rewrite) {
            // a byte, not a moment: how fast each of them is does not matter
            while passed() < byte && child.try_wait().is_ok_and(|ended| ended.is_none()) {
                std::thread::sleep(Duration::from_millis(1));
            }
        }
        match fault.strike {
            Strike::Kill => drop(child.kill()),
            Strike::Rewrite => rewrite(&self.source),
            Strike::Cut(_) | Strike::Nothing => {}
        }
        let code = ended(&mut child);
        if let Some(wire) = wire {
            wire.arm(None);
        }
        // servers may still be at the last requests of one that was killed
        std::thread::sleep(Duration::from_millis(150));
        code
    }

    /// Whether the target is old or one version of the source, and whether it is the latter.
    fn look(&self) -> (bool, bool) {
        let content = fs::read(&self.target).unwrap_or_default();
        let source = fs::read(&self.source).unwrap_or_default();
        let one_version = |letter: u8| content.len() == SIZE && content.iter().all(|byte| *byte == letter);
        let is_new = content == source || one_version(b'A') || one_version(b'B');
        (content == OLD || is_new, is_new)
    }
}

/// A way through the bastion for one who knows no jumps.
struct Tunnel {
    ssh: Child,
    port: u16,
}

impl Tunnel {
    fn open(street: &Street) -> Tunnel {
        let free = std::net::TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr());
        let port = free.expect("a free port").port();
        let to = format!("127.0.0.1:{port}:{}", street.server(ACC_PVT).address);
        let mut command = street.openssh("ssh");
        command.args(["-N", "-o", "ExitOnForwardFailure=yes", "-L", &to, ACC_BASTION]).stdin(Stdio::null());
        let ssh = command.stderr(Stdio::null()).spawn().expect("start ssh");
        until("the tunnel is open", || std::net::TcpStream::connect(("127.0.0.1", port)).is_ok());
        Tunnel { ssh, port }
    }

    fn rclone(&self, street: &Street, (from, to): (&str, &str)) -> String {
        let [from, to] = [from, to].map(|end| end.replace("acc-pvt:", ":sftp:"));
        let (port, user) = (self.port, street.user());
        let way = format!("--sftp-host 127.0.0.1 --sftp-port {port} --sftp-user {user} --sftp-key-file acc.pem");
        format!("exec rclone --retries 1 {way} copyto {from} {to}")
    }
}

impl Drop for Tunnel {
    fn drop(&mut self) {
        drop(self.ssh.kill());
        drop(self.ssh.wait());
    }
}

fn sftp(config: &str, (from, to): (&str, &str)) -> String {
    let verb = match from.strip_prefix("acc-pvt:") {
        Some(from) => format!("get {from} {to}"),
        None => format!("put {from} {}", to.trim_start_matches("acc-pvt:")),
    };
    format!("echo '{verb}' >batch; exec sftp -q -F {config} -b batch acc-pvt")
}

/// In place, as a program that saves its file does.
fn rewrite(path: &Path) {
    let file = fs::OpenOptions::new().write(true).open(path).expect("open the source");
    std::os::unix::fs::FileExt::write_all_at(&file, &vec![b'B'; SIZE], 0).expect("write over it");
}

fn ended(child: &mut Child) -> Option<i32> {
    let end = Instant::now() + PATIENCE;
    loop {
        match child.try_wait().expect("wait for a program") {
            Some(status) => return status.code(),
            None if Instant::now() > end => {
                drop(child.kill());
                drop(child.wait());
                return None;
            }
            None => std::thread::sleep(Duration::from_millis(5)),
        }
    }
}
