//! What this machine lacks: a test asks here for the real component it needs, and a missing one is said aloud.

use std::fs::OpenOptions;
use std::io::Write as _;
use std::path::{Path, PathBuf};

/// Where Debian keeps what is not on everybody's `PATH`.
const BEYOND_PATH: [&str; 4] = ["/usr/sbin", "/sbin", "/usr/lib/openssh", "/usr/libexec/openssh"];

/// The tool's full path, or `None` after recording the skip (a panic under `CI=true`).
pub fn need(tool: &str) -> Option<PathBuf> {
    let found = find(tool);
    if found.is_none() {
        skip(&format!("{tool} is not installed"));
    }
    found
}

/// The tool's full path, if it is installed. Nothing is recorded.
pub fn find(tool: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path)
        .chain(BEYOND_PATH.iter().map(PathBuf::from))
        .map(|folder| folder.join(tool))
        .find(|candidate| is_program(candidate))
}

/// True as root, when it is needed; else `false` after recording the skip.
pub fn need_root(why: &str) -> bool {
    let root = rustix::process::geteuid().is_root();
    if !root {
        skip(&format!("only as root: {why}"));
    }
    root
}

/// Records that the running test is skipped, and why; panics under `CI=true`.
pub fn skip(why: &str) {
    let test = std::thread::current().name().unwrap_or("a test").to_owned();
    assert!(std::env::var_os("CI").is_none_or(|ci| ci != "true"), "skipped under CI=true: {test}: {why}");
    record(why);
}

/// What a machine may lack whatever is installed on it.
#[derive(Debug, Clone, Copy)]
pub enum Lacking {
    /// A Docker engine that answers and can make an image.
    Containers,
    /// Network namespaces with a tun device or a cable between them.
    Networks,
    /// An IPv6 address on loopback.
    Ipv6,
}

/// Records that the running test is skipped because this machine cannot do it at all, whatever is installed. Under
/// `CI=true` it panics unless `HOP_CI_LACKS` names the thing: `.ci/run` looks for itself what its machine lacks.
pub fn cannot(lacking: Lacking, why: &str) {
    let is_ci = std::env::var_os("CI").is_some_and(|ci| ci == "true");
    let lacks = std::env::var("HOP_CI_LACKS").unwrap_or_default();
    let word = format!("{lacking:?}").to_lowercase();
    assert!(
        !is_ci || lacks.split_whitespace().any(|lack| lack == word),
        "skipped under CI=true, which has {word}: {why}"
    );
    record(&format!("{why} (it cannot run here)"));
}

fn record(why: &str) {
    let test = std::thread::current().name().unwrap_or("a test").to_owned();
    eprintln!("SKIPPED {test}: {why}");
    if let Some(file) = std::env::var_os("HOP_SKIPS") {
        let mut list = OpenOptions::new().create(true).append(true).open(file).expect("HOP_SKIPS can be written");
        list.write_all(format!("{test}: {why}\n").as_bytes()).expect("HOP_SKIPS can be written");
    }
}

fn is_program(path: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt as _;
    path.metadata().is_ok_and(|found| found.is_file() && found.permissions().mode() & 0o111 != 0)
}

#[test]
fn a_tool_that_is_there_is_found() {
    assert_eq!(need("sh").map(|path| path.is_absolute()), Some(true));
    assert_eq!(find("no-such-tool-anywhere"), None);
}
