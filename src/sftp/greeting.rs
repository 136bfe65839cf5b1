//! How does a session begin? INIT and VERSION (§4), and the first question, for the limits.

use std::time::{Duration, Instant};

use super::error::SftpError;
use super::extensions::{Extension, Extensions};
use super::fields::Fields;
use super::frame::Framer;
use super::limits::Limits;
use super::session::SftpSession;
use super::stream::{Receive, Transmit};
use super::tasks;
use super::wire::{Expect, Packet, Response, kind};

/// Sends INIT.
pub(super) async fn greet(transmit: &mut impl Transmit) -> Result<(), SftpError> {
    let sent = transmit.transmit(Packet::init()).await;
    sent.map_err(|error| SftpError::Ended(format!("cannot send: {error}")))
}

/// Reads the VERSION packet, and the extensions in it (§4).
pub(super) async fn version(receive: &mut impl Receive, framer: &mut Framer) -> Result<Extensions, SftpError> {
    let packet = loop {
        tasks::next_chunk(receive, framer).await?;
        match framer.next() {
            Ok(Some(packet)) => break packet,
            Ok(None) => {}
            Err(error) => return Err(no_greeting(&framer.beginning()).unwrap_or(error)),
        }
    };
    let (kind, version, mut fields) = Response::head(packet)?;
    match (kind, version) {
        (kind::VERSION, 3) => Extensions::decode(&mut fields),
        (kind::VERSION, 0..3) => Err(SftpError::Unsupported("SFTP version 3")),
        (kind::VERSION, _) => Err(SftpError::Protocol(format!("version {version} where 3 was offered"))),
        _ => Err(SftpError::Protocol(format!("a packet of type {kind} where the version was due"))),
    }
}

/// The error for a login shell that prints text: its first letters read as an absurd packet length.
fn no_greeting(beginning: &[u8]) -> Option<SftpError> {
    let start = &beginning[..beginning.len().min(60)];
    let is_text = |byte: &u8| byte.is_ascii_graphic() || byte.is_ascii_whitespace() || *byte == 0x1b;
    let told = || SftpError::Protocol(format!("it sent text before its greeting: \"{}\"", start.escape_ascii()));
    start.iter().take(4).all(is_text).then(told)
}

/// Asks for the limits, and measures how long the answer took. A server that announces limits but refuses to tell them
/// has none.
pub(super) async fn limits(session: &SftpSession) -> Result<(Limits, Duration), SftpError> {
    let asked = Instant::now();
    let packet = Packet::extended(Extension::Limits.name());
    let share = session.share(&packet, Expect::Extended).await?;
    let answer = session.ask(packet, Expect::Extended, share).await?.plain()?;
    let took = asked.elapsed();
    match answer {
        Response::Extended(fields) => Ok((Limits::decode(&mut Fields::new(fields))?, took)),
        _ => Ok((Limits::default(), took)),
    }
}
