//! What does `KnownHostsCommand` say? The command is run as ssh runs it: its words are split by ssh's quoting rules,
//! there is no shell, tokens are expanded in every word but the first, standard input is empty, and its output is read
//! as a known_hosts file.
//!
//! Stricter than ssh: the host is refused if the command fails for any reason, bad quotes included, or runs longer than
//! a minute, when a key has been presented. Before, to choose which types of keys to ask for, its failure is none.

use std::collections::HashMap;
use std::ffi::OsString;
use std::process::Stdio;
use std::time::Duration;

use russh::keys::ssh_key::encoding::base64::{Base64, Encoding};
use tokio::io::{AsyncRead, AsyncReadExt};
use tokio::process::{Child, Command};
use tokio::time::timeout;

use super::known_hosts::{KnownHostsText, KnownSource, fingerprint, name_of};
use super::presented::Presented;
use crate::argv::{Hash, split};

/// How long the command may take.
const TIME_LIMIT: Duration = Duration::from_secs(60);
/// The most bytes of its standard output that are read.
const LONGEST_OUTPUT: u64 = 16 << 20;
/// The most bytes of its standard error that are kept.
const LONGEST_COMPLAINT: u64 = 1024;

/// `KnownHostsCommand`, with the values its tokens need.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct KnownHostsCommand {
    /// The command as configured, nothing expanded.
    pub template: String,
    /// The values of all tokens in `ssh_config(5)`, TOKENS, except the five that depend on the key looked up: `%f %H %I
    /// %K %t`.
    pub tokens: Vec<(char, String)>,
    /// The values of `${NAME}`.
    pub variables: HashMap<String, OsString>,
}

/// Why the command is run (`%I`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Invocation {
    /// To choose which key types to ask for.
    Order,
    /// To look up the name.
    Hostname,
    /// To look up the address.
    Address,
}

impl Invocation {
    fn name(self) -> &'static str {
        match self {
            Invocation::Order => "ORDER",
            Invocation::Hostname => "HOSTNAME",
            Invocation::Address => "ADDRESS",
        }
    }
}

impl KnownHostsCommand {
    /// Runs the command for `name`. An error is one line of text.
    pub(super) async fn run(
        &self,
        invocation: Invocation,
        name: &str,
        presented: Option<&Presented>,
    ) -> Result<KnownHostsText, String> {
        let words = self.words(&question(invocation, name, presented))?;
        let text = timeout(TIME_LIMIT, answer(&words)).await.map_err(|_| "no answer within a minute".to_owned())??;
        let file = format!("KnownHostsCommand-{}", invocation.name()).into();
        Ok(KnownHostsText { file, source: KnownSource::Command, text })
    }

    fn words(&self, question: &[(char, String)]) -> Result<Vec<OsString>, String> {
        let mut words = split(&self.template, Hash::Letter).ok_or("a quote is not closed")?.into_iter();
        let program = words.next().ok_or("the command is empty")?;
        if !program.starts_with('/') {
            return Err(format!("{program} is no absolute path"));
        }
        let mut expanded = vec![OsString::from(program)];
        for word in words {
            expanded.push(self.expand(&word, question)?);
        }
        Ok(expanded)
    }

    fn expand(&self, word: &str, question: &[(char, String)]) -> Result<OsString, String> {
        let mut out = OsString::new();
        let mut rest = word;
        while let Some(at) = rest.find(['%', '$']) {
            out.push(&rest[..at]);
            rest = &rest[at..];
            if let Some(name) = rest.strip_prefix("${") {
                let (name, after) = name.split_once('}').ok_or_else(|| format!("no closing brace in {rest}"))?;
                out.push(self.variables.get(name).ok_or_else(|| format!("${{{name}}} has no value"))?);
                rest = after;
            } else if let Some(token) = rest.strip_prefix('%') {
                let letter = token.chars().next().ok_or("it ends in %")?;
                out.push(self.token(letter, question).ok_or_else(|| format!("unknown token %{letter}"))?);
                rest = &token[letter.len_utf8()..];
            } else {
                out.push("$");
                rest = &rest[1..];
            }
        }
        out.push(rest);
        Ok(out)
    }

    fn token<'a>(&'a self, letter: char, question: &'a [(char, String)]) -> Option<&'a str> {
        if letter == '%' {
            return Some("%");
        }
        question.iter().chain(&self.tokens).find(|(known, _)| *known == letter).map(|(_, value)| value.as_str())
    }
}

