//! What takes the orders of a direct copy at the host that logs in at the other.

use std::fs;
use std::os::unix::net::UnixListener;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use hop::lend::{quoted, with_variables};
use tempfile::TempDir;

use super::shells::{Programs, Shell, Started, shells};

const ENDS: &str = include_str!("../../src/copy/direct/remote/ends.sh");
const LOGIN: &str = include_str!("../../src/copy/direct/remote/login.sh");
const PUSH: &str = include_str!("../../src/copy/direct/remote/push.sh");
const PULL: &str = include_str!("../../src/copy/direct/remote/pull.sh");
const STREAM_ORDERS: &str = include_str!("../../src/copy/direct/remote/stream_orders.sh");
const SFTP_ORDERS: &str = include_str!("../../src/copy/direct/remote/sftp_orders.sh");

/// ssh(1): a master whose socket is a link to `$SOCKET`, and clients that run what they are told here. The far host's
/// login shell greets. `gone` is one that cannot be logged in at.
const SSH: &str = r#"[ "$1 $2 $3" = "-F $HOP_LENT -S" ] || exit 99
socket=$4 && shift 4
case $1 in
-nNM)
  for host; do :; done
  [ "$host" != gone ] || exit 255
  echo $$ >"${socket%/*}/master"
  ln -s "$SOCKET" "$socket"
  exec sleep 60 >/dev/null 2>&1 ;;
esac
[ "$*" != "${*#-o ControlMaster=no -o ProxyCommand=false -- far host }" ] && [ -z "$SSH_AUTH_SOCK" ] || exit 99
for line; do :; done
echo 'Welcome. 7+7 records in'
case $line in lost) cat >/dev/null; echo 'far: connection lost' >&2; exit 255 ;; esac
exec /bin/sh -c "$line""#;

/// sftp(1), which notes what it is told.
const SFTP: &str = r#"echo "$*" >"$HOME/words"
cat >"$HOME/batch"
echo 'Connected to far host.' >&2
! grep -q gone "$HOME/batch" || { echo 'stat gone: No such file' >&2; echo more >&2; exit 1; }"#;

/// A host that logs in at another.
struct Host {
    folder: TempDir,
    programs: Programs,
    _socket: UnixListener,
}

impl Host {
    fn new() -> Host {
        let folder = tempfile::tempdir().expect("a folder");
        let socket = UnixListener::bind(folder.path().join("socket")).expect("a socket");
        fs::create_dir(folder.path().join("d o")).expect("a private folder");
        Host { folder, programs: Programs::new(&[("ssh", SSH), ("sftp", SFTP)]), _socket: socket }
    }

    /// The private folder.
    fn private(&self) -> PathBuf {
        self.folder.path().join("d o")
    }

    fn path(&self, name: &str) -> String {
        self.folder.path().join(name).to_str().expect("text").to_owned()
    }

    fn token(&self) -> String {
        self.path("d o")
    }

    fn command(&self, shell: &Shell, scripts: &[&str], host: &str) -> Command {
        let tar = match scripts.contains(&PULL) {
            true => self.there("command -v tar"),
            false => "command -v tar".to_owned(),
        };
        let script = with_variables(&[("d", &self.token()[..]), ("host", host), ("tar", &tar)], &scripts.concat());
        let mut command = shell.script(&script);
        command.env("PATH", self.programs.path()).env("HOP_LENT", "/c o/config").env("SSH_AUTH_SOCK", "/tmp/agent");
        command.env("HOME", self.folder.path()).env("SOCKET", self.folder.path().join("socket"));
        command
    }

    /// What the far login shell is told that data is read by.
    fn there(&self, line: &str) -> String {
        format!("echo hop; echo {}; {line}", word(&self.token()))
    }

    /// Orders are taken; the rest of the word that says so.
    fn started(&self, shell: &Shell, scripts: &[&str]) -> (Started, String) {
        let started = Started::new(&mut self.command(shell, scripts, "far host"));
        let ready = started.answer_to(&self.token(), "ready");
        (started, ready)
    }

    /// The login ends with whatever ends the script's process group, and no file of an order is left.
    fn ends(&self, shell: &Shell, mut started: Started) {
        let master = fs::read_to_string(self.private().join("master")).expect("the login's number");
        let stat = Path::new("/proc").join(master.trim()).join("stat");
        let is_there = || fs::read_to_string(&stat).is_ok_and(|stat| !stat.contains(") Z "));
        assert!(is_there(), "{}: the login is there", shell.name);
        drop(started.input.take());
        started.child.wait().expect("it ends");
        let group = format!("-{}", started.child.id());
        // it has none any more where the shell had no process of its own before ssh
        let _ = Command::new("kill").args(["-s", "TERM", "--", &group]).output().expect("kill");
        let ended = (0..100).any(|_| {
            std::thread::sleep(Duration::from_millis(20));
            !is_there()
        });
        assert!(ended, "{}: the login is left", shell.name);
        let left = self.private().read_dir().expect("the folder").flatten().map(|entry| entry.file_name());
        let left: Vec<_> =
            left.filter(|name| !["links", "login", "master"].iter().any(|known| name == known)).collect();
        assert!(left.is_empty(), "{}: {left:?} is left", shell.name);
    }
}

fn word(word: &str) -> String {
    String::from_utf8(quoted(word.as_bytes())).expect("text")
}

/// The answer to an order of this number, reader and writer.
fn sent(started: &mut Started, token: &str, number: u64, reader: &str, writer: &str) -> String {
    started.tell(&format!("send {number} {} {}\n", word(reader), word(writer)));
    started.answer_to(token, &format!("done {number}")).trim_end().to_owned()
}

