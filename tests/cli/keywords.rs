//! Keywords of ssh_config that came late or that few use: each changes what happens, or its absence is said where it
//! matters.

use std::fs;
use std::io::{BufRead as _, BufReader};
use std::net::TcpListener;
use std::process::{Command, Stdio};

use crate::skips::need;
use crate::street::{ACC_BASTION, Street, run, until};

#[test]
fn a_proxy_command_may_pass_a_socket_on() {
    let (Some(street), Some(cc)) = (Street::start(), need("cc")) else { return };
    let dialer = street.laptop().join("dialer");
    let source = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/cli/dialer.c");
    let built = Command::new(cc).arg("-o").arg(&dialer).arg(source).status();
    assert!(built.is_ok_and(|status| status.success()), "{source} compiles");
    let by = |command: &str, words: &[&str]| {
        let proxy = format!("ProxyCommand={command}");
        run(street.hop("ssh").args(["-o", "ProxyUseFdpass=yes", "-o", &proxy, "acc-bastion"]).args(words))
    };
    let address = street.server(ACC_BASTION).address;
    let dial = format!("{} {} {}", dialer.display(), address.ip(), address.port());
    let outcome = by(&dial, &["head -c 300000 /dev/zero | wc -c"]);
    assert_eq!((outcome.code, outcome.stdout.trim()), (Some(0), "300000"), "{outcome}");
    for (command, why) in [("true", "it passed no connection"), ("echo SSH-2.0-x", "it passed no connection")] {
        let outcome = by(command, &["true"]);
        assert!(outcome.code == Some(255) && outcome.stderr.contains(why), "{command}: {outcome}");
    }
}

#[test]
fn a_configuration_sends_it_to_the_background() {
    let Some(street) = Street::start() else { return };
    street.configure("ForkAfterAuthentication yes\n");
    let there = street.home(ACC_BASTION).join("done");
    let mut hop = street.hop("ssh");
    hop.args(["acc-bastion", "cat; sleep 2; touch done"]);
    let status = hop.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null()).status().expect("hop");
    assert_eq!((status.code(), there.exists()), (Some(0), false));
    until("the command in the background is done", || there.exists());
    let shell = run(street.hop("ssh").arg("acc-bastion"));
    assert!(shell.code == Some(255) && shell.stderr.contains("no command"), "{shell}");
    assert_eq!(run(street.hop("cp").args(["acc-bastion:done", "."])).code, Some(0), "a copy has no background");
}

#[test]
fn a_version_may_have_an_addendum() {
    let Some(street) = Street::start() else { return };
    let version = |addendum: &str| {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let port = listener.local_addr().expect("its address").port();
        let mut hop = street.hop("ssh");
        hop.args(["-o", addendum, "-o", &format!("Port={port}"), "someone@127.0.0.1", "true"]);
        let mut hop = hop.stdin(Stdio::null()).stderr(Stdio::null()).spawn().expect("hop");
        let mut line = String::new();
        BufReader::new(listener.accept().expect("a connection").0).read_line(&mut line).expect("a version");
        hop.kill().and_then(|()| hop.wait()).expect("hop ends");
        line.trim_end().to_owned()
    };
    let plain = concat!("SSH-2.0-hop_", env!("CARGO_PKG_VERSION"));
    assert_eq!(version("VersionAddendum=for %r # why"), format!("{plain} for someone"));
    assert_eq!(version("VersionAddendum=None"), plain);
}

#[test]
fn a_key_exchange_that_is_not_post_quantum_is_warned_about_once_where_that_is_wanted() {
    let Some(street) = Street::plan().sshd(ACC_BASTION, "KexAlgorithms curve25519-sha256").start() else { return };
    street.put_here("f", b"content");
    let warnings = |options: &[&str]| {
        let outcome = run(street.hop("cp").args(["--connections", "3", "f", "acc-bastion:"]).args(options));
        assert_eq!(outcome.code, Some(0), "{outcome}");
        outcome.stderr.matches("is no post-quantum key exchange").count()
    };
    let wanted = "WarnWeakCrypto yes\n";
    assert_eq!(warnings(&[]), 0);
    street.configure(wanted);
    assert_eq!(warnings(&[]), 1);
    assert_eq!(warnings(&["-o", "KexAlgorithms=curve25519-sha256"]), 0);
    assert_eq!(warnings(&["-o", "WarnWeakCrypto=no-pq-kex"]), 0);
}

#[test]
fn a_tag_may_stand_on_the_command_line() {
    let Some(street) = Street::start() else { return };
    street.configure("Match tagged far\n  SetEnv LC_TAG=far\nMatch all\n");
    let user = |words: &[&str]| run(street.hop("ssh").arg("-G").args(words).arg("acc-bastion")).stdout;
    assert!(user(&["-P", "far"]).contains("setenv LC_TAG=far") && !user(&[]).contains("LC_TAG"));
}

#[test]
fn what_is_missing_is_said_where_it_matters_and_only_there() {
    let Some(street) = Street::start() else { return };
    street.put_here("f", b"content");
    let everything = "ForwardX11 yes\nTunnel yes\nControlMaster auto\nControlPath ~/m\nGSSAPIAuthentication yes\n\
                      PKCS11Provider /usr/lib/p11.so\nVerifyHostKeyDNS ask\nObscureKeystrokeTiming interval:80\n\
                      VisualHostKey yes\nIPQoS throughput\nFingerprintHash md5\n";
    street.configure(everything);
    let copy = run(street.hop("cp").args(["f", "acc-bastion:"]));
    assert_eq!((copy.code, copy.stderr.as_str()), (Some(0), ""), "a copy misses nothing: {copy}");
    let config = street.config();
    let line = |number: usize| format!("({}:{number})", config.display());
    let missing = |what: &str, number| format!("acc-bastion: not in this version: {what} {}\n", line(number));
    let command = run(street.hop("ssh").args(["acc-bastion", "true"]));
    assert!(command.stderr.ends_with(&missing("tunnel point-to-point", 2)), "{command}");
    assert_eq!(command.stderr.lines().count(), 1, "{command}");
    let display = run(street.hop("ssh").env("DISPLAY", ":0").args(["acc-bastion", "true"]));
    assert!(display.stderr.contains(&missing("forwardx11 yes", 1)), "{display}");
    let shell = run(street.hop("ssh").args(["-o", "ControlMaster=ask", "acc-bastion"]));
    assert!(shell.stderr.contains(&missing("obscurekeystroketiming interval:80", 8)), "{shell}");
    assert!(shell.stderr.contains("not in this version: controlmaster ask (-o ControlMaster=ask)"), "{shell}");
    let told = run(street.hop("ssh").args(["-v", "acc-bastion", "true"]));
    for keyword in ["gssapiauthentication yes", "pkcs11provider", "visualhostkey", "md5"] {
        let keyword = keyword.to_ascii_lowercase();
        assert!(told.stderr.to_ascii_lowercase().contains(&keyword), "{keyword}: {told}");
    }
    assert!(!told.stderr.contains("ipqos"), "{told}");

    let refused = run(street.hop("ssh").args(["-o", "User=nobody-here", "acc-bastion", "true"]));
    let hint = format!("hint: pkcs11provider /usr/lib/p11.so {} is not in this version: load the key", line(6));
    assert!(refused.stderr.contains(&hint) && !refused.stderr.contains("gssapi"), "{refused}");
    fs::write(street.known_hosts(), "").expect("empty known_hosts");
    let unknown = run(street.hop("ssh").args(["acc-bastion", "true"]));
    assert!(unknown.stderr.contains(&format!("hint: verifyhostkeydns ask {}", line(7))), "{unknown}");
}
