//! What stands on a source for a lent login.

use std::fs;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpListener;
use std::os::unix::fs::symlink;
use std::os::unix::net::UnixListener;
use std::os::unix::process::{CommandExt as _, ExitStatusExt as _};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::thread::JoinHandle;

use hop::lend::with_variables;

use super::shells::{Programs, Shell, Started, shells};
use crate::skips::need;

const KEPT: &str = include_str!("../../src/lend/remote/kept.sh");
const REMOTE_DIR: &str = include_str!("../../src/lend/remote/remote_dir.sh");
const KEX_TAP: &str = include_str!("../../src/lend/remote/kex_tap.sh");
const RUN: &str = include_str!("../../src/lend/remote/run.sh");

/// A private folder, kept for so many seconds of silence.
fn private_folder(shell: &Shell, seconds: &str) -> (Started, PathBuf) {
    let variables = [("config", "Host *"), ("known_hosts", "h ssh-ed25519 AAAA"), ("tap", KEX_TAP)];
    let variables = [&[("word", "w"), ("patience", seconds)][..], &variables].concat();
    let script = with_variables(&variables, &[KEPT, REMOTE_DIR].concat());
    let started = Started::new(shell.script(&script).env("HOME", "/nowhere"));
    let folder = PathBuf::from(started.answer("folder"));
    started.answer("ready");
    (started, folder)
}

#[test]
fn a_private_folder_goes_with_hop_and_so_does_what_runs_for_it() {
    let Some(shells) = shells() else { return };
    for shell in &shells {
        let (mut started, folder) = private_folder(shell, "600");
        let text = |name: &str| fs::read_to_string(folder.join(name)).expect("it is there");
        assert_eq!(text("known_hosts"), "h ssh-ed25519 AAAA\n", "{}", shell.name);
        assert_eq!(text("tap"), format!("{KEX_TAP}\n"), "{}", shell.name);
        assert!(text("config.tap").contains(&format!("{0}/tap {0}", folder.display())), "{}", shell.name);
        fs::OpenOptions::new()
            .write(true)
            .open(folder.join("overheard"))
            .expect("a pipe")
            .write_all(b"1 ff\n")
            .unwrap();
        assert_eq!(started.answer("overheard"), "1 ff", "{}", shell.name);

        let mut run = Command::new("sleep").arg("600").process_group(0).spawn().expect("sleep");
        fs::write(folder.join(format!("run.{}", run.id())), "").expect("a file for the run");
        drop(started.input.take());
        assert_eq!(run.wait().expect("it ends").signal(), Some(15), "{}: it is asked to end", shell.name);
        started.child.wait().expect("it ends");
        assert!(!folder.exists(), "{}: {} is left", shell.name, folder.display());
    }
}

#[test]
fn a_private_folder_goes_when_hop_is_silent() {
    let Some(shells) = shells() else { return };
    let started = shells.map(|shell| private_folder(&shell, "5"));
    for (mut started, folder) in started {
        started.child.wait().expect("it ends");
        assert!(started.input.is_some() && !folder.exists(), "{} is left", folder.display());
    }
}

#[test]
fn the_servers_first_bytes_are_shown_on_their_way() {
    let Some(shells) = shells() else { return };
    let Some(busybox) = need("busybox") else { return };
    let programs = Programs::new(&[]);
    symlink(busybox, programs.nothing_else().join("nc")).expect("a link");
    shells.iter().for_each(|shell| tapped(shell, "nc", &programs));
    tapped(&shells[1], "bash", &programs);
}