#[test]
fn a_host_that_sends_reads_here_and_writes_there() {
    let Some(shells) = shells() else { return };
    for shell in &shells {
        let host = Host::new();
        let (mut started, ready) = host.started(shell, &[ENDS, PUSH, LOGIN, STREAM_ORDERS]);
        assert_eq!(ready, format!("{} tar", host.token()), "{}", shell.name);
        assert!(host.private().join("links").is_dir(), "{}: a folder for links", shell.name);
        let (source, part) = (host.path("source"), host.path("part"));
        fs::write(&source, b"aaaabb").expect("a file");
        let (read, write) = (format!("dd bs=4 if={}", word(&source)), format!("cat >{}", word(&part)));
        let mut sent = |number, reader: &str, writer: &str| sent(&mut started, &host.token(), number, reader, writer);
        assert_eq!(sent(1, &read, &write), "0 1+1", "{}", shell.name);
        assert_eq!(fs::read(&part).expect("a part"), b"aaaabb", "{}", shell.name);
        let complains = "cat >/dev/null; echo first >&2; echo 'dd: full' >&2; echo 'dd: last' >&2; exit 3";
        assert_eq!(sent(2, &read, complains), "3 1+1 dd: full", "{}", shell.name);
        assert_eq!(
            sent(3, &read, "cat >/dev/null; echo >&2; echo ' first' >&2; echo last >&2; exit 1"),
            "1 1+1  first",
            "{}",
            shell.name
        );
        assert_eq!(sent(4, &read, "lost"), "255 1+1 far: connection lost", "{}", shell.name);
        let said = sent(5, "echo 'dd: no file' >&2; exit 1", "cat >/dev/null");
        assert_eq!(said, "0 -", "{}: the writer has nothing to say", shell.name);
        let long = format!("cat >/dev/null; echo {} >&2; exit 1", "x".repeat(300));
        assert_eq!(sent(6, &read, &long), format!("1 1+1 {}", "x".repeat(200)), "{}", shell.name);
        host.ends(shell, started);
    }
}

#[test]
fn a_host_that_fetches_reads_there_and_writes_here() {
    let Some(shells) = shells() else { return };
    for shell in &shells {
        let host = Host::new();
        let (mut started, ready) = host.started(shell, &[ENDS, PULL, LOGIN, STREAM_ORDERS]);
        assert_eq!(ready, format!("{} tar", host.token()), "{}", shell.name);
        let (source, part) = (host.path("source"), host.path("part"));
        fs::write(&source, b"aaaabb").expect("a file");
        let read = host.there(&format!("dd bs=4 if={}", word(&source)));
        let write = format!("cat >{}", word(&part));
        let mut sent = |number, reader: &str, writer: &str| sent(&mut started, &host.token(), number, reader, writer);
        assert_eq!(sent(1, &read, &write), "0 1+1", "{}", shell.name);
        assert_eq!(fs::read(&part).expect("a part"), b"aaaabb", "{}: without the greeting", shell.name);
        assert_eq!(sent(2, "lost", &write), "255 - far: connection lost", "{}", shell.name);
        assert_eq!(sent(3, "echo no >&2; exit 1", &write), "1 - no", "{}: no data came", shell.name);
        assert_eq!(sent(4, ":", &write), "120 -", "{}: no data came, and nobody says why", shell.name);
        let dies = host.there("echo cut >&2; kill -s KILL $$");
        assert_eq!(sent(5, &dies, &write), "137 - cut", "{}: the reader was lost", shell.name);
        assert_eq!(sent(6, &read, "cat >/dev/null; echo full >&2; exit 9"), "9 1+1 full", "{}", shell.name);
        assert_eq!(sent(7, &read, "cat >/dev/null; exit 200"), "1 1+1", "{}: a writer is no lost login", shell.name);
        host.ends(shell, started);
    }
}

#[test]
fn a_host_sends_by_sftp() {
    let Some(shells) = shells() else { return };
    for shell in &shells {
        let host = Host::new();
        let (mut started, ready) = host.started(shell, &[ENDS, LOGIN, SFTP_ORDERS]);
        assert_eq!(ready, format!("{} sftp", host.token()), "{}", shell.name);
        started.tell("put 1 '-put a\\ b c' 'put %s d'\n");
        assert_eq!(started.answer_to(&host.token(), "done 1"), "0 - ", "{}", shell.name);
        let text = |name| fs::read_to_string(host.path(name)).expect("it is there");
        assert_eq!(text("batch"), "-put a\\ b c\nput %s d\n", "{}", shell.name);
        let words = text("words");
        assert!(words.starts_with("-b - ") && words.contains(" -F /c o/config "), "{}: {words}", shell.name);
        let login =
            format!("-o ControlPath={}/login -o ControlMaster=no -o ProxyCommand=false -- far host\n", host.token());
        assert!(words.ends_with(&login), "{}: {words}", shell.name);
        started.tell("put 2 'put gone'\n");
        assert_eq!(started.answer_to(&host.token(), "done 2"), "1 - stat gone: No such file", "{}", shell.name);
        host.ends(shell, started);
    }
}

#[test]
fn a_host_that_cannot_log_in_takes_no_orders() {
    let Some(shells) = shells() else { return };
    for shell in &shells {
        for scripts in [&[ENDS, PUSH, LOGIN, STREAM_ORDERS][..], &[ENDS, LOGIN, SFTP_ORDERS]] {
            let host = Host::new();
            let ended = host.command(shell, scripts, "gone").output().expect("it starts");
            assert_eq!((ended.status.code(), ended.stdout), (Some(1), Vec::new()), "{}", shell.name);
        }
    }
}
