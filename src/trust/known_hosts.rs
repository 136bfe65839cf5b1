//! What do the known_hosts files say about a name? The format is that of `sshd(8)`, "SSH_KNOWN_HOSTS FILE FORMAT", read
//! as OpenSSH's `hostfile.c` reads it: a line that cannot be read is skipped, and keys are decoded only on lines that
//! name the host. Main types: [`KnownHostsLine`], a line, and [`Known`], a key known for a name.
//!
//! It decides nothing (see `policy.rs`) and writes nothing (see `record.rs`).
//!
//! In one case it is stricter than ssh: a tab may follow the marker `@revoked` on lines that ssh would skip.

use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use russh::keys::ssh_key::encoding::base64::{Base64, Encoding};
use russh::keys::ssh_key::public::KeyData;
use russh::keys::ssh_key::{Algorithm, HashAlg, PublicKey};

use super::error::KnownAt;
use super::hashed::{self, Hashed};
use crate::wildcard::{ListMatch, match_list_ignoring_case};

/// The largest known_hosts file in bytes; a longer one is an error.
const LONGEST_FILE: u64 = 64 << 20;
/// The shortest RSA modulus that counts as a key, in bits (`SSH_RSA_MINIMUM_MODULUS_SIZE`).
pub(super) const SHORTEST_RSA: u32 = 1024;

/// The marker of a line: what its key is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Marker {
    /// No marker: it is the host's key.
    None,
    /// `@cert-authority`: it signs the host's certificates.
    Authority,
    /// `@revoked`: it must never be accepted.
    Revoked,
}

/// A line that is not a comment and whose hosts field is well formed; the key is not decoded yet.
#[derive(Debug, Clone, Copy)]
pub(super) struct KnownHostsLine<'a> {
    /// The line number, from 1.
    pub(super) line: usize,
    pub(super) marker: Marker,
    /// The hosts field, unparsed.
    pub(super) hosts: &'a [u8],
    key: &'a [u8],
}

impl KnownHostsLine<'_> {
    /// Whether the line is about `name` (lower case, `[host]:port` for a port other than 22).
    pub(super) fn names(&self, name: &str) -> bool {
        match self.hosts.first() {
            Some(b'|') => hashed::compare(name, self.hosts) == Hashed::Same,
            _ => match_list_ignoring_case(name, self.hosts) == ListMatch::Match,
        }
    }

    /// The key; `None` if it is malformed or of an unknown type.
    pub(super) fn key(&self) -> Option<KeyData> {
        let (name, rest) = field(self.key);
        let (blob, _) = field(rest);
        if name.is_empty() || blob.is_empty() {
            return None;
        }
        let text: Vec<u8> = blob.iter().copied().filter(|b| !b.is_ascii_whitespace() && *b != 0x0b).collect();
        let blob = Base64::decode_vec(std::str::from_utf8(&text).ok()?).ok()?;
        let key = PublicKey::from_bytes(&blob).ok()?.key_data().clone();
        (is_named(&key, std::str::from_utf8(name).ok()?) && is_usable(&key)).then_some(key)
    }
}

/// The lines of `text` that can be read, in order.
pub(super) fn entries(text: &[u8]) -> impl Iterator<Item = KnownHostsLine<'_>> {
    text.split(|&b| b == b'\n').enumerate().filter_map(|(index, line)| entry(index + 1, line))
}

fn entry(line: usize, text: &[u8]) -> Option<KnownHostsLine<'_>> {
    // ssh reads lines as C strings
    let text = text.split(|&b| b == 0).next()?;
    let text = skip_blanks(text);
    if text.is_empty() || text[0] == b'#' {
        return None;
    }
    let (marker, rest) = marker(text)?;
    let (hosts, key) = field(rest);
    if hosts.is_empty() || key.is_empty() || key[0] == b'#' {
        return None;
    }
    Some(KnownHostsLine { line, marker, hosts, key })
}

fn marker(text: &[u8]) -> Option<(Marker, &[u8])> {
    if text[0] != b'@' {
        return Some((Marker::None, text));
    }
    let (word, rest) = field(text);
    // ssh ends a marker at the first space anywhere in the line, and only then at a tab
    let read_by_ssh = text.get(word.len()) == Some(&b' ') || !text.contains(&b' ');
    let marker = match word {
        b"@revoked" => Marker::Revoked,
        b"@cert-authority" if read_by_ssh => Marker::Authority,
        _ => return None,
    };
    (rest.first() != Some(&b'@')).then_some((marker, rest))
}

