//! An agent in memory with one key, lent for a few logins. Main type: [`LentAgent`]. What may be signed is decided by
//! the policy ([`policy`](super::policy)); here are the time limits, the counts of connections, and the signer.
//!
//! The agent answers while an [`Armed`] exists. After the last signature it is spent: every connection is closed.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::sync::Notify;
use tokio::time::{Instant, timeout, timeout_at};
use tokio_util::sync::CancellationToken;

use super::account::{Account, Refusal};
use super::kex_tap::KexReply;
use super::policy::{Line, LoanTerms, Order, Proof, SigningPolicy, Verdict};
use crate::agent::signer::Signer;
use crate::agent::wire::{FRAME_LENGTHS, Identity, Reply, Request, WireError, frame};

/// The most connections at a time.
pub const ALIVE: u32 = 2;
/// The most connections in all, for each signature granted.
pub const IN_ALL: u32 = 8;
/// The time limits of a connection.
const LIMITS: ConnectionLimits = ConnectionLimits {
    idle: Duration::from_secs(10),
    total: Duration::from_secs(60),
    // the overheard key exchange arrives on another channel than the request, but at about the same time
    echo: Duration::from_secs(5),
};

#[derive(Debug, Clone, Copy)]
struct ConnectionLimits {
    /// The time from one message to the next.
    idle: Duration,
    /// The time for a whole connection, not counting that of a signature.
    total: Duration,
    /// How much later than the sign request the overheard key exchange may arrive.
    echo: Duration,
}

/// The agent. Cheap to clone; clones share everything.
#[derive(Clone)]
pub struct LentAgent(Arc<LentShared>);

struct LentShared {
    state: Mutex<LentState>,
    signer: Arc<dyn Signer>,
    overheard: Notify,
    limits: ConnectionLimits,
}

struct LentState {
    policy: SigningPolicy,
    /// Cancelled when the agent is spent or disarmed.
    closing: CancellationToken,
    alive: u32,
    seen: u32,
    allowed: u32,
}

/// While it exists, the agent answers requests.
pub struct Armed(LentAgent, CancellationToken);

/// A connection that was admitted.
pub struct AgentConnection(LentAgent, CancellationToken);

impl LentAgent {
    /// An agent that lends nothing yet.
    pub fn new(terms: LoanTerms, signer: Arc<dyn Signer>) -> LentAgent {
        LentAgent::with(terms, signer, LIMITS)
    }

    fn with(terms: LoanTerms, signer: Arc<dyn Signer>, limits: ConnectionLimits) -> LentAgent {
        let closing = CancellationToken::new();
        closing.cancel();
        let state = LentState { policy: SigningPolicy::new(terms), closing, alive: 0, seen: 0, allowed: 0 };
        LentAgent(Arc::new(LentShared { state: Mutex::new(state), signer, overheard: Notify::new(), limits }))
    }

    /// Grants this many further signatures.
    pub fn grant(&self, signatures: u32) {
        let mut state = self.state();
        state.policy.grant(signatures);
        state.allowed = state.allowed.saturating_add(IN_ALL.saturating_mul(signatures));
    }

    /// Answers requests until the returned value is dropped, or the last signature has been given.
    pub fn arm(&self) -> Armed {
        let mut state = self.state();
        state.policy.arm();
        state.closing.cancel();
        state.closing = CancellationToken::new();
        Armed(self.clone(), state.closing.clone())
    }

    /// Admits a connection, or refuses it.
    pub fn admit(&self) -> Option<AgentConnection> {
        let mut state = self.state();
        let refusal = match () {
            () if !state.policy.is_armed() => Refusal::NotArmed,
            () if state.alive >= ALIVE || state.seen >= state.allowed => Refusal::Crowd,
            () => {
                state.alive += 1;
                state.seen += 1;
                return Some(AgentConnection(self.clone(), state.closing.clone()));
            }
        };
        state.policy.account.refuse(refusal);
        None
    }

