//! As cron starts things: no HOME, an empty PATH, any umask, few descriptors, closed or full standard streams, nobody to
//! ask (F30, F35). The home folder comes from the password database, which a namespace replaces here.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::{Command, Stdio};

use crate::skips::{find, need_root};
use crate::street::{ACC_BASTION, ACC_PVT, DELL_PVT, Outcome, Street, run, until};
use crate::wire::Link;

const HOP: &str = env!("CARGO_BIN_EXE_hop");

/// Hop as cron would start it, its words in `line` after `umask` and the like. `None` after a recorded skip.
fn from_cron(street: &Street, line: &str) -> Option<Command> {
    if !need_root("to give hop another password database") {
        return None;
    }
    let passwd = street.laptop().join("passwd");
    let others = fs::read_to_string("/etc/passwd").expect("a password database");
    let others: String =
        others.lines().filter(|line| !line.starts_with("root:")).map(|line| format!("{line}\n")).collect();
    fs::write(&passwd, format!("root:x:0:0::{}:/bin/sh\n{others}", street.laptop().display())).expect("write it");
    let script = format!("mount --bind {} /etc/passwd && cd / && {line}", passwd.display());
    let mut command = Command::new("unshare");
    command.args(["--mount", "sh", "-c", &script]).env_clear().env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin");
    Some(command)
}

/// `env -i` and the shortest surroundings there are.
fn bare(words: &str) -> String {
    let env = find("env").expect("env is everywhere");
    format!("exec {} -i PATH= LANG=C {HOP} {words}", env.display())
}

fn silent(ran: &Outcome) {
    assert_eq!((ran.code, ran.stdout.as_str(), ran.stderr.as_str()), (Some(0), "", ""), "{ran}");
}

fn tree(folder: &Path) {
    for index in 0..300 {
        let file = folder.join(format!("d{}/f{index}", index % 7));
        fs::create_dir_all(file.parent().expect("a folder")).expect("make it");
        fs::write(file, vec![index as u8; 3000]).expect("write");
    }
}

fn equal(one: &Path, other: &Path) {
    let compared = run(Command::new("diff").arg("-r").args([one, other]));
    assert_eq!(compared.code, Some(0), "{compared}");
}

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap_or_else(|problem| panic!("{}: {problem}", path.display())).permissions().mode() & 0o777
}

#[test]
fn the_home_folder_and_the_keys_are_found_without_home_and_path() {
    let Some(street) = Street::start() else { return };
    if !street.own_homes() {
        return;
    }
    let laptop = street.laptop().display().to_string();
    tree(&street.laptop().join("tree"));
    // the key at its usual place, and no word of it in the configuration
    let config =
        fs::read_to_string(street.config()).expect("the config").replace(&format!("{laptop}/acc.pem"), "~/.ssh/id_rsa");
    fs::write(street.config(), config).expect("write the config");
    fs::copy(street.laptop().join("acc.pem"), street.laptop().join(".ssh/id_rsa")).expect("copy the key");
    fs::remove_file(street.laptop().join("acc.pem")).expect("remove the key");
    for umask in ["000", "077"] {
        let words = format!("cp -r --lock --log {laptop}/log{umask} {laptop}/tree acc-pvt:up{umask}");
        let Some(mut command) = from_cron(&street, &format!("umask {umask}; ulimit -n 64; {}", bare(&words))) else {
            return;
        };
        silent(&run(&mut command));
        equal(&street.laptop().join("tree"), &street.home(ACC_PVT).join(format!("up{umask}")));
        let words = format!("cp -r acc-pvt:up{umask} {laptop}/down{umask}");
        silent(&run(
            &mut from_cron(&street, &format!("umask {umask}; ulimit -n 64; {}", bare(&words))).expect("as above")
        ));
        equal(&street.laptop().join("tree"), &street.laptop().join(format!("down{umask}")));
        assert_eq!(mode(&street.laptop().join(format!("log{umask}"))), 0o600, "umask {umask}");
    }
    assert_eq!(mode(&street.laptop().join("down000/d1/f1")), 0o644, "no bit that the source has not");
    assert_eq!(mode(&street.laptop().join("down077/d1/f1")), 0o600);
    let locks = street.laptop().join(".local/state/hop/locks");
    assert_eq!(mode(&locks), 0o700);
    // an agent's socket that is left over from a session is no agent
    let words = bare("cp -r acc-pvt:up000 dell-pvt:over").replace("LANG=C", "LANG=C SSH_AUTH_SOCK=/nowhere/agent");
    let words = format!("ulimit -n 64; {words}");
    silent(&run(&mut from_cron(&street, &words).expect("as above")));
    equal(&street.laptop().join("tree"), &street.home(DELL_PVT).join("over"));
}

