//! What is a make? [`Make`]: a server that is not sshd, how it is started in sshd's place, and what ssh_config has to
//! say for it. The programs come from `tests/makes/get`, which unpacks them below `target`, or from the system.

use std::fs;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, chown};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use crate::skips;
use crate::street::{Other, Server, can_lay_over, new_pair};

/// A server of another make.
pub struct Make {
    /// Programs, as paths below `/usr`, and other files that it takes.
    pub needs: &'static [&'static str],
    /// Gives the program and its arguments.
    pub launch: fn(&Server) -> Vec<String>,
    /// Lines of ssh_config for its host.
    pub settings: &'static [&'static str],
    /// What the part of a killed run is worth there.
    pub part: Part,
    /// Whether files keep their times there.
    pub times: Times,
}

/// Whether a server sets times.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Times {
    /// It does.
    Kept,
    /// It says that it does not, and scp fails with `-p`.
    Unsupported,
}

/// What the next run can do with a part.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    /// It goes on from it.
    GoesOn,
    /// It sends all again: files are written in one piece, from the beginning to the end.
    BeginsAnew,
}

impl Make {
    /// One of our servers in Python, with a library that is there: they differ in nothing else.
    pub const fn in_python(needs: &'static [&'static str], launch: fn(&Server) -> Vec<String>) -> Make {
        Make { needs, launch, settings: &[], part: Part::GoesOn, times: Times::Kept }
    }

    /// What is put in sshd's place; `None` after recording the skip where it cannot be had.
    pub fn other(&self) -> Option<Other> {
        if !can_lay_over() {
            skips::skip("no namespaces or no overlay here, so no host can have a server of another make");
            return None;
        }
        let over = unpacked();
        let is_here = |need: &&str| over.join(need).exists() || Path::new("/usr").join(need).exists();
        match self.needs.iter().find(|need| !is_here(need)) {
            None => Some(Other { launch: self.launch, over }),
            Some(lacking) => {
                skips::skip(&format!("/usr/{lacking} is not installed, and tests/makes/get has not unpacked it"));
                None
            }
        }
    }
}

/// What belongs into `/usr`, where `tests/makes/get` puts it.
pub fn unpacked() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("target/makes/usr")
}

/// The key that a person has for these hosts, beside that of the network: RSA is not for all of them.
pub fn login_key() -> &'static (Vec<u8>, String) {
    static KEY: OnceLock<(Vec<u8>, String)> = OnceLock::new();
    KEY.get_or_init(|| {
        let pair = new_pair("ed25519");
        (pair.private, pair.public)
    })
}

/// Words that begin a daemon, which becomes the user by itself.
pub fn daemon(server: &Server, words: &[&str]) -> Vec<String> {
    let_in(server);
    words.iter().map(|word| (*word).to_owned()).collect()
}

/// Words that begin a server that is the host's user all the time. What it reads is given to that user.
pub fn as_user(server: &Server, words: &[&str]) -> Vec<String> {
    let_in(server);
    let home = format!("HOME={}", server.home.display());
    let mut all = Vec::new();
    if rustix::process::geteuid().is_root() {
        ["authorized_keys", "host_ed25519", "host_rsa"].iter().for_each(|name| give(server, &server.file(name)));
        let (user, group) = owner(server);
        all.extend(["setpriv".to_owned(), format!("--reuid={user}"), format!("--regid={group}")]);
        all.push("--clear-groups".to_owned());
    }
    all.extend(["env".to_owned(), home, "PYTHONDONTWRITEBYTECODE=1".to_owned()]);
    all.extend(words.iter().map(|word| (*word).to_owned()));
    all
}

/// One of our servers in Python, for the system's: the modules that are unpacked are made for it.
pub fn python(server: &Server, text: &str) -> Vec<String> {
    let [ip, port] = [server.listens.ip().to_string(), server.listens.port().to_string()];
    let [key, let_in] = ["host_ed25519", "authorized_keys"].map(|name| path(server, name));
    let home = server.home.display().to_string();
    as_user(server, &["/usr/bin/python3", &script(server, "server.py", text), &ip, &port, &key, &let_in, &home])
}

/// Writes a program's text beside the home folder.
pub fn script(server: &Server, name: &str, text: &str) -> String {
    fs::write(server.file(name), text).expect("write a program");
    path(server, name)
}

/// The path of a file beside the home folder.
pub fn path(server: &Server, name: &str) -> String {
    server.file(name).display().to_string()
}

/// What a program of OpenSSH prints.
pub fn printed(program: &str, words: &[&str]) -> Vec<u8> {
    let out = Command::new(program).args(words).output().unwrap_or_else(|problem| panic!("{program}: {problem}"));
    assert!(out.status.success(), "{program} {words:?}: {}", String::from_utf8_lossy(&out.stderr));
    out.stdout
}

/// Has the login key among the authorized ones, and these also where a login looks that knows no other place.
fn let_in(server: &Server) {
    let authorized = server.file("authorized_keys");
    let lines = fs::read_to_string(&authorized).expect("authorized keys");
    let key = &login_key().1;
    if !lines.contains(key) {
        fs::write(&authorized, lines + key).expect("write authorized keys");
    }
    let folder = server.home.join(".ssh");
    fs::create_dir_all(&folder).expect("a folder");
    fs::copy(&authorized, folder.join("authorized_keys")).expect("copy authorized keys");
    for (file, mode) in [(folder.join("authorized_keys"), 0o600), (folder, 0o700), (server.home.clone(), 0o755)] {
        fs::set_permissions(&file, fs::Permissions::from_mode(mode)).expect("set a mode");
        give(server, &file);
    }
}

fn give(server: &Server, file: &Path) {
    let (user, group) = owner(server);
    chown(file, Some(user), Some(group)).expect("give a file away");
}

/// User and group of the host's user.
pub fn owner(server: &Server) -> (u32, u32) {
    let home = fs::metadata(&server.home).expect("its home");
    (home.uid(), home.gid())
}
