//! The real binary on the street: what goes wrong is told with its hop, its cause and its remedy, and in time.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::process::{Command, Stdio};

use rustix::process::{Pid, Signal, kill_process};

use crate::skips::{need, skip};
use crate::street::{ACC_BASTION, ACC_PVT, DELL_BASTION, DELL_PVT, Outcome, Street, run, until};
use crate::wire::Link;

/// Runs `hop VERB -F config WORDS`; standard error without what differs from run to run.
fn told(street: &Street, verb: &str, words: &[&str]) -> (Option<i32>, String) {
    let outcome = run(street.hop(verb).args(words));
    (outcome.code, scrubbed(street, &outcome.stderr))
}

/// Paths, addresses, users and fingerprints made the same for every run.
fn scrubbed(street: &Street, text: &str) -> String {
    let mut text = text.replace(&street.laptop().display().to_string(), "~");
    for host in [ACC_BASTION, ACC_PVT, DELL_BASTION, DELL_PVT] {
        let address = street.server(host).address;
        text = text.replace(&format!("{address}"), &format!("{host}:PORT"));
        text = text.replace(&format!("[{}]:{}", address.ip(), address.port()), &format!("[{host}]:PORT"));
        text = text.replace(&format!("-p {} {}", address.port(), address.ip()), &format!("-p PORT {host}"));
    }
    text = text
        .replace(&format!(" {} ", street.user()), " ec2-user ")
        .replace(&format!(" {};", street.user()), " ec2-user;");
    let mut pieces = text.split("SHA256:");
    let first = pieces.next().unwrap_or_default().to_owned();
    let after =
        |piece: &str| piece.trim_start_matches(|c: char| c.is_ascii_alphanumeric() || "+/".contains(c)).to_owned();
    first + &pieces.map(|piece| format!("SHA256:…{}", after(piece))).collect::<String>()
}

#[test]
fn a_key_the_host_does_not_know() {
    let Some(street) = Street::start() else { return };
    let authorized = street.home(ACC_PVT).parent().expect("a host's folder").join("authorized_keys");
    fs::write(authorized, "").expect("empty authorized_keys");
    let (code, text) = told(&street, "cp", &["-B", "acc-pvt:x", "."]);
    insta::assert_snapshot!(text);
    assert_eq!(code, Some(14));
}

#[test]
fn a_key_that_others_can_read() {
    let Some(street) = Street::start() else { return };
    fs::set_permissions(street.laptop().join("acc.pem"), fs::Permissions::from_mode(0o644)).expect("chmod");
    let (code, text) = told(&street, "cp", &["-B", "acc-pvt:x", "."]);
    insta::assert_snapshot!(text);
    assert_eq!(code, Some(77));
}

#[test]
fn a_host_nobody_knows() {
    let Some(street) = Street::start() else { return };
    fs::write(street.known_hosts(), "").expect("empty known_hosts");
    let (code, strict) = told(&street, "cp", &["-B", "acc-pvt:x", "."]);
    assert_eq!(code, Some(13));
    street.configure("StrictHostKeyChecking ask");
    let (code, ask) = told(&street, "ls", &["-B", "acc-pvt:"]);
    assert_eq!(code, Some(13));
    insta::assert_snapshot!(format!("{strict}\n{ask}"));
}

#[test]
fn a_host_that_is_not_the_one_it_was() {
    let Some(street) = Street::start() else { return };
    let known = fs::read_to_string(street.known_hosts()).expect("known_hosts");
    let name = |host| {
        let address = street.server(host).address;
        format!("[{}]:{}", address.ip(), address.port())
    };
    let others: String =
        known.lines().filter(|line| line.starts_with(&name(DELL_PVT))).map(|line| format!("{line}\n")).collect();
    let kept: String =
        known.lines().filter(|line| line.starts_with(&name(ACC_BASTION))).map(|line| format!("{line}\n")).collect();
    fs::write(street.known_hosts(), kept + &others.replace(&name(DELL_PVT), &name(ACC_PVT))).expect("known_hosts");
    let (code, text) = told(&street, "cp", &["-B", "acc-pvt:x", "."]);
    insta::assert_snapshot!(text);
    assert_eq!(code, Some(13));
}

