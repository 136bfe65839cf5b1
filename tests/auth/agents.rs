//! Keys that stay in an agent: a real ssh-agent, and agents that misbehave.

use std::io::{Read as _, Write as _};
use std::os::unix::net::UnixListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use hop::agent::AgentClient;
use hop::auth::AuthError;

use super::door::{Sshd, shell};
use super::person::{Person, alone};
use crate::skips::need;

/// A real ssh-agent with a folder for its keys.
pub struct Agent {
    folder: tempfile::TempDir,
    child: Child,
}

impl Agent {
    /// `None` after recording a skip.
    pub fn new() -> Option<Agent> {
        let (program, _) = (need("ssh-agent")?, need("ssh-add")?);
        let folder = tempfile::tempdir().expect("a folder for the agent");
        let socket = folder.path().join("socket");
        let child = Command::new(program).arg("-D").arg("-a").arg(&socket).stdout(Stdio::null()).spawn();
        let child = child.expect("ssh-agent starts");
        let agent = Agent { folder, child };
        let begin = Instant::now();
        while !agent.socket().exists() {
            assert!(begin.elapsed() < Duration::from_secs(60), "ssh-agent does not listen");
            std::thread::sleep(Duration::from_millis(10));
        }
        Some(agent)
    }

    pub fn socket(&self) -> PathBuf {
        self.folder.path().join("socket")
    }

    /// Makes a key with `ssh-keygen arguments`, gives it to the agent, and gives back its public half.
    pub fn add(&self, name: &str, arguments: &str) -> String {
        self.add_with(name, arguments, "")
    }

    /// The same, with arguments for ssh-add.
    pub fn add_with(&self, name: &str, arguments: &str, add: &str) -> String {
        let keygen = format!("ssh-keygen -q -N '' -C '{name}' -f {name} {arguments}");
        shell(self.folder.path(), &format!("{keygen}; SSH_AUTH_SOCK=socket ssh-add -q {add} {name}"));
        std::fs::read_to_string(self.folder.path().join(format!("{name}.pub"))).expect("the public half")
    }

    /// Gives it a key file, with arguments for ssh-add; whether it took it.
    pub fn hold(&self, file: &Path, add: &str) -> bool {
        let line = format!("SSH_AUTH_SOCK=socket ssh-add -q {add} '{}'", file.display());
        Command::new("sh").args(["-c", &line]).current_dir(&self.folder).status().expect("sh runs").success()
    }

