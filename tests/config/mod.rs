//! Where? Our reading of ssh_config is compared with `ssh -G`, keyword by keyword.
//!
//! The oracle is OpenSSH 9.2p1 as Debian builds it. Of another OpenSSH only the keywords in [`oracle::PLAIN`] are
//! compared, as defaults and forms change from version to version.
//!
//! # Known differences, and why
//!
//! - **Keywords and criteria that came after 9.2** (`Tag`, `RefuseConnection`, `ChannelTimeout`, `Match tagged`, …) and
//!   `mlkem768x25519-sha256` and `%j` are taken; 9.2 refuses them. A configuration shared with a newer ssh must work.
//! - **`${VAR}` and tokens in `Include`** are expanded, as newer versions do; 9.2 looks for files of such names.
//! - **A line that is not UTF-8** is refused unless it is a comment; ssh passes the bytes on.
//! - **A configuration file that is there but cannot be read** is an error; ssh goes on without it.
//! - **Group-writable files** are refused, as OpenSSH does; Debian's build takes one whose group holds only its owner.
//! - **Names that a shell could act on** are refused in `HostName` and `ProxyJump` when the host is resolved; ssh 9.2
//!   refuses them on its command line only. `dump` shows them, as `ssh -G` does.
//! - **`Match exec` below an `Include` in a block that does not apply** is not run: its outcome cannot matter.
//! - **`ProxyJump none # why`** is `none`; ssh jumps to a host of that name when a comment follows.
//! - **A list of algorithms that names none (`MACs ,`)** is refused; `ssh -G` complains and prints it unexpanded.
//! - **`ForkAfterAuthentication yes`** without a command ends `ssh -G`; hop shows the value.
//! - **A jump written as an `ssh://` URI** may be an address in brackets; 9.2 takes names only.
//! - **The built-in lists of algorithms** are what hop offers: without `umac-*` and `sntrup761*`, which it does not speak
//!   ([`oracle::OTHERWISE`]), with AES-GCM first where the processor helps. A list that is configured keeps what it names.
//! - **Loops of jumps** are refused when the host is resolved, however long; `ssh -G` sees only a jump to the host itself.

mod aliases;
mod files;
mod flags;
mod generated;
mod jumps;
mod oracle;

use std::fs;
use std::path::{Path, PathBuf};

use oracle::Oracle;

/// How many situations the corpus must hold.
const FEWEST: usize = 80;

fn corpus() -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/config/corpus");
    let mut files: Vec<PathBuf> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    files
}

#[test]
fn every_situation_is_read_as_ssh_reads_it() {
    let Some(oracle) = Oracle::find() else { return };
    let files = corpus();
    let (mut hosts, mut findings) = (0, Vec::new());
    for file in &files {
        let situation = file.file_stem().unwrap().to_string_lossy().replace('_', " ");
        let text = fs::read_to_string(file).unwrap();
        let case = oracle.case(&text);
        assert!(!case.hosts.is_empty(), "{situation}: no `# host:` line");
        for host in &case.hosts {
            hosts += 1;
            findings
                .extend(oracle.differences(&case, host).iter().map(|found| format!("{situation} ({host}): {found}")));
        }
    }
    println!("{} situations, {hosts} hosts compared with {}", files.len(), oracle.version);
    assert!(findings.is_empty(), "\n{}", findings.join("\n"));
    assert!(files.len() >= FEWEST, "{} situations, {FEWEST} at least", files.len());
}
