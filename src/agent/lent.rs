//! An agent in memory with one key, lent for a few logins. Main type: [`Lent`]; what may be signed is the policy's to say
//! (`policy.rs`), here are the clock, the counts of connections, and the hand that signs.
//!
//! It is armed for as long as an [`Armed`] lives. With the last signature it is spent: every connection is closed.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::sync::Notify;
use tokio::time::{Instant, timeout, timeout_at};
use tokio_util::sync::CancellationToken;

use super::overheard::Overheard;
use super::policy::{Account, Line, Order, Policy, Proof, Refusal, Terms, Verdict};
use super::signer::Signer;
use super::wire::{FRAME_LENGTHS, Identity, Reply, Request, WireError, frame};

/// Connections at a time.
pub const ALIVE: u32 = 2;
/// Connections in all, for each signature granted.
pub const IN_ALL: u32 = 8;
/// From one message to the next.
const IDLE: Duration = Duration::from_secs(10);
/// A whole connection; the time a signature takes is not counted.
const TOTAL: Duration = Duration::from_secs(60);
/// How much later than the sign request the overheard key exchange may come.
const ECHO: Duration = Duration::from_secs(5);

/// The agent. Cheap to clone; clones are the same one.
#[derive(Clone)]
pub struct Lent(Arc<Shared>);

struct Shared {
    state: Mutex<State>,
    signer: Arc<dyn Signer>,
    overheard: Notify,
}

struct State {
    policy: Policy,
    /// Cancelled when spent or disarmed.
    closing: CancellationToken,
    alive: u32,
    seen: u32,
    allowed: u32,
}

/// As long as it lives, the agent hears.
pub struct Armed(Lent, CancellationToken);

/// A connection that was let in.
pub struct Visit(Lent, CancellationToken);

impl Lent {
    /// Lends nothing yet.
    pub fn new(terms: Terms, signer: Arc<dyn Signer>) -> Lent {
        let closing = CancellationToken::new();
        closing.cancel();
        let state = State { policy: Policy::new(terms), closing, alive: 0, seen: 0, allowed: 0 };
        Lent(Arc::new(Shared { state: Mutex::new(state), signer, overheard: Notify::new() }))
    }

    /// Grants so many further signatures.
    pub fn grant(&self, signatures: u32) {
        let mut state = self.state();
        state.policy.grant(signatures);
        state.allowed = state.allowed.saturating_add(IN_ALL.saturating_mul(signatures));
    }

    /// Hears requests until what is given back is dropped, or the last signature is given.
    pub fn arm(&self) -> Armed {
        let mut state = self.state();
        state.policy.arm();
        state.closing.cancel();
        state.closing = CancellationToken::new();
        Armed(self.clone(), state.closing.clone())
    }

    /// Lets a connection in, or refuses it.
    pub fn admit(&self) -> Option<Visit> {
        let mut state = self.state();
        let refusal = match () {
            () if !state.policy.is_armed() => Refusal::NotArmed,
            () if state.alive >= ALIVE || state.seen >= state.allowed => Refusal::Crowd,
            () => {
                state.alive += 1;
                state.seen += 1;
                return Some(Visit(self.clone(), state.closing.clone()));
            }
        };
        state.policy.account.refuse(refusal);
        None
    }

    /// A key exchange that was overheard on its way to the client.
    pub fn overhear(&self, overheard: &Overheard) {
        self.state().policy.overhear(&overheard.host_key, &overheard.signature);
        self.0.overheard.notify_waiters();
    }

    /// What has happened so far.
    pub fn account(&self) -> Account {
        self.state().policy.account.clone()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn refuse(&self, refusal: Refusal) {
        self.state().policy.account.refuse(refusal);
    }
}

impl Armed {
    /// Returns once the last signature is given, or it was armed anew.
    pub async fn spent(&self) {
        self.1.cancelled().await;
    }

    /// Likewise, or once this is dropped.
    pub fn ending(&self) -> impl Future<Output = ()> + Send + 'static {
        self.1.clone().cancelled_owned()
    }
}

impl Drop for Armed {
    fn drop(&mut self) {
        let mut state = self.0.state();
        if !self.1.is_cancelled() || !state.policy.is_armed() {
            state.policy.disarm();
        }
        self.1.cancel();
    }
}

impl Drop for Visit {
    fn drop(&mut self) {
        self.0.state().alive -= 1;
    }
}