    pub fn file(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub fn config(&self) -> String {
        format!("IdentityAgent \"{}\"\n", self.socket().display())
    }
}

impl Drop for Agent {
    fn drop(&mut self) {
        self.child.kill().expect("ssh-agent can be killed");
        self.child.wait().expect("ssh-agent can be waited for");
    }
}

#[tokio::test]
async fn keys_of_every_type_sign_from_the_agent() {
    let (Some(sshd), Some(agent)) = (Sshd::new(), Agent::new()) else { return };
    for (name, kind) in [("ed", "-t ed25519"), ("ec", "-t ecdsa -b 384"), ("rsa", "-t rsa -b 2048")] {
        let sshd = Sshd::new().expect("it was there a moment ago");
        sshd.authorize(&agent.add(name, kind));
        let authenticated = sshd.login(&agent.config(), &alone()).await.expect(name);
        assert_eq!(authenticated.method(), format!("publickey agent: {name}"));
        assert!(!authenticated.needed_a_person());
    }
    drop(sshd);
}

#[tokio::test]
async fn rsa_signs_with_sha512_or_with_what_the_user_lists() {
    let (Some(sshd), Some(agent)) = (Sshd::new(), Agent::new()) else { return };
    sshd.authorize(&agent.add("rsa", "-t rsa -b 2048"));
    sshd.login(&agent.config(), &alone()).await.expect("rsa-sha2-512");
    let listed = agent.config() + "PubkeyAcceptedAlgorithms ssh-ed25519,rsa-sha2-256";
    sshd.login(&listed, &alone()).await.expect("rsa-sha2-256");
    let log = sshd.log();
    let used = |algorithm: &str| log.contains(&format!("publickey test pkalg {algorithm} "));
    assert!(used("rsa-sha2-512") && used("rsa-sha2-256") && !used("ssh-rsa"), "{log}");
    let other = agent.config() + "PubkeyAcceptedAlgorithms ssh-ed25519";
    let refused = sshd.login(&other, &alone()).await.expect_err("no RSA at all");
    assert!(matches!(&refused, AuthError::Refused { tried, .. } if tried.is_empty()), "{refused}");
}

#[tokio::test]
async fn a_public_file_alone_picks_the_agents_key() {
    let (Some(sshd), Some(agent)) = (Sshd::new(), Agent::new()) else { return };
    for other in ["a", "b", "c"] {
        agent.add(other, "-t ed25519");
    }
    let public = agent.add("mine", "-t ed25519");
    sshd.authorize(&public);
    // the private half has left this machine, as with keys on a token; also under its plain name
    std::fs::write(sshd.path("mine.pub"), &public).expect("a public file");
    for name in ["mine", "mine.pub"] {
        let file = sshd.path(name);
        let config = format!("{}IdentitiesOnly yes\nIdentityFile \"{}\"", agent.config(), file.display());
        let authenticated = sshd.login(&config, &alone()).await.expect(name);
        assert_eq!(authenticated.method(), format!("publickey agent: {}", file.display()));
    }
    // one shown, one signed, each time
    assert_eq!(sshd.asked("publickey"), 4);
}

#[tokio::test]
async fn a_locked_file_whose_key_the_agent_holds_asks_nothing() {
    let (Some(sshd), Some(agent)) = (Sshd::new(), Agent::new()) else { return };
    sshd.authorize(&agent.add("mine", "-t ed25519"));
    shell(agent.file("").as_path(), "ssh-keygen -q -p -P '' -N secret -f mine; rm mine.pub");
    let person = Person::who_says(&[]);
    let config = format!("{}IdentityFile \"{}\"", agent.config(), agent.file("mine").display());
    sshd.login(&config, &person.keyring()).await.expect("the agent signs");
    assert!(person.was_asked().is_empty());
}

#[tokio::test]
async fn a_key_restricted_to_a_destination_is_bound_to_it() {
    let (Some(sshd), Some(agent)) = (Sshd::new(), Agent::new()) else { return };
    let host = std::fs::read_to_string(sshd.path("host.pub")).expect("the host's key");
    std::fs::write(agent.file("known"), format!("here {host}")).expect("known hosts");
    let elsewhere = shell(agent.file("").as_path(), "ssh-keygen -q -t ed25519 -N '' -f other; cat other.pub");
    std::fs::write(agent.file("unknown"), format!("there {elsewhere}")).expect("known hosts");
    let public = agent.add_with("here", "-t ed25519", "-H known -h here");
    sshd.authorize(&public);
    sshd.login(&agent.config(), &alone()).await.expect("bound to this host");

    let Some(agent) = Agent::new() else { return };
    std::fs::write(agent.file("unknown"), format!("there {elsewhere}")).expect("known hosts");
    sshd.authorize(&agent.add_with("there", "-t ed25519", "-H unknown -h there"));
    let refused = sshd.login(&agent.config(), &alone()).await.expect_err("bound to another host");
    assert!(matches!(refused, AuthError::Refused { .. }), "{refused}");
}

#[tokio::test]
async fn a_bad_absent_or_empty_agent_does_not_stop_key_files() {
    let (Some(sshd), Some(empty)) = (Sshd::new(), Agent::new()) else { return };
    shell(sshd.folder(), "ssh-keygen -q -t ed25519 -N '' -f k; cat k.pub >> authorized; : > file");
    let frame = |message: &[u8]| [&(message.len() as u32).to_be_bytes()[..], message].concat();
    let nonsense = Fake::new(b"HTTP/1.1 400 Bad Request\r\n".to_vec());
    let giant = Fake::new(vec![0xFF; 16]);
    let silent_end = Fake::new(Vec::new());
    let failure = Fake::new(frame(&[5]));
    let lying_count = Fake::new(frame(&[12, 0xFF, 0xFF, 0xFF, 0xFF]));
    let sockets = [
        ("empty", empty.socket()),
        ("absent", sshd.path("no-such-socket")),
        ("a file", sshd.path("file")),
        ("nonsense", nonsense.socket()),
        ("a giant frame", giant.socket()),
        ("closes at once", silent_end.socket()),
        ("refuses", failure.socket()),
        ("lies about a count", lying_count.socket()),
    ];
    for (situation, socket) in sockets {
        let key = sshd.path("k");
        let config = format!("IdentityAgent \"{}\"\nIdentityFile \"{}\"", socket.display(), key.display());
        let outcome = sshd.login(&config, &alone()).await;
        assert_eq!(outcome.expect(situation).method(), format!("publickey {}", key.display()));
    }
}

#[tokio::test]
async fn an_agent_that_never_answers_is_waited_for_once() {
    let Some(sshd) = Sshd::new() else { return };
    shell(sshd.folder(), "ssh-keygen -q -t ed25519 -N '' -f k; cat k.pub >> authorized");
    let socket = sshd.path("mute");
    // bound, never accepted: connecting works, and then nothing
    let listener = UnixListener::bind(&socket).expect("a socket");
    listener.set_nonblocking(true).expect("a socket that does not block");
    let config = format!("IdentityAgent \"{}\"\nIdentityFile \"{}\"", socket.display(), sshd.path("k").display());
    let keyring = alone();
    sshd.login(&config, &keyring).await.expect("the key file");
    // the first key opens no longer, so all keys are looked for again
    shell(sshd.folder(), "ssh-keygen -q -t ed25519 -N '' -f l; cat l.pub > authorized");
    let other = format!("{config}\nIdentityFile \"{}\"", sshd.path("l").display());
    sshd.login(&other, &keyring).await.expect("the other key file");
    assert_eq!(listener.incoming().map_while(Result::ok).count(), 1);
}

#[tokio::test]
async fn one_key_that_cannot_be_read_is_skipped() {
    let Some(_) = need("ssh-keygen") else { return };
    let folder = tempfile::tempdir().expect("a folder");
    shell(folder.path(), "ssh-keygen -q -t ed25519 -N '' -f k; cut -d' ' -f2 k.pub | openssl base64 -d -A > blob");
    let good = std::fs::read(folder.path().join("blob")).expect("a key blob");
    let mut answer = vec![12, 0, 0, 0, 3];
    for (key, comment) in [(&b"\0\0\0\x0bssh-ed25519\0\0\0\x02xx"[..], "short"), (b"junk", "junk"), (&good, "good")] {
        answer.extend([&(key.len() as u32).to_be_bytes()[..], key].concat());
        answer.extend([&(comment.len() as u32).to_be_bytes()[..], comment.as_bytes()].concat());
    }
    let agent = Fake::new([&(answer.len() as u32).to_be_bytes()[..], &answer].concat());
    let mut client = AgentClient::connect(&agent.socket()).await.expect("it listens");
    let keys = client.identities().await.expect("a list");
    assert_eq!(keys.iter().map(|key| key.comment.as_str()).collect::<Vec<_>>(), ["good"]);
    assert_eq!(keys[0].blob, good);
}

/// Says the same to everybody who connects, whatever was asked.
struct Fake {
    folder: tempfile::TempDir,
}

impl Fake {
    fn new(answer: Vec<u8>) -> Fake {
        let folder = tempfile::tempdir().expect("a folder for an agent");
        let listener = UnixListener::bind(folder.path().join("socket")).expect("a socket");
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let mut stream = stream.expect("a connection");
                let mut question = [0; 4096];
                while stream.read(&mut question).is_ok_and(|read| read > 0) && !answer.is_empty() {
                    // it may have hung up
                    let _ = stream.write_all(&answer);
                }
            }
        });
        Fake { folder }
    }

    fn socket(&self) -> PathBuf {
        let folder: &Path = self.folder.path();
        folder.join("socket")
    }
}
