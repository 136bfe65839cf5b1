//! Why was a hop not reached? russh's errors and the server's texts, as a [`Cause`].
//!
//! Main functions: [`unresolved_there`], [`greeting_failed`].

use russh::AlgorithmKind;

use crate::chain::error::{Cause, ChainError};
use crate::chain::transport::client_handler::HandlerError;
use crate::config::Family;
use crate::progress::Stage;

/// Turns a refused forwarding into [`Cause::Resolve`] if its text is that of the resolver: sshd answers a name that it
/// cannot resolve with "connect failed" and that text.
pub fn unresolved_there(error: ChainError) -> ChainError {
    let Cause::ForwardRefused { to, reason, .. } = &error.cause else { return error };
    let by_name = ["not known", "resolve", "no address associated", "Temporary failure"];
    match by_name.iter().any(|words| reason.contains(words)) {
        true => {
            let (name, problem) = (to.clone(), reason.clone());
            ChainError { stage: Stage::Resolve, cause: Cause::Resolve { name, problem }, ..error }
        }
        false => error,
    }
}

fn family_of(kind: &AlgorithmKind) -> Option<Family> {
    match kind {
        AlgorithmKind::Cipher => Some(Family::Cipher),
        AlgorithmKind::Mac => Some(Family::Mac),
        AlgorithmKind::Kex => Some(Family::Kex),
        AlgorithmKind::Key => Some(Family::Key),
        AlgorithmKind::Compression => None,
    }
}

/// The cause of a key exchange that failed.
pub fn greeting_failed(error: HandlerError) -> Cause {
    let error = match error {
        HandlerError::Trust(error) => return Cause::Trust(error),
        HandlerError::Transport(error) => error,
    };
    match error {
        russh::Error::NoCommonAlgo { kind, ours, theirs } => match family_of(&kind) {
            Some(family) => Cause::NoCommonAlgorithm { family, ours, theirs },
            None => Cause::Protocol(format!("no compression in common: the server offers {}", theirs.join(","))),
        },
        russh::Error::Disconnect | russh::Error::HUP => {
            Cause::Lost("closed by the other side before the key exchange was done".to_owned())
        }
        russh::Error::IO(error) if error.kind() == std::io::ErrorKind::UnexpectedEof => {
            Cause::Lost("closed by the other side before the key exchange was done".to_owned())
        }
        russh::Error::Version => Cause::Protocol("the other side does not speak SSH 2".to_owned()),
        russh::Error::IO(error) => Cause::Lost(error.to_string()),
        other => Cause::Protocol(other.to_string()),
    }
}
