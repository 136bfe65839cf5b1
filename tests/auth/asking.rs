//! Logins that ask a person, against a small server that asks: keyboard-interactive with several prompts and rounds,
//! passwords, partial success, and servers that misuse all that.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use hop::auth::{AuthError, Authenticated, Keyring, authenticate};
use hop::prompt::NoAnswer;
use russh::client::connect_stream;
use russh::keys::{PrivateKey, PublicKeyOrCertificate};
use russh::server::{Auth, Config, Handler, PublicKeyOffer, Response, VerifiedPublicKey, run_stream};
use russh::{MethodKind, MethodSet};
use tempfile::TempDir;

use super::door::{host, me, shell};
use super::person::{Person, alone};
use crate::skips::need;

/// What the server wants, one after the other.
#[derive(Clone)]
enum Want {
    Nothing,
    Key,
    Password(&'static str),
    Answers(Vec<Round>),
}

#[derive(Clone)]
struct Round {
    name: &'static str,
    instructions: &'static str,
    /// Prompt, echo, and the right answer.
    prompts: Vec<(&'static str, bool, &'static str)>,
}

fn round(prompts: &[(&'static str, bool, &'static str)]) -> Round {
    Round { name: "", instructions: "", prompts: prompts.to_vec() }
}

/// A server with one host key for all its connections.
struct Server {
    wants: Vec<Want>,
    key: PrivateKey,
    attempts: Arc<Mutex<Vec<&'static str>>>,
    folder: TempDir,
}

impl Server {
    /// `None` after recording a skip.
    fn who_wants(wants: &[Want]) -> Option<Server> {
        need("ssh-keygen")?;
        let folder = tempfile::tempdir().expect("a folder");
        shell(folder.path(), "for k in host mine; do ssh-keygen -q -t ed25519 -N '' -f $k; done");
        let key = PrivateKey::read_openssh_file(folder.path().join("host")).expect("a host key");
        Some(Server { wants: wants.to_vec(), key, attempts: Arc::default(), folder })
    }

    /// What it was asked for since the last time.
    fn attempts(&self) -> Vec<&'static str> {
        std::mem::take(&mut *self.attempts.lock().expect("no panic while it is held"))
    }

    /// One login, by default with a key at hand.
    async fn login(&self, config: &str, keyring: &Keyring) -> Result<Authenticated, AuthError> {
        let (ours, theirs) = tokio::io::duplex(64 * 1024);
        let asks = Asks { wants: self.wants.clone(), step: 0, round: 0, attempts: self.attempts.clone() };
        let server = Arc::new(Config {
            keys: vec![self.key.clone()],
            methods: asks.methods(),
            auth_rejection_time: Duration::ZERO,
            max_auth_attempts: self.wants.len() + 9,
            ..Config::default()
        });
        let server = tokio::spawn(async move {
            let session = run_stream(server, theirs, asks).await.expect("a key exchange");
            // the client hangs up when it has seen enough
            let _ = session.await;
        });
        let mut handle = connect_stream(Arc::default(), ours, Trusting).await.expect("a key exchange");
        let key = format!("IdentityFile \"{}\"\n", self.folder.path().join("mine").display());
        let outcome = authenticate(&mut handle, &host(self.folder.path(), &(key + config)), keyring).await;
        drop(handle);
        server.abort();
        outcome
    }
}

struct Asks {
    wants: Vec<Want>,
    step: usize,
    round: usize,
    attempts: Arc<Mutex<Vec<&'static str>>>,
}

impl Asks {
    fn methods(&self) -> MethodSet {
        let wanted = match self.wants[self.step] {
            Want::Nothing => MethodKind::HostBased,
            Want::Key => MethodKind::PublicKey,
            Want::Password(_) => MethodKind::Password,
            Want::Answers(_) => MethodKind::KeyboardInteractive,
        };
        MethodSet::from(&[wanted][..])
    }

    fn was_asked(&self, method: &'static str) {
        self.attempts.lock().expect("no panic while it is held").push(method);
    }