#[test]
fn a_bastion_that_forwards_nothing() {
    let Some(street) = Street::plan().sshd(ACC_BASTION, "AllowTcpForwarding no").start() else { return };
    let (code, text) = told(&street, "cp", &["-B", "acc-pvt:x", "."]);
    insta::assert_snapshot!(text);
    assert_eq!(code, Some(10));
}

#[test]
fn a_private_server_that_is_down() {
    let Some(mut street) = Street::start() else { return };
    street.server_mut(ACC_PVT).stop();
    let (code, text) = told(&street, "cp", &["-B", "acc-pvt:x", "."]);
    insta::assert_snapshot!(text);
    assert_eq!(code, Some(10));
    let (code, ssh) = told(&street, "ssh", &["acc-pvt", "true"]);
    assert_eq!((code, ssh), (Some(255), text), "ssh says the same, and keeps its exit code");
}

#[test]
fn a_host_without_sftp() {
    let Some(street) = Street::plan().without_sftp(ACC_PVT).start() else { return };
    let (code, text) = told(&street, "cp", &["-B", "acc-pvt:x", "."]);
    insta::assert_snapshot!(text);
    assert_eq!(code, Some(10));
    assert_eq!(told(&street, "ssh", &["acc-pvt", "exit 3"]), (Some(3), String::new()), "commands still run");
}

#[test]
fn an_unreadable_file_in_a_tree() {
    let Some(street) = Street::start() else { return };
    if !street.own_homes() {
        return;
    }
    street.put(ACC_PVT, "tree/good", b"good");
    let secret = street.put(ACC_PVT, "tree/secret", b"secret");
    fs::set_permissions(&secret, fs::Permissions::from_mode(0o000)).expect("chmod");
    let (code, text) = told(&street, "cp", &["-B", "-r", "acc-pvt:tree", "."]);
    insta::assert_snapshot!(text);
    assert_eq!(code, Some(23));
    assert_eq!(fs::read(street.laptop().join("tree/good")).expect("the good one"), b"good");
}

#[test]
fn a_full_disk_here() {
    let Some(street) = Street::start() else { return };
    let Some(unshare) = need("unshare") else { return };
    street.put(ACC_PVT, "big", &vec![b'x'; 4 << 20]);
    let full = street.laptop().join("full");
    fs::create_dir(&full).expect("a folder");
    let mount = "mount -t tmpfs -o size=1m none full";
    let alone = |line: &str| {
        let mut command = Command::new(&unshare);
        command
            .args(["--mount", "--map-root-user", "sh", "-c", line])
            .current_dir(street.laptop())
            .env("HOME", street.laptop())
            .env("HOP_HOME", street.laptop());
        run(&mut command)
    };
    if alone(mount).code != Some(0) {
        return skip("no mount namespaces here, so no disk can be full");
    }
    let hop = env!("CARGO_BIN_EXE_hop");
    let outcome =
        alone(&format!("{mount} && {hop} cp -B -F .ssh/config acc-pvt:big full/; code=$?; ls -A full; exit $code"));
    assert_eq!(outcome.code, Some(28), "{outcome}");
    assert!(outcome.stderr.contains("no space left"), "{outcome}");
    assert!(!outcome.stdout.lines().any(|name| name == "big"), "nothing stands under the final name: {outcome}");
}

#[test]
fn json_tells_a_copy_from_beginning_to_end() {
    let Some(street) = Street::start() else { return };
    street.put(ACC_PVT, "logs/a b.log", b"aaa");
    street.put(ACC_PVT, "logs/c.log", b"c");
    let outcome = run(street.hop("cp").args(["--json", "-r", "acc-pvt:logs", "."]));
    assert_eq!((outcome.code, outcome.stderr.as_str()), (Some(0), ""), "{outcome}");
    insta::assert_snapshot!(timeless(&outcome));
    let outcome = run(street.hop("cp").args(["--json", "--dry-run", "-r", "acc-pvt:logs", "."]));
    assert_eq!((outcome.code, outcome.stderr.as_str()), (Some(0), ""), "{outcome}");
    insta::assert_snapshot!("json_dry_run", timeless(&outcome));
}

