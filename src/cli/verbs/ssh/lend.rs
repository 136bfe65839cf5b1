//! What does `--lend` do? It lets the session log in to another host, a limited number of times, with a key that stays
//! here.
//!
//! Main type: [`Lending`]. In the session, `$HOP_LENT` is the path of the configuration for the client there; the
//! result of the loan is printed at the end.

use std::sync::Arc;

use bytes::Bytes;
use tokio::sync::mpsc::{Sender, channel};
use tokio::task::JoinHandle;

use crate::chain::{Program, Session, Task, Way};
use crate::error::Error;
use crate::lend::{Address, Auth, Loan, LoanRequest, Weakest, quoted};
use crate::progress::{Event, Observer};
use crate::target;

use super::exit_status::OWN_FAILURE;
use crate::cli::args::ssh::Lend;
use crate::cli::run::network::Network;

/// The most bytes of a command's last output that are kept.
const LAST_WORDS: usize = 8 * 1024;

/// A session with a loan.
pub struct Lending {
    loan: Loan,
    observer: Arc<dyn Observer>,
}

impl Lending {
    /// Makes the loan; `network` must not have flags that are meant for the host of the session.
    pub async fn begin(
        lend: &Lend,
        to: &Way,
        network: &Network,
        observer: Arc<dyn Observer>,
    ) -> Result<Option<Lending>, Error> {
        let Some(word) = &lend.lend else { return Ok(None) };
        let destination = network.way(&target::parse_host(word)?)?;
        let weakest = if lend.require_hostbound { Weakest::Hostbound } else { Weakest::Any };
        let (address, signatures) = (address(lend, &destination)?, lend.signatures);
        let request = LoanRequest { address, signatures, weakest, auth: Auth::Agent, ..LoanRequest::default() };
        let (leave, teller) = (std::future::ready(Ok(true)), Some(Arc::clone(&observer)));
        let loan = Box::pin(Loan::prepare_given(leave, to, &destination, &request, teller)).await?;
        let loan = loan.expect("leave is given");
        observer.event(Event::Lending {
            to: to.alias().to_owned(),
            user: loan.user().to_owned(),
            host: loan.destination().to_owned(),
            tier: loan.tier().to_string(),
            fingerprint: loan.fingerprint().to_owned(),
            signatures: lend.signatures,
        });
        Ok(Some(Lending { loan, observer }))
    }

    /// The session on the host, which nothing else uses.
    pub fn session(&self) -> &Session {
        self.loan.source()
    }

    /// The same program, run with the loan.
    pub fn program(&self, program: Program) -> Program {
        let script = match &program.task {
            Task::Shell => b"exec \"${SHELL:-/bin/sh}\" -l".to_vec(),
            Task::Command(line) => [&b"exec \"${SHELL:-/bin/sh}\" -c "[..], &quoted(line)].concat(),
            Task::Subsystem(_) => return program,
        };
        Program { task: self.loan.program(&script).task, agent: true, ..program }
    }

    /// Arms the loan while the returned value exists.
    pub fn arm(&self) -> crate::agent::Armed {
        self.loan.arm()
    }

    /// Prints the result. It is an error if a command was refused although the login was given.
    pub async fn settle(self, status: u8, words: &[u8]) -> Result<u8, Error> {
        let misused = self.loan.misused(words).filter(|_| status == OWN_FAILURE);
        let (user, host) = (self.loan.user().to_owned(), self.loan.destination().to_owned());
        let (tier, fingerprint) = (self.loan.tier().to_string(), self.loan.fingerprint().to_owned());
        let account = self.loan.close().await.account;
        let (signatures, refused) = (account.signatures, account.refused());
        for (refusal, count) in &account.refusals {
            self.observer.event(Event::Detail(format!("agent: refused {count} times: {refusal}")));
        }
        if let Some(failure) = account.failure {
            self.observer.event(Event::Warning(format!("agent: no signature: {failure}")));
        }
        let is_ephemeral = false;
        self.observer.event(Event::Lent { user, host, tier, fingerprint, is_ephemeral, signatures, refused });
        misused.map_or(Ok(status), |misused| Err(misused.into()))
    }
}

fn address(lend: &Lend, destination: &Way) -> Result<Option<Address>, Error> {
    let Some(word) = &lend.peer_address else { return Ok(None) };
    let spec = target::parse_host(word)?;
    let port = destination.hops().last().map_or(22, |host| host.port.value);
    Ok(Some(Address { host: spec.host, port: spec.port.unwrap_or(port) }))
}

/// Passes output on, and keeps its last bytes.
pub fn keep_last_words(to: Sender<Bytes>) -> (Sender<Bytes>, JoinHandle<Vec<u8>>) {
    let (sender, mut said) = channel::<Bytes>(1);
    let keeping = tokio::spawn(async move {
        let mut last = Vec::new();
        while let Some(chunk) = said.recv().await {
            last.extend_from_slice(&chunk);
            last.drain(..last.len().saturating_sub(LAST_WORDS));
            let _ = to.send(chunk).await; // a closed standard error stops nothing
        }
        last
    });
    (sender, keeping)
}
