//! `hop key` and `hop hosts` at work: files as they are found, modes put right, a newcomer's first four lines.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use crate::street::{ACC_BASTION, ACC_PVT, DELL_BASTION, DELL_PVT, Outcome, Street, run};

fn chmod(file: &Path, mode: u32) {
    fs::set_permissions(file, fs::Permissions::from_mode(mode)).expect("chmod");
}

fn mode(file: &Path) -> u32 {
    file.metadata().expect("a file").permissions().mode() & 0o777
}

/// Output without the folder and the fingerprints of this run.
fn scrubbed(home: &Path, outcome: &Outcome) -> String {
    let text = format!("{}{}", outcome.stdout, outcome.stderr).replace(&home.display().to_string(), "~");
    let user = super::user_here();
    let lines = text.lines().map(|line| match line.trim_start().starts_with("SHA256:") {
        true => "  SHA256:…".to_owned(),
        false => line.replace(&format!("owner {user}"), "owner ME"),
    });
    lines.collect::<Vec<_>>().join("\n")
}

fn make_key(file: &Path, words: &[&str]) {
    let mut keygen = std::process::Command::new("ssh-keygen");
    let made = run(keygen.args(["-q", "-C", "me at home", "-f"]).arg(file).args(words));
    assert_eq!(made.code, Some(0), "{made}");
}

/// A home folder with a configuration of five hosts and four keys, two of them of no use.
fn home() -> Option<tempfile::TempDir> {
    crate::skips::need("ssh-keygen")?;
    let home = tempfile::tempdir().expect("a home folder");
    let at = |name: &str| home.path().join(name);
    fs::create_dir(at(".ssh")).expect("a folder");
    make_key(&at("acc.pem"), &["-t", "rsa", "-b", "2048", "-m", "PEM", "-N", ""]);
    make_key(&at("dell.pem"), &["-t", "ed25519", "-N", "secret"]);
    chmod(&at("acc.pem"), 0o644);
    fs::write(at("page.pem"), "<html>sign in to download your key</html>").expect("a file");
    chmod(&at("page.pem"), 0o600);
    let config = "Host acc-bastion\n  HostName 54.0.0.1\n  IdentityFile ~/acc.pem\n  User ec2-user\n\
        Host acc-pvt\n  HostName 10.10.2.20\n  ProxyJump acc-bastion\n  IdentityFile ~/acc.pem\n  User ec2-user\n\
        Host dell-bastion\n  HostName 54.0.0.2\n  Port 2222\n  IdentityFile ~/dell.pem\n  User ubuntu\n\
        Host old\n  ProxyJump ubuntu@54.0.0.9\n  HostName 10.30.0.4\n  IdentityFile ~/page.pem\n  User admin\n\
        Host 10.10.*\n  IdentityFile ~/gone.pem\n";
    fs::write(at(".ssh/config"), config).expect("a configuration");
    chmod(&at(".ssh/config"), 0o600);
    Some(home)
}

fn hop(home: &Path, line: &str) -> Outcome {
    run(super::hop(home).args(line.split_whitespace()))
}

/// The same with the configuration named: the home folder of the password database may be another.
fn with_config(home: &Path, verb: &str, line: &str) -> Outcome {
    hop(home, &format!("{verb} -F {} {line}", home.join(".ssh/config").display()))
}

#[test]
fn every_key_is_listed_with_what_is_wrong_and_modes_are_put_right() {
    let Some(home) = home() else { return };
    let home = home.path();
    let checked = with_config(home, "key", "check");
    insta::assert_snapshot!(scrubbed(home, &checked));
    assert_eq!(checked.code, Some(77));
    let unasked = with_config(home, "key", "fix");
    assert!(unasked.code == Some(77) && unasked.stdout.contains("not done: chmod 400"), "{unasked}");
    assert_eq!(mode(&home.join("acc.pem")), 0o644, "nobody was there to agree");
    let fixed = with_config(home, "key", "fix -y");
    assert!(fixed.code == Some(77) && fixed.stdout.contains("done: chmod 400"), "two others are still wrong: {fixed}");
    assert_eq!(mode(&home.join("acc.pem")), 0o400);
    let alone = hop(home, "key check acc.pem dell.pem");
    assert!(alone.code == Some(0) && alone.stdout.ends_with("2 keys, nothing wrong\n"), "{alone}");
}

