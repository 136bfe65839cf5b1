//! What runs on the source: [`dispatch`], a POSIX shell script that takes one order a line, and the orders ([`share`],
//! [`pack`]). Pure; every name is quoted, whatever bytes it has, for each of the shells that will read it.

use crate::lend::{line, quoted};

/// Bytes of a block that is read at the source; shares begin and end at multiples of it.
pub const BLOCK: u64 = 1 << 20;

/// Bytes of a block that is written at the destination.
const FAR_BLOCK: u64 = 256 << 10;

/// The folder of links to small files, in the private folder.
pub const LINKS: &str = "links";

/// Answers begin with `$d`, the private folder, whose name a login shell that prints cannot know; `$to` is the destination.
/// The login is a master that later clients share; it is ended by its number, for its socket may be gone by then.
const DISPATCH: &str = r#"LC_ALL=C; export LC_ALL; umask 077; nl='
'
mux() { ssh -F "$HOP_LENT" -S "$d/login" "$@"; }
mkdir "$d/links" || exit 1
mux -fNM -c aes128-gcm@openssh.com,aes256-gcm@openssh.com,aes128-ctr,aes256-ctr,chacha20-poly1305@openssh.com -- "$to" || exit 1
unset SSH_AUTH_SOCK
m=$(mux -O check -- "$to" 2>&1); m=${m##*pid=}; m=${m%%)*}
trap 'kill "$m"' EXIT
trap 'exit 1' HUP INT TERM PIPE
far() { mux -o ControlMaster=no -o ProxyCommand=false -- "$to" "$1"; }
told() {
  w=; read -r w <"$d/$1.far"
  rm -f "$d/$1.far" "$d/$1.near"
  printf '%s done %s %s %s %.200s\n' "$d" "$1" "$2" "$3" "$w"
}
share() {
  dd if="$2" bs=1048576 skip="$3" count="$4" 2>"$d/$1.near" | far "$5" >/dev/null 2>"$d/$1.far"
  s=$?; n=; read -r n <"$d/$1.near"
  case $n in *' records in') n=${n%% *};; *) n=-;; esac
  told "$1" "$s" "$n"
}
pack() {
  i=$1 l=$2; shift 2
  tar --hard-dereference -chf - -C "$d/links" "$@" 2>/dev/null | far "$l" >/dev/null 2>"$d/$i.far"
  s=$?
  (cd "$d/links" && rm -f "$@")
  told "$i" "$s" -
}
p=; tar --hard-dereference -cf - -T /dev/null >/dev/null 2>&1 && p=tar
printf '%s ready %s %s\n' "$d" "$d" "$p"
while IFS= read -r o; do eval "$o" & done
"#;

/// Where the script works, once it is ready.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ready {
    /// Its private folder, absolute.
    pub folder: Vec<u8>,
    /// Whether it can send many small files as one stream.
    pub packs: bool,
}

/// The script, for a loan's private folder and the destination's name.
pub fn dispatch(folder: &str, destination: &str) -> Vec<u8> {
    let set = |name: &str, value: &str| [name.as_bytes(), b"=", &quoted(value.as_bytes()), b"\n"].concat();
    [set("d", folder), set("to", destination), DISPATCH.as_bytes().to_vec()].concat()
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
pub fn share(id: u64, source: &[u8], part: &[u8], share: Share) -> Vec<u8> {
    let part = quoted(part);
    let write = format!(" bs={FAR_BLOCK} seek={} conv=notrunc", share.offset / FAR_BLOCK);
    let far = [FAR, b"[ -f ", &part, b" ] && [ ! -L ", &part, b" ] && exec dd of=", &part, write.as_bytes()].concat();
    let (skip, count) = (share.offset / BLOCK, share.length.div_ceil(BLOCK));
    let numbers = format!(" {skip} {count} ");
    [format!("share {id} ").as_bytes(), &on_one_line(source), numbers.as_bytes(), &quoted(&line(&far)), b"\n"].concat()
}

/// The order to send files, by the numbers of their links, into the folder `staging` at the destination.
pub fn pack(id: u64, staging: &[u8], links: &[u64]) -> Vec<u8> {
    let far = [FAR, b"cd ", &quoted(staging), b" && exec tar -xmof -"].concat();
    let links: String = links.iter().map(|link| format!(" {link}")).collect();
    [format!("pack {id} ").as_bytes(), &quoted(&line(&far)), links.as_bytes(), b"\n"].concat()
}

/// What every script for the destination begins with.
const FAR: &[u8] = b"LC_ALL=C; export LC_ALL; umask 077; ";

/// A quoted word without a line feed in it; `$nl` is one in the script.
fn on_one_line(word: &[u8]) -> Vec<u8> {
    let lines: Vec<Vec<u8>> = quoted(word).split(|byte| *byte == b'\n').map(<[u8]>::to_vec).collect();
    lines.join(&br#"'"$nl"'"#[..])
}
