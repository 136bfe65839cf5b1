//! How long does a lent login last? From the connections to both hosts until nothing of it is left there. Main type:
//! [`Loan`].

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

/// The result of a loan.
#[derive(Debug)]
pub struct Closed {
    /// What was signed and refused.
    pub account: Account,
    /// The error if something could not be removed.
    pub left: Option<LendError>,
}

/// A login that the source can make. Dropping it ends everything on the hosts; [`Loan::close`] waits for that.
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
    /// Prepares everything; nothing can be signed yet.
    ///
    /// # Errors
    /// [`LendError`]; nothing is left on the source.
    pub async fn prepare(source: &Way, destination: &Way, request: &LoanRequest) -> Result<Loan, LendError> {
        let leave = std::future::ready(Ok(true));
        let loan = Box::pin(Loan::prepare_given(leave, source, destination, request, None)).await?;
        Ok(loan.expect("leave is given"))
    }

    /// Like [`Loan::prepare`], but logs in at the source only once `leave` returns true, and meanwhile does what can be
    /// done before. `None` if `leave` returns false. The observer is told what the agent refused before there is a loan,
    /// or with a loan that is dropped.
    ///
    /// # Errors
    /// Those of [`Loan::prepare`].
    pub async fn prepare_given(
        leave: impl Future<Output = Result<bool, ChainError>>,
        source: &Way,
        destination: &Way,
        request: &LoanRequest,
        observer: Option<Arc<dyn Observer>>,
    ) -> Result<Option<Loan>, LendError> {
        let (there, here) = tokio::try_join!(destination.session(0), source.session_apart(leave))?;
        let Some(here) = here else { return Ok(None) };
        let mut untold = Untold::of(&here, observer);
        let pin = Pin::of(&there, &here, request.auth).await?;
        let address = request.address.clone().unwrap_or_else(|| {
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
            // without a tier no signature is granted
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

    /// The kind of key the login is made with.
    pub fn auth(&self) -> Auth {
        if self.admitted.is_some() { Auth::Ephemeral } else { Auth::Agent }
    }

    /// The seal for orders to the destination, if it accepts no others ([`Auth::Ephemeral`]).
    pub fn seal(&self) -> Option<&Seal> {
        self.admitted.as_ref().map(Admitted::seal)
    }

    /// Tells the loan that the source has logged in: the key is no longer admitted.
    ///
    /// # Errors
    /// [`LendError::LineLeft`], or the connection is lost; removal is tried again at the end.
    pub async fn logged_in(&mut self) -> Result<(), LendError> {
        match &mut self.admitted {
            Some(admitted) => admitted.close_the_door().await,
            None => Ok(()),
        }
    }

    /// The tier of the loan.
    pub fn tier(&self) -> Tier {
        self.tier
    }

    /// `SHA256:…` of the destination's pinned host key.
    pub fn fingerprint(&self) -> &str {
        &self.fingerprint
    }

    /// The user of the login.
    pub fn user(&self) -> &str {
        &self.user
    }

    /// The destination's name as typed, which is also the name given to the source's client.
    pub fn destination(&self) -> &str {
        &self.destination
    }

    /// The private folder on the source, a plain path. It is removed with the loan, with everything put into it. Names
    /// that begin with `run.` are reserved.
    pub fn folder(&self) -> &str {
        &self.facts.folder
    }

    /// The configuration in that folder with which the source's client logs in: `ssh -F CONFIG -- DESTINATION`, and
    /// `sftp` or `scp` likewise. Scripts find its path in `$HOP_LENT`.
    pub fn config(&self) -> String {
        let name = if self.tier == Tier::C { "config.tap" } else { "config" };
        format!("{}/{name}", self.facts.folder)
    }

    /// Whether the source has `sftp`, `scp` or `tar`.
    pub fn has(&self, tool: &str) -> bool {
        self.facts.tools.iter().any(|found| found == tool)
    }

    /// The connection to the source that belongs to this loan alone.
    pub fn source(&self) -> &Session {
        &self.source
    }

    /// The signatures and refusals so far, including those of agent channels opened while the agent was not armed.
    pub fn account(&self) -> Account {
        self.untold.account()
    }

    /// Grants this many further signatures: for a retry that hop itself has decided on.
    pub fn grant(&self, signatures: u32) {
        self.lent.grant(signatures);
    }

    /// Whether one of the granted signatures is left.
    pub fn has_left(&self) -> bool {
        self.lent.has_left()
    }

    /// Whether the loan has ended, because the connection to the source or the process there has.
    pub fn has_ended(&self) -> bool {
        self.source.is_closed() || self.kept.has_ended()
    }

    /// Runs a script with POSIX sh on the source; the agent is armed until the script ends or the last signature is
    /// given. The script finds the agent in `$SSH_AUTH_SOCK` and the configuration in `$HOP_LENT`; its process group is
    /// ended with the loan.
    pub async fn run(&self, script: &[u8]) -> Result<Running, LendError> {
        let armed = self.arm();
        let process = self.source.start(&self.program(script)).await?;
        Ok(Running::new(process, armed, self.source.trail().end()))
    }

    /// The program that [`Loan::run`] starts, for callers that start it on [`Loan::source`] in another way, with a
    /// terminal.
    pub fn program(&self, script: &[u8]) -> Program {
        let no_agent = running::NO_AGENT.to_string();
        let variables = [("no_agent", &no_agent[..]), ("config", &self.config()), ("folder", &self.facts.folder)];
        let begin = shell_line::with_variables(&variables, running::SCRIPT);
        let line = shell_line::line(&[&begin, script].concat());
        Program { agent: true, ..Program::new(Task::Command(line)) }
    }

    /// Accepts agent channels until the returned value is dropped, or the last signature is given.
    pub fn arm(&self) -> Armed {
        let armed = self.lent.arm();
        agent_channels::attend(&self.source, self.lent.clone(), &armed);
        armed
    }

    /// The error if the words with which the source's client was refused show that somebody else used the signature.
    pub fn misused(&self, words: &[u8]) -> Option<LendError> {
        let says = |text: &str| words.windows(text.len()).any(|window| window == text.as_bytes());
        let refused = says("Permission denied (") || says("Too many authentication failures");
        (refused && self.account().signatures > 0).then(|| LendError::Misused {
            source_host: self.source.trail().end().to_owned(),
            user: self.user.clone(),
            destination: self.destination.clone(),
        })
    }

    /// Ends the loan, waits until nothing of it is left on either host, and returns its result, for the caller to tell.
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
        untold.told();
        Closed { account, left }
    }
}
