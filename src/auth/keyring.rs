//! What can a run log in with? Key files read once, passphrases asked once, and whatever logged in before. Main type:
//! [`Keyring`], shared by all hops and lanes. Secrets live only here, are wiped when dropped, and are never printed.

use std::collections::{HashMap, HashSet};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex as StdMutex, MutexGuard, PoisonError};

use russh::keys::PrivateKey;
use tokio::sync::Mutex;
use zeroize::Zeroizing;

use super::error::KeyProblem;
use super::identity::Candidate;
use super::key_file::{KeyFile, Secret, Unlock};
use crate::progress::{Event, Observer};
use crate::prompt::{Asking, NoAnswer, Prompt};

/// The keys, passphrases and passwords of a run. Cheap to clone; clones share everything.
#[derive(Clone)]
pub struct Keyring {
    shared: Arc<SharedKeyring>,
    attended: bool,
}

struct SharedKeyring {
    asking: Arc<Asking>,
    observer: Arc<dyn Observer>,
    files: StdMutex<HashMap<PathBuf, Arc<Mutex<KeyFileState>>>>,
    openers: StdMutex<HashMap<LoginTarget, Opener>>,
    /// Agents that did not answer in time, so that no further login waits for them.
    mute: StdMutex<HashSet<PathBuf>>,
    /// Key files that were to be added to the agent.
    added: StdMutex<HashSet<PathBuf>>,
}

/// A login at a host. Two hosts that share an address, or a host key, are still two targets.
#[derive(Clone, PartialEq, Eq, Hash)]
pub(super) struct LoginTarget {
    pub alias: String,
    pub user: String,
    pub host_key: Vec<u8>,
}

/// The key or password that logged in to a target, for further logins that try nothing else.
#[derive(Clone)]
pub(super) enum Opener {
    Key(Box<Candidate>),
    Password(Zeroizing<String>),
}

enum KeyFileState {
    Unread,
    Read(Arc<KeyFile>),
    Unlocked(Arc<KeyFile>, Arc<PrivateKey>),
    Refused(Arc<KeyFile>, KeyProblem),
}

impl Keyring {
    /// An empty keyring that asks by way of `asking` and tells `observer`.
    pub fn new(asking: Arc<Asking>, observer: Arc<dyn Observer>) -> Keyring {
        let shared = SharedKeyring {
            asking,
            observer,
            files: StdMutex::default(),
            openers: StdMutex::default(),
            mute: StdMutex::default(),
            added: StdMutex::default(),
        };
        Keyring { shared: Arc::new(shared), attended: true }
    }

    /// The same keyring for a login that must not ask anything, such as that of a further lane: whatever would need a
    /// person fails with [`AuthError::NeedsPerson`](super::AuthError::NeedsPerson).
    pub fn unattended(&self) -> Keyring {
        Keyring { shared: self.shared.clone(), attended: false }
    }

    /// Whether a person can be asked.
    pub(super) fn is_attended(&self) -> bool {
        self.attended && self.shared.asking.is_there()
    }

    pub(super) fn tell(&self, event: Event) {
        self.shared.observer.event(event);
    }

    /// Asks for a secret, with the echo off. The whole run asks one question at a time, even if the login that asked
    /// has been cancelled.
    pub(super) async fn secret(&self, question: String) -> Result<Zeroizing<String>, NoAnswer> {
        self.ask(move |prompt| prompt.secret(&question)).await
    }

    /// Asks for one line.
    pub(super) async fn answer(&self, question: String) -> Result<String, NoAnswer> {
        self.ask(move |prompt| prompt.answer(&question)).await
    }

    /// Asks for leave to do `what`.
    pub(super) async fn agrees(&self, what: String) -> Result<bool, NoAnswer> {
        self.ask(move |prompt| prompt.agrees(&what)).await
    }

    async fn ask<T, F>(&self, question: F) -> Result<T, NoAnswer>
    where
        T: Send + 'static,
        F: FnOnce(&dyn Prompt) -> Result<T, NoAnswer> + Send + 'static,
    {
        if !self.is_attended() {
            return Err(NoAnswer::NobodyThere);
        }
        self.shared.asking.ask(question).await.unwrap_or(Err(NoAnswer::GivenUp))
    }

    /// The contents of an identity file, read once per run.
    pub(super) async fn look(&self, path: &Path) -> Arc<KeyFile> {
        self.slot(path).lock().await.look(path).await
    }

