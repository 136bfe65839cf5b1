//! How is a one-time key admitted at the destination? Main type: [`Admitted`], which exists while the key is admitted.

use std::sync::Arc;
use std::time::Duration;

use russh::keys::PrivateKey;
use russh::keys::ssh_key::private::Ed25519Keypair;
use tokio::sync::mpsc::{Receiver, channel};
use tokio::time::timeout;

use crate::agent::KeySigner;
use crate::auth::Credential;
use crate::chain::{Cause, ChainError, Output, Process, Session};

use super::from;
use super::line::{AuthorizedKey, Until, line};
use super::seal::{GATE, Seal};
use crate::lend::client_config::Address;
use crate::lend::error::LendError;
use crate::lend::openssh_version::{OpenSshVersion, RESTRICTS};
use crate::lend::remote::kept::{self, Kept};
use crate::lend::remote::marked_lines::{MarkedLines, nonce};

const SCRIPT: &str = include_str!("authorized.sh");
/// The longest time that the key is admitted, in seconds: the source logs in at once.
const LIFE: u32 = 180;
/// How long the destination may take for each step.
const STEP: Duration = Duration::from_secs(20);
/// The most lines that wait to be read.
const WAITING: usize = 16;

/// A new key for a login, and its public half as a line of text; the private half exists only here.
pub fn credential() -> Option<(Credential, String)> {
    let mut seed = zeroize::Zeroizing::new([0; 32]);
    getrandom::fill(&mut *seed).ok()?;
    let key = PrivateKey::from(Ed25519Keypair::from_seed(&seed));
    let public = key.public_key();
    let (blob, text) = (public.to_bytes().ok()?, public.to_openssh().ok()?);
    let signer = Arc::new(KeySigner(Arc::new(key)));
    Some((Credential { blob, name: "ephemeral key".to_owned(), signer }, text.trim_end().to_owned()))
}

/// An admitted key. Dropping it has the line removed; [`Admitted::dismiss`] waits for that.
pub struct Admitted {
    destination: String,
    seal: Seal,
    kept: Kept,
    said: Receiver<String>,
}

/// Has the key `public` admitted at `there`, for a login from `here` to the given address of it.
pub async fn admit(
    there: &Session,
    here: &Session,
    address: &Address,
    public: &str,
    patience: Duration,
) -> Result<Admitted, LendError> {
    let destination = there.trail().end().to_owned();
    let server = OpenSshVersion::find(there.server_version());
    let Some(server) = server.filter(|server| *server >= RESTRICTS) else {
        return Err(LendError::NoRestriction { destination, server });
    };
    let (from, begun) = tokio::join!(from::addresses(here, address), Admitted::begin(there, patience));
    let (mut admitted, until, nonce) = begun?;
    let name = format!("hop-ephemeral-{}-{nonce}", until.epoch);
    let entry = line(&AuthorizedKey { server, from: &from?, until: &until, public, name: &name });
    admitted.ask(&format!("seal {}\nadd {entry}\n", admitted.seal.secrets()), "added").await?;
    Ok(admitted)
}

impl Admitted {
    /// Starts the process that keeps the line, and asks it for the time.
    async fn begin(there: &Session, patience: Duration) -> Result<(Admitted, Until, String), LendError> {
        let (word, nonce) = (format!("hop-{}", nonce(there)?), nonce(there)?);
        let life = LIFE.to_string();
        let variables = [("nonce", &nonce[..]), ("life", &life), ("gate", GATE)];
        let destination = there.trail().end().to_owned();
        let program = kept::program(SCRIPT, &word, patience, &variables);
        let Process { input, output, .. } = match there.exec(&program).await {
            Ok(process) => process,
            Err(ChainError { cause: Cause::Refused(problem), .. }) => {
                return Err(LendError::NotAdmitted { destination, problem });
            }
            Err(error) => return Err(error.into()),
        };
        let mut kept = Kept::new(input);
        let (tell, said) = channel(WAITING);
        let reading = tokio::spawn(async move {
            let (mut output, mut lines) = (output, MarkedLines::new(&word));
            while let Ok(Some(output)) = output.next().await {
                if let Output::Stdout(chunk) = output {
                    // lines beyond those asked for are dropped
                    lines.take(&chunk).into_iter().for_each(|line| drop(tell.try_send(line)));
                }
            }
        });
        kept.read_by(reading);
        let Some(seal) = Seal::new() else {
            return Err(LendError::NotAdmitted { destination, problem: "no random bytes here".to_owned() });
        };
        let mut admitted = Admitted { destination, seal, kept, said };
        let clock = admitted.answer("clock").await?;
        let (epoch, locally) = clock.split_once(' ').unwrap_or((&clock, ""));
        let Ok(epoch) = epoch.parse() else { return Err(admitted.failed("its clock tells no time")) };
        Ok((admitted, Until { epoch, locally: locally.to_owned() }, nonce))
    }

    /// The seal for orders.
    pub fn seal(&self) -> &Seal {
        &self.seal
    }

    /// Has the line removed; sessions that are open continue.
    pub async fn close_the_door(&mut self) -> Result<(), LendError> {
        self.ask("drop\n", "dropped").await.map(drop)
    }

    async fn ask(&mut self, order: &str, answer: &str) -> Result<String, LendError> {
        // a process that has ended gives no answer, which is reported below
        self.kept.tell(order.as_bytes().to_vec()).await;
        self.answer(answer).await
    }

    /// Waits for the line that begins with `word`, and returns the rest of it.
    async fn answer(&mut self, word: &str) -> Result<String, LendError> {
        match timeout(STEP, self.said.recv()).await {
            Err(_) => Err(self.failed(&format!("no answer within {} s", STEP.as_secs()))),
            Ok(None) => Err(self.failed("it runs no POSIX shell, or the connection was lost")),
            Ok(Some(line)) => match line.split_once(' ').unwrap_or((&line, "")) {
                (first, rest) if first == word => Ok(rest.to_owned()),
                ("left", name) => {
                    Err(LendError::LineLeft { destination: self.destination.clone(), name: name.to_owned() })
                }
                ("problem", problem) => Err(self.failed(problem)),
                _ => Err(self.failed("it says something else than it was asked")),
            },
        }
    }

    fn failed(&self, problem: &str) -> LendError {
        LendError::NotAdmitted { destination: self.destination.clone(), problem: problem.to_owned() }
    }

    /// Has everything removed at the destination and waits for that; returns what could not be removed.
    pub async fn dismiss(self) -> Option<LendError> {
        let Admitted { destination, kept, mut said, .. } = self;
        kept.dismiss().await;
        while let Ok(line) = said.try_recv() {
            if let Some(("left", name)) = line.split_once(' ') {
                return Some(LendError::LineLeft { destination, name: name.to_owned() });
            }
        }
        None
    }
}
