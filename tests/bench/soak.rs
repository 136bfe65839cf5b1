//! Does it hold for long? Copies up, down, through this machine and straight, of files of all sizes, while links are cut,
//! closed and silenced and hop is killed; after each of them everything that the tests of faults check, and the same
//! command once more. `tests/bench/run soak`, by hand: `HOP_SOAK_MINUTES` (30), on `HOP_SOAK_STREETS` (2) streets at once,
//! from `HOP_SEED` (0) on.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::process::Child;
use std::sync::Mutex;
use std::time::{Duration, Instant};

use crate::street::{ACC_BASTION, ACC_PVT, DELL_BASTION, DELL_PVT, Street};
use crate::whole::invariants::Case;
use crate::whole::ran::run_while;
use crate::whole::ways::{Peering, Way, content, street};
use crate::wire::{Cut, Direction, How, Wire, somewhere};

const RATE: u64 = 48 << 20;
const LARGEST: u64 = 192 << 20;
const MINUTE: Duration = Duration::from_secs(60);
const LIMIT: Duration = Duration::from_secs(110);
const WAYS: [Way; 4] = [Way::Up, Way::Down, Way::Relay, Way::Direct];
const HOSTS: [&str; 4] = [ACC_BASTION, ACC_PVT, DELL_BASTION, DELL_PVT];

/// What came of it so far.
#[derive(Default)]
struct Count {
    copies: u64,
    bytes: u64,
    cuts: u64,
    kills: u64,
    /// Runs that said that they failed.
    failed: u64,
    violations: u64,
    /// When, and the most memory that a run had, in KiB.
    peaks: Vec<(Duration, u64)>,
}

/// Runs for so long, and prints what came of it.
pub fn run() {
    // what a run knew is in its trace, which release builds leave out
    if !cfg!(debug_assertions) {
        panic!("HOP_BENCH_PROFILE=dev");
    }
    let minutes = number("HOP_SOAK_MINUTES", 30);
    let (streets, first) = (number("HOP_SOAK_STREETS", 2), number("HOP_SEED", 0));
    let (began, length) = (Instant::now(), Duration::from_secs(60 * minutes));
    println!("\nsoak: {minutes} minutes on {streets} streets");
    let count = Mutex::new(Count::default());
    // a violation is told with its seed
    std::panic::set_hook(Box::new(|_| {}));
    std::thread::scope(|scope| {
        for number in 0..streets {
            let count = &count;
            let seeds = (first + number..).step_by(streets as usize);
            scope.spawn(move || {
                let Some(scene) = Scene::start() else { return println!("OpenSSH's server is needed") };
                seeds.take_while(|_| began.elapsed() < length).for_each(|seed| scene.round(seed, (count, began)));
            });
        }
        scope.spawn(|| told_each_minute(&count, (began, length)));
    });
    let count = count.into_inner().unwrap_or_else(std::sync::PoisonError::into_inner);
    count.print(began.elapsed());
    assert!(count.violations == 0 && count.copies > 0, "the soak failed");
}

fn told_each_minute(count: &Mutex<Count>, (began, length): (Instant, Duration)) {
    for minute in 1.. {
        let at = Duration::from_secs(60 * minute);
        if at >= length {
            return;
        }
        std::thread::sleep(at.saturating_sub(began.elapsed()));
        count.lock().expect("nobody panics with it").print(at);
    }
}

impl Count {
    fn add(&mut self, round: &Round, at: Duration) {
        self.bytes += round.bytes;
        self.cuts += round.cuts;
        self.kills += u64::from(round.killed);
        self.failed += u64::from(round.failed);
        self.peaks.push((at, round.peak));
    }

    fn print(&self, elapsed: Duration) {
        let Count { copies, bytes, cuts, kills, failed, violations, .. } = self;
        println!(
            "{:>5.1} min: {copies} copies, {} MiB, {cuts} cuts, {kills} kills, {failed} failures told, {violations} violations; peak {} MiB, in each third of the time {}",
            elapsed.as_secs_f64() / 60.0,
            bytes >> 20,
            peak(&self.peaks, |at| elapsed.saturating_sub(at) <= MINUTE),
            thirds(&self.peaks, elapsed).map(|peak| peak.to_string()).join(" ")
        );
    }
}

/// The peak in each third of the time, in MiB: whether memory stays flat.
fn thirds(peaks: &[(Duration, u64)], elapsed: Duration) -> [u64; 3] {
    [0, 1, 2].map(|third| peak(peaks, |at| (at.as_secs_f64() / elapsed.as_secs_f64() * 3.0) as u64 == third))
}

/// The peak of the runs that ended within some time, in MiB.
fn peak(peaks: &[(Duration, u64)], within: impl Fn(Duration) -> bool) -> u64 {
    peaks.iter().filter(|(at, _)| within(*at)).map(|(_, peak)| peak >> 10).max().unwrap_or(0)
}

/// A street, the link between its private servers, and content to take from.
struct Scene {
    street: Street,
    peering: Peering,
    content: Vec<u8>,
}

impl Scene {
    fn start() -> Option<Scene> {
        let street = street(Some(RATE))?;
        let peering = Peering::start(&street, Some(RATE));
        Some(Scene { street, peering, content: content(LARGEST as usize) })
    }