    /// Whether one of the granted signatures is left.
    pub fn has_left(&self) -> bool {
        self.state().policy.has_left()
    }

    /// Adds a key exchange that was overheard on its way to the client.
    pub fn overhear(&self, overheard: &KexReply) {
        self.state().policy.overhear(&overheard.host_key, &overheard.signature);
        self.0.overheard.notify_waiters();
    }

    /// The account so far.
    pub fn account(&self) -> Account {
        self.state().policy.account.clone()
    }

    fn state(&self) -> MutexGuard<'_, LentState> {
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn refuse(&self, refusal: Refusal) {
        self.state().policy.account.refuse(refusal);
    }
}

impl Armed {
    /// Returns after the last signature, or when the agent is armed anew.
    pub async fn spent(&self) {
        self.1.cancelled().await;
    }

    /// Like [`Armed::spent`], but also returns once this value is dropped.
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

impl Drop for AgentConnection {
    fn drop(&mut self) {
        self.0.state().alive -= 1;
    }
}

impl AgentConnection {
    /// Answers requests until the other side closes the connection, a limit is met, or nothing is lent any more.
    pub async fn serve<S: AsyncRead + AsyncWrite + Unpin>(self, mut stream: S) {
        let closing = self.1.clone();
        let end = self.converse(&mut stream, &closing).await;
        if let Some(refusal) = end {
            self.0.refuse(refusal);
        }
        let _ = timeout(self.0.0.limits.idle, stream.shutdown()).await; // the other side may be gone
    }