    /// The private key of a file; asks for its passphrase up to `prompts` times, once per run.
    pub(super) async fn unlock(&self, path: &Path, prompts: u32) -> Result<Arc<PrivateKey>, KeyProblem> {
        let slot = self.slot(path);
        let mut slot = slot.lock().await;
        let file = slot.look(path).await;
        match (&*slot, &file.private) {
            (KeyFileState::Unlocked(_, key), _) | (_, Secret::Open(key)) => return Ok(key.clone()),
            (KeyFileState::Refused(_, problem), _) | (_, Secret::Unusable(problem)) => return Err(problem.clone()),
            (_, Secret::Locked(_)) if prompts == 0 || !self.is_attended() => return Err(KeyProblem::NobodyToAsk),
            (_, Secret::Locked(_)) => {}
        }
        let outcome = self.ask_passphrase(&file, prompts).await;
        *slot = match &outcome {
            Ok(key) => KeyFileState::Unlocked(file, key.clone()),
            Err(problem) => KeyFileState::Refused(file, problem.clone()),
        };
        outcome
    }

    async fn ask_passphrase(&self, file: &Arc<KeyFile>, prompts: u32) -> Result<Arc<PrivateKey>, KeyProblem> {
        let question = format!("Enter passphrase for key '{}': ", file.path.display());
        for _ in 0..prompts {
            let passphrase = self.secret(question.clone()).await.map_err(|_| KeyProblem::NotGiven)?;
            if passphrase.is_empty() {
                return Err(KeyProblem::NotGiven);
            }
            match opened(file.clone(), passphrase).await {
                Ok(key) => return matching(file, key),
                Err(Unlock::Wrong) => {}
                Err(Unlock::Problem(problem)) => return Err(problem),
            }
        }
        Err(KeyProblem::WrongPassphrase)
    }

    fn slot(&self, path: &Path) -> Arc<Mutex<KeyFileState>> {
        let mut files = held(&self.shared.files);
        files.entry(path.to_owned()).or_insert_with(|| Arc::new(Mutex::new(KeyFileState::Unread))).clone()
    }

    pub(super) fn opener(&self, target: &LoginTarget) -> Option<Opener> {
        held(&self.shared.openers).get(target).cloned()
    }

    pub(super) fn remember(&self, target: LoginTarget, opener: Opener) {
        held(&self.shared.openers).insert(target, opener);
    }

    /// Whether the key of this file is to be added to the agent for the first time.
    pub(super) fn adds_first(&self, file: &Path) -> bool {
        held(&self.shared.added).insert(file.to_owned())
    }

    pub(super) fn is_mute(&self, agent: &Path) -> bool {
        held(&self.shared.mute).contains(agent)
    }

    pub(super) fn never_ask_again(&self, agent: &Path) {
        held(&self.shared.mute).insert(agent.to_owned());
    }

    pub(super) fn forget(&self, target: &LoginTarget) {
        held(&self.shared.openers).remove(target);
    }
}

impl KeyFileState {
    async fn look(&mut self, path: &Path) -> Arc<KeyFile> {
        match self {
            KeyFileState::Read(file) | KeyFileState::Unlocked(file, _) | KeyFileState::Refused(file, _) => file.clone(),
            KeyFileState::Unread => {
                let owned = path.to_owned();
                let file = tokio::task::spawn_blocking(move || KeyFile::read(&owned)).await;
                let file = Arc::new(file.unwrap_or_else(|panic| KeyFile::unreadable(path, &panic.to_string())));
                *self = KeyFileState::Read(file.clone());
                file
            }
        }
    }
}

async fn opened(file: Arc<KeyFile>, passphrase: Zeroizing<String>) -> Result<PrivateKey, Unlock> {
    let unlocked = tokio::task::spawn_blocking(move || match &file.private {
        Secret::Locked(locked) => locked.unlock(&file.path, &passphrase),
        _ => Err(Unlock::Wrong),
    });
    unlocked.await.unwrap_or_else(|panic| Err(Unlock::Problem(KeyProblem::Unreadable(panic.to_string()))))
}

/// Checks that the key belongs to the `.pub` beside it: with a stale one, hop would offer one key and sign with
/// another.
fn matching(file: &KeyFile, key: PrivateKey) -> Result<Arc<PrivateKey>, KeyProblem> {
    match &file.public {
        Some(public) if public.key_data() != key.public_key().key_data() => Err(KeyProblem::NotItsPublicKey),
        _ => Ok(Arc::new(key)),
    }
}

fn held<T>(mutex: &StdMutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
