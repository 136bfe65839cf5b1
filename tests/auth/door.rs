//! One real sshd a connection (`sshd -i` on a socket pair: no port, no root, no race), and a client at its door.

use std::fs::{self, File, OpenOptions};
use std::io::Write as _;
use std::os::fd::OwnedFd;
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use hop::auth::{AuthError, Authenticated, Keyring, authenticate};
use hop::config::{Configuration, Flags, Host, LocalEnv};
use hop::target::HostSpec;
use russh::client::{Config, DisconnectReason, Handle, Handler, Session, connect_stream};
use russh::keys::PublicKeyOrCertificate;
use tempfile::TempDir;

use crate::skips::{need, skip};

/// An sshd that takes the current user's keys.
pub struct Sshd {
    folder: TempDir,
    sshd: PathBuf,
    lines: Vec<String>,
    mounts: Option<String>,
}

impl Sshd {
    /// `None` after recording a skip.
    pub fn new() -> Option<Sshd> {
        let (sshd, _) = (need("sshd")?, need("ssh-keygen")?);
        if is_locked() {
            skip("the current user's account is locked, and sshd without PAM refuses it");
            return None;
        }
        if rustix::process::geteuid().is_root() {
            fs::create_dir_all("/run/sshd").expect("sshd's empty folder");
        }
        let folder = tempfile::tempdir().expect("a folder for sshd");
        shell(folder.path(), "ssh-keygen -q -t ed25519 -N '' -f host; : > authorized; : > log");
        Some(Sshd { folder, sshd, lines: Vec::new(), mounts: None })
    }

    /// Puts a line before those every door has.
    pub fn line(mut self, line: impl Into<String>) -> Sshd {
        self.lines.push(line.into());
        self
    }

    /// Runs sshd in a mount namespace after this script. Only as root.
    pub fn inside(self, mounts: String) -> Sshd {
        Sshd { mounts: Some(mounts), ..self }
    }

    /// Lets a public key in.
    pub fn authorize(&self, public: &str) {
        let mut file = OpenOptions::new().append(true).open(self.path("authorized")).expect("authorized keys");
        writeln!(file, "{}", public.trim_end()).expect("write an authorized key");
    }

    /// What sshd wrote.
    pub fn log(&self) -> String {
        fs::read_to_string(self.path("log")).expect("sshd's log")
    }

    /// How often sshd was asked for a method.
    pub fn asked(&self, method: &str) -> usize {
        self.log().matches(&format!("service ssh-connection method {method}")).count()
    }

    /// A place for the test's own files.
    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// The same as a ProxyCommand: one sshd for each connection.
    pub fn proxy_command(&self) -> String {
        self.configure();
        let path = |name: &str| self.path(name).display().to_string();
        let run = format!("exec {} -i -e -f {} 2>>{}", self.sshd.display(), path("config"), path("log"));
        match &self.mounts {
            None => run,
            Some(mounts) => {
                fs::write(self.path("door"), format!("set -eu\n{mounts}\n{run}\n")).expect("a script");
                format!("unshare --mount sh {}", path("door"))
            }
        }
    }

    fn configure(&self) {
        let path = |name: &str| self.path(name).display().to_string();
        let always = [
            format!("HostKey {}", path("host")),
            format!("AuthorizedKeysFile {}", path("authorized")),
            format!("UsePAM {}", if rustix::process::geteuid().is_root() { "no" } else { "yes" }),
            "PidFile none\nStrictModes no\nPermitRootLogin yes\nLogLevel DEBUG1".to_owned(),
            "PasswordAuthentication no\nKbdInteractiveAuthentication no".to_owned(),
        ];
        let config = [&self.lines[..], &always].concat().join("\n") + "\n";
        fs::write(self.path("config"), config).expect("sshd's config");
    }

    fn start(&self) -> (UnixStream, Child) {
        self.configure();
        let (ours, theirs) = UnixStream::pair().expect("a socket pair");
        let theirs = OwnedFd::from(theirs);
        let log = File::options().append(true).open(self.path("log")).expect("sshd's log");
        let mut command = match &self.mounts {
            None => Command::new(&self.sshd),
            Some(mounts) => {
                let mut command = Command::new("unshare");
                command.args(["--mount", "sh", "-euc", &format!("{mounts}; exec \"$@\""), "sh"]).arg(&self.sshd);
                command
            }
        };
        let child = command
            .args(["-i", "-e", "-f"])
            .arg(self.path("config"))
            .stdin(Stdio::from(theirs.try_clone().expect("a second descriptor")))
            .stdout(Stdio::from(theirs))
            .stderr(log)
            .spawn()
            .expect("sshd starts");
        (ours, child)
    }

