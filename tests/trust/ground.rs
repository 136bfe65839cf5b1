//! The ground of the oracle tests: keys and certificates made by `ssh-keygen`, an sshd that presents one of them on a
//! pipe (no port), and the two clients put before it.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::{Arc, Mutex, OnceLock};

use hop::progress::Silent;
use hop::prompt::{Asking, NoAnswer, Prompt};
use hop::trust::{Lookup, LookupName, Policy, Presented, verify};
use russh::keys::ssh_key::{Certificate, PublicKey};
use tempfile::TempDir;
use zeroize::Zeroizing;

use crate::skips::need;

/// What the tests need of OpenSSH.
pub struct Tools {
    pub ssh: PathBuf,
    pub sshd: PathBuf,
    pub keygen: PathBuf,
}

/// `None` after a loud skip.
pub fn tools() -> Option<Tools> {
    let tools = Tools { ssh: need("ssh")?, sshd: need("sshd")?, keygen: need("ssh-keygen")? };
    if rustix::process::geteuid().is_root() {
        fs::create_dir_all("/run/sshd").expect("sshd's empty folder");
    }
    Some(tools)
}

/// Runs to its end.
pub fn run(command: &mut Command) -> Output {
    command.stdin(Stdio::null()).output().unwrap_or_else(|error| panic!("{command:?}: {error}"))
}

