//! One sshd: its folder, its life, its log and its processes.

use std::collections::HashMap;
use std::fs;
use std::io::{BufRead as _, BufReader};
use std::net::{IpAddr, SocketAddr};
use std::path::{Path, PathBuf};
use std::process::Child;

use rustix::process::{Pid, Signal, kill_process};

use super::outcome::until;
use super::{ground, keys};
use crate::wire::Wire;

/// What serves a host in sshd's place.
#[derive(Clone)]
pub struct Other {
    /// Gives the program and its arguments.
    pub launch: fn(&Server) -> Vec<String>,
    /// Laid over the host's `/usr`.
    pub over: PathBuf,
}

/// One host of the street.
pub struct Server {
    /// Its alias.
    pub name: &'static str,
    /// Where its sshd listens.
    pub listens: SocketAddr,
    /// Where the world finds it: the same, or the near end of its wire.
    pub address: SocketAddr,
    /// Its user's home folder.
    pub home: PathBuf,
    /// The wire in front of it, if the plan has one.
    pub wire: Option<Wire>,
    /// The size of its disk in MiB, if the plan has one.
    pub(super) disk: Option<u32>,
    pub(super) account: ground::Account,
    pub(super) sshd: PathBuf,
    /// A server of another make, if the plan has one.
    pub(super) other: Option<Other>,
    pub(super) folder: PathBuf,
    pub(super) child: Option<Child>,
}

impl Server {
    /// Starts it again after [`Server::stop`], and waits until it listens.
    pub fn start(&mut self) {
        self.launch();
        self.wait();
    }

    pub(super) fn launch(&mut self) {
        let words = self.other.as_ref().map_or_else(|| self.sshd_words(), |other| (other.launch)(self));
        let arguments: Vec<&str> = words[1..].iter().map(String::as_str).collect();
        let child = ground::start(Path::new(&words[0]), &arguments, self.place());
        self.child = Some(child.unwrap_or_else(|problem| panic!("cannot start {}: {problem}", words[0])));
    }

    fn sshd_words(&self) -> Vec<String> {
        let (sshd, config) = (self.sshd.display().to_string(), self.file("sshd_config").display().to_string());
        vec![sshd, "-D".to_owned(), "-e".to_owned(), "-f".to_owned(), config]
    }

    /// Waits until it listens.
    pub(super) fn wait(&mut self) {
        until(&format!("{} listens", self.name), || {
            let ended = self.child.as_mut().is_none_or(|child| child.try_wait().is_ok_and(|status| status.is_some()));
            assert!(!ended, "{}: its server ended:\n{}", self.name, self.log());
            is_listened_at(self.listens)
        });
    }

    /// Kills it and everything it started.
    pub fn stop(&mut self) {
        let Some(mut child) = self.child.take() else { return };
        let all = self.below(child.id());
        child.kill().expect("kill sshd");
        child.wait().expect("wait for sshd");
        all.iter().for_each(Process::kill);
        until("the server's processes are gone", || !all.iter().any(Process::is_alive));
    }

    /// Gives it new host keys while it runs, as a reload of its service does: sessions live on.
    pub fn renew_host_keys(&self) {
        let listened = || self.log().matches("Server listening on ").count();
        let before = listened();
        for kind in keys::HOST_KEY_TYPES {
            keys::make(kind).save(&self.folder.join(format!("host_{kind}")), 0o600);
        }
        self.processes_named("sshd").first().expect("it runs").signal(Signal::HUP);
        until("it listens again", || listened() > before);
    }

