//! Does anything answer at an address, as seen from a server?
//!
//! Main type: [`Probe`]. First the server's sshd is asked to connect (direct-tcpip), which needs no shell; if that is
//! forbidden, the server's own bash is. Nothing is logged in to: the version line is read and the connection closed.

use std::time::{Duration, Instant};

use super::shell::{Agent, asked};
use crate::chain::{Arrival, Cause, Session};
use crate::lend::with_variables;

const SCRIPT: &str = include_str!("probe.sh");

/// How long a connection may take: enough for the first packet and two retransmissions.
pub(super) const TIME_LIMIT: Duration = Duration::from_secs(5);
/// The most bytes that are kept of what the peer sends first.
const LONGEST: usize = 255;

/// The result of a probe.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Probe {
    /// Something answered: the first bytes it sent, and the time it took.
    Reached(Vec<u8>, Duration),
    /// The machine is there, but nothing listens on the port.
    Refused,
    /// There is no route, as the system or a router said.
    Unreachable(String),
    /// The server cannot resolve the name.
    UnknownName,
    /// No packet came back.
    Silence,
    /// It could not be tried.
    NotTried(String),
}

/// Has the server at `session` connect to `host:port`. `host` has been vetted, or is an address.
pub(super) async fn probe(session: &Session, host: &str, port: u16) -> Probe {
    match by_sshd(session, host, port).await {
        Probe::NotTried(_) => by_shell(session, host, port).await,
        probe => probe,
    }
}

async fn by_sshd(session: &Session, host: &str, port: u16) -> Probe {
    let began = Instant::now();
    let connecting = async {
        let mut channel = match session.tcpip(host, port, ("127.0.0.1", 65535)).await {
            Ok(channel) => channel,
            Err(error) => return of_cause(error.cause),
        };
        let took = began.elapsed();
        let mut said = Vec::new();
        while let Ok(Some(Arrival::Data(bytes))) = tokio::time::timeout(TIME_LIMIT / 4, channel.incoming.next()).await {
            said.extend_from_slice(&bytes[..bytes.len().min(LONGEST - said.len())]);
            if said.contains(&b'\n') || said.len() == LONGEST {
                break;
            }
        }
        Probe::Reached(first_line(&said), took)
    };
    tokio::time::timeout(TIME_LIMIT, connecting).await.unwrap_or(Probe::Silence)
}

fn of_cause(cause: Cause) -> Probe {
    match cause {
        Cause::ForwardRefused { reason, .. } if !reason.contains("prohibited") => of_words(&reason),
        cause => Probe::NotTried(cause.to_string()),
    }
}

/// The result for a message of the C library.
fn of_words(words: &str) -> Probe {
    let says = |parts: &[&str]| parts.iter().any(|part| words.contains(part));
    if says(&["refused"]) {
        return Probe::Refused;
    }
    if says(&["timed out"]) {
        return Probe::Silence;
    }
    // sshd gives no reason if its own system refuses at once (`connect_next` in channels.c)
    if says(&["No route", "unreachable", "open failed"]) {
        return Probe::Unreachable(words.trim().to_owned());
    }
    match says(&["not known", "resolve", "no address associated", "Temporary failure"]) {
        true => Probe::UnknownName,
        false => Probe::NotTried(words.trim().to_owned()),
    }
}

async fn by_shell(session: &Session, host: &str, port: u16) -> Probe {
    let (port, limit) = (port.to_string(), TIME_LIMIT.as_secs().to_string());
    let script = with_variables(&[("host", host), ("port", &port), ("limit", &limit)], SCRIPT);
    let began = Instant::now();
    match asked(session, &script, Agent::Not, TIME_LIMIT * 2).await {
        Ok(said) => of_output(&said, began.elapsed()),
        Err(error) => Probe::NotTried(error.cause.to_string()),
    }
}

fn of_output(said: &[u8], took: Duration) -> Probe {
    let text = String::from_utf8_lossy(said);
    if let Some((_, words)) = text.split_once("hop-open\n") {
        return Probe::Reached(first_line(words.as_bytes()), took);
    }
    match text.trim().is_empty() {
        // stopped by `timeout` while it still waited
        true if took >= TIME_LIMIT => Probe::Silence,
        true => Probe::NotTried("its shell gave no answer".to_owned()),
        false => of_words(&text),
    }
}

fn first_line(said: &[u8]) -> Vec<u8> {
    let line = said.split(|&byte| byte == b'\n').next().unwrap_or_default().trim_ascii();
    line[..line.len().min(LONGEST)].to_vec()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_words_of_both_ways_are_understood() {
        let refused = "bash: connect: Connection refused\nbash: line 1: /dev/tcp/h/22: Connection refused\n";
        assert_eq!(of_words(refused), Probe::Refused);
        assert_eq!(of_words("connect failed (Connection timed out)"), Probe::Silence);
        assert!(matches!(of_words("connect failed (No route to host)"), Probe::Unreachable(_)));
        assert_eq!(of_words("bash: nowhere: Name or service not known"), Probe::UnknownName);
        assert!(matches!(of_words("bash: command not found"), Probe::NotTried(_)));
    }

    #[test]
    fn output_without_words_is_silence_once_the_time_is_up() {
        assert_eq!(of_output(b"", TIME_LIMIT), Probe::Silence);
        assert!(matches!(of_output(b"", Duration::ZERO), Probe::NotTried(_)));
        let reached = of_output(b"hop-open\nSSH-2.0-x\r\n", Duration::ZERO);
        assert_eq!(reached, Probe::Reached(b"SSH-2.0-x".to_vec(), Duration::ZERO));
    }
}