    fn verdict(&mut self, good: bool) -> Auth {
        self.step += usize::from(good);
        if self.step == self.wants.len() {
            return Auth::Accept;
        }
        Auth::Reject { proceed_with_methods: Some(self.methods()), partial_success: good }
    }

    fn ask(&self) -> Auth {
        let Want::Answers(rounds) = &self.wants[self.step] else { return Auth::UnsupportedMethod };
        let Round { name, instructions, prompts } = rounds[self.round].clone();
        Auth::Partial {
            name: name.into(),
            instructions: instructions.into(),
            prompts: prompts.into_iter().map(|(prompt, echo, _)| (prompt.into(), echo)).collect(),
        }
    }
}

impl Handler for Asks {
    type Error = russh::Error;

    async fn auth_none(&mut self, _: &str) -> Result<Auth, russh::Error> {
        self.was_asked("none");
        let good = matches!(self.wants[self.step], Want::Nothing);
        Ok(self.verdict(good))
    }

    async fn auth_password(&mut self, _: &str, password: &str) -> Result<Auth, russh::Error> {
        self.was_asked("password");
        let good = matches!(self.wants[self.step], Want::Password(right) if right == password);
        Ok(self.verdict(good))
    }

    async fn auth_publickey_offered(&mut self, _: &str, _: PublicKeyOffer<'_>) -> Result<Auth, russh::Error> {
        if matches!(self.wants[self.step], Want::Key) {
            return Ok(Auth::Accept);
        }
        self.was_asked("publickey");
        Ok(self.verdict(false))
    }

    async fn auth_publickey(&mut self, _: &str, _: VerifiedPublicKey<'_>) -> Result<Auth, russh::Error> {
        self.was_asked("publickey");
        let good = matches!(self.wants[self.step], Want::Key);
        Ok(self.verdict(good))
    }

    async fn auth_keyboard_interactive<'a>(
        &'a mut self,
        _: &str,
        devices: &str,
        response: Option<Response<'a>>,
    ) -> Result<Auth, russh::Error> {
        let Some(response) = response else {
            self.was_asked("keyboard-interactive");
            if devices == "pam,otp" {
                self.was_asked("by pam or otp");
            }
            self.round = 0;
            return Ok(self.ask());
        };
        let given: Vec<String> = response.map(|answer| String::from_utf8_lossy(&answer).into_owned()).collect();
        let Want::Answers(rounds) = &self.wants[self.step] else { return Ok(self.verdict(false)) };
        let right: Vec<&str> = rounds[self.round].prompts.iter().map(|(_, _, right)| *right).collect();
        self.round += 1;
        Ok(match given == right {
            true if self.round < rounds.len() => self.ask(),
            good => self.verdict(good),
        })
    }
}

struct Trusting;

impl russh::client::Handler for Trusting {
    type Error = russh::Error;

    async fn check_server_key(&mut self, _: &PublicKeyOrCertificate) -> Result<bool, russh::Error> {
        Ok(true)
    }
}

#[tokio::test]
async fn several_prompts_and_rounds() {
    let second =
        Round { name: "Duo", instructions: "1. push\n2. phone\n", prompts: vec![("Passcode: ", false, "123")] };
    let rounds = vec![round(&[("Password: ", false, "pw"), ("Realm: ", true, "vpc")]), second, round(&[])];
    let Some(server) = Server::who_wants(&[Want::Answers(rounds)]) else { return };
    let person = Person::who_says(&["pw", "vpc", "123"]);
    let authenticated = server.login("", &person.keyring()).await.expect("all answers are right");
    let whom = format!("({}@door) ", me());
    assert_eq!(
        person.was_asked(),
        [
            format!("{whom}Password: "),
            format!("shown: {whom}Realm: "),
            format!("Duo\n1. push\n2. phone\n{whom}Passcode: "),
        ]
    );
    assert_eq!(authenticated.method(), "keyboard-interactive");
    assert!(authenticated.needed_a_person());
    assert_eq!(server.attempts(), ["publickey", "keyboard-interactive"]);
}

