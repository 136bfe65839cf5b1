//! How far has a login come? What was tried, what the server answered, and how long it took.
//!
//! Main type: [`LoginAttempt`]. Which method comes next is decided in `authenticate.rs`.

use russh::MethodKind;
use russh::client::{AuthResult, Handle, Handler};

use super::answer_timeout::{AnswerTimeout, LIMIT, WHOLE};
use super::error::AuthError;
use super::keyring::{Keyring, LoginTarget, Opener};
use super::methods::Methods;
use super::offered_keys::OfferedKeys;
use crate::config::Host;
use crate::progress::Event;

/// How often a person has been asked in this login.
#[derive(Default)]
pub(super) struct KeyboardAttempts {
    pub(super) interactive: u32,
    pub(super) password: u32,
    /// Whether the server has sent any question yet.
    pub(super) info_seen: bool,
}

/// The server's answer to one request.
pub(super) enum ServerAnswer {
    Success,
    Failure { offered: Vec<MethodKind>, partial: bool },
}

/// One login in progress.
pub(super) struct LoginAttempt<'a, H: Handler> {
    pub(super) handle: &'a mut Handle<H>,
    pub(super) host: &'a Host,
    pub(super) keyring: &'a Keyring,
    pub(super) target: LoginTarget,
    pub(super) answer_timeout: AnswerTimeout,
    pub(super) methods: Methods,
    pub(super) keys: OfferedKeys,
    pub(super) keyboard: KeyboardAttempts,
    /// What was tried, in words for people.
    pub(super) tried: Vec<String>,
    /// The methods the server has accepted so far.
    pub(super) accepted: Vec<String>,
    /// The key or password that the server accepted last; remembered if nothing more was needed.
    pub(super) opener: Option<Opener>,
    pub(super) needed_a_person: bool,
    pub(super) asked_none: bool,
}

impl<'a, H: Handler> LoginAttempt<'a, H> {
    pub(super) fn new(handle: &'a mut Handle<H>, host: &'a Host, keyring: &'a Keyring) -> Self {
        let host_key = handle.agent_session_binding().map(|binding| binding.host_key().to_vec());
        let target = LoginTarget {
            alias: host.alias.clone(),
            user: host.user.value.clone(),
            host_key: host_key.unwrap_or_default(),
        };
        LoginAttempt {
            handle,
            host,
            keyring,
            target,
            answer_timeout: AnswerTimeout::new(LIMIT, WHOLE),
            methods: Methods::of(host),
            keys: OfferedKeys::default(),
            keyboard: KeyboardAttempts::default(),
            tried: Vec::new(),
            accepted: Vec::new(),
            opener: None,
            needed_a_person: false,
            asked_none: false,
        }
    }

    pub(super) fn user(&self) -> &'a str {
        &self.host.user.value
    }

    pub(super) fn may_ask(&self) -> bool {
        self.keyring.is_attended() && !*self.host.batch_mode
    }

    pub(super) fn detail(&self, text: &str) {
        self.keyring.tell(Event::Detail(format!("{}: {text}", self.host.alias)));
    }

    /// The error if `what` got no answer in time.
    pub(super) fn late(&mut self, what: &str) -> AuthError {
        match self.answer_timeout.is_used_up() {
            true => AuthError::TooLong { limit: WHOLE, tried: std::mem::take(&mut self.tried) },
            false => AuthError::TimedOut { what: what.to_owned(), limit: LIMIT },
        }
    }

    /// Sorts an answer: an empty list of methods means that the server has closed the connection, or that there is
    /// nothing left to try on it.
    pub(super) fn answered(
        &mut self,
        what: &str,
        answer: Option<Result<AuthResult, russh::Error>>,
    ) -> Result<ServerAnswer, AuthError> {
        match answer {
            None => Err(self.late(what)),
            Some(Err(russh::Error::SendError | russh::Error::RecvError)) => Err(self.disconnected()),
            Some(Err(error)) => Err(error.into()),
            Some(Ok(AuthResult::Success)) => Ok(ServerAnswer::Success),
            Some(Ok(AuthResult::Failure { remaining_methods, .. }))
                if remaining_methods.is_empty() && self.asked_none =>
            {
                Err(self.disconnected())
            }
            Some(Ok(AuthResult::Failure { remaining_methods, partial_success })) => {
                Ok(ServerAnswer::Failure { offered: remaining_methods.to_vec(), partial: partial_success })
            }
        }
    }

    /// Notes the result of a method; `opener` is what a further login may use by itself.
    pub(super) fn note(&mut self, what: String, answer: &ServerAnswer, opener: Option<Opener>) {
        if matches!(answer, ServerAnswer::Success | ServerAnswer::Failure { partial: true, .. }) {
            self.accepted.push(what);
            self.opener = opener;
        }
    }

    pub(super) fn disconnected(&mut self) -> AuthError {
        AuthError::Disconnected { reason: String::new(), tried: std::mem::take(&mut self.tried) }
    }
}