    async fn converse<S>(&self, stream: &mut S, closing: &CancellationToken) -> Option<Refusal>
    where
        S: AsyncRead + AsyncWrite + Unpin,
    {
        let limits = self.0.0.limits;
        let (mut line, mut left, mut served) = (Line::default(), limits.total, 0u32);

        loop {
            let began = Instant::now();
            let message = tokio::select! {
                biased;
                () = closing.cancelled() => return None,
                message = receive(stream, began + left.min(limits.idle)) => message,
            };
            left = left.saturating_sub(began.elapsed());
            let message = match message {
                Received::Message(message) => message,
                // a client that has been served may be silent; one that never sent a request, or only half of one,
                // occupies a place
                Received::Late(LateAt::Between) if served > 0 => return None,
                Received::Late(_) => return Some(Refusal::TooSlow),
                Received::Giant => return Some(Refusal::Frame),
                Received::End => return None,
            };
            let reply = self.answer(&mut line, &message).await;
            served += 1;
            let sent = timeout(limits.idle, stream.write_all(&frame(&reply.encode()))).await;
            if !matches!(sent, Ok(Ok(()))) {
                return None;
            }
            if matches!(reply, Reply::Signature(_)) && !self.0.state().policy.is_armed() {
                let _ = timeout(limits.idle, stream.flush()).await; // the answer first, then the end
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

    /// Waits for the overheard key exchange, which arrives on another channel than the request and perhaps after it.
    async fn wait_for_echo(&self, request: &Result<Request, WireError>) {
        let Ok(Request::Sign(request)) = request else { return };
        let deadline = Instant::now() + self.0.0.limits.echo;
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

    /// Signs. The signature is already counted, and stays counted whatever happens here.
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
    Late(LateAt),
    End,
}

enum LateAt {
    Between,
    Within,
}

async fn receive<S: AsyncRead + Unpin>(stream: &mut S, deadline: Instant) -> Received {
    let mut head = [0; 4];
    match timeout_at(deadline, stream.read(&mut head[..1])).await {
        Err(_) => return Received::Late(LateAt::Between),
        Ok(Ok(1)) => {}
        Ok(_) => return Received::End,
    }
    let rest = async {
        stream.read_exact(&mut head[1..]).await.ok()?;
        let length = u32::from_be_bytes(head) as usize;
        if !FRAME_LENGTHS.contains(&length) {
            return Some(Received::Giant);
        }
        // the buffer grows with the bytes that arrive: an announced length alone takes no memory
        let mut message = Vec::new();
        let read = stream.take(length as u64).read_to_end(&mut message).await.ok()?;
        (read == length).then_some(Received::Message(message))
    };
    match timeout_at(deadline, rest).await {
        Err(_) => Received::Late(LateAt::Within),
        Ok(received) => received.unwrap_or(Received::End),
    }
}

#[cfg(test)]
mod tests {
    use super::super::host_key::tests::{blob, key};
    use super::*;
    use crate::agent::signer::KeySigner;
    use tokio::io::DuplexStream;

    const SHORT: Duration = Duration::from_millis(150);

    fn lent() -> (LentAgent, Armed) {
        let terms =
            LoanTerms { user: "u".into(), key: blob(&key(9)), host_keys: vec![blob(&key(1))], proof: Proof::Hostbound };
        let limits = ConnectionLimits { idle: SHORT, total: 3 * SHORT, echo: SHORT };
        let lent = LentAgent::with(terms, Arc::new(KeySigner(key(9))), limits);
        lent.grant(1);
        let armed = lent.arm();
        (lent, armed)
    }

    fn visit(lent: &LentAgent) -> DuplexStream {
        let (ours, theirs) = tokio::io::duplex(1024);
        tokio::spawn(lent.admit().expect("let in").serve(theirs));
        ours
    }

    async fn ended(mut stream: DuplexStream) -> Vec<u8> {
        let mut all = Vec::new();
        stream.read_to_end(&mut all).await.expect("it ends");
        all
    }

    #[tokio::test]
    async fn whoever_is_slow_or_silent_loses_the_place() {
        let (lent, _armed) = lent();
        assert_eq!(ended(visit(&lent)).await, b"", "silent from the start");
        let mut slow = visit(&lent);
        slow.write_all(&[0, 0, 1]).await.expect("taken");
        assert_eq!(ended(slow).await, b"", "a length that does not end");
        let mut slow = visit(&lent);
        slow.write_all(&[0, 0, 0, 9, 11]).await.expect("taken");
        assert_eq!(ended(slow).await, b"", "a message that does not end");
        assert_eq!(lent.account().refusals[&Refusal::TooSlow], 3);
        assert_eq!(lent.0.state.lock().expect("unharmed").alive, 0, "every place is free again");
    }

    #[tokio::test]
    async fn whoever_asks_for_ever_is_ended_too() {
        let (lent, _armed) = lent();
        let mut stream = visit(&lent);
        let list = frame(&Request::Identities.encode());
        let mut answers = 0;
        while stream.write_all(&list).await.is_ok() {
            let mut answer = [0; 9];
            if stream.read_exact(&mut answer).await.is_err() {
                break;
            }
            answers += 1;
            tokio::time::sleep(SHORT / 4).await;
        }
        assert!((2..60).contains(&answers), "{answers}");
    }

    #[tokio::test]
    async fn a_giant_length_is_refused_before_a_byte_of_it_comes() {
        let (lent, _armed) = lent();
        let mut stream = visit(&lent);
        stream.write_all(&u32::MAX.to_be_bytes()).await.expect("taken");
        assert_eq!(ended(stream).await, b"");
        assert_eq!(lent.account().refusals[&Refusal::Frame], 1);
    }

    #[tokio::test]
    async fn unarmed_and_crowded_nobody_is_let_in() {
        let (lent, armed) = lent();
        let held = [lent.admit().expect("let in"), lent.admit().expect("let in")];
        assert!(lent.admit().is_none());
        drop(held);
        let rest = std::iter::repeat_with(|| lent.admit().is_some()).take_while(|is_in| *is_in).count();
        assert_eq!(rest as u32, IN_ALL - 2, "eight in all");
        let stays = armed.1.clone();
        drop(armed);
        assert!(stays.is_cancelled() && lent.admit().is_none());
        assert_eq!(lent.account().refusals[&Refusal::Crowd], 2);
        assert_eq!(lent.account().refusals[&Refusal::NotArmed], 1);
    }
}