    /// One copy into whatever the seed decides, and the same again; what does not hold is told at once.
    fn round(&self, seed: u64, (count, began): (&Mutex<Count>, Instant)) {
        let held = catch_unwind(AssertUnwindSafe(|| self.copied(seed)));
        self.mend();
        let mut count = count.lock().expect("nobody panics with it");
        count.copies += 2;
        match held {
            Ok(round) => count.add(&round, began.elapsed()),
            Err(panic) => {
                count.violations += 1;
                println!("VIOLATION: seed {seed}: {}\n", said(panic.as_ref()));
            }
        }
    }

    fn copied(&self, seed: u64) -> Round {
        let draw = |what: u64, range| somewhere(seed * 16 + what, range);
        let way = WAYS[draw(0, 0..4) as usize];
        // as many small ones as large ones; a few are longer than the band
        let size = draw(1, 1 << 10..1 << draw(2, 11..29)).min(LARGEST);
        let content = &self.content[..size as usize];
        way.furnish(&self.street, content);
        let target = way.target(&self.street, content);
        let copy = || {
            let mut command = if way == Way::Direct { self.peering.copy(&self.street) } else { way.copy(&self.street) };
            command.args(["--timeout", "5s"]);
            command
        };
        let mut strikes = Strikes::plan(self, way, (seed, size));
        let ran = run_while(copy().arg("--json"), |child, _| strikes.tick(child));
        self.mend();
        let (cuts, killed) = (strikes.cuts, ran.code.is_none());
        let name = format!("{way:?}, {size} bytes, {cuts} cuts");
        let says = &["laptop > "];
        let case = Case { name, street: &self.street, targets: &[target], ran: &ran, limit: LIMIT, says, again: &copy };
        let bytes = size + case.holds().moved;
        Round { bytes, cuts, killed, failed: ran.code.is_some_and(|code| code != 0), peak: ran.peak }
    }

    /// Links are whole again, and what fell silent is given up by its servers, too.
    fn mend(&self) {
        for (wire, _) in self.wires(Way::Direct) {
            wire.arm(None);
            wire.bury();
        }
    }

    /// Every link of the way, the data's and those that only say what is to be done.
    fn wires(&self, way: Way) -> Vec<(&Wire, Direction)> {
        let hosts = match way {
            Way::Up | Way::Down => &HOSTS[..2],
            Way::Relay | Way::Direct => &HOSTS[..],
        };
        let wire = |host: &&'static str| self.street.server(host).wire.as_ref().expect("every link is a wire");
        let both = |wire| [(wire, Direction::Up), (wire, Direction::Down)];
        let peering = (way == Way::Direct).then_some(&self.peering.wire);
        hosts.iter().map(wire).chain(peering).flat_map(both).collect()
    }
}

/// What a check said when it failed, without the ends of runs that are told in full.
fn said(panic: &(dyn std::any::Any + Send)) -> String {
    let said = panic.downcast_ref::<String>().map(String::as_str).or(panic.downcast_ref::<&str>().copied());
    said.unwrap_or("a check failed").to_owned()
}

/// One copy and what became of it.
struct Round {
    bytes: u64,
    cuts: u64,
    killed: bool,
    failed: bool,
    /// Most memory, in KiB.
    peak: u64,
}

/// What happens to one run.
struct Strikes<'a> {
    wires: Vec<(&'a Wire, Direction)>,
    seed: u64,
    size: u64,
    /// Cuts still to come.
    left: u64,
    /// Whether it is killed in the end.
    kills: bool,
    armed: Option<(&'a Wire, How)>,
    /// A silent link carries new connections again then.
    silent_until: Option<Instant>,
    cuts: u64,
}

impl<'a> Strikes<'a> {
    fn plan(scene: &'a Scene, way: Way, (seed, size): (u64, u64)) -> Strikes<'a> {
        let draw = |what: u64, range| somewhere(seed * 16 + what, range);
        let (wires, left, kills) = (scene.wires(way), draw(3, 0..5), draw(4, 0..4) == 0);
        let mut strikes = Strikes { wires, seed, size, left, kills, armed: None, silent_until: None, cuts: 0 };
        strikes.arm();
        strikes
    }

    fn arm(&mut self) {
        let Some(left) = self.left.checked_sub(1) else { return };
        self.left = left;
        let draw = |what: u64, range| somewhere(self.seed * 16 + 5 + what + 97 * left, range);
        let (wire, direction) = self.wires[draw(0, 0..self.wires.len() as u64) as usize];
        let how = [How::Reset, How::Reset, How::Close, How::Silence][draw(1, 0..4) as usize];
        // links that carry no data are cut, too, where little passes
        let at = draw(2, 0..if draw(3, 0..2) == 0 { 16 << 10 } else { self.size });
        wire.arm(Some(Cut { direction, at, how }));
        self.armed = Some((wire, how));
    }

    fn tick(&mut self, child: &mut Child) {
        let Some((wire, how)) = self.armed else { return };
        if !wire.is_cut() {
            return;
        }
        let now = Instant::now();
        let until =
            *self.silent_until.get_or_insert(now + Duration::from_millis(if how == How::Silence { 300 } else { 0 }));
        if now < until {
            return;
        }
        self.cuts += 1;
        (self.armed, self.silent_until) = (None, None);
        wire.arm(None);
        if self.left == 0 && self.kills {
            child.kill().expect("kill hop");
        }
        self.arm();
    }
}

fn number(name: &str, otherwise: u64) -> u64 {
    std::env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(otherwise)
}