/// The text up to the first blank, and the text after the blanks.
fn field(text: &[u8]) -> (&[u8], &[u8]) {
    let end = text.iter().position(is_blank).unwrap_or(text.len());
    (&text[..end], skip_blanks(&text[end..]))
}

fn skip_blanks(text: &[u8]) -> &[u8] {
    let start = text.iter().position(|b| !is_blank(b)).unwrap_or(text.len());
    &text[start..]
}

fn is_blank(byte: &u8) -> bool {
    matches!(byte, b' ' | b'\t')
}

/// Whether the type written before a key is the type of the key. Like ssh, it also accepts the names of RSA signatures.
fn is_named(key: &KeyData, name: &str) -> bool {
    match key {
        KeyData::Certificate(certificate) => certificate.algorithm().to_certificate_type() == name,
        KeyData::Rsa(_) => matches!(name, "ssh-rsa" | "rsa-sha2-256" | "rsa-sha2-512"),
        _ => key.algorithm().as_str() == name,
    }
}

fn is_usable(key: &KeyData) -> bool {
    match key {
        KeyData::Rsa(rsa) => rsa.key_size() >= SHORTEST_RSA,
        KeyData::Other(_) => false,
        _ => true,
    }
}

/// The source of a known key. Only the user's own files are ever written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum KnownSource {
    /// `UserKnownHostsFile`.
    User,
    /// `GlobalKnownHostsFile`.
    Global,
    /// `KnownHostsCommand`.
    Command,
}

/// A key known for a name.
#[derive(Debug, Clone)]
pub(super) struct Known {
    pub(super) marker: Marker,
    pub(super) key: KeyData,
    pub(super) source: KnownSource,
    pub(super) at: KnownAt,
}

/// The text of one file, or the output of the command.
#[derive(Debug, Clone)]
pub(super) struct KnownHostsText {
    pub(super) file: PathBuf,
    pub(super) source: KnownSource,
    pub(super) text: Vec<u8>,
}

impl KnownHostsText {
    /// Reads a file; `None` if it does not exist. Every other failure is an error, because a file that cannot be read
    /// may hold the line that refuses the host.
    pub(super) fn read(file: &Path, source: KnownSource) -> io::Result<Option<KnownHostsText>> {
        let opened = match File::open(file) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            opened => opened?,
        };
        let mut text = Vec::new();
        opened.take(LONGEST_FILE + 1).read_to_end(&mut text)?;
        if text.len() as u64 > LONGEST_FILE {
            return Err(io::Error::from(io::ErrorKind::FileTooLarge));
        }
        Ok(Some(KnownHostsText { file: file.to_owned(), source, text }))
    }

    /// The keys that this text holds for `name`.
    pub(super) fn known<'a>(&'a self, name: &'a str) -> impl Iterator<Item = Known> + 'a {
        entries(&self.text).filter(move |entry| entry.names(name)).filter_map(|entry| self.recall(entry))
    }

    /// The names other than `name` on lines with `key`, each with its file and line.
    pub(super) fn other_names(&self, key: &KeyData, name: &str) -> Vec<String> {
        let mut names = Vec::new();
        for entry in entries(&self.text).filter(|e| e.marker == Marker::None && !e.names(name)) {
            if entry.key().as_ref() == Some(key) {
                let hosts = match entry.hosts.first() {
                    Some(b'|') => "[hashed name]".into(),
                    _ => String::from_utf8_lossy(entry.hosts),
                };
                names.push(format!("{}:{}: {hosts}", self.file.display(), entry.line));
            }
        }
        names
    }

    fn recall(&self, entry: KnownHostsLine<'_>) -> Option<Known> {
        let key = entry.key()?;
        let at = KnownAt {
            file: self.file.clone(),
            line: entry.line,
            algorithm: name_of(&key),
            fingerprint: fingerprint(&key),
        };
        Some(Known { marker: entry.marker, key, source: self.source, at })
    }
}

/// The type of a key as known_hosts names it.
pub(super) fn name_of(key: &KeyData) -> String {
    match key {
        KeyData::Certificate(certificate) => certificate.algorithm().to_certificate_type(),
        KeyData::Rsa(_) => Algorithm::Rsa { hash: None }.to_string(),
        _ => key.algorithm().to_string(),
    }
}