fn tapped(shell: &Shell, relay: &str, programs: &Programs) {
    let folder = tempfile::tempdir().expect("a folder");
    let (tap, pipe) = (folder.path().join("tap"), folder.path().join("overheard"));
    fs::write(&tap, KEX_TAP).expect("a script");
    assert!(Command::new("mkfifo").arg(&pipe).status().expect("mkfifo").success());
    let overheard = overheard(&pipe);
    let (port, server) = server();
    let mut tap = shell.file(&tap);
    tap.arg(folder.path()).args([relay, "127.0.0.1", &port.to_string()]).env("PATH", programs.path());
    let mut tap = tap.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("a shell");
    let mut input = tap.stdin.take().expect("piped");
    input.write_all(b"hello").expect("it listens");
    let mut passed = Vec::new();
    tap.stdout.take().expect("piped").read_to_end(&mut passed).expect("its output");
    drop(input);
    assert_eq!(server.join().expect("a server"), b"hello", "{} {relay}", shell.name);
    assert_eq!(passed, b"SSH-2.0-x\r\nbye", "{} {relay}", shell.name);
    assert_eq!(overheard.join().expect("a reader"), passed, "{} {relay}", shell.name);
    tap.wait().expect("it ends");
}

/// What comes through the pipe, up to the server's last word.
fn overheard(pipe: &Path) -> JoinHandle<Vec<u8>> {
    // opened for both, so that it has no end before the first word
    let lines = BufReader::new(fs::OpenOptions::new().read(true).write(true).open(pipe).expect("a pipe")).lines();
    std::thread::spawn(move || {
        let mut heard = Vec::new();
        for line in lines.map_while(Result::ok) {
            let (_process, digits) = line.split_once(' ').expect("a process and what it heard");
            heard.extend(hex::decode(digits).expect("hexadecimal"));
            if heard.ends_with(b"bye") {
                break;
            }
        }
        heard
    })
}

/// A server for one connection, and what it was sent.
fn server() -> (u16, JoinHandle<Vec<u8>>) {
    let listener = TcpListener::bind(("127.0.0.1", 0)).expect("a port");
    let port = listener.local_addr().expect("a port").port();
    let server = std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().expect("a client");
        stream.write_all(b"SSH-2.0-x\r\n").expect("it listens");
        let mut said = vec![0; 5];
        stream.read_exact(&mut said).expect("it speaks");
        stream.write_all(b"bye").expect("it listens");
        said
    });
    (port, server)
}

#[test]
fn a_script_of_the_loan_finds_the_agent_and_ends_where_there_is_none() {
    let Some(shells) = shells() else { return };
    let folder = tempfile::tempdir().expect("a folder");
    let agent = folder.path().join("agent");
    let _agent = UnixListener::bind(&agent).expect("a socket");
    let name = folder.path().to_str().expect("text");
    let variables = [("no_agent", "97"), ("config", "/c o/config"), ("folder", name)];
    let script = with_variables(&variables, &[RUN, "echo \"$$ $(printenv HOP_LENT)\"\n"].concat());
    for shell in &shells {
        let refused = shell.script(&script).output().expect("it starts");
        let words = String::from_utf8_lossy(&refused.stderr);
        assert_eq!(
            (refused.status.code(), words.trim_end()),
            (Some(97), "this host forwards no agent"),
            "{}",
            shell.name
        );
        let ran = shell.script(&script).env("SSH_AUTH_SOCK", &agent).output().expect("it starts");
        let said = String::from_utf8(ran.stdout).expect("text");
        let (process, config) = said.trim_end().split_once(' ').unwrap_or_else(|| panic!("{}: {said}", shell.name));
        assert_eq!((ran.status.code(), config), (Some(0), "/c o/config"), "{}", shell.name);
        assert!(folder.path().join(format!("run.{process}")).exists(), "{}: it has no file", shell.name);

        fs::write(folder.path().join("over"), "").expect("a mark");
        let late = shell.script(&script).env("SSH_AUTH_SOCK", &agent).output().expect("it starts");
        assert_eq!((late.status.code(), late.stdout), (Some(1), Vec::new()), "{}: all is over", shell.name);
        fs::remove_file(folder.path().join("over")).expect("it was there");
    }
}
