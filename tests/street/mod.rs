//! Four real sshds on loopback, wired as the street of two private networks.
//!
//! ```text
//!              ┌── acc-bastion ──── acc-pvt       acc.pem
//!   laptop ────┤
//!              └── dell-bastion ─── dell-pvt      dell.pem
//! ```
//!
//! [`Street::start`] gives the plain one, [`Street::plan`] one with changed servers or bad links ([`Plan`]). Each host has its own
//! host keys, `authorized_keys`, home folder and log; a bastion forwards to its own private server only. The log is
//! shown when the test fails. Dropping the street kills every process of it and removes its folder.
//!
//! The servers run OpenSSH. Where namespaces can be had (as root always) each host has its own password database with
//! the user `ec2-user`, and knows the four by `NAME.internal`; elsewhere the user is the one who runs the tests and `~` is shared ([`Street::own_homes`]).

mod ground;
mod keys;
mod outcome;
pub mod pipe;
mod plan;
mod server;

use std::fs;
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use tempfile::TempDir;

/// A new pair of keys of a type that `ssh-keygen -t` knows.
pub fn new_pair(kind: &str) -> keys::Pair {
    keys::make(kind)
}

/// A new private key of a type that `ssh-keygen -t` knows.
pub fn new_key(kind: &str) -> Vec<u8> {
    keys::make(kind).private
}

pub use ground::can_lay_over;
pub use outcome::{Outcome, run, run_within, until, until_within};
pub use plan::Plan;
pub use server::{Other, Process, Server};

pub const ACC_BASTION: &str = "acc-bastion";
pub const ACC_PVT: &str = "acc-pvt";
pub const DELL_BASTION: &str = "dell-bastion";
pub const DELL_PVT: &str = "dell-pvt";

/// The running street.
pub struct Street {
    // servers first: they are killed before their folder goes
    servers: Vec<Server>,
    laptop: PathBuf,
    _folder: TempDir,
}

impl Street {
    /// The plain street, or `None` after a recorded skip where there is no sshd.
    pub fn start() -> Option<Street> {
        Street::plan().start()
    }

    /// A street to be changed before it starts.
    pub fn plan() -> Plan {
        Plan::default()
    }

    /// One of the four.
    pub fn server(&self, host: &str) -> &Server {
        self.servers.iter().find(|server| server.name == host).expect("one of the four hosts")
    }

    /// One of the four, to stop or restart it.
    pub fn server_mut(&mut self, host: &str) -> &mut Server {
        self.servers.iter_mut().find(|server| server.name == host).expect("one of the four hosts")
    }

    /// The laptop's home folder: `.ssh/config`, `.ssh/known_hosts`, `acc.pem`, `dell.pem`.
    pub fn laptop(&self) -> &Path {
        &self.laptop
    }

    /// The ssh_config with the four hosts.
    pub fn config(&self) -> PathBuf {
        self.laptop.join(".ssh/config")
    }

    /// The known_hosts with the four hosts' keys.
    pub fn known_hosts(&self) -> PathBuf {
        self.laptop.join(".ssh/known_hosts")
    }

    /// The home folder of `host`, as seen from here.
    pub fn home(&self, host: &str) -> &Path {
        &self.server(host).home
    }

