//! Who am I? Identities are offered in order until the server lets us in, and the outcome is a proof: [`Authenticated`].
//!
//! The walk is ssh's (`sshconnect2.c`): a `none` request to learn the methods, then the preferred methods one after the
//! other, each until it has nothing more to try or the server wants the next one (partial success). A key that was named
//! for the host spares the `none`, a round trip each hop: a refusal tells the methods as well. No attempt is wasted:
//! servers count them, and behind a bastion they count them for everybody.
//!
//! Host keys are not looked at here; nothing is asked of a server that `trust` has not passed.

mod certificate;
mod credential;
mod error;
#[cfg(any(test, fuzzing))]
pub mod fuzz;
mod identity;
mod inspect;
mod key_file;
mod keyboard;
mod keyring;
mod methods;
mod patience;
mod pem;
mod pen;
mod permissions;
mod public_key;

use russh::MethodKind;
use russh::client::{AuthResult, Handle, Handler};

pub use certificate::beside_key;
pub use credential::Credential;
pub use error::{AuthError, KeyProblem, UnusedKey};
pub use inspect::{Holds, Inspection, close_to_others, inspect};
pub use keyring::Keyring;

use crate::config::Host;
use crate::progress::Event;
use keyring::{Door, Opener};
use methods::{Method, Methods};
use patience::{LIMIT, Patience, WHOLE};

/// Methods a server may accept one after the other and still want another: sshd's `AuthenticationMethods` names a few.
const MOST_STEPS: usize = 16;

/// A login that succeeded. Only [`authenticate`] makes one.
#[derive(Debug)]
pub struct Authenticated {
    user: String,
    methods: Vec<String>,
    needed_a_person: bool,
    credential: Option<Credential>,
}

impl Authenticated {
    /// The key that opened the door, where a key alone did.
    pub fn credential(&self) -> Option<&Credential> {
        self.credential.as_ref()
    }

    /// Whom we are logged in as.
    pub fn user(&self) -> &str {
        &self.user
    }

    /// What opened the door: `publickey /home/a/acc.pem`, `keyboard-interactive`, or several joined by `, `.
    pub fn method(&self) -> String {
        self.methods.join(", ")
    }

    /// True when a further login to the same host would need a person again: a code to type, a security key to touch.
    /// Passphrases and passwords are remembered, so they do not count.
    pub fn needed_a_person(&self) -> bool {
        self.needed_a_person
    }
}

/// Logs in over a connection whose host key has been verified.
///
/// # Errors
/// [`AuthError`]; after one the connection is of no further use. The text of the server's DISCONNECT reaches only the
/// connection's own handler: fill it into [`AuthError::Disconnected`] there.
pub async fn authenticate<H: Handler>(
    handle: &mut Handle<H>,
    host: &Host,
    keyring: &Keyring,
) -> Result<Authenticated, AuthError> {
    let mut login = Login::new(handle, host, keyring);
    let mut answer = match login.as_before().await? {
        Some(answer) => answer,
        None => match login.named_key().await? {
            Some(answer) => answer,
            None => login.none().await?,
        },
    };
    loop {
        match answer {
            Answer::Success => return Ok(login.done()),
            Answer::Failure { offered, partial } => login.learn(&offered, partial)?,
        }
        answer = login.next().await?;
    }
}

/// The server's word on one request.
enum Answer {
    Success,
    Failure { offered: Vec<MethodKind>, partial: bool },
}

/// One login under way.
struct Login<'a, H: Handler> {
    handle: &'a mut Handle<H>,
    host: &'a Host,
    keyring: &'a Keyring,
    door: Door,
    patience: Patience,
    methods: Methods,
    keys: public_key::Keys,
    keyboard: keyboard::Attempts,
    /// What was tried, for people to read.
    tried: Vec<String>,
    /// What the server accepted so far.
    accepted: Vec<String>,
    /// What opened the door last, to be remembered when it was all that was needed.
    opener: Option<Opener>,
    needed_a_person: bool,
    asked_none: bool,
}

impl<'a, H: Handler> Login<'a, H> {
    fn new(handle: &'a mut Handle<H>, host: &'a Host, keyring: &'a Keyring) -> Self {
        let host_key = handle.agent_session_binding().map(|binding| binding.host_key().to_vec());
        let door =
            Door { alias: host.alias.clone(), user: host.user.value.clone(), host_key: host_key.unwrap_or_default() };
        Login {
            handle,
            host,
            keyring,
            door,
            patience: Patience::new(LIMIT, WHOLE),
            methods: Methods::of(host),
            keys: public_key::Keys::default(),
            keyboard: keyboard::Attempts::default(),
            tried: Vec::new(),
            accepted: Vec::new(),
            opener: None,
            needed_a_person: false,
            asked_none: false,
        }
    }

