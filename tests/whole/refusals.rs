//! F26: servers that let nobody in, or not far enough. Each is told in its own words with what to do about it, and no host
//! is asked again and again: behind a bastion every login comes from one address, and sshd punishes that for all.

use std::fs;
use std::io::Write as _;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use super::invariants::{Case, Target};
use super::ran::{Ran, run};
use crate::street::{ACC_BASTION, ACC_PVT, DELL_PVT, Plan, Street, run_within, until};
use crate::wire::Link;

const LIMIT: Duration = Duration::from_secs(20);

/// A street whose logins are counted.
fn street(change: impl FnOnce(Plan) -> Plan) -> Option<Street> {
    let mut plan = Street::plan();
    for host in [ACC_BASTION, ACC_PVT, DELL_PVT] {
        plan = plan.link(host, Link::default());
    }
    change(plan).start()
}

fn connections(street: &Street) -> [u64; 2] {
    [ACC_BASTION, ACC_PVT].map(|host| street.server(host).wire.as_ref().map_or(0, crate::wire::Wire::connections))
}

/// Something to copy up, with an old one in its place.
fn target(street: &Street) -> Target {
    street.put_here("f", b"new content");
    let path = street.put(ACC_PVT, "to/f", b"old content");
    Target { path, old: Some(b"old content".to_vec()), new: b"new content".to_vec() }
}

/// Fails with this code and says all of this; no host is asked more often than `most`. Then, once `mend` has been called,
/// it goes through.
fn refused(name: &str, street: &Street, (code, says, most): (i32, &[&str], u64), mend: &dyn Fn(&Street)) {
    let target = target(street);
    let copy = || {
        let mut command = street.hop("cp");
        command.args(["f", "acc-pvt:to/f"]);
        command
    };
    let before = connections(street);
    let ran: Ran = run(&mut copy());
    let after = connections(street);
    let name = format!("F26 {name}");
    assert_eq!(ran.code, Some(code), "{name}: {ran}");
    assert!(ran.stderr.contains("hint: "), "{name}: no remedy: {ran}");
    let asked = before.iter().zip(after).map(|(before, after)| after - before).max().expect("two hosts");
    assert!(asked <= most, "{name}: asked {asked} times: {ran}");
    let again = || {
        mend(street);
        copy()
    };
    Case { name, street, targets: &[target], ran: &ran, limit: LIMIT, says, again: &again }.holds();
}

/// Changes the laptop's configuration, and puts it back.
fn configured<'a>(street: &'a Street, lines: &str) -> impl Fn(&Street) + use<'a> {
    let before = fs::read(street.config()).expect("the configuration");
    street.configure(lines);
    move |_| fs::write(street.config(), &before).expect("the configuration")
}

const TO_ACC: &str = "acc-pvt: laptop > acc-bastion > acc-pvt: ";

#[test]
fn f26_a_user_that_nobody_knows() {
    let Some(street) = street(|plan| plan) else { return };
    let mend = configured(&street, "Host acc-pvt\n  User nobody-of-that-name\n");
    let says = [TO_ACC, "authenticate", "publickey refused", "nobody-of-that-name"];
    refused("wrong user", &street, (14, &says, 1), &mend);
}

#[test]
fn f26_a_key_that_is_refused() {
    let Some(street) = street(|plan| plan) else { return };
    let dell = street.laptop().join("dell.pem").display().to_string();
    let text = fs::read_to_string(street.config()).expect("the config");
    let mend = |street: &Street| fs::write(street.config(), &text).expect("the config");
    let wrong = text.replace("Host acc-*\n", &format!("Host acc-pvt\n  IdentityFile {dell}\nHost acc-bastion\n"));
    fs::write(street.config(), wrong).expect("the config");
    let says = [TO_ACC, "authenticate", "publickey refused", "dell.pem"];
    refused("key refused", &street, (14, &says, 1), &mend);
}

/// The last lines of a host's sshd_config are these while it runs.
fn restarted_with(street: &mut Street, host: &str, lines: &str) {
    let config = street.home(host).with_file_name("sshd_config");
    let text = fs::read_to_string(&config).expect("sshd_config") + lines;
    street.server_mut(host).stop();
    fs::write(&config, text).expect("sshd_config");
    street.server_mut(host).start();
}