/// Lines without times, files in order of their names and without their numbers.
fn timeless(outcome: &Outcome) -> String {
    let mut lines: Vec<String> = outcome
        .stdout
        .lines()
        .map(|line| {
            let mut object: serde_json::Map<_, _> = serde_json::from_str(line).expect("an object a line");
            for (key, value) in
                [("id", 0.into()), ("seconds", serde_json::json!(0.5)), ("fingerprint", "SHA256:…".into())]
            {
                object.entry(key).and_modify(|old| *old = value);
            }
            serde_json::to_string(&object).expect("an object")
        })
        .collect();
    let last = lines.len() - 1;
    lines[1..last].sort();
    // how many connections there are is not told here
    lines.dedup();
    lines.join("\n")
}

#[test]
fn without_a_terminal_success_is_silent_and_plain_is_two_lines() {
    let Some(street) = Street::start() else { return };
    street.put_here("f", b"content");
    let silent = run(street.hop("cp").args(["f", "acc-pvt:"]));
    assert_eq!((silent.code, silent.stdout.as_str(), silent.stderr.as_str()), (Some(0), "", ""), "{silent}");
    let plain = run(street.hop("cp").args(["-3", "--progress", "plain", "acc-pvt:f", "dell-pvt:"]));
    let lines: Vec<&str> = plain.stderr.lines().collect();
    assert_eq!(lines[0], "relay: both ends are remote: the data passes through this machine", "{plain}");
    assert!(lines[1].starts_with("1 file, 7 B in 0.") && lines.len() == 2, "{plain}");
}

#[test]
fn a_dry_run_prints_the_plan_and_writes_nothing() {
    let Some(street) = Street::start() else { return };
    street.put(ACC_PVT, "logs/a.log", b"aaa");
    let outcome = run(street.hop("cp").args(["--dry-run", "-r", "acc-pvt:logs", "there"]));
    assert_eq!(outcome.stdout, "logs -> there\nlogs/a.log -> there/a.log (3 B)\n", "{outcome}");
    assert!(outcome.stderr.ends_with("would copy 1 file, 3 B; nothing was written\n"), "{outcome}");
    assert!(!street.laptop().join("there").exists());
}

#[test]
fn ls_shows_what_is_there() {
    let Some(street) = Street::start() else { return };
    street.put(ACC_PVT, "d/b.txt", b"bb");
    street.put(ACC_PVT, "d/.hidden", b"");
    street.put(ACC_PVT, "d/evil\x1b[2J", b"");
    let ls = |words: &[&str]| {
        let outcome = run(street.hop("ls").args(words));
        (outcome.code, outcome.stdout, scrubbed(&street, &outcome.stderr))
    };
    assert_eq!(ls(&["acc-pvt:d"]), (Some(0), "b.txt\nevil\\x1b[2J\n".to_owned(), String::new()));
    assert_eq!(ls(&["-a", "acc-pvt:d"]).1, ".\n..\n.hidden\nb.txt\nevil\\x1b[2J\n");
    assert_eq!(ls(&["acc-pvt:d/*.txt"]).1, "d/b.txt\n");
    let (code, stdout, stderr) = ls(&["acc-pvt:nope", "acc-pvt:d/b.txt"]);
    assert_eq!((code, stdout.as_str()), (Some(23), "d/b.txt\n"));
    assert_eq!(stderr, "hop: acc-pvt: laptop > acc-bastion > acc-pvt: list: nope: no such file or directory\n");
    let (_, json, _) = ls(&["--json", "acc-pvt:d/evil*"]);
    assert!(
        json.starts_with(
            r#"{"host":"acc-pvt","path":"d/evil\\x1b[2J","path_hex":"642f6576696c1b5b324a","type":"file","size":0,"#
        ),
        "{json}"
    );
    let (_, long, _) = ls(&["-l", "acc-pvt:d"]);
    assert!(long.starts_with("-rw-r--r-- ") && long.contains(" 2 20"), "{long}");
}

