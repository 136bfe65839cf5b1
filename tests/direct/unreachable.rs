//! A destination that the source cannot open: refused, reset, dropped, unknown. Each has its own words and hint, whether the
//! source's sshd tells or only its ssh, and `--route direct` never relays.

use std::net::{SocketAddr, TcpListener, TcpStream};
use std::process::Command;
use std::time::Duration;

use super::{at_once, cp};
use crate::skips::{Lacking, cannot, need_root};
use crate::street::{ACC_PVT, DELL_PVT, Outcome, Street, run, until};
use crate::wire::{Cut, Direction, How, Link, Packets, Wire};

/// An address where nothing listens.
fn nobody() -> SocketAddr {
    TcpListener::bind("127.0.0.1:0").and_then(|free| free.local_addr()).expect("a free port")
}

/// A listener that never takes anybody in: once its queue is full, the kernel drops what comes.
struct Deaf {
    address: SocketAddr,
    _listener: socket2::Socket,
    _queue: Vec<TcpStream>,
}

impl Deaf {
    fn start() -> Deaf {
        let listener = socket2::Socket::new(socket2::Domain::IPV4, socket2::Type::STREAM, None).expect("a socket");
        let any: SocketAddr = "127.0.0.1:0".parse().expect("an address");
        listener.bind(&any.into()).expect("a port");
        listener.listen(1).expect("a short queue");
        let address = listener.local_addr().ok().and_then(|address| address.as_socket()).expect("its address");
        let mut queue = Vec::new();
        while let Ok(waiting) = TcpStream::connect_timeout(&address, Duration::from_millis(500)) {
            queue.push(waiting);
            assert!(queue.len() < 20, "the queue has no end");
        }
        Deaf { address, _listener: listener, _queue: queue }
    }
}

/// Where nothing gets through, how it is called, and what to do about it.
struct Barrier {
    address: String,
    /// One of these, by who noticed.
    says: &'static [&'static str],
    hint: &'static str,
}

fn stands_in_the_way(street: &Street, barrier: &Barrier) {
    let Barrier { address, says, hint } = barrier;
    let told = |ran: &Outcome| {
        let names = ran.stderr.contains(&format!("acc-pvt cannot open {address}: "));
        assert!(names && says.iter().any(|said| ran.stderr.contains(said)), "does not say {says:?}: {ran}");
    };
    // what is told takes time, so both are tried at once
    let copied = |to: &str, options: &[&str]| {
        let to = format!("dell-pvt:{to}");
        let ran = run(cp(street, options).args(["--peer-address", address, "acc-pvt:f", &to]));
        told(&ran);
        ran
    };
    let [direct, relayed] = ["direct", "relayed"].map(|route| format!("{route}-{}", address.replace(':', "-")));
    std::thread::scope(|scope| {
        scope.spawn(|| {
            let ran = copied(&direct, &["-R"]);
            assert_eq!(ran.code, Some(10), "{ran}");
            assert!(ran.stderr.contains("hint: ") && ran.stderr.contains(hint), "does not hint at `{hint}`: {ran}");
            assert!(!street.home(DELL_PVT).join(&direct).exists(), "it never relays: {ran}");
        });
        scope.spawn(|| {
            let ran = copied(&relayed, &[]);
            assert!(ran.code == Some(0) && ran.stderr.lines().any(|line| line.starts_with("relay: ")), "{ran}");
            assert_eq!(std::fs::read(street.home(DELL_PVT).join(&relayed)).expect("it is there"), b"content");
        });
    });
}

