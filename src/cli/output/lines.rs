//! Which events are shown as lines on standard error, and in which words? Pure: [`lines_of`] knows no screen.

use super::safe;
use crate::progress::Event;

use super::display::Level;
use super::numbers;

/// The lines for an event, safe to print; empty if `level` does not include it.
pub fn lines_of(event: &Event, level: Level) -> Vec<String> {
    match level >= needed(event) {
        true => words(event),
        false => Vec::new(),
    }
}

/// The lines for an event while a session uses the screen: as with ssh, a banner is shown as its server wrote it.
pub fn lines_beside_session(event: &Event, level: Level) -> Vec<String> {
    match event {
        Event::Banner { text, .. } if level >= Level::Story => text.lines().map(safe_with_tabs).collect(),
        Event::KeysExchanged { .. } if level >= Level::Steps => words(event),
        Event::Identified { hop, text } if level >= Level::Steps => {
            words(event).into_iter().chain(version_line(hop, text)).collect()
        }
        Event::Connected { way, .. } if level >= Level::Steps => {
            let host = way.rsplit(" > ").next().unwrap_or(way);
            words(event).into_iter().chain([safe::line(format!("Authenticated to {host}."))]).collect()
        }
        _ => lines_of(event, level),
    }
}

/// The line of `ssh -v` in which ssh-copy-id looks for the make of the server.
fn version_line(hop: &str, text: &[u8]) -> Option<String> {
    let text = safe::line(text);
    let (protocol, software) = text.strip_prefix("SSH-")?.split_once('-')?;
    Some(format!("{}: Remote protocol version {protocol}, remote software version {software}", safe::line(hop)))
}

fn safe_with_tabs(line: &str) -> String {
    line.split('\t').map(safe::line).collect::<Vec<_>>().join("\t")
}

fn needed(event: &Event) -> Level {
    match event {
        Event::FileFailed { .. } => Level::Failures,
        Event::Lent { refused: 1.., .. } => Level::Remarks,
        Event::Lent { .. } | Event::Lending { .. } => Level::Story,
        Event::Warning(_) | Event::HostKeyAdded { .. } | Event::InPlace { reason: Some(_), .. } => Level::Remarks,
        Event::Route { .. } | Event::Banner { .. } | Event::Skipped { .. } | Event::Waiting(_) => Level::Story,
        Event::Reconnecting { .. } | Event::Resumed { .. } => Level::Story,
        Event::KeysExchanged { .. } => Level::Library,
        _ => Level::Steps,
    }
}

fn words(event: &Event) -> Vec<String> {
    let one = |text: String| vec![safe::line(text)];
    match event {
        Event::Stage { hop, stage } => one(format!("{hop}: {stage}")),
        Event::Identified { hop, text } => one(format!("{hop}: {}", safe::line(text))),
        Event::KeysExchanged { hop, lines } => lines.iter().map(|line| safe::line(format!("{hop}: {line}"))).collect(),
        Event::Banner { hop, text } => {
            safe::lines(text).into_iter().map(|line| format!("{}: {line}", safe::line(hop))).collect()
        }
        Event::HostKeyAdded { host, algorithm, fingerprint, file } => {
            let file = safe::line(file.as_os_str().as_encoded_bytes());
            one(format!("remembered: {host} has the {algorithm} key {fingerprint} ({file})"))
        }
        Event::Route { route, reason } => one(format!("{route}: {reason}")),
        Event::Lending { to, user, host, tier, fingerprint, signatures } => {
            let logins = if *signatures == 1 { "login" } else { "logins" };
            let line = format!("lent to {to}: {signatures} {logins} to {user}@{host} ({fingerprint}), tier {tier}");
            [line, format!("there: ssh -F $HOP_LENT {host}")].map(safe::line).to_vec()
        }
        Event::Lent { user, host, fingerprint, is_ephemeral, signatures, refused, .. } => {
            let plural = if *signatures == 1 { "" } else { "s" };
            let by = if *is_ephemeral { " by an ephemeral key" } else { "" };
            let whose = format!("{user}@{host} ({fingerprint}){by}");
            let line = format!("agent: {signatures} signature{plural} for {whose}, {refused} refused");
            one(if *refused > 0 { format!("warning: {line}") } else { line })
        }
        Event::Connected { way, user, algorithm, fingerprint } => {
            one(format!("{way}: logged in as {user}, host key {algorithm} {fingerprint}"))
        }
        Event::Hashed { .. } | Event::FileStarted { .. } | Event::Planned { .. } | Event::PlannedChange { .. } => {
            Vec::new()
        }
        Event::FileDone { path, destination, size, .. } => {
            let (from, to) = (safe::line(path), safe::line(destination));
            one(format!("{from} -> {to} ({})", numbers::bytes(*size)))
        }
        Event::FileFailed { path, error, .. } => {
            vec![format!("hop: {}", failed(&safe::line(path), &safe::line(error)))]
        }
        Event::Unchanged { path } => one(format!("unchanged: {}", safe::line(path))),
        Event::Removed { path } => one(format!("deleted: {}", safe::line(path))),
        Event::Skipped { path, reason } => one(format!("skipped: {}: {reason}", safe::line(path))),
        Event::Waiting(text) => one(format!("waiting: {text}")),
        Event::Resumed { path, kept: 0, because, .. } => one(format!("{}: {because}", safe::line(path))),
        Event::Resumed { path, kept, because, .. } => {
            one(format!("{}: goes on after {}: {because}", safe::line(path), numbers::bytes(*kept)))
        }
        Event::Reconnecting { error, attempt, of, wait } => {
            let error = safe::line(error);
            one(format!("{error}; connecting again in {:.1} s ({attempt} of {of})", wait.as_secs_f64()))
        }
        Event::InPlace { destination, reason: None, .. } => one(format!("in place: {}", safe::line(destination))),
        Event::InPlace { destination, reason: Some(reason), .. } => one(format!(
            "warning: {} is written in place, because {reason}; until its end it is neither the old file nor the new one",
            safe::line(destination)
        )),
        Event::Warning(text) => one(format!("warning: {text}")),
        Event::Detail(text) => one(text.clone()),
    }
}

/// The text of an error with its path in front, unless the error already names it, as most do.
fn failed(path: &str, error: &str) -> String {
    if error.contains(path) { error.to_owned() } else { format!("{path}: {error}") }
}