#[test]
fn certificates_are_listed_beside_their_keys_with_their_time() {
    let Some(home) = home() else { return };
    let home = home.path();
    let config =
        "Host a\n  IdentityFile ~/dell.pem\nHost b\n  IdentityFile ~/dell.pem\n  CertificateFile ~/other-cert.pub\n";
    fs::write(home.join(".ssh/config"), config).expect("a configuration");
    let sign = |words: &str, key: &str| {
        let line = format!("ssh-keygen -q -s acc.pem -I me {words} {key}.pub");
        let signed = run(std::process::Command::new("sh").args(["-ec", &line]).current_dir(home));
        assert_eq!(signed.code, Some(0), "{signed}");
    };
    chmod(&home.join("acc.pem"), 0o400);
    fs::copy(home.join("dell.pem.pub"), home.join("other.pub")).expect("a copy");
    sign("-n ec2-user -V -10d:-3d", "dell.pem");
    sign("-n ec2-user -V -1h:+1d", "other");
    let checked = with_config(home, "key", "check");
    assert_eq!(checked.code, Some(77), "{checked}");
    insta::assert_snapshot!(scrubbed(home, &checked));
}

#[test]
fn keys_are_objects_for_programs() {
    let Some(home) = home() else { return };
    let outcome = with_config(home.path(), "key", "check --json");
    assert_eq!(outcome.code, Some(77), "{outcome}");
    let keys: Vec<serde_json::Value> =
        outcome.stdout.lines().map(|line| serde_json::from_str(line).expect("an object a line")).collect();
    let column = |name: &str| keys.iter().map(|key| key[name].clone()).collect::<Vec<_>>();
    assert_eq!(column("encrypted"), [false.into(), true.into(), serde_json::Value::Null, serde_json::Value::Null]);
    assert_eq!(column("bits")[..2], [serde_json::json!(2048), serde_json::json!(256)]);
    assert_eq!(keys[0]["hosts"], serde_json::json!(["acc-bastion", "acc-pvt"]));
    assert_eq!(keys[0]["mode"], "0644");
    assert!(keys[1]["problem"].is_null() && keys[2]["problem"] == "a web page, not a key", "{keys:?}");
}

#[test]
fn a_configuration_is_drawn_as_a_tree() {
    let Some(home) = home() else { return };
    let drawn = with_config(home.path(), "hosts", "");
    insta::assert_snapshot!(scrubbed(home.path(), &drawn));
    assert_eq!(drawn.code, Some(0));
    let json = with_config(home.path(), "hosts", "--json");
    let second: serde_json::Value = serde_json::from_str(json.stdout.lines().nth(1).expect("a host")).expect("JSON");
    assert_eq!((&second["host"], &second["jumps"]), (&"acc-pvt".into(), &serde_json::json!(["acc-bastion"])));
}

#[test]
fn what_cannot_be_added_is_refused_with_the_reason() {
    let Some(home) = home() else { return };
    let home = home.path();
    let before = fs::read(home.join(".ssh/config")).expect("the configuration");
    let mut told = String::new();
    for line in [
        "acc-pvt --address 10.0.0.1",
        "new --address 10.0.0.1 --key acc.pem",
        "new --address 10.0.0.1 --key gone.pem",
        "new --address 10.0.0.1 --via acc-bastoin",
        "10.10.9.9 --address 10.10.9.9 --key dell.pem",
        "new --address=-oProxyCommand=x",
        "a*b --address 10.0.0.1",
    ] {
        let outcome = with_config(home, "hosts", &format!("add {line}"));
        assert!(matches!(outcome.code, Some(2 | 77)), "{line}: {outcome}");
        told += &format!("$ hop hosts add {line}\n{}\n", scrubbed(home, &outcome));
    }
    insta::assert_snapshot!(told);
    assert_eq!(fs::read(home.join(".ssh/config")).expect("the configuration"), before);
}

