//! The questions that are measured, each on fresh ground.

use std::fs;
use std::io::Write as _;
use std::path::Path;

use crate::ground::{Ground, link};
use crate::hand::Hand;
use crate::measure::{Taken, first_byte, median, run};
use crate::peers::{Peer, Work};
use crate::pseudorandom::noise;
use crate::session;
use crate::wire::Link;

/// One question.
pub struct Scenario {
    pub name: &'static str,
    pub question: &'static str,
    body: fn(),
}

/// In the order they are asked.
pub const ALL: [Scenario; 14] = [
    Scenario { name: "fast", question: "one large file, fast link, through one bastion", body: fast },
    Scenario { name: "far", question: "one large file, 1 Gbit/s with 100 ms round trip", body: far },
    Scenario { name: "small", question: "many files of 4 KiB, 25 ms round trip, login included", body: small },
    Scenario { name: "tree", question: "100,000 files of 1 KiB, nearby and 25 ms away, login included", body: tree },
    Scenario { name: "relay", question: "one large file, host to host through this machine", body: relay },
    Scenario {
        name: "direct",
        question: "host to host, straight; scp by hand by the source's own clock",
        body: direct,
    },
    Scenario { name: "login", question: "login through the bastion, until the first byte of output", body: login },
    Scenario { name: "config", question: "ssh -G over a configuration of 5,000 lines", body: config },
    Scenario {
        name: "pipe",
        question: "hop ssh: a command's output and input, through one bastion",
        body: session::pipe,
    },
    Scenario { name: "keys", question: "hop ssh: from a key to its echo, through one bastion", body: session::keys },
    Scenario { name: "prompt", question: "hop ssh: from the command line to the prompt", body: session::prompt },
    Scenario { name: "tunnel", question: "hop ssh -L: one connection, through one bastion", body: session::tunnel },
    Scenario { name: "crowd", question: "hop ssh -L: memory with many busy connections", body: session::crowd },
    Scenario { name: "memory", question: "most memory hop ever held (VmHWM)", body: memory },
];

/// What is measured, by everybody alike.
struct Task {
    label: &'static str,
    work: Work,
    /// Bytes that are to arrive.
    size: u64,
}

const ALL_PEERS: [Peer; 5] = [Peer::Hop, Peer::Scp, Peer::Sftp, Peer::Tar, Peer::Rsync];

impl Scenario {
    pub fn run(&self) {
        println!("\n{}: {}", self.name, self.question);
        (self.body)();
    }
}

fn fast() {
    large(None, &ALL_PEERS, runs());
}

fn far() {
    large(Some(link(100, Some(1000))), &ALL_PEERS, 1);
}

fn large(link: Option<Link>, peers: &[Peer], runs: usize) {
    let ground = Ground::over(link.as_ref());
    let size = mebibytes() << 20;
    make_file(&ground.laptop().join("big"), size);
    compare(&ground, &Task { label: "up", work: Work::Up { file: "big" }, size }, peers, runs);
    compare(&ground, &Task { label: "down", work: Work::Down { file: "big" }, size }, peers, runs);
}

fn small() {
    let ground = Ground::over(Some(&link(25, None)));
    let files = number("HOP_BENCH_FILES", 1000);
    make_tree(&ground.laptop().join("tree"), files, 4096);
    compare(&ground, &Task { label: "up", work: Work::UpTree { folder: "tree" }, size: files * 4096 }, &ALL_PEERS, 1);
    ground
        .on("acc-pvt", "rm -rf tree; mv there tree; [ ! -d tree/tree ] || { mv tree/tree t; rm -r tree; mv t tree; }");
    compare(
        &ground,
        &Task { label: "down", work: Work::DownTree { folder: "tree" }, size: files * 4096 },
        &ALL_PEERS,
        1,
    );
}

fn tree() {
    let (files, peers) = (number("HOP_BENCH_TREE", 100_000), [Peer::Hop, Peer::Tar, Peer::Rsync]);
    for (away, runs) in [(None, runs()), (Some(link(25, None)), 1)] {
        println!("  {}", if away.is_some() { "25 ms round trip" } else { "nearby" });
        let (ground, size) = (Ground::over(away.as_ref()), files * 1024);
        make_tree(&ground.laptop().join("tree"), files, 1024);
        compare(&ground, &Task { label: "up", work: Work::UpTree { folder: "tree" }, size }, &peers, runs);
        compare(&ground, &Task { label: "down", work: Work::DownTree { folder: "there" }, size }, &peers, runs);
    }
}

fn relay() {
    let ground = Ground::over(None);
    let size = mebibytes() << 20;
    make_file(&ground.laptop().join("big"), size);
    run(Peer::Scp.command(Work::Up { file: "big" }, &ground).expect("scp uploads")).expect("scp uploads");
    let peers = [Peer::Hop, Peer::Scp, Peer::Ssh];
    compare(&ground, &Task { label: "relay", work: Work::Relay { file: "big" }, size }, &peers, runs());
}

