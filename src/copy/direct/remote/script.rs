//! What runs at the end that logs in at the other, the near one: [`dispatch`], a POSIX shell script that takes one order a
//! line, and the orders ([`share`], [`pack`]). An order is what reads, at the source, and what writes, at the destination;
//! which of them is near depends on the [`Direction`]. Pure; every name is quoted, whatever bytes it has, for each of the
//! shells that will read it.

use crate::copy::direct::engine::Engine;
use crate::copy::route::Direction;
use crate::lend::{Loan, Seal, line, quoted};

/// Bytes of a block that is read at the source; shares begin and end at multiples of it.
pub const BLOCK: u64 = 1 << 20;

/// Bytes of a block that is written at the destination.
const WRITTEN: u64 = 256 << 10;

/// The folder of links to small files, in the private folder.
pub const LINKS: &str = "links";

/// `$host` is the far host; `mux` is the login there.
const ENDS: &str = r#"LC_ALL=C; export LC_ALL; umask 077
mux() { ssh -F "$HOP_LENT" -S "$d/login" "$@"; }
near() { (eval "$1"); }
far() { mux -o ControlMaster=no -o ProxyCommand=false -- "$host" "$1"; }
"#;

/// Answers begin with `$d`, the private folder, whose name a login shell that prints cannot know. The login is a master
/// that later clients share. It runs in this script's process group, so that whatever ends the group ends it, and is ended
/// by its number, for its socket may be gone by then; it is logged in once its socket is there.
const LOGIN: &str = r#"[ ! -e "$d/login" ] || rm -f "$d/login"
[ -d "$d/links" ] || mkdir "$d/links" || exit 1
m=
trap 'm=${m:-$!}; [ -z "$m" ] || kill -s KILL "$m" 2>/dev/null' EXIT
trap 'exit 1' HUP INT TERM PIPE
mux -nNM -c aes128-gcm@openssh.com,aes256-gcm@openssh.com,aes128-ctr,aes256-ctr,chacha20-poly1305@openssh.com -- "$host" >/dev/null & m=$!
until [ -S "$d/login" ]; do
  kill -s 0 "$m" 2>/dev/null || exit 1
  sleep 0.03 2>/dev/null || sleep 1 || exit 1
done
unset SSH_AUTH_SOCK
"#;

/// Reads near, writes far: what a far login shell prints is nobody's data. `judge` has nothing to add to what the writer
/// said. Whether there is a tar is found out beside the login.
const PUSH: &str = r#"from() { near "$1"; }
to() { far "$1"; }
judge() { :; }
from "$tar" </dev/null >/dev/null 2>&1 & t=$!
packs() { wait "$t"; }
"#;

/// Reads far, writes near: data begins after a line that a far login shell which prints cannot know. A reader that was lost
/// is worth more words than a writer that only saw the end of it; and a writer here is no lost login, however it ended.
const PULL: &str = r#"from() { far "$1"; }
to() { begun && near "$1"; }
begun() { while IFS= read -r w; do [ "$w" != "$d" ] || return 0; done; return 120; }
packs() { from "$tar" </dev/null >/dev/null 2>&1; }
judge() {
  [ "$s" -lt 128 ] || s=1
  case $s in
  0) [ "$f" -lt 128 ] || s=$f says=$d/$1.from ;;
  120) [ "$f" = 0 ] || s=$f; says=$d/$1.from ;;
  esac
}
"#;

/// `send NUMBER READER WRITER`: answers with the writer's exit status, what the reader said it has read, and a complaint.
const ORDERS: &str = r#"send() {
  { from "$2" </dev/null 2>"$d/$1.from"; echo $? >"$d/$1.ended"; } | to "$3" >/dev/null 2>"$d/$1.to"
  s=$? f=0 n=- says=$d/$1.to
  read -r f <"$d/$1.ended"; f=${f:-0}
  judge "$1"
  while read -r w; do case $w in *' records in') n=${w%% *};; esac; done <"$d/$1.from"
  c=; while IFS= read -r w; do case $w in dd:*|tar:*) c=$w; break;; esac; c=${c:-$w}; done <"$says"
  rm -f "$d/$1.from" "$d/$1.ended" "$d/$1.to"
  printf '%s done %s %s %s %.200s\n' "$d" "$1" "$s" "$n" "$c"
}
p=; packs && p=tar
printf '\n%s ready %s %s\n' "$d" "$d" "$p"
while IFS= read -r o; do eval "$o" & done
"#;

/// Packs what the links `$@` lead to, and removes them. GNU's tar can be told that two names of one file are two files;
/// others would send the second as a link to the first, so that such files are left out, and go by themselves.
const PACKED: &str = r#"{
if tar --hard-dereference -cf - -T /dev/null >/dev/null 2>&1; then tar --hard-dereference -chf - "$@"
else tar -chf - $(ls -lL "$@" | while read -r _ l r; do [ "$l" != 1 ] || echo "${r##* }"; done)
fi 2>/dev/null
rm -f "$@"
}"#;

/// `put NUMBER LINE…`: has sftp(1) carry out the lines; answers with its exit status and its first complaint.
const PUTS: &str = r#"put() {
  i=$1; shift
  printf '%s\n' "$@" | sftp -b - -B 261120 -R 64 -F "$HOP_LENT" -o ControlPath="$d/login" -o ControlMaster=no -o ProxyCommand=false -- "$host" >/dev/null 2>"$d/$i.to"
  s=$? c=
  while IFS= read -r w; do case $w in ''|Connected\ to*) ;; *) c=${c:-$w};; esac; done <"$d/$i.to"
  rm -f "$d/$i.to"
  printf '%s done %s %s - %.200s\n' "$d" "$i" "$s" "$c"
}
printf '\n%s ready %s %s\n' "$d" "$d" sftp
while IFS= read -r o; do eval "$o" & done
"#;