/// Runs, and must succeed.
pub fn must(command: &mut Command) -> String {
    let output = run(command);
    assert!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// A server's identity: a key, maybe in a certificate, and the sshd that shows it.
pub struct Identity {
    pub title: &'static str,
    /// As `HostKeyAlgorithms` names it.
    pub algorithm: &'static str,
    /// The key's line, without names.
    pub key: String,
    pub presented: Presented,
    pub config: PathBuf,
}

/// A folder of keys and certificates.
pub struct World {
    folder: TempDir,
    tools: Tools,
}

/// The types a server's key can have, as `ssh-keygen -t` and known_hosts name them.
const TYPES: [(&str, &str); 3] = [("ed25519", "ssh-ed25519"), ("ecdsa", "ecdsa-sha2-nistp256"), ("rsa", "ssh-rsa")];

/// The certificates on the host's Ed25519 key, and what `ssh-keygen -s` is told.
const CERTIFICATES: [(&str, &[&str]); 7] = [
    ("good", &["-h", "-n", "host", "-V", "always:forever"]),
    ("for any host", &["-h"]),
    ("for another host", &["-h", "-n", "elsewhere,ho*"]),
    ("expired", &["-h", "-n", "host", "-V", "20200101:20210101"]),
    ("not yet valid", &["-h", "-n", "host", "-V", "20900101:20910101"]),
    ("for a user", &["-n", "host"]),
    ("with a critical option", &["-h", "-n", "host", "-O", "critical:not-known@example.org=1"]),
];

impl World {
    pub fn new(tools: Tools) -> World {
        let world = World { folder: tempfile::tempdir().expect("a folder"), tools };
        for owner in ["host", "another", "third"] {
            TYPES.iter().for_each(|(kind, _)| world.make_key(&format!("{owner}-{kind}"), kind));
        }
        world.make_key("authority", "ed25519");
        world.make_key("another-authority", "ecdsa");
        world.configure_all_keys();
        world
    }

    fn make_key(&self, name: &str, kind: &str) {
        let bits: &[&str] = if kind == "rsa" { &["-b", "2048"] } else { &[] };
        must(
            Command::new(&self.tools.keygen)
                .args(["-q", "-t", kind, "-N", "", "-C", "", "-f"])
                .arg(self.path(name))
                .args(bits),
        );
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Type and blob of a key of ours.
    pub fn public(&self, name: &str) -> String {
        let text = fs::read_to_string(self.path(&format!("{name}.pub"))).expect("a key of ours");
        text.split_whitespace().take(2).collect::<Vec<_>>().join(" ")
    }

    /// The host with a plain key of each type.
    pub fn plain(&self) -> Vec<Identity> {
        let identity = |&(kind, algorithm): &(&'static str, &'static str)| {
            let name = format!("host-{kind}");
            let key = self.public(&name);
            let presented = Presented::Key(PublicKey::from_openssh(&key).expect("a key of ours"));
            let algorithm = if kind == "rsa" { "rsa-sha2-512" } else { algorithm };
            let config = self.sshd_config(&name, None);
            Identity { title: kind, algorithm, key, presented, config }
        };
        TYPES.iter().map(identity).collect()
    }

    /// The host with a certificate on its Ed25519 key, one of each kind.
    pub fn certified(&self) -> Vec<Identity> {
        let identity = |&(title, terms): &(&'static str, &[&str])| {
            let subject = format!("subject {title}");
            fs::copy(self.path("host-ed25519.pub"), self.path(&format!("{subject}.pub"))).expect("copy a key");
            let mut sign = Command::new(&self.tools.keygen);
            must(
                sign.arg("-q")
                    .arg("-s")
                    .arg(self.path("authority"))
                    .args(["-I", "id"])
                    .args(terms)
                    .arg(self.path(&format!("{subject}.pub"))),
            );
            let certificate = self.path(&format!("{subject}-cert.pub"));
            let text = fs::read_to_string(&certificate).expect("the certificate");
            let presented = Presented::Certificate(Box::new(Certificate::from_openssh(&text).expect("a certificate")));
            let config = self.sshd_config("host-ed25519", Some(&certificate));
            let key = self.public("host-ed25519");
            Identity { title, algorithm: "ssh-ed25519-cert-v01@openssh.com", key, presented, config }
        };
        CERTIFICATES.iter().map(identity).collect()
    }

    fn sshd_config(&self, key: &str, certificate: Option<&Path>) -> PathBuf {
        let certified = certificate.map(|file| format!("HostCertificate \"{}\"\n", file.display())).unwrap_or_default();
        let text =
            format!("HostKey {}\n{certified}PidFile none\nUsePAM no\nStrictModes no\n", self.path(key).display());
        let name =
            certificate.and_then(Path::file_stem).map_or(key.into(), |stem| stem.to_string_lossy().replace(' ', "_"));
        let file = self.path(&format!("{name}.sshd_config"));
        fs::write(&file, text).expect("write a configuration");
        file
    }

    /// An sshd that has the host's keys of all types and lets the holder of `third-ed25519` in.
    pub fn sshd_with_all_keys(&self) -> PathBuf {
        self.path("all.sshd_config")
    }

    fn configure_all_keys(&self) {
        let keys = TYPES.iter().map(|(kind, _)| format!("HostKey {}\n", self.path(&format!("host-{kind}")).display()));
        let login = format!("PermitRootLogin yes\nAuthorizedKeysFile {}\n", self.path("third-ed25519.pub").display());
        let text = keys.collect::<String>() + "PidFile none\nUsePAM no\nStrictModes no\n" + &login;
        fs::write(self.sshd_with_all_keys(), text).expect("write a configuration");
    }

    /// `ssh` before an sshd on a pipe; it will not log in.
    pub fn ssh(&self, sshd_config: &Path, files: &Files, options: &[String]) -> Command {
        let mut ssh = Command::new(&self.tools.ssh);
        ssh.args(["-o", "PreferredAuthentications=none"]);
        self.put_before(&mut ssh, sshd_config, files, options);
        ssh
    }

    fn put_before(&self, ssh: &mut Command, sshd_config: &Path, files: &Files, options: &[String]) {
        let proxy = format!("{} -i -f {}", self.tools.sshd.display(), sshd_config.display());
        ssh.args(["-F", "none", "-T", "-o", "KexAlgorithms=curve25519-sha256"]);
        // else a folder below it is written with ~
        ssh.env("HOME", "/nonexistent");
        ssh.arg("-o").arg(format!("ProxyCommand={proxy}"));
        ssh.arg("-o").arg(format!("UserKnownHostsFile={}", files.user().display()));
        ssh.arg("-o").arg(format!("GlobalKnownHostsFile={}", files.global().display()));
        for option in options {
            ssh.arg("-o").arg(option);
        }
    }

    /// `ssh` before an sshd that has all keys, to log in as the holder of `third-ed25519`.
    pub fn ssh_for_logins(&self, files: &Files, options: &[String]) -> Command {
        let mut ssh = Command::new(&self.tools.ssh);
        self.put_before(&mut ssh, &self.sshd_with_all_keys(), files, options);
        ssh.args(["-o", "PreferredAuthentications=publickey", "-o", "IdentitiesOnly=yes", "-i"]);
        ssh.arg(self.path("third-ed25519"));
        ssh
    }

    pub fn keygen(&self) -> Command {
        Command::new(&self.tools.keygen)
    }
}

/// The known_hosts files of one run.
pub struct Files(TempDir);

impl Files {
    pub fn new(user: &str, global: &str) -> Files {
        let files = Files(tempfile::tempdir().expect("a folder"));
        fs::write(files.user(), user).expect("write known_hosts");
        fs::write(files.global(), global).expect("write known_hosts");
        files
    }

    pub fn user(&self) -> PathBuf {
        self.0.path().join("known_hosts")
    }

    pub fn global(&self) -> PathBuf {
        self.0.path().join("ssh_known_hosts")
    }

    /// What the user's file says now, with the folder's name taken out.
    pub fn text(&self) -> String {
        fs::read_to_string(self.user()).expect("read known_hosts")
    }

    fn anonymous(&self, text: &str) -> String {
        text.replace(&self.0.path().display().to_string(), "")
    }

    pub fn lookup(&self, port: u16, policy: Policy) -> Lookup {
        let (user_files, global_files) = (vec![self.user()], vec![self.global()]);
        let name = LookupName::Host { hostname: "host".to_owned(), port };
        Lookup { user_files, global_files, policy, ..Lookup::new(name) }
    }
}

/// How strict to be, and who is there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Manner {
    Strict,
    AskNobody,
    AskYes,
    AskNo,
    AcceptNew,
    Off,
}

impl Manner {
    fn policy(self) -> Policy {
        match self {
            Manner::Strict => Policy::Strict,
            Manner::AskNobody | Manner::AskYes | Manner::AskNo => Policy::Ask,
            Manner::AcceptNew => Policy::AcceptNew,
            Manner::Off => Policy::Off,
        }
    }

    fn keyword(self) -> &'static str {
        match self.policy() {
            Policy::Strict => "yes",
            Policy::Ask => "ask",
            Policy::AcceptNew => "accept-new",
            Policy::Off => "no",
        }
    }

    fn answer(self) -> Option<&'static str> {
        match self {
            Manner::AskYes => Some("yes"),
            Manner::AskNo => Some("no"),
            _ => None,
        }
    }
}

