//! A login at the destination, lent to a source: the source's own ssh client logs in there, with the key still here.
//!
//! [`Loan::prepare`] pins the destination's host key by a login of our own, opens an SSH connection to the source for this
//! loan alone, and chooses the strictest proof both can give ([`Tier`]). [`Loan::run`] runs a script there while the agent
//! is armed: for that long, and for so many signatures, the source can log in as that user, there, and nowhere else.
//!
//! A compromised source can take the login itself. It gets neither the key, nor another user or host, nor one login more.
//!
//! The key is hop's own for that host ([`Auth::Agent`]) or made for the loan ([`Auth::Ephemeral`]). The latter needs no proof
//! where none can be had ([`Tier::D`]): a signature for any other session is of no use, for no other server takes the key;
//! and at this one it opens a gate that only lets orders of hop's pass.
//!
//! ```text
//!   pin.rs     whom the login is for       tier.rs    which proof (pure)
//!   client.rs  the client's configuration (pure)
//!   keeper.rs  the private folder there    shell.rs   scripts through any login shell (pure)
//!   kept.rs    a process that lives no longer than hop
//!   serve.rs   agent channels → agent::Lent
//!   ephemeral/ a key made for this login, and the one line that lets it in
//! ```

mod client;
mod ephemeral;
mod error;
mod keeper;
mod kept;
mod pin;
mod running;
mod serve;
mod shell;
mod tier;

pub use client::Address;
pub use ephemeral::Seal;
pub use error::LendError;
pub use kept::Kept;
pub use kept::program as kept_program;
pub use running::Running;
pub use shell::{line, quoted};
pub use tier::{Client, Tier, Version, choose};

use std::time::Duration;

use crate::agent::{Account, Armed, Lent, Proof, Refusal, Terms};
use crate::chain::{ChainError, Program, Session, Task, Way};
use ephemeral::Admitted;
use keeper::Facts;
use pin::Pin;

/// What is to be lent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wish {
    /// Logins.
    pub signatures: u32,
    /// How weak a proof will do.
    pub weakest: Weakest,
    /// What the login is made with.
    pub auth: Auth,
    /// How long hop may be silent before what stands on the hosts takes it for gone, and a few seconds more.
    pub patience: Duration,
}

/// What a lent login is made with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Auth {
    /// `agent`: the key that hop itself logs in with.
    Agent,
    /// `ephemeral`: a key made for this one login, and let in for as long.
    Ephemeral,
}

/// What a loan has come to.
#[derive(Debug)]
pub struct Closed {
    /// What was signed and refused.
    pub account: Account,
    /// What could not be removed.
    pub left: Option<LendError>,
}

/// The weakest proof that will do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Weakest {
    /// `--require-hostbound`: tier A.
    Hostbound,
    /// Whatever tier there is.
    Any,
}

impl Default for Wish {
    fn default() -> Wish {
        Wish { signatures: 1, weakest: Weakest::Any, auth: Auth::Agent, patience: Duration::from_secs(60) }
    }
}

/// A login that can be had on the source. Dropping it ends everything there; [`Loan::close`] waits for it.
pub struct Loan {
    source: Session,
    destination: String,
    user: String,
    fingerprint: String,
    tier: Tier,
    lent: Lent,
    facts: Facts,
    keeper: Kept,
    admitted: Option<Admitted>,
}

impl Loan {
    /// Makes everything ready; nothing can be signed yet. `address` is where the source finds the destination: its
    /// HostName unless told otherwise.
    ///
    /// # Errors
    /// [`LendError`]; nothing is left on the source.
    pub async fn prepare(
        source: &Way,
        destination: &Way,
        address: Option<Address>,
        wish: &Wish,
    ) -> Result<Loan, LendError> {
        let leave = std::future::ready(Ok(true));
        let loan = Box::pin(Loan::prepare_given(leave, (source, destination), address, wish)).await?;
        Ok(loan.expect("leave is given"))
    }

    /// As [`Loan::prepare`]; but `leave` says whether it may log in at the source, and what can be done before that is done
    /// meanwhile. `None` when it may not.
    ///
    /// # Errors
    /// As there.
    pub async fn prepare_given(
        leave: impl Future<Output = Result<bool, ChainError>>,
        (source, destination): (&Way, &Way),
        address: Option<Address>,
        wish: &Wish,
    ) -> Result<Option<Loan>, LendError> {
        let (there, here) = tokio::try_join!(destination.session(0), source.session_apart(leave))?;
        let Some(here) = here else { return Ok(None) };
        let pin = Pin::of(&there, &here, wish.auth).await?;
        let address = address.unwrap_or_else(|| {
            let host = destination.hops().last().expect("a way has at least its target");
            Address { host: host.hostname.value.clone(), port: host.port.value }
        });
        let alias = format!("hop-{}", keeper::nonce(&here)?);
        let login = client::Login { address: &address, user: &pin.user, key_type: &pin.key_type, alias: &alias };
        let known_hosts = format!("{alias} {}", pin.line);
        let ready = keeper::start(&here, &client::config(&login)?, &known_hosts, wish.patience).await?;
        let facts = ready.facts.clone();
        let tier = pin.tier(&facts, &here, wish);
        let terms = Terms {
            user: pin.user.clone(),
            key: pin.credential.blob.clone(),
            host_keys: vec![pin.host_key.clone()],
            // without a tier nothing is granted either
            proof: tier.as_ref().map_or(Proof::Hostbound, |tier| tier.proof()),
        };
        let lent = Lent::new(terms, pin.credential.signer.clone());
        let keeper = ready.keep(lent.clone());
        let admitted = async { Ok((tier?, pin.admitted((&there, &here), &address, wish.patience).await?)) };
        let (tier, admitted) = match admitted.await {
            Ok(admitted) => admitted,
            Err(error) => {
                keeper.dismiss().await;
                return Err(error);
            }
        };
        lent.grant(wish.signatures);
        let (destination, fingerprint) = (pin.destination, pin.fingerprint);
        Ok(Some(Loan { source: here, destination, user: pin.user, fingerprint, tier, lent, facts, keeper, admitted }))
    }