#[test]
fn files_of_its_own_are_private_whatever_the_umask() {
    let Some(street) = Street::start() else { return };
    street.put_here("f", b"content");
    street.configure("Host *\n  StrictHostKeyChecking accept-new\n  UserKnownHostsFile ~/.ssh/known_hosts_new\n");
    let line = format!(
        "umask 000; exec {HOP} cp -F {} --log log --receipt receipt --lock f acc-pvt:",
        street.config().display()
    );
    let ran = run(street.on_laptop("sh").args(["-c", &line]));
    assert!(ran.code == Some(0) && ran.stderr.contains("remembered: "), "{ran}");
    for file in ["log", "receipt", ".ssh/known_hosts_new"] {
        assert_eq!(mode(&street.laptop().join(file)), 0o600, "{file}");
    }
}

#[test]
fn closed_streams_are_nobody_elses() {
    let slow = Link { rate: Some(4 << 20), ..Link::default() };
    let Some(street) = Street::plan().link(ACC_BASTION, slow).start() else { return };
    let content: Vec<u8> = (0..6 << 20).map(|index: u32| (index % 251) as u8).collect();
    street.put(ACC_PVT, "f", &content);
    let line = format!("exec {HOP} cp -F {} -v --json acc-pvt:f down <&- >&- 2>&-", street.config().display());
    let mut child = super::start(street.on_laptop("sh").args(["-c", &line]));
    until("a part is there", || !Street::parts(street.laptop()).is_empty());
    for number in 0..3 {
        let stream = fs::read_link(format!("/proc/{}/fd/{number}", child.id())).expect("an open descriptor");
        assert_eq!(stream, Path::new("/dev/null"), "descriptor {number}");
    }
    assert_eq!(child.wait().expect("it ends").code(), Some(0));
    assert!(fs::read(street.laptop().join("down")).expect("it arrived") == content);
}

/// The street's hop with its standard output at `output`: its exit code, and what it says on standard error.
fn said_with(mut command: Command, output: Stdio) -> (Option<i32>, String) {
    let ran = command.stdin(Stdio::null()).stdout(output).stderr(Stdio::piped()).spawn().expect("hop");
    let ended = ran.wait_with_output().expect("it ends");
    (ended.status.code(), String::from_utf8_lossy(&ended.stderr).into_owned())
}

fn full() -> Stdio {
    fs::OpenOptions::new().write(true).open("/dev/full").expect("a full device").into()
}

/// A pipe whose reader has gone.
fn unread() -> Stdio {
    std::io::pipe().expect("a pipe").1.into()
}

fn with(mut command: Command, words: &[&str]) -> Command {
    command.args(words);
    command
}

