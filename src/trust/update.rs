//! Which host keys has a server added or dropped? `UpdateHostKeys`, like `client_input_hostkeys` of OpenSSH: a server
//! whose key is in the user's own files announces all its keys (`hostkeys-00@openssh.com`), proves those not known yet
//! (`hostkeys-prove-00@openssh.com`), and the files are updated.
//!
//! [`plan_update`] says what would change, and [`KeyUpdate::learn`] changes it; the session asks for the proof and
//! checks it. Only simple cases are handled: patterns, markers, and keys that other names share stay as they are.
//! Unlike ssh, nothing is written if nobody is there to see it.

use std::path::PathBuf;

use russh::keys::ssh_key::PublicKey;
use russh::keys::ssh_key::public::KeyData;
use tokio::task::spawn_blocking;

use super::ask::{self, kind};
use super::error::TrustError;
use super::known_hosts::{KnownHostsLine, KnownHostsText, KnownSource, Marker, entries, fingerprint};
use super::lookup::{Lookup, read_known_hosts};
use super::record::{self, Naming};
use super::verify::HostVerified;
use crate::progress::{Event, Observer};
use crate::prompt::Asking;

/// The largest number of announced keys that are looked at; a server has a handful.
const MOST_KEYS: usize = 64;

/// Whose consent an update of the files needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Consent {
    /// `UpdateHostKeys yes`: already given.
    Given,
    /// `UpdateHostKeys ask`: a person is asked.
    Ask,
}

/// A change of a server's keys that is to be made in the user's files.
#[derive(Debug, Clone)]
pub struct KeyUpdate {
    subject: Subject,
    naming: Naming,
    files: Vec<PathBuf>,
    announced: Vec<KeyData>,
    unproven: Vec<PublicKey>,
    obsolete: Vec<KeyData>,
}

/// The names whose lines are updated: the host's name, and its address under `CheckHostIP`.
#[derive(Debug, Clone)]
struct Subject {
    name: String,
    address: Option<String>,
}

/// Which of the two names a line holds.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct NamedBy {
    name: bool,
    address: bool,
}

impl Subject {
    fn named_by(&self, entry: &KnownHostsLine<'_>) -> NamedBy {
        let address = self.address.as_ref().is_some_and(|address| entry.names(address));
        NamedBy { name: entry.names(&self.name), address }
    }

    fn wanted(&self) -> NamedBy {
        NamedBy { name: true, address: self.address.is_some() }
    }
}

impl NamedBy {
    fn any(self) -> bool {
        self.name || self.address
    }

    fn or(self, other: NamedBy) -> NamedBy {
        NamedBy { name: self.name || other.name, address: self.address || other.address }
    }
}

/// Compares the keys that a server announced, once per session, with the user's files. `announced` holds plain keys of
/// types that `HostKeyAlgorithms` allows. `None` if there is nothing to do, or the case is not simple enough.
///
/// # Errors
/// [`TrustError::Read`].
pub async fn plan_update(
    lookup: &Lookup,
    verified: &HostVerified,
    announced: &[PublicKey],
) -> Result<Option<KeyUpdate>, TrustError> {
    let announced: Vec<_> = announced.iter().map(|key| key.key_data().clone()).collect();
    let is_plain = |key: &KeyData| !matches!(key, KeyData::Certificate(_) | KeyData::Other(_));
    let repeated = (1..announced.len()).any(|end| announced[..end].contains(&announced[end]));
    if !verified.may_learn() || repeated || announced.len() > MOST_KEYS || !announced.iter().all(is_plain) {
        return Ok(None);
    }
    let pages = read_known_hosts(lookup).await?;
    let pages: Vec<_> = pages.into_iter().filter(|page| page.source == KnownSource::User).collect();
    let subject = Subject { name: lookup.name.as_known(), address: lookup.address_as_known() };
    Ok(compare(&pages, &subject, &announced).map(|(unproven, obsolete)| KeyUpdate {
        subject,
        naming: lookup.naming,
        files: lookup.user_files.clone(),
        unproven: unproven.into_iter().map(|key| PublicKey::new(key, "")).collect(),
        announced,
        obsolete,
    }))
}