#[test]
fn f26_a_bastion_with_too_many_logins_at_once() {
    let Some(mut street) = street(|plan| plan) else { return };
    // of this option sshd takes the last value
    restarted_with(&mut street, ACC_BASTION, "MaxStartups 1:100:1\n");
    let address = street.server(ACC_BASTION).listens;
    let greeted = || {
        use std::io::Read as _;
        let mut stream = std::net::TcpStream::connect(address).ok()?;
        stream.set_read_timeout(Some(Duration::from_secs(5))).expect("a timeout");
        // who is turned away is told so before SSH begins
        let mut said = [0; 4];
        stream.read_exact(&mut said).ok().filter(|()| &said == b"SSH-").map(|()| stream)
    };
    let mut held = None;
    until("somebody else's login takes the only place", || {
        held = greeted();
        held.is_some() && greeted().is_none()
    });
    let held = std::sync::Mutex::new(held);
    let mend = |_: &Street| {
        drop(held.lock().expect("no holder panics").take());
        until("there is a place again", || greeted().is_some());
        std::thread::sleep(Duration::from_millis(300));
    };
    let says = ["acc-bastion: laptop > acc-bastion: greet", "MaxStartups"];
    refused("MaxStartups", &street, (10, &says, 1), &mend);
}

/// Says what an sshd of 9.8 or later says to an address that has misbehaved.
fn punishing() -> (u16, Arc<AtomicU64>) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = listener.local_addr().expect("its address").port();
    let count = Arc::new(AtomicU64::new(0));
    let counted = Arc::clone(&count);
    std::thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            counted.fetch_add(1, Ordering::Relaxed);
            // sshd.c, drop_connection
            let _ = stream.write_all(b"Not allowed at this time\r\n");
            let _ = stream.shutdown(std::net::Shutdown::Write);
            let _ = std::io::Read::read_to_end(&mut stream, &mut Vec::new());
        }
    });
    (port, count)
}

#[test]
fn f26_a_bastion_that_punishes_this_address() {
    let Some(street) = street(|plan| plan) else { return };
    let (port, count) = punishing();
    let mend = configured(&street, &format!("Host acc-bastion\n  HostName 127.0.0.1\n  Port {port}\n"));
    let says = ["acc-bastion: laptop > acc-bastion: greet", "PerSourcePenalties"];
    refused("penalties", &street, (10, &says, 0), &mend);
    assert_eq!(count.load(Ordering::Relaxed), 1, "asked once");
}

#[test]
fn f26_too_many_tries() {
    let Some(street) = street(|plan| plan.sshd(ACC_PVT, "MaxAuthTries 1")) else { return };
    let here = street.laptop().display().to_string();
    let text = fs::read_to_string(street.config()).expect("the config");
    let mend = |street: &Street| fs::write(street.config(), &text).expect("the config");
    fs::copy(street.laptop().join("dell.pem"), street.laptop().join("other.pem")).expect("copy");
    let two = format!("  IdentityFile {here}/dell.pem\n  IdentityFile {here}/other.pem\n");
    fs::write(street.config(), text.replace("Host acc-pvt\n", &format!("Host acc-pvt\n{two}"))).expect("the config");
    refused("MaxAuthTries", &street, (14, &[TO_ACC, "authenticate", "offer one key only"], 1), &mend);
}

#[test]
fn f26_a_host_that_forwards_nothing() {
    let Some(street) = street(|plan| plan.sshd(ACC_BASTION, "AllowTcpForwarding no")) else { return };
    let target = target(&street);
    let ran = run(street.hop("cp").args(["f", "acc-pvt:to/f"]));
    assert!(ran.code == Some(10) && ran.stderr.contains("AllowTcpForwarding must be yes"), "{ran}");
    assert_eq!((fs::read(&target.path).ok(), connections(&street)), (target.old, [1, 0]), "{ran}");
}

/// Gives a host's user another login shell.
fn with_shell(street: &Street, host: &str, shell: &Path) {
    // in its place: the host has it mounted
    let file = street.home(host).with_file_name("passwd");
    let text = fs::read_to_string(&file).expect("its password database");
    let (first, rest) = text.split_once('\n').expect("a line");
    let front = first.rsplit_once(':').expect("a shell").0;
    fs::write(file, format!("{front}:{}\n{rest}", shell.display())).expect("its password database");
}

#[test]
fn f26_an_account_without_a_shell() {
    let (Some(street), Some(nologin)) = (street(|plan| plan), crate::skips::need("nologin")) else { return };
    if !street.own_homes() {
        return;
    }
    with_shell(&street, ACC_PVT, &nologin);
    let mend = |street: &Street| with_shell(street, ACC_PVT, Path::new("/bin/sh"));
    refused("nologin", &street, (12, &[TO_ACC, "start sftp", "account is currently not available"], 1), &mend);
}

#[test]
fn f26_a_login_shell_that_prints() {
    let Some(street) = street(|plan| plan) else { return };
    if !street.own_homes() {
        return;
    }
    let profile: PathBuf = street.put(ACC_PVT, ".bashrc", b"echo Welcome to this host, dear guest\n");
    let mend = move |_: &Street| fs::remove_file(&profile).expect("it is there");
    let says = [TO_ACC, "start sftp", "Welcome to this host", ".bashrc"];
    refused("login shell that prints", &street, (12, &says, 1), &mend);
}