#[tokio::test]
async fn a_key_and_then_a_code() {
    let Some(server) = Server::who_wants(&[Want::Key, Want::Answers(vec![round(&[("Code: ", false, "42")])])]) else {
        return;
    };
    let person = Person::who_says(&["42"]);
    let keyring = person.keyring();
    let authenticated = server.login("", &keyring).await.expect("both");
    let key = server.folder.path().join("mine");
    assert_eq!(authenticated.method(), format!("publickey {}, keyboard-interactive", key.display()));
    assert!(authenticated.needed_a_person());
    server.attempts();

    // a further lane asks nothing: it fails, and says why
    let refused = server.login("", &keyring.unattended()).await.expect_err("nobody is asked");
    let AuthError::NeedsPerson { user, method, tried } = &refused else { panic!("{refused}") };
    assert_eq!((user, method.as_str(), tried.len()), (&me(), "keyboard-interactive", 1));
    assert_eq!(person.was_asked().len(), 1);
    assert_eq!(server.attempts(), ["publickey"]);
}

#[tokio::test]
async fn without_a_person_nothing_is_attempted() {
    for want in [Want::Password("pw"), Want::Answers(vec![round(&[("Code: ", false, "42")])])] {
        let Some(server) = Server::who_wants(&[want]) else { return };
        let person = Person::who_says(&["pw"]);
        for (config, keyring) in [("", alone()), ("BatchMode yes", person.keyring())] {
            let refused = server.login(config, &keyring).await.expect_err("nobody is asked");
            assert!(matches!(refused, AuthError::NeedsPerson { .. }), "{refused}");
            assert_eq!(server.attempts(), ["publickey", "none"]);
        }
        assert!(person.was_asked().is_empty());
    }
}

#[tokio::test]
async fn a_password_is_asked_again_when_it_is_wrong_and_never_again_when_it_was_right() {
    let Some(server) = Server::who_wants(&[Want::Password("pw")]) else { return };
    let person = Person::who_says(&["no", "pw"]);
    let keyring = person.keyring();
    let authenticated = server.login("", &keyring).await.expect("the second one");
    assert!(!authenticated.needed_a_person(), "the password is remembered");
    let question = format!("{}@door's password: ", me());
    let again = format!("Permission denied, please try again.\n{question}");
    assert_eq!(person.was_asked(), [question, again]);
    assert_eq!(server.attempts(), ["publickey", "password", "password"]);

    server.login("", &keyring.unattended()).await.expect("a further lane asks nothing");
    assert_eq!(server.attempts(), ["password"]);
    assert_eq!(person.was_asked().len(), 2);
}

#[tokio::test]
async fn as_many_attempts_as_configured() {
    let rounds = Want::Answers(vec![round(&[("Code: ", false, "42")])]);
    for (want, method) in [(Want::Password("pw"), "password"), (rounds, "keyboard-interactive")] {
        let Some(server) = Server::who_wants(&[want]) else { return };
        for (config, attempts) in [("", 3), ("NumberOfPasswordPrompts 1", 1)] {
            let person = Person::who_says(&["a", "b", "c", "d"]);
            let refused = server.login(config, &person.keyring()).await.expect_err("all wrong");
            let AuthError::Refused { tried, offered, .. } = &refused else { panic!("{refused}") };
            let (key, tried) = tried.split_first().expect("the key, which was named");
            assert!(key.ends_with("mine"), "{key}");
            assert_eq!((tried, offered), (&vec![method.to_owned(); attempts][..], &vec![method.to_owned()]));
            assert_eq!(person.was_asked().len(), attempts);
        }
    }
}

#[tokio::test]
async fn who_takes_no_key_may_let_anybody_in() {
    let Some(server) = Server::who_wants(&[Want::Nothing]) else { return };
    let authenticated = server.login("", &alone()).await.expect("anybody");
    assert_eq!((authenticated.method().as_str(), &server.attempts()[..]), ("none", &["publickey", "none"][..]));
}