impl Visit {
    /// Answers until the other side ends it, a limit is met, or nothing is lent any more.
    pub async fn serve<S: AsyncRead + AsyncWrite + Unpin>(self, mut stream: S) {
        let closing = self.1.clone();
        let end = self.converse(&mut stream, &closing).await;
        if let Some(refusal) = end {
            self.0.refuse(refusal);
        }
        let _ = timeout(IDLE, stream.shutdown()).await; // the other side may be gone
    }

    async fn converse<S>(&self, stream: &mut S, closing: &CancellationToken) -> Option<Refusal>
    where
        S: AsyncRead + AsyncWrite + Unpin,
    {
        let (mut line, mut left, mut served) = (Line::default(), TOTAL, 0u32);
        loop {
            let began = Instant::now();
            let message = tokio::select! {
                biased;
                () = closing.cancelled() => return None,
                message = receive(stream, began + left.min(IDLE)) => message,
            };
            left = left.saturating_sub(began.elapsed());
            let message = match message {
                Received::Message(message) => message,
                // whoever has been served may be silent; whoever never spoke, or stopped half-way, holds a place
                Received::Late(Silence::Between) if served > 0 => return None,
                Received::Late(_) => return Some(Refusal::TooSlow),
                Received::Giant => return Some(Refusal::Frame),
                Received::End => return None,
            };
            let reply = self.answer(&mut line, &message).await;
            served += 1;
            let sent = timeout(IDLE, stream.write_all(&frame(&reply.encode()))).await;
            if !matches!(sent, Ok(Ok(()))) {
                return None;
            }
            if matches!(reply, Reply::Signature(_)) && !self.0.state().policy.is_armed() {
                let _ = timeout(IDLE, stream.flush()).await; // the answer first, then the end
                closing.cancel();
                return None;
            }
        }
    }

    async fn answer(&self, line: &mut Line, message: &[u8]) -> Reply {
        let request = Request::parse(message);
        self.wait_for_echo(&request).await;
        let verdict = self.0.state().policy.judge(line, request);
        match verdict {
            Verdict::Bound => Reply::Success,
            Verdict::Show => {
                let key = self.0.state().policy.terms().key.clone();
                Reply::Identities(vec![Identity { key, comment: Vec::new() }])
            }
            Verdict::ShowNothing => Reply::Identities(Vec::new()),
            Verdict::Sign(order) => self.sign(order).await,
            Verdict::Refused(_) => Reply::Failure,
            Verdict::BindRefused(_) => Reply::ExtensionFailure,
        }
    }

    /// The overheard key exchange comes another way than the request, and perhaps after it.
    async fn wait_for_echo(&self, request: &Result<Request, WireError>) {
        let Ok(Request::Sign(request)) = request else { return };
        let deadline = Instant::now() + ECHO;
        loop {
            let mut notified = std::pin::pin!(self.0.0.overheard.notified());
            notified.as_mut().enable();
            {
                let state = self.0.state();
                let needed = state.policy.terms().proof == Proof::Overheard && state.policy.is_armed();
                if !needed || state.policy.is_overheard(&request.data) {
                    return;
                }
            }
            if timeout_at(deadline, notified).await.is_err() {
                return;
            }
        }
    }

    /// The budget has been taken already: whatever happens here, it is not given back.
    async fn sign(&self, order: Order) -> Reply {
        let signed = self.0.0.signer.sign(&order.data, order.hash).await;
        let mut state = self.0.state();
        match signed {
            Ok(signature) => {
                state.policy.account.signatures += 1;
                Reply::Signature(signature)
            }
            Err(error) => {
                state.policy.account.failure = Some(error.to_string());
                Reply::Failure
            }
        }
    }
}

enum Received {
    Message(Vec<u8>),
    Giant,
    Late(Silence),
    End,
}

enum Silence {
    Between,
    Within,
}

async fn receive<S: AsyncRead + Unpin>(stream: &mut S, deadline: Instant) -> Received {
    let mut head = [0; 4];
    match timeout_at(deadline, stream.read(&mut head[..1])).await {
        Err(_) => return Received::Late(Silence::Between),
        Ok(Ok(1)) => {}
        Ok(_) => return Received::End,
    }
    let rest = async {
        stream.read_exact(&mut head[1..]).await.ok()?;
        let length = u32::from_be_bytes(head) as usize;
        if !FRAME_LENGTHS.contains(&length) {
            return Some(Received::Giant);
        }
        // grows with what comes: a length alone takes no memory
        let mut message = Vec::new();
        let read = stream.take(length as u64).read_to_end(&mut message).await.ok()?;
        (read == length).then_some(Received::Message(message))
    };
    match timeout_at(deadline, rest).await {
        Err(_) => Received::Late(Silence::Within),
        Ok(received) => received.unwrap_or(Received::End),
    }
}