fn direct() {
    let ground = Ground::over(None);
    let Some(hand) = Hand::give(&ground) else { return println!("  only on a street of its own") };
    let size = mebibytes() << 20;
    make_file(&ground.laptop().join("big"), size);
    let up = |work, ground: &Ground| run(Peer::Scp.command(work, ground).expect("scp uploads")).expect("scp uploads");
    up(Work::Up { file: "big" }, &ground);
    by_hand_too(&ground, &hand, &Task { label: "large", work: Work::Direct { name: "big" }, size }, runs());
    for peering in [0, 1] {
        let ground = Ground::peered(0, peering);
        let Some(hand) = Hand::give(&ground) else { return };
        let files = number("HOP_BENCH_FILES", 1000);
        make_tree(&ground.laptop().join("tree"), files, 4096);
        up(Work::UpTree { folder: "tree" }, &ground);
        ground.on("acc-pvt", "[ -d there/tree ] && mv there/tree tree || mv there tree");
        let label = if peering == 0 { "small" } else { "small 1ms" };
        by_hand_too(&ground, &hand, &Task { label, work: Work::Direct { name: "tree" }, size: files * 4096 }, runs());
    }
    let ground = Ground::peered(100, 1);
    let size = (mebibytes() / 2).max(1) << 20;
    make_file(&ground.laptop().join("big"), size);
    up(Work::Up { file: "big" }, &ground);
    let once = |work, peer: Peer| {
        clear(&ground, work);
        run(peer.command(work, &ground).expect("both copy")).expect("it copies")
    };
    let straight = once(Work::Direct { name: "big" }, Peer::Hop);
    let through = once(Work::Relay { file: "big" }, Peer::Scp);
    print_all("100 ms", Work::Relay { file: "big" }, &[(Peer::Hop, straight), (Peer::Scp, through)], size);
}

/// hop and scp on the source, turn by turn.
fn by_hand_too(ground: &Ground, hand: &Hand, task: &Task, runs: usize) {
    let Task { label, work, size } = *task;
    let Work::Direct { name } = work else { return };
    let (mut straight, mut scp) = (Vec::new(), Vec::new());
    for _ in 0..runs {
        clear(ground, work);
        straight.push(run(Peer::Hop.command(work, ground).expect("hop copies")).expect("hop copies"));
        arrived(ground, work, size);
        clear(ground, work);
        scp.push(hand.scp(ground, name));
        arrived(ground, work, size);
    }
    print_all(label, work, &[(Peer::Hop, median(straight)), (Peer::Scp, median(scp))], size);
}

fn login() {
    for (label, link) in [("loopback", None), ("100 ms", Some(link(100, None)))] {
        let ground = Ground::over(link.as_ref());
        let taken = [Peer::Hop, Peer::Ssh].map(|peer| {
            let once = |_| first_byte(peer.command(Work::Echo, &ground).expect("both run commands"));
            (peer, median((0..runs().max(5)).map(once).collect()))
        });
        print_all(label, Work::Echo, &taken, 0);
    }
}

fn config() {
    let ground = Ground::over(None);
    let block = |index: usize| {
        format!(
            "Host h{index} *.net{index}.internal !bad{index}\n  User u{index}\n  Port {}\n  IdentityFile ~/k{index}\n  ServerAliveInterval {index}\n",
            1 + index
        )
    };
    let text: String = (0..1000).map(block).collect();
    let file = ground.laptop().join("large_config");
    fs::write(&file, text).expect("write the configuration");
    let resolve = |program: &str, words: &[&str]| {
        let once = |_| {
            let mut command = ground.command(program);
            command.args(words).arg("-F").arg(&file).arg("x.net999.internal");
            run(command).expect("it resolves")
        };
        median((0..runs().max(9)).map(once).collect())
    };
    let taken = [(Peer::Hop, resolve(env!("CARGO_BIN_EXE_hop"), &["ssh", "-G"])), (Peer::Ssh, resolve("ssh", &["-G"]))];
    print_all("resolve", Work::Echo, &taken, 0);
}

fn memory() {
    let ground = Ground::over(None);
    let size = mebibytes() << 20;
    make_file(&ground.laptop().join("big"), size);
    let files = number("HOP_BENCH_TREE", 100_000);
    make_tree(&ground.laptop().join("tree"), files, 4096);
    let works = [
        (format!("{} up", bytes(size)), Work::Up { file: "big" }),
        (format!("{} down", bytes(size)), Work::Down { file: "big" }),
        (format!("{} relay", bytes(size)), Work::Relay { file: "big" }),
        (format!("{files} files up"), Work::UpTree { folder: "tree" }),
        (format!("{files} files down"), Work::DownTree { folder: "there" }),
    ];
    for (label, work) in works {
        clear(&ground, work);
        let taken = run(Peer::Hop.command(work, &ground).expect("hop copies")).expect("hop copies");
        println!("  {label:<20} {:>7.1} MiB  {:>8.2} s", taken.memory as f64 / 1024.0, taken.time.as_secs_f64());
    }
}