#[test]
fn ssh_passes_bytes_and_status_through() {
    let Some(street) = Street::start() else { return };
    let bytes: Vec<u8> = (0..300_000u32).map(|number| (number.wrapping_mul(2_654_435_761) >> 13) as u8).collect();
    fs::write(street.laptop().join("in"), &bytes).expect("a file");
    let file = |name: &str| street.laptop().join(name);
    let mut cat = street.hop("ssh");
    cat.args([ACC_PVT, "cat; echo to stderr >&2; exit 42"]);
    cat.stdin(fs::File::open(file("in")).expect("in")).stdout(fs::File::create(file("out")).expect("out"));
    let ended = cat.output().expect("hop ssh");
    assert_eq!((ended.status.code(), ended.stderr.as_slice()), (Some(42), &b"to stderr\n"[..]));
    assert!(fs::read(file("out")).expect("out") == bytes, "the bytes are not the same");
}

#[test]
fn each_step_is_told_with_v_and_the_librarys_own_with_vv() {
    let Some(street) = Street::start() else { return };
    let (code, steps) = told(&street, "ssh", &["-v", "acc-pvt", "true"]);
    assert_eq!(code, Some(0));
    let positions = ["acc-bastion: dial", "acc-bastion: authenticate", "acc-pvt: dial", "acc-pvt: authenticate"]
        .map(|step| steps.find(step));
    assert!(positions.iter().all(Option::is_some) && positions.is_sorted(), "{steps}");
    assert!(!steps.contains("russh"), "{steps}");
    let (_, library) = told(&street, "ssh", &["-vv", "acc-pvt", "true"]);
    assert!(library.contains("negotiated algorithms"), "{library}");
}

#[test]
fn ciphers_compression_and_families_are_taken_at_their_word() {
    let Some(street) = Street::start() else { return };
    let negotiated = |words: &[&str]| told(&street, "ssh", &[words, &["-vv", "acc-pvt", "true"]].concat()).1;
    assert!(negotiated(&["-c", "aes256-ctr"]).contains("aes256-ctr"), "{}", negotiated(&["-c", "aes256-ctr"]));
    assert!(negotiated(&["-C"]).contains("Zlib"));
    assert!(!negotiated(&[]).contains("Zlib"));
    assert_eq!(told(&street, "ssh", &["-4", "acc-pvt", "true"]), (Some(0), String::new()));
    let (code, text) = told(&street, "ssh", &["-6", "acc-pvt", "true"]);
    assert!(code == Some(255) && text.contains("acc-bastion"), "{text}");
}

#[test]
fn two_networks_without_a_configuration() {
    let Some(street) = Street::start() else { return };
    street.put(ACC_PVT, "customers.csv", b"one,two");
    let user = street.user();
    let address = |host| street.server(host).address;
    let mut hop = street.on_laptop(env!("CARGO_BIN_EXE_hop"));
    hop.args(["cp", "-q", "-F", "none"]);
    for (network, bastion, private) in [("acc", ACC_BASTION, ACC_PVT), ("dell", DELL_BASTION, DELL_PVT)] {
        let pattern = address(private).ip();
        hop.arg(format!("-i{pattern}={network}.pem")).arg("-J").arg(format!("{pattern}={user}@{}", address(bastion)));
    }
    hop.arg(format!("scp://{user}@{}/customers.csv", address(ACC_PVT)));
    hop.arg(format!("scp://{user}@{}/arrived.csv", address(DELL_PVT)));
    let outcome = run(&mut hop);
    assert_eq!((outcome.code, outcome.stderr.as_str()), (Some(0), ""), "{outcome}");
    assert_eq!(fs::read(street.home(DELL_PVT).join("arrived.csv")).expect("the copy"), b"one,two");
}

