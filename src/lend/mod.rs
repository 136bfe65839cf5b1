//! A login at the destination, lent to a source: the source's own ssh client logs in there, with the key still here.
//!
//! [`Loan::prepare`] pins the destination's host key by a login of our own, opens an SSH connection to the source for this
//! loan alone, and chooses the strictest proof both can give ([`Tier`]). [`Loan::run`] runs a script there while the agent
//! is armed: for that long, and for so many signatures, the source can log in as that user, there, and nowhere else.
//!
//! A compromised source can take the login itself. It gets neither the key, nor another user or host, nor one login more.
//!
//! ```text
//!   tier.rs    which proof (pure)          client.rs  the client's configuration (pure)
//!   keeper.rs  the private folder there    shell.rs   scripts through any login shell (pure)
//!   serve.rs   agent channels → agent::Lent
//! ```

mod client;
mod error;
mod keeper;
mod running;
mod serve;
mod shell;
mod tier;

use russh::keys::Algorithm;

pub use client::Address;
pub use error::LendError;
pub use running::Running;
pub use shell::{line, quoted};
pub use tier::{Client, Tier, Version, choose};

use crate::agent::{Account, Armed, Lent, Proof, Refusal, Terms};
use crate::auth::Credential;
use crate::chain::{Program, Session, Task, Way};
use crate::trust::HostVerified;
use keeper::{Facts, Keeper};

/// What is to be lent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wish {
    /// Logins.
    pub signatures: u32,
    /// How weak a proof will do.
    pub weakest: Weakest,
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
        Wish { signatures: 1, weakest: Weakest::Any }
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
    keeper: Keeper,
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
        let (there, here) = tokio::try_join!(destination.session(0), source.session_apart())?;
        let pin = Pin::of(&there, &here)?;
        let address = address.unwrap_or_else(|| {
            let host = destination.hops().last().expect("a way has at least its target");
            Address { host: host.hostname.value.clone(), port: host.port.value }
        });
        let alias = format!("hop-{}", keeper::nonce(&here)?);
        let login = client::Login { address: &address, user: &pin.user, key_type: &pin.key_type, alias: &alias };
        let ready = keeper::start(&here, &client::config(&login)?, &format!("{alias} {}", pin.line)).await?;
        let facts = ready.facts.clone();
        let tier = pin.tier(&facts, &here, wish.weakest);
        let terms = Terms {
            user: pin.user.clone(),
            key: pin.credential.blob.clone(),
            host_keys: vec![pin.host_key.clone()],
            // without a tier nothing is granted either
            proof: tier.as_ref().map_or(Proof::Hostbound, |tier| tier.proof()),
        };
        let lent = Lent::new(terms, pin.credential.signer.clone());
        let keeper = ready.keep(lent.clone());
        let tier = match tier {
            Ok(tier) => tier,
            Err(error) => {
                keeper.dismiss().await;
                return Err(error);
            }
        };
        lent.grant(wish.signatures);
        let (destination, fingerprint) = (pin.destination, pin.fingerprint);
        Ok(Loan { source: here, destination, user: pin.user, fingerprint, tier, lent, facts, keeper })
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

    /// Runs a script by POSIX sh on the source, armed until it ends or the last signature is given. It finds the agent as
    /// `$SSH_AUTH_SOCK` and the configuration as `$HOP_LENT`; its process group is ended with the loan.
    pub async fn run(&self, script: &[u8]) -> Result<Running, LendError> {
        let armed = self.arm();
        let process = self.source.start(&self.program(script)).await?;
        Ok(Running::new(process, armed, self.source.trail().end()))
    }

    /// The program that [`Loan::run`] starts, for whoever starts it on [`Loan::source`] another way, with a terminal.
    pub fn program(&self, script: &[u8]) -> Program {
        let before = format!(
            "[ -S \"${{SSH_AUTH_SOCK-}}\" ] || {{ echo 'this host forwards no agent' >&2; exit {}; }}\n\
             HOP_LENT={}; export HOP_LENT\n: >'{}'/run.$$\n",
            running::NO_AGENT,
            self.config(),
            self.facts.folder
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

    /// Ends it, and waits until nothing is left on the source; what it came to.
    pub async fn close(self) -> Account {
        let Loan { source, lent, keeper, .. } = self;
        keeper.dismiss().await;
        account(&source, &lent)
    }
}

fn account(source: &Session, lent: &Lent) -> Account {
    let mut account = lent.account();
    (0..source.agents_refused()).for_each(|_| account.refuse(Refusal::NotArmed));
    account
}

/// What hop's own login at the destination has shown.
struct Pin {
    destination: String,
    user: String,
    credential: Credential,
    /// As it goes over the wire.
    host_key: Vec<u8>,
    /// As it stands in known_hosts, without the name.
    line: String,
    key_type: String,
    fingerprint: String,
    server: Option<Version>,
}

impl Pin {
    fn of(there: &Session, here: &Session) -> Result<Pin, LendError> {
        let destination = there.trail().end().to_owned();
        let login = there.login();
        let Some(credential) = login.credential().cloned() else {
            return Err(LendError::NotByKey { destination, method: login.method() });
        };
        let verified = there.host_verified();
        unlike_the_others(&destination, verified, there, here)?;
        let algorithm = verified.algorithm();
        let line = verified.key().to_openssh().ok();
        let (Algorithm::Ed25519 | Algorithm::Ecdsa { .. } | Algorithm::Rsa { .. }, Some(line), Ok(host_key)) =
            (&algorithm, line, verified.key().to_bytes())
        else {
            return Err(LendError::HostKeyType { destination, algorithm: algorithm.to_string() });
        };
        Ok(Pin {
            destination,
            user: login.user().to_owned(),
            credential,
            host_key,
            key_type: line.split(' ').next().unwrap_or_default().to_owned(),
            line: line.trim_end().to_owned(),
            fingerprint: verified.fingerprint(),
            server: Version::find(there.server_version()),
        })
    }

    fn tier(&self, facts: &Facts, here: &Session, weakest: Weakest) -> Result<Tier, LendError> {
        let client = Client { version: Version::find(&facts.client), can_be_overheard: !facts.relay.is_empty() };
        let source_host = here.trail().end().to_owned();
        match tier::choose(client, self.server) {
            None => Err(LendError::NoProof { source_host, client: client.version }),
            Some(tier) if tier != Tier::A && weakest == Weakest::Hostbound => Err(LendError::NotHostbound {
                tier,
                source_host,
                client: client.version,
                destination: self.destination.clone(),
                server: self.server,
            }),
            Some(tier) => Ok(tier),
        }
    }
}

/// The destination's key is nobody else's on both ways. The destination itself may be passed on the way to the source.
fn unlike_the_others(
    destination: &str,
    verified: &HostVerified,
    there: &Session,
    here: &Session,
) -> Result<(), LendError> {
    let (before, source) = (there.passed(), here.passed());
    let on_the_way = source.iter().skip(1).filter(|(passed, _)| *passed != destination);
    let mut others = before.iter().skip(1).chain(source.first()).chain(on_the_way);
    match others.find(|(_, other)| other.key().key_data() == verified.key().key_data()) {
        None => Ok(()),
        Some((other, _)) => Err(LendError::SameKey {
            destination: destination.to_owned(),
            other: (*other).to_owned(),
            fingerprint: verified.fingerprint(),
        }),
    }
}