fn compare(ground: &Ground, task: &Task, peers: &[Peer], runs: usize) {
    let Task { label, work, size } = *task;
    let mut taken: Vec<(Peer, Vec<Taken>)> = peers.iter().map(|peer| (*peer, Vec::new())).collect();
    taken.retain(|(peer, _)| peer.is_here() && peer.command(work, ground).is_some());
    // turn by turn, so that a change of the machine's mood meets all of them
    for _ in 0..runs {
        for (peer, runs) in &mut taken {
            clear(ground, work);
            match run(peer.command(work, ground).expect("filtered above")) {
                Ok(taken) => {
                    runs.push(taken);
                    arrived(ground, work, size);
                }
                Err(complaint) => println!("  {label:<9} {:<18} failed: {}", peer.name(work), complaint.trim()),
            }
        }
    }
    taken.retain(|(_, runs)| !runs.is_empty());
    let taken: Vec<(Peer, Taken)> = taken.into_iter().map(|(peer, runs)| (peer, median(runs))).collect();
    print_all(label, work, &taken, size);
}

pub fn print_all(label: &str, work: Work, taken: &[(Peer, Taken)], size: u64) {
    let hop = taken.iter().find(|(peer, _)| *peer == Peer::Hop).map(|(_, taken)| taken.time.as_secs_f64());
    for (peer, taken) in taken {
        let seconds = taken.time.as_secs_f64();
        let rate = if size == 0 { String::new() } else { format!("{:>7.1} MB/s", size as f64 / seconds / 1e6) };
        let others = hop.filter(|_| *peer != Peer::Hop);
        let ratio = others.map_or_else(String::new, |hop| format!("hop is {:.2}x", seconds / hop));
        let time = if seconds < 0.1 { format!("{:>7.2} ms", seconds * 1e3) } else { format!("{seconds:>8.2} s") };
        println!("  {label:<9} {:<18} {time} {rate:>13}  {ratio}", peer.name(work));
    }
}

/// Removes what an earlier run left at the destination.
fn clear(ground: &Ground, work: Work) {
    match work {
        Work::Up { file } => drop(ground.on("acc-pvt", &format!("rm -f {file}"))),
        Work::UpTree { .. } => drop(ground.on("acc-pvt", "rm -rf there")),
        Work::Relay { file } => drop(ground.on("dell-pvt", &format!("rm -f {file}"))),
        Work::Direct { name } => drop(ground.on("dell-pvt", &format!("rm -rf {name}"))),
        Work::Down { .. } | Work::DownTree { .. } => {
            let back = ground.laptop().join("back");
            if back.is_dir() { fs::remove_dir_all(back).expect("clear") } else { drop(fs::remove_file(back)) }
        }
        Work::Echo => {}
    }
}

/// Fails unless as many bytes stand at the destination as there should.
fn arrived(ground: &Ground, work: Work, size: u64) {
    let count = "find PATH -type f -exec cat {} + | wc -c";
    let there = match work {
        Work::Up { file } => ground.on("acc-pvt", &count.replace("PATH", file)),
        Work::UpTree { .. } => ground.on("acc-pvt", &count.replace("PATH", "there")),
        Work::Relay { file: name } | Work::Direct { name } => ground.on("dell-pvt", &count.replace("PATH", name)),
        Work::Down { .. } | Work::DownTree { .. } => {
            let out = ground.command("sh").args(["-c", &count.replace("PATH", "back")]).output().expect("start sh");
            String::from_utf8_lossy(&out.stdout).trim().to_owned()
        }
        Work::Echo => size.to_string(),
    };
    assert_eq!(there, size.to_string(), "bytes at the destination");
}

/// Bytes that do not compress, the same every time.
pub fn make_file(file: &Path, size: u64) {
    let block = noise(0, 1 << 20);
    let mut out = fs::File::create(file).expect("make a file");
    for _ in 0..size >> 20 {
        out.write_all(&block).expect("fill a file");
    }
}

fn make_tree(folder: &Path, files: u64, size: usize) {
    for index in 0..files {
        let inside = folder.join(format!("d{}", index / 100));
        if index % 100 == 0 {
            fs::create_dir_all(&inside).expect("make a folder");
        }
        fs::write(inside.join(format!("f{index}")), vec![index as u8; size]).expect("make a file");
    }
}

pub fn mebibytes() -> u64 {
    number("HOP_BENCH_MIB", 1024)
}

pub fn runs() -> usize {
    number("HOP_BENCH_RUNS", 3) as usize
}

fn number(name: &str, otherwise: u64) -> u64 {
    std::env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(otherwise)
}

fn bytes(size: u64) -> String {
    format!("{} MiB", size >> 20)
}
