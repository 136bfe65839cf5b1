//! A login lent to a source, from the connections to both hosts until nothing is left there. Main type: [`Loan`].

use std::sync::Arc;

use crate::agent::{Account, Armed, LentAgent, LoanTerms, Proof};
use crate::chain::{ChainError, Program, Session, Task, Way};
use crate::progress::Observer;

use super::client_config::{self, Address};
use super::ephemeral::admitted::Admitted;
use super::ephemeral::seal::Seal;
use super::error::LendError;
use super::pin::Pin;
use super::remote::agent_channels;
use super::remote::kept::Kept;
use super::remote::marked_lines;
use super::remote::remote_dir::{self, SourceFacts};
use super::remote::running::{self, Running};
use super::remote::shell_line;
use super::request::{Auth, LoanRequest};
use super::tier::Tier;
use super::untold::Untold;

/// What a loan has come to.
#[derive(Debug)]
pub struct Closed {
    /// What was signed and refused.
    pub account: Account,
    /// What could not be removed.
    pub left: Option<LendError>,
}

/// A login that can be had on the source. Dropping it ends everything there; [`Loan::close`] waits for it.
pub struct Loan {
    source: Session,
    destination: String,
    user: String,
    fingerprint: String,
    tier: Tier,
    lent: LentAgent,
    untold: Untold,
    facts: SourceFacts,
    kept: Kept,
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
        request: &LoanRequest,
    ) -> Result<Loan, LendError> {
        let leave = std::future::ready(Ok(true));
        let loan = Box::pin(Loan::prepare_given(leave, (source, destination), address, request, None)).await?;
        Ok(loan.expect("leave is given"))
    }

    /// As [`Loan::prepare`]; but `leave` says whether it may log in at the source, and what can be done before that is done
    /// meanwhile. `None` when it may not. What was refused before there is a loan, or with one that is dropped, is told to the
    /// observer.
    ///
    /// # Errors
    /// As there.
    pub async fn prepare_given(
        leave: impl Future<Output = Result<bool, ChainError>>,
        (source, destination): (&Way, &Way),
        address: Option<Address>,
        request: &LoanRequest,
        observer: Option<Arc<dyn Observer>>,
    ) -> Result<Option<Loan>, LendError> {
        let (there, here) = tokio::try_join!(destination.session(0), source.session_apart(leave))?;
        let Some(here) = here else { return Ok(None) };
        let mut untold = Untold::of(&here, observer);
        let pin = Pin::of(&there, &here, request.auth).await?;
        let address = address.unwrap_or_else(|| {
            let host = destination.hops().last().expect("a way has at least its target");
            Address { host: host.hostname.value.clone(), port: host.port.value }
        });
        let alias = format!("hop-{}", marked_lines::nonce(&here)?);
        let login =
            client_config::ClientLogin { address: &address, user: &pin.user, key_type: &pin.key_type, alias: &alias };
        let known_hosts = format!("{alias} {}", pin.line);
        let ready = remote_dir::start(&here, &client_config::config(&login)?, &known_hosts, request.patience).await?;
        let facts = ready.facts.clone();
        let tier = pin.tier(&facts, &here, request);
        let terms = LoanTerms {
            user: pin.user.clone(),
            key: pin.credential.blob.clone(),
            host_keys: vec![pin.host_key.clone()],
            // without a tier nothing is granted either
            proof: tier.as_ref().map_or(Proof::Hostbound, |tier| tier.proof()),
        };
        let lent = LentAgent::new(terms, pin.credential.signer.clone());
        untold.lend(&lent);
        let kept = ready.keep(lent.clone());
        let admitted = async { Ok((tier?, pin.admitted(&there, &here, &address, request.patience).await?)) };
        let (tier, admitted) = match admitted.await {
            Ok(admitted) => admitted,
            Err(error) => {
                kept.dismiss().await;
                return Err(error);
            }
        };
        lent.grant(request.signatures);
        let (destination, fingerprint) = (pin.destination, pin.fingerprint);
        let user = pin.user;
        Ok(Some(Loan { source: here, destination, user, fingerprint, tier, lent, untold, facts, kept, admitted }))
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
        self.untold.account()
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
        self.source.is_closed() || self.kept.has_ended()
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
        let no_agent = running::NO_AGENT.to_string();
        let variables = [("no_agent", &no_agent[..]), ("config", &self.config()), ("folder", &self.facts.folder)];
        let begin = shell_line::with_variables(&variables, running::SCRIPT);
        let line = shell_line::line(&[&begin, script].concat());
        Program { agent: true, ..Program::new(Task::Command(line)) }
    }

    /// Takes agent channels until what is given back is dropped, or the last signature is given.
    pub fn arm(&self) -> Armed {
        let armed = self.lent.arm();
        agent_channels::attend(&self.source, self.lent.clone(), &armed);
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

    /// Ends it, and waits until nothing is left on either host; what it came to, for the caller to tell.
    pub async fn close(self) -> Closed {
        let Loan { untold, kept, admitted, .. } = self;
        let let_go = async {
            match admitted {
                Some(admitted) => admitted.dismiss().await,
                None => None,
            }
        };
        let ((), left) = tokio::join!(kept.dismiss(), let_go);
        let account = untold.account();
        untold.is_told();
        Closed { account, left }
    }
}
