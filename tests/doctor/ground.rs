//! Running `hop doctor` on the street, and its page without what differs from run to run.

use std::io::{Read as _, Write as _};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::time::Duration;

use crate::street::{ACC_BASTION, ACC_PVT, DELL_BASTION, DELL_PVT, Outcome, Street, run};

/// Asserts the page of a fault, and counts it where `tests/run` wants to know (`HOP_FAULTS`).
macro_rules! diagnosed {
    ($name:literal, $page:expr) => {
        insta::assert_snapshot!($name, $page);
        $crate::doctor::ground::count($name);
    };
}
pub(super) use diagnosed;

/// One more fault that was made and found.
pub fn count(fault: &str) {
    let Some(file) = std::env::var_os("HOP_FAULTS") else { return };
    let list = std::fs::OpenOptions::new().create(true).append(true).open(file);
    list.and_then(|mut list| list.write_all(format!("{fault}\n").as_bytes())).expect("HOP_FAULTS can be written");
}

/// What `hop doctor -B WORDS` prints, and its exit code.
pub fn page(street: &Street, words: &[&str]) -> String {
    let mut doctor = street.hop("doctor");
    // lines as they come, however long the paths in them are
    doctor.env("COLUMNS", "1000").args(["-B", "-o", "ConnectTimeout=2"]).args(words);
    let outcome = run(&mut doctor);
    scrubbed(street, &outcome)
}

/// What it prints where there is no network at all.
pub fn page_without_network(street: &Street, words: &[&str]) -> String {
    let doctor = street.hop("doctor");
    let mut alone = street.on_laptop("unshare");
    alone.arg("--net");
    if !rustix::process::geteuid().is_root() {
        alone.args(["--user", "--map-current-user"]);
    }
    alone.arg("--");
    alone.env("COLUMNS", "1000").arg(doctor.get_program()).args(doctor.get_args()).arg("-B").args(words);
    scrubbed(street, &run(&mut alone))
}

/// Changes a host's sshd_config and starts its sshd again.
pub fn reconfigured(street: &mut Street, host: &str, lines: &str) {
    let config = beside(street, host, "sshd_config");
    let text = std::fs::read_to_string(&config).expect("sshd_config") + lines + "\n";
    street.server_mut(host).stop();
    std::fs::write(&config, text).expect("sshd_config");
    street.server_mut(host).start();
}

/// The page: paths, addresses, times, versions and fingerprints made the same for every run.
pub fn scrubbed(street: &Street, outcome: &Outcome) -> String {
    let mut text = format!("{}{}exit {}", outcome.stdout, outcome.stderr, outcome.code.unwrap_or(-1));
    text = text.replace(&street.laptop().display().to_string(), "~");
    for host in [ACC_BASTION, ACC_PVT, DELL_BASTION, DELL_PVT] {
        let server = street.server(host);
        let (ip, port) = (server.address.ip().to_string(), server.address.port().to_string());
        text = text.replace(&server.home.display().to_string(), &format!("HOME-{host}"));
        // ::1 is everybody's: who is meant is told by the row
        if server.address.is_ipv4() {
            text = text.replace(&format!("[{ip}]:{port}"), &format!("[IP-{host}]:PORT"));
            text = text.replace(&ip, &format!("IP-{host}"));
        }
        text = text.replace(&port, "PORT");
    }
    text = text.replace(street.user(), "ec2-user");
    steady_lines(&text)
}

/// Each line without what differs from run to run.
pub fn steady_lines(text: &str) -> String {
    text.lines().map(timeless).collect::<Vec<_>>().join("\n")
}

/// A line without its time, sizes, version and fingerprint; blanks as one.
fn timeless(line: &str) -> String {
    let margin = line.len() - line.trim_start().len();
    let words: Vec<String> = line.split_whitespace().map(steady).collect();
    let mut text = words.join(" ");
    for unit in [" ms", " s"] {
        if let Some(rest) = text.strip_suffix(unit) {
            let front = rest.rsplit_once(' ').map_or("", |(front, _)| front);
            text = format!("{front} TIME");
        }
    }
    for unit in [" MiB free", " GiB free"] {
        if let Some(rest) = text.strip_suffix(unit) {
            let front = rest.rsplit_once(' ').map_or("", |(front, _)| front);
            text = format!("{front} ROOM free");
        }
    }
    if let Some((front, _)) = text.rsplit_once(" (").filter(|(_, time)| time.ends_with(" ms)") || time.ends_with(" s)"))
    {
        text = format!("{front} (TIME)");
    }
    if let Some((front, _)) = text.split_once(" ms away") {
        let front = front.rsplit_once(' ').map_or("", |(front, _)| front);
        text = format!("{front} SO far away");
    }
    format!("{}{text}", " ".repeat(margin))
}

fn steady(word: &str) -> String {
    if let Some((front, _)) = word.split_once("SHA256:") {
        return format!("{front}SHA256:…");
    }
    match word.split_once("OpenSSH_") {
        Some((front, rest)) => {
            let end = if rest.ends_with(')') { ")" } else { "" };
            format!("{front}OpenSSH_V{end}")
        }
        None if word.starts_with("Debian-") => {
            "Debian-V".to_owned() + &word[word.len() - usize::from(word.ends_with(')'))..]
        }
        None => word.to_owned(),
    }
}

/// Makes another address stand behind an alias.
pub fn points_to(street: &Street, alias: &str, address: SocketAddr) {
    street.configure(&format!(
        "Host {alias}\n  HostName {}\n  Port {}\n  UserKnownHostsFile /dev/null\n",
        address.ip(),
        address.port()
    ));
}

/// A listener that drops every first packet: its queue is full and nobody takes from it.
pub struct Deaf {
    pub address: SocketAddr,
    _listener: socket2::Socket,
    _waiting: Vec<TcpStream>,
}

impl Deaf {
    pub fn new() -> Deaf {
        let listener = socket2::Socket::new(socket2::Domain::IPV4, socket2::Type::STREAM, None).expect("a socket");
        let any: SocketAddr = "127.0.0.1:0".parse().expect("an address");
        listener.bind(&any.into()).and_then(|()| listener.listen(0)).expect("a port on loopback");
        let address = listener.local_addr().expect("its address").as_socket().expect("an IP address");
        let connect = || TcpStream::connect_timeout(&address, Duration::from_millis(200)).ok();
        let waiting = std::iter::from_fn(connect).take(8).collect();
        Deaf { address, _listener: listener, _waiting: waiting }
    }
}

/// A server that says `words` to everyone and then closes, or keeps silent and the connection open for none.
pub fn says(words: &'static [u8]) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port on loopback");
    let address = listener.local_addr().expect("its address");
    std::thread::spawn(move || {
        let mut kept = Vec::new();
        for stream in listener.incoming() {
            let Ok(mut stream) = stream else { return };
            match words.is_empty() {
                true => kept.push(stream),
                false => say_and_hang_up(&mut stream, words),
            }
        }
    });
    address
}

/// Closes only once the other side has: a reset could outrun the words.
fn say_and_hang_up(stream: &mut TcpStream, words: &[u8]) {
    let said = stream.write_all(words).and_then(|()| stream.shutdown(Shutdown::Write));
    let heard = said.and_then(|()| stream.set_read_timeout(Some(Duration::from_secs(5))));
    drop(heard.and_then(|()| stream.read_to_end(&mut Vec::new()))); // whoever has gone need not hear it
}

/// Replaces one file of a host's `sshd` folder.
pub fn beside(street: &Street, host: &str, name: &str) -> std::path::PathBuf {
    street.home(host).parent().unwrap_or(Path::new("/")).join(name)
}