#[test]
fn f26_without_sftp_and_with_a_forced_command() {
    let Some(street) = street(|plan| plan.without_sftp(ACC_PVT)) else { return };
    let told = target(&street);
    let ran = run(street.hop("cp").args(["f", "acc-pvt:to/f"]));
    assert!(ran.code == Some(10) && ran.stderr.contains("needs `Subsystem sftp internal-sftp`"), "{ran}");
    assert_eq!((fs::read(&told.path).ok(), connections(&street)), (told.old, [1, 1]), "{ran}");
    drop(street);
    let forced = |plan: Plan| plan.sshd(ACC_PVT, "ForceCommand echo this account only greets");
    let Some(street) = self::street(forced) else { return };
    let told = target(&street);
    let ran = run(street.hop("cp").args(["f", "acc-pvt:to/f"]));
    assert!(ran.code == Some(12) && ran.stderr.contains("this account only greets"), "{ran}");
    assert!(ran.stderr.contains("no forced command"), "{ran}");
    assert_eq!((fs::read(&told.path).ok(), connections(&street)), (told.old, [1, 1]), "{ran}");
}

#[test]
fn f26_one_session_at_a_time_is_enough() {
    let one = |plan: Plan| plan.sshd(ACC_PVT, "MaxSessions 1").sshd(DELL_PVT, "MaxSessions 1");
    let Some(street) = street(one) else { return };
    let content = super::ways::content(20 << 20);
    street.put_here("large", &content);
    street.put(ACC_PVT, "large", &content);
    for index in 0..200 {
        street.put_here(format!("tree/f{index}"), &[7; 500]);
    }
    let cases: [(&[&str], &str, PathBuf); 4] = [
        (&["large", "acc-pvt:up"], "up", street.home(ACC_PVT).join("up")),
        (&["acc-pvt:large", "down"], "down", street.laptop().join("down")),
        (&["-3", "acc-pvt:large", "dell-pvt:over"], "relay", street.home(DELL_PVT).join("over")),
        (&["-r", "tree", "acc-pvt:"], "tree", street.home(ACC_PVT).join("tree/f199")),
    ];
    for (words, name, path) in cases {
        let copy = || {
            let mut command = street.hop("cp");
            // what it knows of the file is traced
            command.args(["-vvv", "--progress", "none"]).args(words);
            command
        };
        let before = connections(&street);
        let ran = run(&mut copy());
        let asked = connections(&street)[1] - before[1];
        assert!(ran.code == Some(0) && asked <= 8, "MaxSessions 1 {name}: {asked}: {ran}");
        let new = if name == "tree" { vec![7; 500] } else { content.clone() };
        let targets = [Target { path, old: None, new }];
        let name = format!("F26 MaxSessions 1 {name}");
        let limit = Duration::from_secs(75);
        Case { name, street: &street, targets: &targets, ran: &ran, limit, says: &[], again: &copy }.holds();
    }
    // a direct copy needs a second one there: it says so, and the other way is taken where that is left open
    let direct = run_within(street.hop("cp").args(["-R", "acc-pvt:large", "dell-pvt:direct"]), LIMIT * 3);
    assert!(matches!(direct.code, Some(0 | 10)), "{direct}");
    assert!(direct.code == Some(0) || direct.stderr.contains("hop cp -3"), "{direct}");
    let either = run_within(street.hop("cp").args(["acc-pvt:large", "dell-pvt:either"]), LIMIT * 3);
    assert_eq!(either.code, Some(0), "{either}");
    assert!(fs::read(street.home(DELL_PVT).join("either")).expect("it arrived") == content);
}

#[test]
fn f26_hosts_that_forward_no_agent() {
    let neither = |plan: Plan| plan.sshd(ACC_PVT, "AllowAgentForwarding no").sshd(DELL_PVT, "AllowAgentForwarding no");
    let Some(street) = street(neither) else { return };
    street.put(ACC_PVT, "file", b"new content");
    let path = street.put(DELL_PVT, "to/file", b"old content");
    let target = Target { path, old: Some(b"old content".to_vec()), new: b"new content".to_vec() };
    let copy = |route: &str| {
        let mut command = street.hop("cp");
        command.args(["--route", route, "acc-pvt:file", "dell-pvt:to/file"]);
        command
    };
    let ran = run(&mut copy("direct"));
    // one for the files, one for the loan
    assert_eq!((ran.code, connections(&street)), (Some(14), [1, 2]), "{ran}");
    let says = ["acc-pvt forwards no agent", "; dell-pvt forwards no agent", "AllowAgentForwarding yes", "hop cp -3"];
    let (name, again) = ("F26 no agent forwarding".to_owned(), || copy("auto"));
    Case { name, street: &street, targets: &[target], ran: &ran, limit: LIMIT, says: &says, again: &again }.holds();
}
