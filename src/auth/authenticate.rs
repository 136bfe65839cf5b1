//! In which order are the methods of a login tried? In ssh's order (`sshconnect2.c`).
//!
//! Main function: [`authenticate`].

use russh::MethodKind;
use russh::client::{Handle, Handler};

use super::authenticated::Authenticated;
use super::error::{AuthError, KeyProblem};
use super::keyring::{Keyring, Opener};
use super::login::{LoginAttempt, ServerAnswer};
use super::methods::Method;
use crate::config::Host;

/// The most methods that a server may accept with partial success; sshd's `AuthenticationMethods` names a few.
const MOST_STEPS: usize = 16;

/// Logs in over a connection whose host key has been verified.
///
/// # Errors
/// [`AuthError`]; the connection is of no further use then. The text of the server's DISCONNECT reaches only the
/// connection's own handler: fill it into [`AuthError::Disconnected`] there.
pub async fn authenticate<H: Handler>(
    handle: &mut Handle<H>,
    host: &Host,
    keyring: &Keyring,
) -> Result<Authenticated, AuthError> {
    let mut login = LoginAttempt::new(handle, host, keyring);
    let mut answer = match login.as_before().await? {
        Some(answer) => answer,
        None => match login.named_key().await? {
            Some(answer) => answer,
            None => login.none().await?,
        },
    };
    loop {
        match answer {
            ServerAnswer::Success => return Ok(login.done()),
            ServerAnswer::Failure { offered, partial } => login.note_offered(&offered, partial)?,
        }
        answer = login.next().await?;
    }
}

impl<'a, H: Handler> LoginAttempt<'a, H> {
    /// Sends a `none` request to learn the methods (RFC 4252 §5.2); OpenSSH does not count it as an attempt.
    async fn none(&mut self) -> Result<ServerAnswer, AuthError> {
        self.asked_none = true;
        let answer = self.answer_timeout.wait(self.handle.authenticate_none(self.user())).await;
        let answer = self.answered("the first request", answer)?;
        if let ServerAnswer::Success = answer {
            self.accepted.push("none".into());
        }
        Ok(answer)
    }

    /// First tries the key or password with which another lane has logged in here.
    async fn as_before(&mut self) -> Result<Option<ServerAnswer>, AuthError> {
        let answer = match self.keyring.opener(&self.target) {
            Some(Opener::Key(candidate)) => self.offer_again(*candidate).await?,
            Some(Opener::Password(password)) => Some(self.send_password(password).await?),
            None => None,
        };
        if let Some(ServerAnswer::Failure { .. }) = answer {
            self.keyring.forget(&self.target);
        }
        Ok(answer)
    }

    /// Offers the key that was named for this host, if public keys come first.
    async fn named_key(&mut self) -> Result<Option<ServerAnswer>, AuthError> {
        match self.methods.preferred() {
            Some(Method::PublicKey) if self.begins_with_a_named_key().await => self.next_key().await,
            _ => Ok(None),
        }
    }

    async fn next(&mut self) -> Result<ServerAnswer, AuthError> {
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

    /// Sends a `none` request after all: a server that accepts no key may let anybody in.
    async fn last_resort(&mut self) -> Result<ServerAnswer, AuthError> {
        let (tried, is_shut) = (self.tried.clone(), self.methods.offered().is_empty());
        match self.none().await {
            Ok(ServerAnswer::Success) => Ok(ServerAnswer::Success),
            // a server that offers no method may already have closed the connection
            Err(error) if is_shut => Err(error),
            Ok(ServerAnswer::Failure { .. }) | Err(_) => {
                self.tried = tried;
                Err(self.refused())
            }
        }
    }

    fn note_offered(&mut self, offered: &[MethodKind], partial: bool) -> Result<(), AuthError> {
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

    fn done(self) -> Authenticated {
        let credential = match (&self.opener, &self.accepted[..]) {
            (Some(Opener::Key(candidate)), [_]) => self.credential(candidate),
            _ => None,
        };
        if let (Some(opener), [_], false) = (self.opener, &self.accepted[..], self.target.host_key.is_empty()) {
            self.keyring.remember(self.target, opener);
        }
        Authenticated {
            user: self.host.user.value.clone(),
            methods: self.accepted,
            needed_a_person: self.needed_a_person,
            credential,
        }
    }

    /// The error if nothing is left to try. The most useful reason wins: a key file whose permissions are too open,
    /// then a missing person, then, if nothing else was there, a key file that could not be used, then the refusal
    /// itself.
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

    /// The method that needed a person, if none could be asked and a key would not have been accepted.
    fn missing_person(&self) -> Option<Method> {
        let asks = [Method::KeyboardInteractive, Method::Password];
        let asked = asks.into_iter().find(|method| self.methods.could(*method));
        asked.filter(|_| !self.may_ask() && !self.methods.takes(Method::PublicKey))
    }
}