#[tokio::test]
async fn what_is_switched_off_is_not_tried() {
    let Some(server) = Server::who_wants(&[Want::Password("pw")]) else { return };
    let person = Person::who_says(&["pw"]);
    let both = ["publickey", "none"];
    for (config, attempts) in [
        ("PasswordAuthentication no", &both[..]),
        ("PreferredAuthentications publickey,keyboard-interactive", &both),
        ("PasswordAuthentication no\nPubkeyAuthentication no", &["none"]),
        ("PreferredAuthentications keyboard-interactive,publickey", &["none"]),
    ] {
        for keyring in [person.keyring(), alone()] {
            let refused = server.login(config, &keyring).await.expect_err("switched off");
            assert!(matches!(refused, AuthError::Refused { .. }), "{refused}");
            assert_eq!(server.attempts(), attempts);
        }
    }
    assert!(person.was_asked().is_empty());
}

#[tokio::test]
async fn a_person_who_gives_up_is_believed() {
    let Some(server) = Server::who_wants(&[Want::Password("pw")]) else { return };
    let person = Person::who_says(&[]);
    let refused = server.login("", &person.keyring()).await.expect_err("no answer");
    assert!(matches!(refused, AuthError::NoAnswer(NoAnswer::GivenUp)), "{refused}");
}

#[tokio::test]
async fn a_hostile_prompt_is_made_harmless_and_says_whose_it_is() {
    let evil = Round {
        name: "\u{1b}[2J\u{1b}[H",
        instructions: "\u{7}\u{9b}1mEnter passphrase for key '/home/you/.ssh/id_rsa':\u{202e}",
        prompts: vec![("\rEnter passphrase: \u{200b}", true, "x")],
    };
    let Some(server) = Server::who_wants(&[Want::Answers(vec![evil])]) else { return };
    let person = Person::who_says(&["x"]);
    server.login("", &person.keyring()).await.expect("the answer is right");
    let expected = format!(
        "shown: [2J[H\n1mEnter passphrase for key '/home/you/.ssh/id_rsa':\n({}@door) Enter passphrase: ",
        me()
    );
    assert_eq!(person.was_asked(), [expected]);
}

#[tokio::test]
async fn too_many_prompts_or_rounds_end_it() {
    let prompts = vec![("x", true, "x"); 17];
    let Some(server) = Server::who_wants(&[Want::Answers(vec![round(&prompts)])]) else { return };
    let person = Person::who_says(&["x"; 99]);
    let refused = server.login("", &person.keyring()).await.expect_err("too many prompts");
    assert!(matches!(refused, AuthError::Peer(_)), "{refused}");
    assert!(person.was_asked().is_empty());

    let Some(server) = Server::who_wants(&[Want::Answers(vec![round(&[("x", true, "x")]); 99])]) else { return };
    let refused = server.login("", &person.keyring()).await.expect_err("too many rounds");
    assert!(matches!(refused, AuthError::Peer(_)), "{refused}");
    assert_eq!(person.was_asked().len(), 32);
}

#[tokio::test]
async fn a_server_that_is_never_content_is_left() {
    let Some(server) = Server::who_wants(&vec![Want::Key; 400]) else { return };
    let refused = server.login("", &alone()).await.expect_err("it never ends");
    assert!(matches!(&refused, AuthError::Peer(said) if said.contains("16 methods")), "{refused}");
    assert!(server.attempts().len() < 80, "{} attempts", server.attempts().len());
}

#[tokio::test]
async fn the_devices_of_the_configuration_are_asked_for() {
    let rounds = Want::Answers(vec![round(&[("Code: ", false, "42")])]);
    let Some(server) = Server::who_wants(&[rounds]) else { return };
    let person = Person::who_says(&["42"]);
    server.login("KbdInteractiveDevices pam,otp", &person.keyring()).await.expect("the right answer");
    assert_eq!(server.attempts().last(), Some(&"by pam or otp"));
}