    /// What the login is made with.
    pub fn auth(&self) -> Auth {
        if self.admitted.is_some() { Auth::Ephemeral } else { Auth::Agent }
    }

    /// What the destination takes orders by, where it takes no others ([`Auth::Ephemeral`]).
    pub fn seal(&self) -> Option<&Seal> {
        self.admitted.as_ref().map(Admitted::seal)
    }

    /// The source has logged in: nobody is let in with that key any more.
    ///
    /// # Errors
    /// [`LendError::LineLeft`], or the connection is gone; it is tried again at the end.
    pub async fn logged_in(&mut self) -> Result<(), LendError> {
        match &mut self.admitted {
            Some(admitted) => admitted.close_the_door().await,
            None => Ok(()),
        }
    }

    /// How well it is guarded.
    pub fn tier(&self) -> Tier {
        self.tier
    }

    /// `SHA256:…` of the destination's pinned host key.
    pub fn fingerprint(&self) -> &str {
        &self.fingerprint
    }

    /// Whom it logs in.
    pub fn user(&self) -> &str {
        &self.user
    }

    /// The destination's name, as it was typed; it is also what the source's client is given.
    pub fn destination(&self) -> &str {
        &self.destination
    }

    /// The private folder on the source, a plain path. It goes with the loan; what else is put there goes with it. Names
    /// that begin with `run.` are taken.
    pub fn folder(&self) -> &str {
        &self.facts.folder
    }

    /// The configuration in that folder with which the source's client logs in: `ssh -F CONFIG -- DESTINATION`, and
    /// `sftp`, `scp` likewise. Scripts have it as `$HOP_LENT`.
    pub fn config(&self) -> String {
        let name = if self.tier == Tier::C { "config.tap" } else { "config" };
        format!("{}/{name}", self.facts.folder)
    }

    /// Whether the source has `sftp`, `scp` or `tar`.
    pub fn has(&self, tool: &str) -> bool {
        self.facts.tools.iter().any(|found| found == tool)
    }

    /// The connection to the source that this loan has to itself.
    pub fn source(&self) -> &Session {
        &self.source
    }

    /// What was signed and refused so far, agent channels outside of the loan's time included.
    pub fn account(&self) -> Account {
        account(&self.source, &self.lent)
    }

    /// Grants so many further signatures: for a retry that hop itself has decided on.
    pub fn grant(&self, signatures: u32) {
        self.lent.grant(signatures);
    }

    /// Whether a signature is left of those that were granted.
    pub fn has_left(&self) -> bool {
        self.lent.has_left()
    }

    /// The connection to the source has ended, or what stands there has; and the loan with it.
    pub fn has_ended(&self) -> bool {
        self.source.is_closed() || self.keeper.has_ended()
    }

    /// Runs a script by POSIX sh on the source, armed until it ends or the last signature is given. It finds the agent as
    /// `$SSH_AUTH_SOCK` and the configuration as `$HOP_LENT`; its process group is ended with the loan.
    pub async fn run(&self, script: &[u8]) -> Result<Running, LendError> {
        let armed = self.arm();
        let process = self.source.start(&self.program(script)).await?;
        Ok(Running::new(process, armed, self.source.trail().end()))
    }

    /// The program that [`Loan::run`] starts, for whoever starts it on [`Loan::source`] another way, with a terminal.
    pub fn program(&self, script: &[u8]) -> Program {
        // what ends all runs has not begun to, or this one ends by itself (keeper.sh)
        let before = format!(
            "[ -S \"${{SSH_AUTH_SOCK-}}\" ] || {{ echo 'this host forwards no agent' >&2; exit {}; }}\n\
             HOP_LENT={}; export HOP_LENT\necho >'{folder}'/run.$$ && [ ! -e '{folder}'/over ] || exit 1\n",
            running::NO_AGENT,
            self.config(),
            folder = self.facts.folder
        );
        let line = shell::line(&[before.as_bytes(), script].concat());
        Program { agent: true, ..Program::new(Task::Command(line)) }
    }

    /// Opens the door for agent channels until what is given back is dropped, or the last signature is given.
    pub fn arm(&self) -> Armed {
        let armed = self.lent.arm();
        serve::attend(&self.source, self.lent.clone(), &armed);
        armed
    }

    /// What it means that the source's client was refused with these words, if it means that somebody else took the
    /// signature.
    pub fn misused(&self, words: &[u8]) -> Option<LendError> {
        let says = |text: &str| words.windows(text.len()).any(|window| window == text.as_bytes());
        let refused = says("Permission denied (") || says("Too many authentication failures");
        (refused && self.account().signatures > 0).then(|| LendError::Misused {
            source_host: self.source.trail().end().to_owned(),
            user: self.user.clone(),
            destination: self.destination.clone(),
        })
    }

    /// Ends it, and waits until nothing is left on either host; what it came to.
    pub async fn close(self) -> Closed {
        let Loan { source, lent, keeper, admitted, .. } = self;
        let let_go = async {
            match admitted {
                Some(admitted) => admitted.dismiss().await,
                None => None,
            }
        };
        let ((), left) = tokio::join!(keeper.dismiss(), let_go);
        Closed { account: account(&source, &lent), left }
    }
}

fn account(source: &Session, lent: &Lent) -> Account {
    let mut account = lent.account();
    (0..source.agents_refused()).for_each(|_| account.refuse(Refusal::NotArmed));
    account
}
