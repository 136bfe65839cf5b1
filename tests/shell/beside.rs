//! OpenSSH's `ssh` beside `hop ssh`: the same situation, the same exit status and the same bytes, one by one.

use std::fmt;
use std::io::{Seek as _, Write as _};
use std::process::Command;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use crate::street::{ACC_PVT, Street};

/// In seconds: what takes longer counts as a difference.
const LIMIT: &str = "30";

/// Situations looked at together: each is mostly waiting for a login.
const AT_ONCE: usize = 4;

/// What is typed after the verb, what is given to standard input, and which of the outputs must be the same.
struct Situation {
    words: &'static [&'static str],
    input: &'static [u8],
    alike: Alike,
}

#[derive(Clone, Copy, PartialEq)]
enum Alike {
    /// Status, standard output and standard error.
    All,
    /// Status and standard output: each program complains in its own words.
    StatusAndOutput,
}

const fn all(words: &'static [&'static str], input: &'static [u8]) -> Situation {
    Situation { words, input, alike: Alike::All }
}

const fn own_words(words: &'static [&'static str]) -> Situation {
    Situation { words, input: b"", alike: Alike::StatusAndOutput }
}

const SITUATIONS: &[Situation] = &[
    // statuses
    all(&[ACC_PVT, "true"], b""),
    all(&[ACC_PVT, "false"], b""),
    all(&[ACC_PVT, "exit 7"], b""),
    all(&[ACC_PVT, "exit 254"], b""),
    all(&[ACC_PVT, "exit 255"], b""),
    all(&[ACC_PVT, "exit 256"], b""),
    all(&[ACC_PVT, "kill -TERM $$"], b""),
    all(&[ACC_PVT, "kill -KILL $$"], b""),
    all(&[ACC_PVT, "exec no-such-program 2>/dev/null"], b""),
    all(&[ACC_PVT, "echo out; echo err >&2; exit 3"], b""),
    // words
    all(&[ACC_PVT, "echo", "a   b", "c"], b""),
    all(&[ACC_PVT, "echo 'a   b'"], b""),
    all(&[ACC_PVT, "printf", "%s\\n", "*"], b""),
    all(&[ACC_PVT, "echo $HOME; pwd"], b""),
    all(&[ACC_PVT, "--", "echo", "x"], b""),
    own_words(&[ACC_PVT, "-v"]),
    all(&["--", ACC_PVT, "echo dashes"], b""),
    all(&[ACC_PVT, "echo", ""], b""),
    // bytes
    all(&[ACC_PVT, r"printf 'a\0\377\r\nb'"], b""),
    all(&[ACC_PVT, r"printf 'no newline'"], b""),
    all(&[ACC_PVT, r"printf '\033[2J' >&2"], b""),
    all(&[ACC_PVT, "head -c 3000000 /dev/zero | tr '\\0' x"], b""),
    all(&[ACC_PVT, "head -c 1000000 /dev/zero | tr '\\0' e >&2"], b""),
    // input
    all(&[ACC_PVT, "cat"], b"one\ntwo\0\xff"),
    all(&[ACC_PVT, "cat"], b""),
    all(&[ACC_PVT, "wc -c"], &[b'x'; 300_000]),
    all(&[ACC_PVT, "true"], &[b'x'; 300_000]),
    all(&[ACC_PVT, "head -c 10"], &[b'x'; 300_000]),
    all(&["-n", ACC_PVT, "cat; echo done"], b"not read"),
    all(&["-o", "StdinNull=yes", ACC_PVT, "cat; echo done"], b"not read"),
    all(&["-T", ACC_PVT], b"echo from a shell; exit 5\n"),
    all(&[ACC_PVT, "sh"], b"echo $0; exit 6\n"),
    all(&[ACC_PVT, "exec 0<&-; sleep 0.2; echo still"], b"x"),
    all(&[ACC_PVT, "exec >&-; cat >&2"], b"to stderr"),
    all(&[ACC_PVT, "(sleep 0.3; echo late) & echo early"], b""),
    all(&[ACC_PVT, "tail -c 5"], b"~.\n~.\nend\n"),
    // terminals
    all(&["-tt", ACC_PVT, "stty -a | head -n 1; tty >/dev/null; echo $?"], b""),
    all(&["-tt", ACC_PVT, "stty -opost; echo raw; exit 4"], b""),
    all(&["-t", "-t", "-T", ACC_PVT, "tty"], b""),
    own_words(&["-t", ACC_PVT, "tty"]),
    all(&["-o", "RequestTTY=no", ACC_PVT, "tty"], b""),
    all(&["-o", "RequestTTY=force", ACC_PVT, "tty >/dev/null; echo $?"], b""),
    // variables
    own_words(&["-o", "SetEnv=LC_HOP=a b", ACC_PVT, "true"]),
    all(&["-o", "SetEnv=LC_HOP=\"a b\"", ACC_PVT, "echo $LC_HOP"], b""),
    all(&["-o", "SendEnv=LC_*", ACC_PVT, "echo $LC_MINE"], b""),
    all(&["-o", "SetEnv=REFUSED=x", ACC_PVT, "echo \"<$REFUSED>\""], b""),
    all(&["-o", "SendEnv=LC_*", "-tt", ACC_PVT, "echo $TERM"], b""),
    // configuration
    all(&["-o", "RemoteCommand=echo configured", ACC_PVT], b""),
    all(&["-o", "RemoteCommand=echo %n %r", "-T", ACC_PVT], b""),
    own_words(&["-o", "RemoteCommand=echo configured", ACC_PVT, "echo typed"]),
    own_words(&["-o", "NoSuchOption=1", ACC_PVT, "true"]),
    own_words(&["-G", ACC_PVT]),
    own_words(&["no-such-host.invalid", "true"]),
    own_words(&["-p", "1", ACC_PVT, "true"]),
    own_words(&["-l", "nobody-here", ACC_PVT, "true"]),
    own_words(&["-i", "/nonexistent", "-o", "IdentityFile=none", ACC_PVT, "true"]),
    own_words(&["-o", "Ciphers=rot13", ACC_PVT, "true"]),
    own_words(&["-W", "127.0.0.1:1", "acc-bastion"]),
    own_words(&["-s", ACC_PVT, "no-such-subsystem"]),
    own_words(&["-L", "nonsense", ACC_PVT, "true"]),
    own_words(&["-o", "ExitOnForwardFailure=yes", "-L", "127.0.0.1:1:x:1x", ACC_PVT, "true"]),
    own_words(&["-e", "toolong", ACC_PVT, "true"]),
];