/// The new keys, and the known keys that the server no longer announces.
fn compare(pages: &[KnownHostsText], subject: &Subject, announced: &[KeyData]) -> Option<(Vec<KeyData>, Vec<KeyData>)> {
    let mut known = vec![false; announced.len()];
    let mut obsolete: Vec<KeyData> = Vec::new();
    for entry in pages.iter().flat_map(|page| entries(&page.text)) {
        let Some(key) = entry.key() else { continue };
        let place = announced.iter().position(|announced| *announced == key);
        let named = subject.named_by(&entry);
        if !named.any() {
            // one of the server's keys is also known under another name
            place.map_or(Some(()), |_| None)?;
            continue;
        }
        if entry.marker != Marker::None || !is_simple(entry.hosts) {
            return None;
        }
        let paired = subject.address.is_some() && entry.hosts.contains(&b',');
        if paired && named != subject.wanted() {
            return None;
        }
        match place {
            Some(place) => known[place] = true,
            None => obsolete.push(key),
        }
    }
    let new: Vec<_> = announced.iter().zip(known).filter(|(_, known)| !known).map(|(key, _)| key.clone()).collect();
    let changes = !(new.is_empty() && obsolete.is_empty());
    (changes && !pages.iter().any(|page| shares(page, subject, &obsolete))).then_some((new, obsolete))
}

/// Whether another name has one of `keys`.
fn shares(page: &KnownHostsText, subject: &Subject, keys: &[KeyData]) -> bool {
    let others = entries(&page.text).filter(|entry| !subject.named_by(entry).any());
    !keys.is_empty() && others.filter_map(|entry| entry.key()).any(|key| keys.contains(&key))
}

/// Whether the field is one that ssh itself writes: one name, or a name and an address.
fn is_simple(hosts: &[u8]) -> bool {
    !hosts.iter().any(|b| matches!(b, b'*' | b'?')) && hosts.iter().filter(|b| **b == b',').count() <= 1
}

impl KeyUpdate {
    /// The new keys. The server must prove that it holds all of them; if there are none, no proof is needed.
    pub fn unproven(&self) -> &[PublicKey] {
        &self.unproven
    }

    /// The changes, one line per key, in ssh's words.
    pub fn summary(&self) -> Vec<String> {
        let line = |what, key: &KeyData| format!("{what} hostkey: {} {}", kind(key), fingerprint(key));
        let learned = self.unproven.iter().map(|key| line("Learned new", key.key_data()));
        learned.chain(self.obsolete.iter().map(|key| line("Deprecating obsolete", key))).collect()
    }

    /// Updates the files: new keys are added to the first, obsolete ones are removed from all. `proven` are the keys
    /// whose proof was checked. Nothing is changed unless they include every new key, nor without a person if one is to be
    /// asked.
    ///
    /// # Errors
    /// [`TrustError::Record`]; each file then has its old content or its new.
    pub async fn learn(
        self,
        proven: &[PublicKey],
        consent: Consent,
        asking: &Asking,
        observer: &dyn Observer,
    ) -> Result<(), TrustError> {
        let is_proven = |key: &PublicKey| proven.iter().any(|proven| proven.key_data() == key.key_data());
        if !self.unproven.iter().all(is_proven) {
            return Ok(());
        }
        let summary = self.summary();
        if consent == Consent::Ask {
            let _turn = ask::turn().await;
            if ask::about_update(asking, &summary).await.is_err() {
                return Ok(());
            }
        }
        self.rewrite_all().await?;
        summary.into_iter().for_each(|line| observer.event(Event::Detail(line)));
        Ok(())
    }

    async fn rewrite_all(self) -> Result<(), TrustError> {
        let rewritten = spawn_blocking(move || {
            for (index, file) in self.files.iter().enumerate().filter(|(_, file)| file.exists()) {
                let keys = if index == 0 { &self.announced[..] } else { &[] };
                let rewrite = |text: &[u8]| self.subject.rewrite(text, keys, self.naming);
                record::replace(file, rewrite).map_err(|source| TrustError::Record { file: file.clone(), source })?;
            }
            Ok(())
        });
        rewritten.await.unwrap_or_else(|error| {
            Err(TrustError::Record { file: PathBuf::new(), source: std::io::Error::other(error) })
        })
    }
}