    fn user(&self) -> &'a str {
        &self.host.user.value
    }

    fn may_ask(&self) -> bool {
        self.keyring.is_attended() && !*self.host.batch_mode
    }

    fn detail(&self, text: &str) {
        self.keyring.tell(Event::Detail(format!("{}: {text}", self.host.alias)));
    }

    /// Asks which methods there are (RFC 4252 §5.2); OpenSSH does not count it as an attempt.
    async fn none(&mut self) -> Result<Answer, AuthError> {
        self.asked_none = true;
        let answer = self.patience.wait(self.handle.authenticate_none(self.user())).await;
        let answer = self.answered("the first request", answer)?;
        if let Answer::Success = answer {
            self.accepted.push("none".into());
        }
        Ok(answer)
    }

    /// Another lane has logged in here before: what let it in goes first.
    async fn as_before(&mut self) -> Result<Option<Answer>, AuthError> {
        let answer = match self.keyring.opener(&self.door) {
            Some(Opener::Key(candidate)) => self.offer_again(*candidate).await?,
            Some(Opener::Password(password)) => Some(self.send_password(password).await?),
            None => None,
        };
        if let Some(Answer::Failure { .. }) = answer {
            self.keyring.forget(&self.door);
        }
        Ok(answer)
    }

    /// The key that was named for this host, where keys come first.
    async fn named_key(&mut self) -> Result<Option<Answer>, AuthError> {
        match self.methods.preferred() {
            Some(Method::PublicKey) if self.begins_with_a_named_key().await => self.next_key().await,
            _ => Ok(None),
        }
    }

    async fn next(&mut self) -> Result<Answer, AuthError> {
        while let Some(method) = self.methods.next() {
            let answer = match method {
                Method::PublicKey => self.next_key().await?,
                Method::KeyboardInteractive => self.keyboard_interactive().await?,
                Method::Password => self.password().await?,
            };
            match answer {
                Some(answer) => return Ok(answer),
                None => self.methods.used_up(method),
            }
        }
        match self.asked_none || !self.accepted.is_empty() {
            true => Err(self.refused()),
            false => self.last_resort().await,
        }
    }

    /// A server that takes nobody's key may let anybody in.
    async fn last_resort(&mut self) -> Result<Answer, AuthError> {
        let (tried, is_shut) = (self.tried.clone(), self.methods.offered().is_empty());
        match self.none().await {
            Ok(Answer::Success) => Ok(Answer::Success),
            // a server that offers nothing may have closed the door before
            Err(error) if is_shut => Err(error),
            Ok(Answer::Failure { .. }) | Err(_) => {
                self.tried = tried;
                Err(self.refused())
            }
        }
    }

    fn learn(&mut self, offered: &[MethodKind], partial: bool) -> Result<(), AuthError> {
        self.methods.update(offered);
        if partial {
            if self.accepted.len() >= MOST_STEPS {
                let text = format!("the server accepted {MOST_STEPS} methods one after the other, and wants another");
                return Err(AuthError::Peer(text));
            }
            self.detail(&format!("partial success; the server now wants {}", self.methods.offered().join(", ")));
            self.keys.start_again();
        }
        Ok(())
    }

    /// No answer came to `what`.
    fn late(&mut self, what: &str) -> AuthError {
        match self.patience.is_used_up() {
            true => AuthError::TooLong { limit: WHOLE, tried: std::mem::take(&mut self.tried) },
            false => AuthError::TimedOut { what: what.to_owned(), limit: LIMIT },
        }
    }

    /// Sorts an answer: an empty list of methods means that the server has closed the connection (or that there is
    /// nothing left to try on it).
    fn answered(&mut self, what: &str, answer: Option<Result<AuthResult, russh::Error>>) -> Result<Answer, AuthError> {
        match answer {
            None => Err(self.late(what)),
            Some(Err(russh::Error::SendError | russh::Error::RecvError)) => Err(self.disconnected()),
            Some(Err(error)) => Err(error.into()),
            Some(Ok(AuthResult::Success)) => Ok(Answer::Success),
            Some(Ok(AuthResult::Failure { remaining_methods, .. }))
                if remaining_methods.is_empty() && self.asked_none =>
            {
                Err(self.disconnected())
            }
            Some(Ok(AuthResult::Failure { remaining_methods, partial_success })) => {
                Ok(Answer::Failure { offered: remaining_methods.to_vec(), partial: partial_success })
            }
        }
    }

    /// Notes what a method achieved; `opener` is what a further login may use by itself.
    fn note(&mut self, what: String, answer: &Answer, opener: Option<Opener>) {
        if matches!(answer, Answer::Success | Answer::Failure { partial: true, .. }) {
            self.accepted.push(what);
            self.opener = opener;
        }
    }

    fn disconnected(&mut self) -> AuthError {
        AuthError::Disconnected { reason: String::new(), tried: std::mem::take(&mut self.tried) }
    }

    fn done(self) -> Authenticated {
        let credential = match (&self.opener, &self.accepted[..]) {
            (Some(Opener::Key(candidate)), [_]) => self.credential(candidate),
            _ => None,
        };
        if let (Some(opener), [_], false) = (self.opener, &self.accepted[..], self.door.host_key.is_empty()) {
            self.keyring.remember(self.door, opener);
        }
        Authenticated {
            user: self.host.user.value.clone(),
            methods: self.accepted,
            needed_a_person: self.needed_a_person,
            credential,
        }
    }

    /// Nothing is left to try. The most useful reason wins: a key too open to use, then a person who is missing, then a
    /// key file that could not be used when there was nothing else, then the refusal itself.
    fn refused(&mut self) -> AuthError {
        let mut unused = self.keys.take_unused();
        if let Some(open) = unused.iter().position(|key| matches!(key.problem, KeyProblem::TooOpen(_))) {
            return unused.swap_remove(open).into();
        }
        let (user, tried) = (self.user().to_owned(), std::mem::take(&mut self.tried));
        if let Some(method) = self.missing_person() {
            return AuthError::NeedsPerson { user, method: method.name().to_owned(), tried };
        }
        match unused.pop() {
            Some(only) if tried.is_empty() && unused.is_empty() => only.into(),
            last => {
                unused.extend(last);
                let doubtful = self.keys.take_doubtful();
                AuthError::Refused { user, tried, offered: self.methods.offered().to_vec(), unused, doubtful }
            }
        }
    }

    /// The method that only a person could have gone on with, where no key would have done.
    fn missing_person(&self) -> Option<Method> {
        let asks = [Method::KeyboardInteractive, Method::Password];
        let asked = asks.into_iter().find(|method| self.methods.could(*method));
        asked.filter(|_| !self.may_ask() && !self.methods.takes(Method::PublicKey))
    }
}