fn each_barrier(street: &Street) {
    street.put(ACC_PVT, "f", b"content");
    let (resetting, deaf) = (Wire::start(nobody(), nobody(), Link::default()), Deaf::start());
    let barriers = [
        Barrier { address: nobody().to_string(), says: &["refused"], hint: "nothing listens on" },
        Barrier { address: resetting.address().to_string(), says: &["reset"], hint: "shut at once" },
        Barrier {
            address: deaf.address.to_string(),
            says: &["no answer within 5 s", "timed out"],
            hint: "no route or a security group between acc-pvt and",
        },
        Barrier {
            address: format!("no-such-host.invalid:{}", nobody().port()),
            says: &["not known", "resolve"],
            hint: "acc-pvt does not know the name",
        },
    ];
    stand_in_the_way(street, &barriers);
}

fn stand_in_the_way(street: &Street, barriers: &[Barrier]) {
    at_once(barriers, |barrier| stands_in_the_way(street, barrier));
}

#[test]
fn the_sources_sshd_tells_what_is_in_the_way() {
    let Some(street) = Street::plan().sshd(ACC_PVT, "AllowTcpForwarding yes").start() else { return };
    each_barrier(&street);
}

#[test]
fn the_sources_ssh_tells_what_is_in_the_way() {
    // this sshd forbids forwarding, so that only the login can show it
    let Some(street) = Street::start() else { return };
    each_barrier(&street);
}

/// The street stands in a network of its own, with a way out on which every packet vanishes.
#[test]
fn what_drops_packets_is_told_by_both() {
    const INSIDE: &str = "HOP_TEST_WHERE_PACKETS_VANISH";
    const NETWORK: &str = "ip link set lo up && ip tuntap add dev nowhere mode tun && \
                           ip addr add 198.51.100.1/24 dev nowhere && ip link set nowhere up && exec \"$@\"";
    if std::env::var_os(INSIDE).is_some() {
        let tells = Street::plan().sshd(ACC_PVT, "AllowTcpForwarding yes").start();
        let barrier = Barrier {
            address: "198.51.100.20:22".to_owned(),
            says: &["no answer within 5 s", "timed out"],
            hint: "no route or a security group between acc-pvt and",
        };
        let streets = [tells, Street::start()];
        at_once(streets.iter().flatten(), |street| {
            street.put(ACC_PVT, "f", b"content");
            stands_in_the_way(street, &barrier);
        });
        return;
    }
    if !need_root("to make a network") {
        return;
    }
    if let Err(why) = Packets::can_be_had() {
        return cannot(Lacking::Networks, &why);
    }
    let mut inside = Command::new("unshare");
    inside.args(["--net", "sh", "-c", NETWORK, "sh"]).arg(std::env::current_exe().expect("this program"));
    inside.args(["--exact", "direct::unreachable::what_drops_packets_is_told_by_both", "--nocapture"]);
    let ran = run(inside.env(INSIDE, "1"));
    assert!(ran.code == Some(0) && ran.stdout.contains("1 passed"), "{ran}");
}

#[test]
fn a_login_that_nothing_comes_of_is_given_up() {
    let Some(street) = Street::start() else { return };
    street.put(ACC_PVT, "f", b"content");
    // the greeting passes, and nothing after it
    let cut = Cut { direction: Direction::Up, at: 200, how: How::Silence };
    let far = street.server(DELL_PVT).listens;
    let silent = Wire::start((far.ip(), 0).into(), far, Link { cut: Some(cut), ..Link::default() });
    let address = silent.address().to_string();
    let words = ["--timeout", "1s", "--peer-address", &address, "acc-pvt:f", "dell-pvt:"];

    let ran = run(cp(&street, ["-R"]).args(words));
    assert!(silent.is_cut() && ran.code == Some(10), "{ran}");
    assert!(ran.stderr.contains(&format!("acc-pvt cannot open {address}: no login within ")), "{ran}");
    until("its ssh is gone", || street.server(ACC_PVT).processes_named("ssh").is_empty());

    let ran = run(cp(&street, [""; 0]).args(words));
    assert!(ran.code == Some(0) && ran.stderr.lines().any(|line| line.starts_with("relay: ")), "{ran}");
    assert_eq!(std::fs::read(street.home(DELL_PVT).join("f")).expect("it is there"), b"content");
}