/// The line of the documentation, at `~/.ssh/config` itself: a file with a mode of its own, and others beside it.
#[test]
fn what_is_added_is_appended_and_nothing_else_is_touched() {
    let Some(home) = home() else { return };
    let home = home.path();
    let at = |name: &str| home.join(".ssh").join(name);
    chmod(&home.join("acc.pem"), 0o400);
    let before = "# mine\nHost acc-bastion\n\tHostName 54.0.0.1\nMatch all\n  ServerAliveInterval 5"; // no line's end
    fs::write(at("config"), before).expect("a configuration");
    chmod(&at("config"), 0o640);
    fs::write(at("known_hosts"), "as it was\n").expect("a file");
    let line = "hosts add acc-pvt --address 10.10.2.20 --user ec2-user --key acc.pem --via acc-bastion";
    let added = run(super::hop(home).args(line.split(' ')));
    let said = format!("added acc-pvt to {}\n", at("config").display());
    assert_eq!((added.code, added.stdout.as_str(), added.stderr.as_str()), (Some(0), said.as_str(), ""), "{added}");
    let stanza = "\n\nHost acc-pvt\n    HostName 10.10.2.20\n    User ec2-user\n    IdentityFile ~/acc.pem\n    \
                  IdentitiesOnly yes\n    ProxyJump acc-bastion\n";
    assert_eq!(fs::read_to_string(at("config")).expect("it"), format!("{before}{stanza}"));
    assert_eq!((mode(&at("config")), mode(&at("config.hop-bak"))), (0o640, 0o640));
    assert_eq!(fs::read_to_string(at("config.hop-bak")).expect("a backup"), before);
    let mut names: Vec<_> =
        fs::read_dir(at("")).expect("the folder").map(|entry| entry.expect("an entry").file_name()).collect();
    names.sort();
    assert_eq!(names, ["config", "config.hop-bak", "known_hosts"]);
    assert_eq!(fs::read_to_string(at("known_hosts")).expect("it"), "as it was\n");
    let again = run(super::hop(home).args(line.split(' ')));
    assert!(again.code == Some(2) && again.stderr.contains("there is such a host already"), "{again}");
    assert_eq!(fs::read_to_string(at("config")).expect("it"), format!("{before}{stanza}"));
}

/// Two pems, four addresses, four lines: then files travel from one private server to the other.
#[test]
fn a_newcomer_is_ready_in_four_lines() {
    let Some(street) = Street::start() else { return };
    let known = street.known_hosts();
    let config = street.laptop().join("mine");
    let add = |name: &str, key: &str, via: &str| {
        let at = street.server(name).address;
        let mut hop = street.on_laptop(env!("CARGO_BIN_EXE_hop"));
        hop.args(["hosts", "add", name, "--key", key, "--user", street.user(), "-F"]).arg(&config);
        hop.args(["--address", &at.ip().to_string(), "--port", &at.port().to_string()]);
        let outcome = run(if via.is_empty() { &mut hop } else { hop.args(["--via", via]) });
        assert_eq!((outcome.code, outcome.stderr.as_str()), (Some(0), ""), "{outcome}");
    };
    add(ACC_BASTION, "acc.pem", "");
    add(ACC_PVT, "acc.pem", ACC_BASTION);
    add(DELL_BASTION, "dell.pem", "");
    add(DELL_PVT, "dell.pem", DELL_BASTION);
    street.put(ACC_PVT, "customers.csv", b"one,two\n");
    let mut hop = street.on_laptop(env!("CARGO_BIN_EXE_hop"));
    hop.args(["cp", "-B", "-F"]).arg(&config).args(["acc-pvt:customers.csv", "dell-pvt:"]);
    // the host keys as a person would have accepted them
    let accepted = format!("\nHost *\n  UserKnownHostsFile {}\n", known.display());
    fs::write(&config, fs::read_to_string(&config).expect("mine") + &accepted).expect("mine");
    let outcome = run(&mut hop);
    assert_eq!((outcome.code, outcome.stderr.as_str()), (Some(0), ""), "{outcome}");
    if street.own_homes() {
        assert_eq!(fs::read(street.home(DELL_PVT).join("customers.csv")).expect("the copy"), b"one,two\n");
    }
    assert!(street.laptop().join("mine.hop-bak").exists());
    let drawn = run(street.on_laptop(env!("CARGO_BIN_EXE_hop")).args(["hosts", "-F"]).arg(&config));
    let names: Vec<&str> =
        drawn.stdout.lines().filter_map(|line| line.split("── ").nth(1)?.split(' ').next()).collect();
    assert_eq!(names, [ACC_BASTION, ACC_PVT, DELL_BASTION, DELL_PVT], "{drawn}");
}