/// How a program ended.
#[derive(PartialEq)]
struct Said {
    code: Option<i32>,
    stdout: Vec<u8>,
    stderr: Vec<u8>,
}

impl fmt::Display for Said {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let short = |bytes: &[u8]| bytes[..bytes.len().min(200)].escape_ascii().to_string();
        write!(f, "{:?} out {} `{}` ", self.code, self.stdout.len(), short(&self.stdout))?;
        write!(f, "err {} `{}`", self.stderr.len(), short(&self.stderr))
    }
}

/// What was printed, without the lists of algorithms that `-G` prints: each program offers its own (`tests/config`).
fn comparable(stdout: &[u8]) -> Vec<&[u8]> {
    let is_list =
        |line: &&[u8]| [&b"ciphers "[..], b"macs ", b"kexalgorithms "].iter().any(|list| line.starts_with(list));
    stdout.split(|byte| *byte == b'\n').filter(|line| !is_list(line)).collect()
}

/// What differs, if anything does.
fn difference(street: &Street, situation: &Situation) -> Option<String> {
    let ssh = said(street, &street.openssh("ssh"), situation);
    let hop = said(street, &street.hop("ssh"), situation);
    let errors_alike = situation.alike == Alike::StatusAndOutput || ssh.stderr == hop.stderr;
    let is_alike = (ssh.code, comparable(&ssh.stdout)) == (hop.code, comparable(&hop.stdout)) && errors_alike;
    (!is_alike).then(|| format!("=== {:?}\n    ssh: {ssh}\n    hop: {hop}", situation.words))
}

fn said(street: &Street, program: &Command, situation: &Situation) -> Said {
    let mut command = street.on_laptop("timeout");
    command.arg(LIMIT).arg(program.get_program()).args(program.get_args()).args(["-o", "BatchMode=yes"]);
    command.args(situation.words);
    let mut input = tempfile::tempfile().expect("a file");
    input.write_all(situation.input).and_then(|()| input.rewind()).expect("write the input");
    command.stdin(input).env("LC_MINE", "sent").env("TERM", "vt220");
    let output = command.output().expect("timeout(1) starts");
    Said { code: output.status.code(), stdout: output.stdout, stderr: output.stderr }
}

#[test]
fn ssh_and_hop_ssh_end_alike_and_say_the_same() {
    let Some(street) = Street::plan().sshd(ACC_PVT, "AcceptEnv LC_*").start() else { return };
    let different = Mutex::new(Vec::new());
    let next = AtomicUsize::new(0);
    std::thread::scope(|scope| {
        for _ in 0..AT_ONCE {
            scope.spawn(|| {
                while let Some(situation) = SITUATIONS.get(next.fetch_add(1, Ordering::Relaxed)) {
                    let difference = difference(&street, situation);
                    different.lock().expect("nobody panics with it").extend(difference);
                }
            });
        }
    });
    let different = different.into_inner().expect("nobody panics with it");
    println!("ssh and hop ssh: {} situations compared, {} differ", SITUATIONS.len(), different.len());
    assert!(SITUATIONS.len() >= 40 && different.is_empty(), "\n{}", different.join("\n"));
}