    /// Whom to log in as.
    pub fn user(&self) -> &'static str {
        ground::user()
    }

    /// Whom to log in as at `host`, which the plan may have changed.
    pub fn user_at(&self, host: &str) -> &'static str {
        self.server(host).account.name
    }

    /// True when `~` differs from host to host; else `false` after recording the skip.
    pub fn own_homes(&self) -> bool {
        let own = ground::is_private();
        if !own {
            crate::skips::skip("no namespaces here, so the four hosts share one home folder");
        }
        own
    }

    /// Writes a file into a host's home folder, owned by the user there; folders are made.
    pub fn put(&self, host: &str, path: impl AsRef<Path>, content: &[u8]) -> PathBuf {
        let file = self.home(host).join(path);
        write(&file, content);
        self.own(host);
        file
    }

    /// The same for many.
    pub fn put_all<P: AsRef<Path>>(&self, host: &str, files: impl IntoIterator<Item = (P, Vec<u8>)>) {
        files.into_iter().for_each(|(path, content)| write(&self.home(host).join(path), &content));
        self.own(host);
    }

    /// Gives everything in a host's home folder to the user there.
    pub fn own(&self, host: &str) {
        ground::give_away(self.home(host), &self.server(host).account);
    }

    /// Writes a file into the laptop's home folder.
    pub fn put_here(&self, path: impl AsRef<Path>, content: &[u8]) -> PathBuf {
        let file = self.laptop.join(path);
        write(&file, content);
        file
    }

    /// `hop VERB -F config`, in the laptop's home folder with an empty environment.
    pub fn hop(&self, verb: &str) -> Command {
        let mut command = self.on_laptop(env!("CARGO_BIN_EXE_hop"));
        command.arg(verb).arg("-F").arg(self.config());
        command
    }

    /// The same as a user who is not root, to whom the laptop's home folder belongs from now on.
    pub fn hop_as_user(&self, verb: &str) -> Command {
        ground::give_away(&self.laptop, &ground::Account::default());
        let words = [ground::as_user(), vec![env!("CARGO_BIN_EXE_hop").to_owned(), verb.to_owned()]].concat();
        let mut command = self.on_laptop(&words[0]);
        command.args(&words[1..]).arg("-F").arg(self.config());
        command
    }

    /// `ssh`, `scp` or `sftp` with `-F config`, likewise.
    pub fn openssh(&self, tool: &str) -> Command {
        let mut command = self.on_laptop(tool);
        command.arg("-F").arg(self.config()).args(["-o", "BatchMode=yes"]);
        command
    }

    /// Any program, likewise.
    pub fn on_laptop(&self, program: &str) -> Command {
        let mut command = Command::new(program);
        command.env_clear().env("HOME", &self.laptop).env("HOP_HOME", &self.laptop);
        command.env("PATH", "/usr/bin:/bin").current_dir(&self.laptop);
        command
    }

    /// Changes the ssh_config: what is given stands before everything else, so it wins.
    pub fn configure(&self, lines: &str) {
        let rest = fs::read(self.config()).expect("read the config");
        fs::write(self.config(), [lines.as_bytes(), b"\n", &rest].concat()).expect("write the config");
    }

    /// From now on `blind` does not find `host`: it knows the name, and another address where nothing listens. Everybody
    /// else does. Only where hosts have names of their own, see [`Street::own_homes`].
    pub fn hide(&self, host: &str, blind: &str) {
        self.configure(&format!("Host {host}\n  HostName {host}.internal\n  HostKeyAlias {host}"));
        self.knows_by_name(host);
        let names = self.home(blind).with_file_name("hosts");
        let others = fs::read_to_string(&names).expect("its hosts");
        let others: String = others
            .lines()
            .filter(|line| !line.ends_with(&format!(" {host}.internal")))
            .map(|line| format!("{line}\n"))
            .collect();
        // in place: it is mounted there
        fs::write(&names, format!("{others}127.255.255.253 {host}.internal\n")).expect("write its hosts");
    }

    /// The laptop knows `host` by its name too, for a `HostKeyAlias`.
    pub fn knows_by_name(&self, host: &str) {
        let address = self.server(host).address;
        let mut known = fs::read_to_string(self.known_hosts()).expect("known hosts");
        let bracketed = format!("[{}]:{} ", address.ip(), address.port());
        let keys: Vec<String> =
            known.lines().filter_map(|line| line.strip_prefix(&bracketed)).map(str::to_owned).collect();
        keys.iter().for_each(|key| known += &format!("{host} {key}\n"));
        fs::write(self.known_hosts(), known).expect("write known hosts");
    }

    /// Files in a folder that look like parts of unfinished copies.
    pub fn parts(folder: &Path) -> Vec<PathBuf> {
        let entries =
            fs::read_dir(folder).expect("list the folder").map(|entry| entry.expect("list the folder").path());
        let is_part = |path: &PathBuf| path.file_name().is_some_and(|name| name.as_bytes().ends_with(b".part"));
        entries.filter(is_part).collect()
    }
}