/// `SHA256:…`
pub(super) fn fingerprint(key: &KeyData) -> String {
    key.fingerprint(HashAlg::Sha256).to_string()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::trust::test_keys::*;

    fn lines(text: &str, name: &str) -> Vec<usize> {
        page(text).known(name).map(|known| known.at.line).collect()
    }

    #[test]
    fn a_name_is_found_where_it_stands() {
        let key = ed25519(1);
        let text = format!(
            "# comment\n\nhost {key}\n  host,10.0.0.1 {key} a comment\n[host]:2222 {key}\nother {key}\n*.example.com {key}"
        );
        assert_eq!(lines(&text, "host"), [3, 4]);
        assert_eq!(lines(&text, "10.0.0.1"), [4]);
        assert_eq!(lines(&text, "[host]:2222"), [5]);
        assert_eq!(lines(&text, "a.example.com"), [7]);
        assert_eq!(lines(&text, "example.com"), [0; 0]);
    }

    #[test]
    fn brackets_are_no_wildcards() {
        assert_eq!(lines(&format!("[h]:22 {}", ed25519(1)), "h"), [0; 0]);
    }

    #[test]
    fn malformed_lines_are_skipped_and_their_neighbours_read() {
        let key = ed25519(1);
        let (name, blob) = key.split_once(' ').unwrap();
        for bad in [
            "host".to_owned(),
            "host ssh-ed25519".to_owned(),
            format!("host ssh-ed25519 {}", &blob[4..]),
            format!("host ssh-rsa {blob}"),
            format!("host {blob}"),
            format!("host {name} {blob}A"),
            "host 1024 35 1234567890".to_owned(),
            format!("@unknown host {key}"),
            format!("@revoked @cert-authority host {key}"),
            format!("|1|AAAA|AAAA {key}"),
            format!("\0host {key}"),
        ] {
            assert_eq!(lines(&format!("{bad}\nhost {key}\n"), "host"), [2], "{bad:?}");
        }
    }

    #[test]
    fn markers_are_read() {
        let key = ed25519(1);
        let text =
            format!("@revoked * {key}\n@cert-authority *.org {key}\n@revoked\t* {key}\n@cert-authority\ta.org {key}");
        let markers: Vec<_> = page(&text).known("a.org").map(|known| (known.at.line, known.marker)).collect();
        assert_eq!(markers, [(1, Marker::Revoked), (2, Marker::Authority), (3, Marker::Revoked)]);
    }

    #[test]
    fn lines_may_end_in_cr_and_the_last_one_in_nothing() {
        let key = ed25519(1);
        assert_eq!(lines(&format!("host {key}\r\nhost\t{key}"), "host"), [1, 2]);
    }

    #[test]
    fn the_names_beside_a_key_are_told() {
        let (one, two) = (ed25519(1), ed25519(2));
        let page = page(&format!("here {one}\nthere,10.0.0.1 {one}\nelse {two}\n@revoked bad {one}\n"));
        let key = page.known("here").next().unwrap().key;
        assert_eq!(page.other_names(&key, "here"), ["known_hosts:2: there,10.0.0.1"]);
    }

    #[test]
    fn a_missing_file_is_empty_and_an_unreadable_one_an_error() {
        let folder = tempfile::tempdir().unwrap();
        assert!(KnownHostsText::read(&folder.path().join("none"), KnownSource::User).unwrap().is_none());
        assert!(KnownHostsText::read(folder.path(), KnownSource::User).is_err(), "a folder is no file");
    }

    proptest! {
        #[test]
        fn no_bytes_make_it_panic(text in any::<Vec<u8>>(), name in "[a-z.:\\[\\]0-9]{0,20}") {
            let page = KnownHostsText { file: "known_hosts".into(), source: KnownSource::User, text };
            page.known(&name).count();
        }

        #[test]
        fn nearly_right_lines_do_not_make_it_panic(
            marker in "(@revoked|@cert-authority|@|#)?", blank in "[ \t]{0,2}", hosts in "[a-z*?!,|1=\\[\\]]{0,12}",
            kind in "(ssh-ed25519|ssh-rsa|x)?", blob in "[A-Za-z0-9+/=]{0,80}"
        ) {
            let text = format!("{marker}{blank}{hosts} {kind} {blob}").into_bytes();
            let page = KnownHostsText { file: "known_hosts".into(), source: KnownSource::User, text };
            page.known("a").count();
        }
    }
}