/// The word that a batch for sftp(1) begins with.
pub const BATCH: &str = "put";

/// Where the script works, once it is ready.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ready {
    /// Its private folder, absolute.
    pub folder: Vec<u8>,
    /// Whether it can send many small files together.
    pub packs: bool,
}

/// Which of the two ends is far, and how it is told what to do there: by a line for its login shell, sealed where it takes
/// no others.
pub struct Far {
    direction: Direction,
    /// What data from there begins after.
    token: String,
    seal: Option<Seal>,
}

impl Far {
    /// The other end of a loan.
    pub fn new(direction: Direction, loan: &Loan) -> Far {
        Far { direction, token: loan.folder().to_owned(), seal: loan.seal().cloned() }
    }

    /// What runs at the source.
    fn reader(&self, script: &[u8]) -> Vec<u8> {
        match self.direction {
            Direction::Push => line(script),
            Direction::Pull => self.there([b"echo hop; echo ", self.token.as_bytes(), b"; ", &line(script)].concat()),
        }
    }

    /// What runs at the destination.
    fn writer(&self, script: &[u8]) -> Vec<u8> {
        match self.direction {
            Direction::Push => self.there(line(script)),
            Direction::Pull => line(script),
        }
    }

    /// Whether these words of its say that it takes no more orders, sealed or not.
    pub fn is_shut(&self, words: &str) -> bool {
        self.seal.as_ref().is_some_and(|seal| seal.is_shut_out(words))
    }

    fn there(&self, line: Vec<u8>) -> Vec<u8> {
        match &self.seal {
            Some(seal) => seal.sealed(&line),
            None => line,
        }
    }
}

/// The script, for a loan's private folder and the far host's name.
pub fn dispatch((far, engine): (&Far, Engine), folder: &str, host: &str) -> Vec<u8> {
    let set = |name: &str, value: &[u8]| [name.as_bytes(), b"=", &quoted(value), b"\n"].concat();
    let tar = far.reader(b"command -v tar");
    let ends = match far.direction {
        Direction::Push => PUSH,
        Direction::Pull => PULL,
    };
    let script = match engine {
        Engine::Streams => [ENDS, ends, LOGIN, ORDERS].concat(),
        Engine::Puts => [ENDS, LOGIN, PUTS].concat(),
    };
    let script = script.into_bytes();
    [set("d", folder.as_bytes()), set("host", host.as_bytes()), set("tar", &tar), script].concat()
}

/// A part of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Share {
    /// Where it begins, a multiple of [`BLOCK`].
    pub offset: u64,
    /// Its length in bytes; only the last share of a file ends between two blocks.
    pub length: u64,
}

impl Share {
    /// What `dd` says it has read when all of it was there: `FULL+PARTIAL`.
    pub fn records(self) -> String {
        format!("{}+{}", self.length / BLOCK, u64::from(!self.length.is_multiple_of(BLOCK)))
    }
}

/// The order to send a share of `source` into the file `part` at the destination; both paths absolute.
pub fn share(far: &Far, number: u64, (source, part): (&[u8], &[u8]), share: Share) -> Vec<u8> {
    let (source, part) = (quoted(source), quoted(part));
    let (skip, count) = (share.offset / BLOCK, share.length.div_ceil(BLOCK));
    let blocks = format!(" bs={BLOCK} skip={skip} count={count}");
    let read = [b"exec dd if=", &source[..], blocks.as_bytes()].concat();
    let blocks = format!(" bs={WRITTEN} seek={} conv=notrunc", share.offset / WRITTEN);
    let write = [b"[ -f ", &part[..], b" ] && [ ! -L ", &part, b" ] && exec dd of=", &part, blocks.as_bytes()].concat();
    order(far, number, (&read, &write))
}

/// The order to send files, by the numbers of their links in the folder `links` at the source, into the folder `staging`
/// at the destination. The links are removed.
pub fn pack(far: &Far, number: u64, (links, staging): (&[u8], &[u8]), numbers: &[u64]) -> Vec<u8> {
    let numbers: String = numbers.iter().map(|link| format!(" {link}")).collect();
    let read = [b"cd ", &quoted(links)[..], b" && set --", numbers.as_bytes(), b" && ", PACKED.as_bytes()].concat();
    // in a private folder, with the user's own mask: most files have their modes then
    let write = [b"cd ", &quoted(staging)[..], b" && exec tar -xmof -"].concat();
    framed(far, number, (b"umask 077; ", &read), (b"", &write))
}

fn order(far: &Far, number: u64, (read, write): (&[u8], &[u8])) -> Vec<u8> {
    framed(far, number, (b"umask 077; ", read), (b"umask 077; ", write))
}

fn framed(far: &Far, number: u64, read: (&[u8], &[u8]), write: (&[u8], &[u8])) -> Vec<u8> {
    // a login shell may have greeted without ending its line
    const BEFORE: &[u8] = b"LC_ALL=C; export LC_ALL; echo >&2; ";
    let read = quoted(&far.reader(&[BEFORE, read.0, read.1].concat()));
    let write = quoted(&far.writer(&[BEFORE, write.0, write.1].concat()));
    [format!("send {number} ").as_bytes(), &read, b" ", &write, b"\n"].concat()
}