fn write(file: &Path, content: &[u8]) {
    fs::create_dir_all(file.parent().expect("below home")).expect("make the folders");
    fs::write(file, content).expect("write the file");
}

impl Drop for Street {
    fn drop(&mut self) {
        self.servers.iter_mut().for_each(Server::stop);
        if std::thread::panicking() {
            self.servers.iter().for_each(|server| eprintln!("--- log of {}\n{}", server.name, server.log()));
        }
    }
}

#[test]
fn the_street_is_as_drawn() {
    let Some(street) = Street::start() else { return };
    for host in [ACC_BASTION, ACC_PVT, DELL_BASTION, DELL_PVT] {
        let ran = run(street.openssh("ssh").arg(host).arg("echo at $SSH_CONNECTION; exit 7"));
        assert_eq!(ran.code, Some(7), "{host}: {ran}");
        let end = street.server(host).listens;
        assert!(ran.stdout.trim_end().ends_with(&format!("{} {}", end.ip(), end.port())), "{host}: {ran}");
    }
    let dell = street.server(DELL_PVT).address.to_string();
    let ran = run(street.openssh("ssh").args(["-W", &dell, ACC_BASTION]));
    assert_ne!(ran.code, Some(0), "acc-bastion let us through to dell-pvt");
    assert!(ran.stderr.contains("administratively prohibited"), "{ran}");
}

#[test]
fn files_travel_with_scp_too() {
    let Some(street) = Street::start() else { return };
    street.put_here("up", b"going up");
    street.put(DELL_PVT, "down", b"coming down");
    let ran = run(street.openssh("scp").args(["up", "acc-pvt:there"]));
    assert_eq!(
        (ran.code, fs::read(street.home(ACC_PVT).join("there")).ok()),
        (Some(0), Some(b"going up".into())),
        "{ran}"
    );
    let ran = run(street.openssh("scp").args(["dell-pvt:down", "here"]));
    assert_eq!(
        (ran.code, fs::read(street.laptop().join("here")).ok()),
        (Some(0), Some(b"coming down".into())),
        "{ran}"
    );
}

#[test]
fn each_host_has_its_own_home() {
    let Some(street) = Street::start() else { return };
    if !street.own_homes() {
        return;
    }
    for host in [ACC_BASTION, ACC_PVT, DELL_BASTION, DELL_PVT] {
        let ran = run(street.openssh("ssh").arg(host).arg("echo ~ $HOME $PWD $(whoami)"));
        let home = street.home(host).display();
        assert_eq!(ran.stdout, format!("{home} {home} {home} ec2-user\n"), "{ran}");
    }
}

#[test]
fn nothing_of_it_stays() {
    let Some(street) = Street::start() else { return };
    let began = street.home(ACC_PVT).join("began");
    let sleep = format!("touch {}; sleep 1000", began.display());
    let mut ssh = street.openssh("ssh");
    let mut sleeper = ssh.args([ACC_PVT, &sleep]).stderr(std::process::Stdio::null()).spawn().expect("start ssh");
    until("the sleeper began", || began.exists());
    let folder = street.laptop().to_owned();
    let processes = || street.servers.iter().flat_map(Server::processes).collect::<Vec<Process>>();
    // which still was the shell a moment ago
    until("it sleeps", || processes().iter().any(|process| process.name == "sleep"));
    let processes = processes();
    drop(street);
    sleeper.kill().expect("kill ssh");
    sleeper.wait().expect("wait for ssh");
    let alive: Vec<_> = processes.iter().filter(|process| process.is_alive()).collect();
    assert!(alive.is_empty() && !folder.exists(), "left: {alive:?}");
}

#[test]
fn a_stopped_server_comes_back_at_its_address() {
    let Some(mut street) = Street::start() else { return };
    street.server_mut(ACC_PVT).stop();
    let ran = run(street.openssh("ssh").args([ACC_PVT, "true"]));
    assert_eq!(ran.code, Some(255), "{ran}");
    street.server_mut(ACC_PVT).start();
    let ran = run(street.openssh("ssh").args([ACC_PVT, "true"]));
    assert_eq!(ran.code, Some(0), "{ran}");
}