impl Subject {
    /// `text` with exactly `keys` for this host; `None` if that is what it already holds.
    fn rewrite(&self, text: &[u8], keys: &[KeyData], naming: Naming) -> std::io::Result<Option<Vec<u8>>> {
        let mut out = Vec::with_capacity(text.len());
        let mut found = vec![NamedBy::default(); keys.len()];
        let mut changed = false;
        let mut stays = |entry: &KnownHostsLine<'_>| {
            let (named, Some(key)) = (self.named_by(entry), entry.key()) else { return true };
            if !named.any() || entry.marker != Marker::None {
                return true;
            }
            match keys.iter().position(|wanted| *wanted == key) {
                Some(place) => found[place] = found[place].or(named),
                None => changed = true,
            }
            keys.contains(&key)
        };
        let mut listed = entries(text).peekable();
        for (index, line) in text.split_inclusive(|&b| b == b'\n').enumerate() {
            if listed.next_if(|entry| entry.line == index + 1).is_none_or(|entry| stays(&entry)) {
                out.extend_from_slice(line.strip_suffix(b"\n").unwrap_or(line));
                out.push(b'\n');
            }
        }
        for (key, found) in keys.iter().zip(found) {
            let names = self.missing(found);
            if !names.is_empty() {
                out.extend(record::lines(&names, key, naming)?.into_bytes());
                changed = true;
            }
        }
        Ok(changed.then_some(out))
    }

    fn missing(&self, found: NamedBy) -> Vec<&str> {
        let name = (!found.name).then_some(self.name.as_str());
        let address = self.address.as_deref().filter(|_| !found.address);
        name.into_iter().chain(address).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::trust::test_keys::*;

    fn subject() -> Subject {
        Subject { name: "host".to_owned(), address: None }
    }

    fn planned(text: &str, announced: &[u8]) -> Option<(Vec<KeyData>, Vec<KeyData>)> {
        let announced: Vec<_> = announced.iter().map(|number| data(*number)).collect();
        compare(&[page(text)], &subject(), &announced)
    }

    fn rewritten(subject: &Subject, text: &str, keys: &[u8]) -> Option<String> {
        let keys: Vec<_> = keys.iter().map(|number| data(*number)).collect();
        let out = subject.rewrite(text.as_bytes(), &keys, Naming::Plain).unwrap();
        out.map(|out| String::from_utf8(out).unwrap())
    }

    #[test]
    fn gained_and_lost_keys_are_told_apart() {
        let text = format!("host {}\nhost {}\nother {}\n", ed25519(1), ed25519(2), ed25519(9));
        assert_eq!(planned(&text, &[1, 3]), Some((vec![data(3)], vec![data(2)])));
        assert_eq!(planned(&text, &[2, 1]), None, "nothing changes");
    }

    #[test]
    fn what_is_not_simple_is_left_alone() {
        let (one, two) = (ed25519(1), ed25519(2));
        for text in [
            format!("host {one}\n* {two}\n"),
            format!("host,a,b {one}\n"),
            format!("host {one}\n@cert-authority host {two}\n"),
            format!("host {one}\n@revoked host {two}\n"),
            format!("host {one}\nother {one}\n"),
            format!("host {one}\nother {}\n", ed25519(3)),
            format!("host {one}\nhost {two}\nother {two}\n"),
        ] {
            assert_eq!(planned(&text, &[1, 3]), None, "{text}");
        }
        assert!(planned(&format!("host {one}\n"), &[1, 3]).is_some());
    }

    #[test]
    fn neighbours_stay_byte_for_byte() {
        let text = format!("# c\r\n\nhost broken\n@revoked * {}\nother {}\n", ed25519(8), ed25519(9));
        let all = format!("{text}host {}\nhost {}", ed25519(1), ed25519(2));
        let expected = format!("{text}host {}\nhost {}\n", ed25519(1), ed25519(3));
        assert_eq!(rewritten(&subject(), &all, &[1, 3]).unwrap(), expected);
        assert_eq!(rewritten(&subject(), &expected, &[1, 3]), None, "and then nothing more");
        assert_eq!(rewritten(&subject(), &all, &[]).unwrap(), text, "in every other file its keys go");
    }

    #[test]
    fn the_address_goes_with_the_name() {
        let subject = Subject { address: Some("10.0.0.1".to_owned()), ..subject() };
        let text = format!("host {}\n10.0.0.1 {}\n", ed25519(1), ed25519(2));
        let expected = format!("host {0}\n10.0.0.1 {0}\nhost,10.0.0.1 {1}\n", ed25519(1), ed25519(3));
        assert_eq!(rewritten(&subject, &text, &[1, 3]).unwrap(), expected);
    }
}