fn question(invocation: Invocation, name: &str, presented: Option<&Presented>) -> Vec<(char, String)> {
    let none = || "NONE".to_owned();
    let (kind, print, blob) = match presented {
        None => (none(), none(), none()),
        Some(Presented::Key(key)) => (
            name_of(key.key_data()),
            fingerprint(key.key_data()),
            key.to_bytes().map_or_else(|_| none(), |blob| Base64::encode_string(&blob)),
        ),
        Some(Presented::Certificate(certificate)) => (
            certificate.algorithm().to_certificate_type(),
            fingerprint(certificate.public_key()),
            certificate.to_bytes().map_or_else(|_| none(), |blob| Base64::encode_string(&blob)),
        ),
    };
    vec![('H', name.to_owned()), ('I', invocation.name().to_owned()), ('t', kind), ('f', print), ('K', blob)]
}

async fn answer(words: &[OsString]) -> Result<Vec<u8>, String> {
    let (program, arguments) = words.split_first().ok_or("the command is empty")?;
    let mut child = Command::new(program)
        .args(arguments)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .map_err(|error| format!("{}: {error}", program.display()))?;
    let (output, complaint) = listen(&mut child).await;
    let output = output.map_err(|error| error.to_string())?;
    if output.len() as u64 > LONGEST_OUTPUT {
        return Err("its answer is too long".to_owned());
    }
    let status = child.wait().await.map_err(|error| error.to_string())?;
    if status.success() {
        return Ok(output);
    }
    let complaint = String::from_utf8_lossy(&complaint);
    Err(format!("{status}: {}", complaint.lines().next().unwrap_or_default()).trim_end_matches(": ").to_owned())
}

async fn listen(child: &mut Child) -> (std::io::Result<Vec<u8>>, Vec<u8>) {
    let (output, complaint) = (child.stdout.take(), child.stderr.take());
    tokio::join!(read(output, LONGEST_OUTPUT + 1), async {
        let mut complaint = complaint;
        let kept = read(complaint.as_mut(), LONGEST_COMPLAINT).await.unwrap_or_default();
        if let Some(rest) = &mut complaint {
            // a full pipe would block the command; only the first line of its standard error matters
            let _ = tokio::io::copy(rest, &mut tokio::io::sink()).await;
        }
        kept
    })
}

async fn read(from: Option<impl AsyncRead + Unpin>, limit: u64) -> std::io::Result<Vec<u8>> {
    let mut text = Vec::new();
    if let Some(from) = from {
        from.take(limit).read_to_end(&mut text).await?;
    }
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::trust::test_keys::*;

    fn command(template: &str) -> KnownHostsCommand {
        KnownHostsCommand {
            template: template.to_owned(),
            tokens: vec![('h', "host".to_owned()), ('p', "22".to_owned())],
            variables: HashMap::from([("HOME".to_owned(), "/home/me".into())]),
        }
    }

    fn words(template: &str) -> Result<Vec<OsString>, String> {
        let presented = Presented::Key(public(1));
        command(template).words(&question(Invocation::Hostname, "[host]:2222", Some(&presented)))
    }

    #[test]
    fn tokens_are_expanded_in_every_word_but_the_first() {
        let key = ed25519(1);
        let (kind, blob) = key.split_once(' ').unwrap();
        let expected: Vec<OsString> =
            ["/%h", "host:22", "100%", "[host]:2222", "HOSTNAME", kind, blob, "/home/me/x", "$y"]
                .map(Into::into)
                .into();
        assert_eq!(words("/%h %h:%p 100%% %H %I %t %K ${HOME}/x $y").unwrap(), expected);
    }

    #[test]
    fn what_cannot_be_expanded_is_refused() {
        for template in ["", "relative", "/a %z", "/a ${NONE}", "/a ${HOME", "/a %"] {
            assert!(words(template).is_err(), "{template}");
        }
    }

    #[tokio::test]
    async fn its_output_is_a_page_and_its_failure_an_error() {
        let run = async |template: &str| command(template).run(Invocation::Order, "host", None).await;
        let page = run(&format!("/bin/echo %H {}", ed25519(1))).await.unwrap();
        assert_eq!(page.known("host").count(), 1);
        assert_eq!(run("/bin/sh -c 'echo no >&2; exit 3'").await.unwrap_err(), "exit status: 3: no");
        assert!(run("/does/not/exist").await.is_err());
    }
}