/// What a client made of a server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outcome {
    pub accepted: bool,
    /// The user's known_hosts afterwards.
    pub file: String,
    /// What a person was asked.
    pub question: Option<String>,
    /// Its words for a refusal.
    pub why: String,
}

impl World {
    /// The outcome of the real `ssh`.
    pub fn by_ssh(&self, identity: &Identity, files: &Files, port: u16, manner: Manner) -> Outcome {
        let options = [
            format!("StrictHostKeyChecking={}", manner.keyword()),
            format!("HostKeyAlgorithms={}", identity.algorithm),
            format!("Port={port}"),
            format!("BatchMode={}", if manner.answer().is_some() { "no" } else { "yes" }),
        ];
        let mut ssh = self.ssh(&identity.config, files, &options);
        let heard = files.0.path().join("heard");
        if let Some(answer) = manner.answer() {
            ssh.env("SSH_ASKPASS", self.askpass()).env("SSH_ASKPASS_REQUIRE", "force");
            ssh.env("ANSWER", answer).env("HEARD", &heard);
        }
        let why = String::from_utf8_lossy(&run(ssh.arg("nobody@host")).stderr).into_owned();
        let refused = why.contains("Host key verification failed.");
        assert_ne!(refused, why.contains("Permission denied"), "no verdict from ssh:\n{why}");
        let question = fs::read_to_string(heard).ok().map(|text| files.anonymous(&text));
        Outcome { accepted: !refused, file: files.text(), question, why }
    }

    fn askpass(&self) -> PathBuf {
        use std::os::unix::fs::PermissionsExt as _;
        static ONCE: Mutex<()> = Mutex::new(());
        let _turn = ONCE.lock();
        let file = self.path("askpass");
        if !file.exists() {
            let text = "#!/bin/sh\nprintf %s \"$1\" > \"$HEARD\"\necho \"$ANSWER\"\n";
            let new = self.path("askpass.new");
            fs::write(&new, text).expect("write a script");
            fs::set_permissions(&new, fs::Permissions::from_mode(0o700)).expect("set its mode");
            fs::rename(new, &file).expect("name it");
        }
        file
    }
}

/// Answers one thing always.
struct Person {
    answer: &'static str,
    heard: OnceLock<String>,
}

impl Prompt for Person {
    fn secret(&self, _: &str) -> Result<Zeroizing<String>, NoAnswer> {
        panic!("host keys are no secret")
    }

    fn answer(&self, question: &str) -> Result<String, NoAnswer> {
        self.heard.set(question.to_owned()).expect("one question");
        Ok(self.answer.to_owned())
    }

    fn is_there(&self) -> bool {
        true
    }
}

/// The outcome of hop.
pub fn by_hop(identity: &Identity, files: &Files, port: u16, manner: Manner) -> Outcome {
    let person = manner.answer().map(|answer| Arc::new(Person { answer, heard: OnceLock::new() }));
    let asking = match &person {
        Some(person) => Asking::new(person.clone()),
        None => Asking::nobody(),
    };
    let lookup = files.lookup(port, manner.policy());
    let verdict = block_on(verify(&lookup, &identity.presented, asking, &Silent));
    let question = person.and_then(|person| person.heard.get().map(|question| files.anonymous(question)));
    let why = verdict.as_ref().err().map(ToString::to_string).unwrap_or_default();
    Outcome { accepted: verdict.is_ok(), file: files.text(), question, why }
}

/// Runs a future to its end.
pub fn block_on<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime").block_on(future)
}