#[test]
fn one_key_serves_the_jump_too() {
    let Some(street) = Street::start() else { return };
    street.put_here("f", b"content");
    let (bastion, private) = (street.server(ACC_BASTION).address, street.server(ACC_PVT).address);
    let user = street.user();
    let mut hop = street.on_laptop(env!("CARGO_BIN_EXE_hop"));
    hop.args([
        "cp",
        "-F",
        "none",
        "-i",
        "acc.pem",
        "-J",
        &format!("{user}@{bastion}"),
        "-P",
        &private.port().to_string(),
    ]);
    let outcome = run(hop.args(["f", &format!("{user}@{}:", private.ip())]));
    assert_eq!((outcome.code, outcome.stderr.as_str()), (Some(0), ""), "{outcome}");
    assert_eq!(fs::read(street.home(ACC_PVT).join("f")).expect("the copy"), b"content");
}

#[test]
fn an_alias_makes_it_scp() {
    let Some(street) = Street::start() else { return };
    street.put_here("tree/a b", b"content");
    let hop = env!("CARGO_BIN_EXE_hop");
    let line = format!(
        "shopt -s expand_aliases\nalias scp='{hop} cp'\nscp -rpqC -F .ssh/config -oConnectTimeout=9 -B tree acc-pvt:there\n\
         scp -3 -F .ssh/config -i acc.pem 'acc-pvt:there/a*' dell-pvt:\nscp -F .ssh/config dell-pvt:'a b' back"
    );
    let outcome = run(street.on_laptop("bash").args(["-c", &line]));
    assert_eq!((outcome.code, outcome.stderr.as_str()), (Some(0), ""), "{outcome}");
    assert_eq!(fs::read(street.laptop().join("back")).expect("the copy"), b"content");
}

#[test]
fn a_command_whose_reader_goes_away_ends() {
    let Some(street) = Street::start() else { return };
    let line = format!("{} ssh -F .ssh/config acc-pvt yes | head -n 1", env!("CARGO_BIN_EXE_hop"));
    let mut bash = street.on_laptop("bash");
    let outcome = run(bash.args(["-c", &line]));
    assert_eq!((outcome.stdout.as_str(), outcome.stderr.as_str()), ("y\n", ""), "{outcome}");
    until("the command is gone", || street.server(ACC_PVT).processes_named("yes").is_empty());
}

#[test]
fn a_signal_reaches_the_command_and_ends_ssh_as_it_ends_openssh() {
    let Some(street) = Street::start() else { return };
    for signal in [Signal::INT, Signal::TERM, Signal::HUP] {
        let mut ssh = street.hop("ssh");
        let mut child = ssh.args([ACC_PVT, "exec sleep 1000"]).stdin(Stdio::null()).spawn().expect("hop ssh");
        let sleeps = || !street.server(ACC_PVT).processes_named("sleep").is_empty();
        until("the command runs", sleeps);
        kill_process(Pid::from_child(&child), signal).expect("a signal");
        assert_eq!(child.wait().expect("hop ssh").code(), Some(255));
        until("the command is gone", || !sleeps());
    }
}

#[test]
fn a_signal_leaves_a_part_and_says_so() {
    let slow = Link { rate: Some(1 << 20), ..Link::default() };
    let Some(street) = Street::plan().link(ACC_BASTION, slow).start() else { return };
    street.put(ACC_PVT, "big", &vec![b'x'; 64 << 20]);
    let mut hop = street.hop("cp");
    let child = hop.args(["acc-pvt:big", "."]).stderr(Stdio::piped()).spawn().expect("hop cp");
    until("a part grows", || !Street::parts(street.laptop()).is_empty());
    kill_process(Pid::from_child(&child), Signal::INT).expect("a signal");
    let ended = child.wait_with_output().expect("hop cp");
    assert_eq!(ended.status.code(), Some(130));
    let said = String::from_utf8_lossy(&ended.stderr);
    assert_eq!(said, "hop: stopped by a signal; a file on its way is left as .NAME.hop-ID.part\n");
    assert!(!street.laptop().join("big").exists());
}