    /// A connection whose host key has been exchanged.
    pub async fn connect(&self) -> Connection {
        let (ours, child) = self.start();
        ours.set_nonblocking(true).expect("a socket that does not block");
        let stream = tokio::net::UnixStream::from_std(ours).expect("a stream for tokio");
        let said = Arc::default();
        let client = Client { said: Arc::clone(&said) };
        let handle = connect_stream(Arc::new(Config::default()), stream, client).await;
        let handle = handle.unwrap_or_else(|error| panic!("no key exchange: {error}\n{}", self.log()));
        Connection { handle: Some(handle), said, child }
    }

    /// One login with the given lines of ssh_config.
    pub async fn login(&self, config: &str, keyring: &Keyring) -> Result<Authenticated, AuthError> {
        let mut connection = self.connect().await;
        let outcome = connection.login(&self.host(config), keyring).await;
        connection.close().await;
        outcome
    }

    /// The host `door` with the given lines of ssh_config.
    pub fn host(&self, config: &str) -> Host {
        host(self.folder(), config)
    }
}

/// The host `door`, resolved from lines of ssh_config, for somebody whose home is `folder`.
pub fn host(folder: &Path, config: &str) -> Host {
    let file = folder.join("ssh_config");
    fs::write(&file, format!("Host door\n  HostName 127.0.0.1\n{config}\n")).expect("an ssh_config");
    let flags = Flags { config_file: Some(file), ..Flags::default() };
    let local_env = LocalEnv { home: folder.to_owned(), user: me(), ..LocalEnv::default() };
    let target = HostSpec { user: None, host: "door".into(), port: None };
    let hops = Configuration::load(flags, local_env).and_then(|configuration| configuration.resolve(&target));
    hops.expect("a good ssh_config").pop().expect("at least the target")
}

/// One connection, and what is at both of its ends.
pub struct Connection {
    handle: Option<Handle<Client>>,
    said: Arc<Mutex<Option<String>>>,
    child: Child,
}

impl Connection {
    pub async fn login(&mut self, host: &Host, keyring: &Keyring) -> Result<Authenticated, AuthError> {
        authenticate(self.handle.as_mut().expect("open until it is closed"), host, keyring).await
    }

    /// Hangs up and lets sshd end by itself, so that all it did stands in its log.
    async fn close(mut self) {
        drop(self.handle.take());
        let begin = Instant::now();
        while self.child.try_wait().expect("sshd can be waited for").is_none() {
            assert!(begin.elapsed() < Duration::from_secs(60), "sshd does not end");
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    /// The text of the server's DISCONNECT, if it sent one.
    pub fn last_words(&self) -> Option<String> {
        self.said.lock().expect("no panic while it is held").clone()
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        // it may have ended by itself
        let _ = self.child.kill();
        self.child.wait().expect("sshd can be waited for");
    }
}

/// Trusts the test's own server.
pub struct Client {
    said: Arc<Mutex<Option<String>>>,
}

impl Handler for Client {
    type Error = russh::Error;

    async fn check_server_key(&mut self, _: &PublicKeyOrCertificate) -> Result<bool, russh::Error> {
        Ok(true)
    }

    async fn disconnected(&mut self, reason: DisconnectReason<russh::Error>) -> Result<(), russh::Error> {
        if let DisconnectReason::ReceivedDisconnect(info) = reason {
            *self.said.lock().expect("no panic while it is held") = Some(info.message);
        }
        Ok(())
    }

    async fn auth_banner(&mut self, _: &str, _: &mut Session) -> Result<(), russh::Error> {
        Ok(())
    }
}

/// Runs a shell script in `folder`; what it prints.
pub fn shell(folder: &Path, script: &str) -> String {
    let out = Command::new("sh").args(["-euc", script]).current_dir(folder).stdin(Stdio::null()).output();
    let out = out.expect("sh starts");
    assert!(out.status.success(), "{script}\n{}", String::from_utf8_lossy(&out.stderr));
    String::from_utf8_lossy(&out.stdout).into_owned()
}

/// Sets a file's mode.
pub fn chmod(file: &Path, mode: u32) {
    fs::set_permissions(file, fs::Permissions::from_mode(mode)).expect("chmod");
}

/// The current user's name.
pub fn me() -> String {
    shell(Path::new("/"), "id -un").trim_end().to_owned()
}

/// sshd without PAM reads the shadow file: `!` locks an account, `*` only its password. Where it cannot read that file,
/// it calls every account locked: with PAM it does not ask.
fn is_locked() -> bool {
    let me = me();
    let shadow = fs::read_to_string("/etc/shadow").unwrap_or_default();
    shadow.lines().any(|line| line.strip_prefix(&me).is_some_and(|rest| rest.starts_with(":!")))
}
