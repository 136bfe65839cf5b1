//! The laptop comes to have another address in the middle of a copy (F31), and packets for the old one go nowhere: nothing
//! is closed, nothing answers any more. Two network namespaces with a cable between them, which takes root.
//!
//! ```text
//!   hop ── 10.9.1.2, later 10.9.1.3 ──┤ veth ├── 10.9.1.1 ── Wire ── acc-bastion
//!   └────────── the laptop's ────────┘        └─ the world's ┘
//! ```

use std::fs::File;
use std::io::{BufRead as _, BufReader};
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::Duration;

use super::invariants::Case;
use super::ran::run_while;
use super::ways::{SIZE, Way, content};
use crate::skips::{Lacking, cannot, need, need_root};
use crate::street::{ACC_BASTION, Street};
use crate::wire::{Link, Wire};

const RATE: u64 = 6 << 20;

/// Bytes that have passed when the address changes.
const MIDDLE: u64 = 4 << 20;

const LIMIT: Duration = Duration::from_secs(75);

/// A network namespace, for as long as this lives.
struct Namespace(Child);

impl Namespace {
    fn make() -> Namespace {
        let mut command = Command::new("unshare");
        command.args(["--net", "sh", "-c", "ip link set lo up; echo ready; read -r _"]);
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("unshare starts");
        let mut line = String::new();
        let read = BufReader::new(child.stdout.take().expect("piped")).read_line(&mut line);
        assert!(read.is_ok() && line == "ready\n", "no namespace: {line:?}");
        Namespace(child)
    }

    /// What runs a program in it.
    fn words(&self) -> [String; 1] {
        [format!("--net=/proc/{}/ns/net", self.0.id())]
    }

    fn has(&self, script: &str) -> Result<(), String> {
        let ran =
            Command::new("nsenter").args(self.words()).args(["sh", "-ec", script]).output().expect("nsenter runs");
        match ran.status.success() {
            true => Ok(()),
            false => Err(format!("{script}: {}", String::from_utf8_lossy(&ran.stderr).trim_end())),
        }
    }

    fn file(&self) -> File {
        File::open(format!("/proc/{}/ns/net", self.0.id())).expect("it lives")
    }
}

impl Drop for Namespace {
    fn drop(&mut self) {
        drop(self.0.stdin.take());
        let ended = self.0.wait();
        assert!(ended.is_ok() || std::thread::panicking(), "the namespace does not end");
    }
}

/// A laptop that can move, and the way from it to the bastion.
struct Moving {
    // before the namespaces: it listens in one
    wire: Wire,
    laptop: Namespace,
    _world: Namespace,
    street: Street,
}

impl Moving {
    fn start() -> Option<Moving> {
        if !need_root("network namespaces") {
            return None;
        }
        let (_, _, _) = (need("unshare")?, need("nsenter")?, need("ip")?);
        let street = Street::start()?;
        let (laptop, world) = (Namespace::make(), Namespace::make());
        let cable = format!("ip link add name here type veth peer name there netns {}", world.0.id());
        if let Err(why) = laptop.has(&cable) {
            cannot(Lacking::Networks, &why);
            return None;
        }
        laptop.has("ip addr add 10.9.1.2/24 dev here; ip link set here up").expect("an address");
        world.has("ip addr add 10.9.1.1/24 dev there; ip link set there up").expect("an address");
        let (near, far) = (([10, 9, 1, 1], 7000).into(), street.server(ACC_BASTION).address);
        let wire = Wire::start_in(&world.file(), near, far, Link { rate: Some(RATE), ..Link::default() });
        let host = format!("Host {ACC_BASTION}\n  HostName {}\n  Port {}\n", near.ip(), near.port());
        street.configure(&format!("{host}  HostKeyAlias {ACC_BASTION}\n"));
        street.knows_by_name(ACC_BASTION);
        Some(Moving { wire, laptop, _world: world, street })
    }

    fn moves(&self) {
        let script = "ip addr del 10.9.1.2/24 dev here; ip addr add 10.9.1.3/24 dev here";
        self.laptop.has(script).expect("another address");
    }

    fn copy(&self, way: Way) -> Command {
        let hop = way.copy(&self.street);
        let mut command = self.street.on_laptop("nsenter");
        command.args(self.laptop.words()).arg(hop.get_program()).args(hop.get_args()).args(["--timeout", "3s"]);
        command
    }

    /// The world gives up what it had with the old address, as it would some day.
    fn forget(&self) {
        let a_moment = || sleep(Duration::from_millis(200));
        self.wire.fall_silent();
        a_moment();
        self.wire.bury();
        a_moment();
        self.wire.arm(None);
    }
}

fn f31(way: Way) {
    let Some(moving) = Moving::start() else { return };
    let content = content(SIZE);
    way.furnish(&moving.street, &content);
    let target = way.target(&moving.street, &content);
    let (_, direction) = way.links()[0];
    let mut has_moved = false;
    let mut connections = 0;
    let ran = run_while(moving.copy(way).arg("--json"), |_, _| {
        if !has_moved && moving.wire.bytes(direction) > MIDDLE {
            has_moved = true;
            connections = moving.wire.connections();
            moving.moves();
        }
    });
    assert!(has_moved && ran.code == Some(0), "F31 {way:?}: {ran}");
    assert!(moving.wire.connections() > connections && ran.stdout.contains("\"reconnecting\""), "F31 {way:?}: {ran}");
    assert_eq!(ran.summary("bytes"), SIZE as u64, "F31 {way:?}: what was acknowledged was sent again: {ran}");
    moving.forget();
    let (name, again) = (format!("F31 {way:?}"), || moving.copy(way));
    let street = &moving.street;
    Case { name, street, targets: &[target], ran: &ran, limit: LIMIT, says: &[], again: &again }.holds();
}

#[test]
fn f31_an_upload_goes_on_from_another_address() {
    f31(Way::Up);
}

#[test]
fn f31_a_download_goes_on_at_another_address() {
    f31(Way::Down);
}