#[test]
fn a_full_standard_output_stops_no_copy_and_fails_it_in_the_end() {
    let Some(street) = Street::start() else { return };
    street.put(ACC_PVT, "f", b"content");
    let copy = |to: &str| with(street.hop("cp"), &["--json", "--receipt", "receipt", "acc-pvt:f", to]);
    let no_room = (Some(28), "hop: standard output: no space left on device\n".to_owned());
    assert_eq!(said_with(copy("down"), full()), no_room);
    assert_eq!(fs::read(street.laptop().join("down")).expect("it arrived"), b"content");
    let receipt = fs::read_to_string(street.laptop().join("receipt")).expect("a receipt");
    assert!(receipt.contains(r#""exit_code":28,"result":"no_space""#), "{receipt}");
    assert_eq!(said_with(copy("again"), unread()), (Some(0), String::new()), "a reader that went away is no failure");
    assert_eq!(fs::read(street.laptop().join("again")).expect("it arrived"), b"content");
    // and when even the complaint has nowhere to go
    let line = format!("{HOP} cp -F {} --json acc-pvt:f third >/dev/full 2>/dev/full", street.config().display());
    assert_eq!(run(street.on_laptop("sh").args(["-c", &line])).code, Some(28));
    let line = format!("{HOP} cp -F {} --json acc-pvt:none . >/dev/full 2>/dev/full", street.config().display());
    assert_eq!(run(street.on_laptop("sh").args(["-c", &line])).code, Some(23));
}

#[test]
fn what_was_asked_for_and_cannot_be_written_is_a_failure_and_a_closed_pipe_is_none() {
    let Some(street) = Street::start() else { return };
    street.put(ACC_PVT, "f", b"content");
    let config = street.config().display().to_string();
    let plain = |words: &[&str]| with(street.on_laptop(HOP), words);
    let asked: [(&dyn Fn() -> Command, i32); 13] = [
        (&|| with(street.hop("cp"), &["--dry-run", "acc-pvt:f", "down"]), 28),
        (&|| with(street.hop("cp"), &["--dry-run", "--json", "acc-pvt:f", "down"]), 28),
        (&|| with(street.hop("ls"), &["acc-pvt:"]), 28),
        (&|| with(street.hop("ls"), &["--json", "acc-pvt:"]), 28),
        (&|| with(street.hop("ssh"), &["-G", "acc-pvt"]), 255),
        (&|| with(street.hop("doctor"), &["acc-bastion"]), 28),
        (&|| with(street.hop("doctor"), &["--json", "acc-bastion"]), 28),
        (&|| plain(&["hosts", "-F", &config]), 28),
        (&|| plain(&["hosts", "-F", &config, "--json"]), 28),
        (&|| plain(&["key", "-F", &config, "check"]), 28),
        (&|| plain(&["key", "-F", &config, "check", "--json"]), 28),
        (&|| plain(&["cp", "--help"]), 28),
        (&|| plain(&["--version"]), 28),
    ];
    for (command, code) in asked {
        let (full, unread) = (said_with(command(), full()), said_with(command(), unread()));
        let unwritten = "hop: standard output: no space left on device\n";
        assert!(full.0 == Some(code) && full.1.ends_with(unwritten), "{:?}: {full:?}", command());
        assert!(unread.0 == Some(0) && !unread.1.contains("hop: "), "{:?}: {unread:?}", command());
    }
}

#[test]
fn nobody_is_asked_where_nobody_is_and_a_failure_is_a_line_and_a_hint() {
    let Some(street) = Street::start() else { return };
    street.put_here("f", b"x");
    street.put_here("empty", b"");
    let key = street.laptop().join("locked.pem");
    let made = run(Command::new("ssh-keygen").args(["-q", "-t", "ed25519", "-N", "secret", "-f"]).arg(&key));
    assert_eq!(made.code, Some(0), "{made}");
    let bastion = street.server(ACC_BASTION).address;
    let (ip, port) = (bastion.ip(), bastion.port());
    street.configure(&format!("Host locked\n  HostName {ip}\n  Port {port}\n  IdentityFile ~/locked.pem\n"));
    let cases: [(&[&str], i32); 5] = [
        (&["-o", "UserKnownHostsFile=~/empty", "-o", "StrictHostKeyChecking=ask", "f", "acc-bastion:"], 13),
        (&["f", "locked:"], 14),
        (&["-o", "PreferredAuthentications=keyboard-interactive,password", "f", "locked:"], 14),
        (&["f", "no-such-host.invalid:"], 10),
        (&["no-such-file", "acc-pvt:"], 11),
    ];
    for (words, code) in cases {
        // without a controlling terminal there is no /dev/tty either
        let mut command = street.on_laptop("setsid");
        let ran = run(command.args(["--wait", HOP, "cp", "-F"]).arg(street.config()).args(words));
        assert_eq!((ran.code, ran.stdout.as_str()), (Some(code), ""), "{words:?}: {ran}");
        let mut lines = ran.stderr.lines();
        assert!(lines.next().is_some_and(|line| line.starts_with("hop: ")), "{words:?}: {ran}");
        assert!(lines.all(|line| line.starts_with("hint: ")), "{words:?}: {ran}");
        assert!(ran.stderr.lines().count() <= 3 && !ran.stderr.contains("secret"), "{words:?}: {ran}");
    }
}