    /// Whom to log in as.
    pub fn user(&self) -> &'static str {
        self.account.name
    }

    /// A file beside its home folder: `authorized_keys`, `host_ed25519`, `host_ecdsa`, `host_rsa`, `log`.
    pub fn file(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }

    /// What its server wrote.
    pub fn log(&self) -> String {
        String::from_utf8_lossy(&fs::read(self.file("log")).unwrap_or_default()).into_owned()
    }

    /// Everything that runs on it: sshd's sessions, sftp-servers, commands.
    pub fn processes(&self) -> Vec<Process> {
        self.child.as_ref().map(|child| self.below(child.id())).unwrap_or_default()
    }

    /// The processes of that name (`sftp-server`, `sshd`, a command).
    pub fn processes_named(&self, name: &str) -> Vec<Process> {
        self.processes().into_iter().filter(|process| process.name == name).collect()
    }

    /// The sshds of sessions: all but the one that listens, which is the oldest. Numbers of processes begin anew some day.
    pub fn sessions(&self) -> Vec<Process> {
        let mut all = self.processes_named("sshd");
        all.sort_by_key(|process| process.began);
        all.split_off(all.len().min(1))
    }

    /// A path in the home folder as the host sees it, its disk included; only while it runs.
    pub fn inside(&self, path: impl AsRef<Path>) -> PathBuf {
        let sshd = self.processes_named("sshd").into_iter().next().expect("it runs");
        let root = PathBuf::from(format!("/proc/{}/root", sshd.id));
        root.join(self.home.strip_prefix("/").expect("absolute")).join(path)
    }

    fn place(&self) -> ground::Place<'_> {
        let over = self.other.as_ref().map(|other| other.over.as_path());
        ground::Place { home: &self.home, account: &self.account, disk: self.disk, over }
    }

    fn below(&self, root: u32) -> Vec<Process> {
        let mut children: HashMap<u32, Vec<Process>> = HashMap::new();
        for process in Process::all() {
            children.entry(process.parent).or_default().push(process);
        }
        let (mut found, mut parents) = (Vec::new(), vec![root]);
        while let Some(parent) = parents.pop() {
            let here = children.remove(&parent).unwrap_or_default();
            parents.extend(here.iter().map(|process| process.id));
            found.extend(here);
        }
        found
    }
}

/// Whether somebody listens at this address, or at all of this machine's. Nobody connects, which would cost an sshd a
/// process. proc(5), `/proc/net/tcp`: `slot: local remote state …`; those that listen come first.
fn is_listened_at(address: SocketAddr) -> bool {
    const LISTENS: &str = "0A";
    let (table, ip) = match address.ip() {
        IpAddr::V4(ip) => ("/proc/net/tcp", ip.octets().to_vec()),
        IpAddr::V6(ip) => ("/proc/net/tcp6", ip.octets().to_vec()),
    };
    let words = ip.chunks_exact(4).map(|word| u32::from_ne_bytes([word[0], word[1], word[2], word[3]]));
    let ip: String = words.map(|word| format!("{word:08X}")).collect();
    let [here, anywhere] = [&ip, &"0".repeat(ip.len())].map(|ip| format!("{ip}:{:04X}", address.port()));
    let sockets = BufReader::new(fs::File::open(table).expect("the sockets of this machine"));
    for line in sockets.lines().skip(1).map(|line| line.expect("the sockets of this machine")) {
        match line.split_whitespace().collect::<Vec<_>>()[..] {
            [_, local, _, LISTENS, ..] if local == here || local == anywhere => return true,
            [_, _, _, LISTENS, ..] => {}
            _ => return false,
        }
    }
    false
}

/// A process on a host, seen from here.
#[derive(Debug)]
pub struct Process {
    pub id: u32,
    pub name: String,
    parent: u32,
    /// When it began, in clock ticks: tells it from a later one of the same number.
    began: u64,
}

impl Process {
    fn all() -> Vec<Process> {
        let entries = fs::read_dir("/proc").expect("/proc is there").filter_map(Result::ok);
        entries.filter_map(|entry| Process::read(&entry.path())).collect()
    }

    /// proc(5), `/proc/pid/stat`: `id (name) state parent …`, the start time is the 22nd word.
    fn read(folder: &Path) -> Option<Process> {
        let id = folder.file_name()?.to_str()?.parse().ok()?;
        let stat = fs::read_to_string(folder.join("stat")).ok()?;
        let (front, back) = stat.rsplit_once(')')?;
        let words: Vec<&str> = back.split_whitespace().collect();
        if words.first() == Some(&"Z") {
            return None;
        }
        let name = front.split_once('(')?.1.to_owned();
        Some(Process { id, name, parent: words.get(1)?.parse().ok()?, began: words.get(19)?.parse().ok()? })
    }

    pub fn is_alive(&self) -> bool {
        Process::read(&PathBuf::from(format!("/proc/{}", self.id))).is_some_and(|now| now.began == self.began)
    }

    /// SIGKILL.
    pub fn kill(&self) {
        self.signal(Signal::KILL);
    }

    pub fn signal(&self, signal: Signal) {
        if self.is_alive() {
            let id = Pid::from_raw(self.id as i32).expect("no process is 0");
            // it may end between the two lines
            let _ = kill_process(id, signal);
        }
    }
}
