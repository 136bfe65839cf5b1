//! Is this key the right one? The question to a person, in ssh's words, and how the answer is read.
//!
//! Only one question is asked at a time: a check that had to wait looks the host up again before it asks.

use russh::keys::ssh_key::Algorithm;
use russh::keys::ssh_key::public::KeyData;
use tokio::sync::{Mutex, MutexGuard};

use super::error::NotAccepted;
use super::known_hosts::fingerprint;
use crate::prompt::{Asking, NoAnswer};

/// The largest number of other names of the key listed in the question.
const MOST_NAMES: usize = 8;
/// The number of unusable answers after which the answer counts as no.
const MOST_TRIES: usize = 20;

static TURN: Mutex<()> = Mutex::const_new(());

/// Waits until no other question about a host is open; the previous one may have been about this host.
pub(super) async fn turn() -> MutexGuard<'static, ()> {
    TURN.lock().await
}

/// The contents of a question about an unknown key.
pub(super) struct Unknown<'a> {
    /// The host as written in known_hosts.
    pub(super) host: &'a str,
    /// The address as written in known_hosts.
    pub(super) address: Option<String>,
    pub(super) key: &'a KeyData,
    /// `file:line: names` of the lines that hold this key for other hosts.
    pub(super) other_names: Vec<String>,
}

impl Unknown<'_> {
    fn question(&self) -> String {
        let address = self.address.as_ref().map(|address| format!(" ({address})")).unwrap_or_default();
        format!(
            "The authenticity of host '{}{address}' can't be established.\n{} key fingerprint is {}.\n{}\n\
             Are you sure you want to continue connecting (yes/no/[fingerprint])? ",
            printable(self.host),
            kind(self.key),
            fingerprint(self.key),
            self.elsewhere(),
        )
    }

    fn elsewhere(&self) -> String {
        if self.other_names.is_empty() {
            return "This key is not known by any other names.".to_owned();
        }
        let mut text = "This host key is known by the following other names/addresses:".to_owned();
        for name in self.other_names.iter().take(MOST_NAMES) {
            text += &format!("\n    {}", printable(name));
        }
        match self.other_names.len().saturating_sub(MOST_NAMES) {
            0 => text,
            more => text + &format!("\n    ({more} additional names omitted)"),
        }
    }
}

/// Asks about an unknown key.
pub(super) async fn about_unknown(asking: &Asking, unknown: &Unknown<'_>) -> Result<(), NotAccepted> {
    let again = "Please type 'yes', 'no' or the fingerprint: ";
    confirm(asking, unknown.question(), again, Some(fingerprint(unknown.key))).await
}

/// Asks whether to go on although the address is known by another key.
pub(super) async fn about_address(asking: &Asking, warning: &str) -> Result<(), NotAccepted> {
    let question = format!("{}\nAre you sure you want to continue connecting (yes/no)? ", printable(warning));
    confirm(asking, question, "Please type 'yes' or 'no': ", None).await
}

/// Asks whether the files may follow a server's new keys.
pub(super) async fn about_update(asking: &Asking, summary: &[String]) -> Result<(), NotAccepted> {
    let question = format!(
        "The server has updated its host keys.\nThese changes were verified by the server's existing trusted key.\n{}\n\
         Accept updated hostkeys? (yes/no): ",
        summary.join("\n")
    );
    confirm(asking, question, "Please enter \"yes\" or \"no\": ", None).await
}

async fn confirm(
    asking: &Asking,
    question: String,
    again: &'static str,
    fingerprint: Option<String>,
) -> Result<(), NotAccepted> {
    if !asking.is_there() {
        return Err(NotAccepted::NobodyToAsk);
    }
    let asked = asking.ask(move |person| {
        let mut question = question.as_str();
        for _ in 0..MOST_TRIES {
            match person.answer(question) {
                Ok(answer) => match read(&answer, fingerprint.as_deref()) {
                    Some(verdict) => return verdict,
                    None => question = again,
                },
                Err(NoAnswer::NobodyThere) => return Err(NotAccepted::NobodyToAsk),
                Err(NoAnswer::GivenUp) => return Err(NotAccepted::Declined),
            }
        }
        Err(NotAccepted::Declined)
    });
    // a prompt that panics has given no answer
    asked.await.unwrap_or(Err(NotAccepted::Declined))
}

/// The verdict of an answer, or `None` if it is neither yes nor no; an empty answer is a no.
fn read(answer: &str, fingerprint: Option<&str>) -> Option<Result<(), NotAccepted>> {
    let word = answer.split_ascii_whitespace().next().unwrap_or_default();
    if word.is_empty() || word.eq_ignore_ascii_case("no") {
        Some(Err(NotAccepted::Declined))
    } else if word.eq_ignore_ascii_case("yes") || Some(word) == fingerprint {
        Some(Ok(()))
    } else {
        None
    }
}

/// The type of a key as ssh calls it in questions.
pub(super) fn kind(key: &KeyData) -> &'static str {
    match key.algorithm() {
        Algorithm::Dsa => "DSA",
        Algorithm::Ecdsa { .. } => "ECDSA",
        Algorithm::Ed25519 => "ED25519",
        Algorithm::Rsa { .. } => "RSA",
        Algorithm::SkEcdsaSha2NistP256 => "ECDSA-SK",
        Algorithm::SkEd25519 => "ED25519-SK",
        _ => "UNKNOWN",
    }
}

/// Text with control characters replaced by `?`, since names come from files and from the command line.
fn printable(text: &str) -> String {
    text.chars().map(|c| if c.is_control() && c != '\n' { '?' } else { c }).collect()
}
