//! Is this the host? [`verify`] walks one case through verdict, question and record, and ends in [`HostVerified`] or a
//! refusal. What counts as known is `policy.rs`'s to say.

use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use russh::keys::ssh_key::public::KeyData;
use russh::keys::ssh_key::{Algorithm, PublicKey};
use tokio::task::spawn_blocking;

use super::address::AddressIs;
use super::command::Invocation;
use super::known_hosts::{self, Page, Source, fingerprint, name_of};
use super::lookup::{ask_command, read_pages, with_port};
use super::policy::{self, Evidence, Measure, Verdict, Witness};
use super::record::Recorded;
use super::{KnownAt, Lookup, NotAccepted, Policy, Presented, Revoker, TrustError, ask, certificate, record, revoked};
use crate::progress::{Event, Observer};
use crate::prompt::Prompt;

/// Proof that a host key was compared with what is known and found good, or accepted by whoever may. Only [`verify`]
/// makes one.
#[derive(Debug, Clone)]
pub struct HostVerified {
    key: PublicKey,
    on_the_word_of: Word,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Word {
    /// A line, in the user's own files all through, or a person who was asked.
    User,
    /// Anything else.
    Other,
}

impl HostVerified {
    fn new(presented: &Presented, on_the_word_of: Word) -> HostVerified {
        HostVerified { key: PublicKey::new(presented.key_data().clone(), ""), on_the_word_of }
    }

    /// `SHA256:…` of the key.
    pub fn fingerprint(&self) -> String {
        fingerprint(self.key.key_data())
    }

    /// The type of the key; for RSA without the hash of a signature.
    pub fn algorithm(&self) -> Algorithm {
        self.key.algorithm()
    }

    /// The key, out of its certificate if it came in one.
    pub fn key(&self) -> &PublicKey {
        &self.key
    }

    /// True when `UpdateHostKeys` may act on this host's announcements: its key stands in the user's own files under
    /// this very name, or a person has just confirmed it.
    pub fn may_learn(&self) -> bool {
        self.on_the_word_of == Word::User
    }
}

/// Compares what a server presented with what is known, asks or records as the policy says, and gives the proof.
///
/// # Errors
/// [`TrustError`]; the host must not be talked to further.
pub async fn verify(
    lookup: &Lookup,
    presented: &Presented,
    prompt: Arc<dyn Prompt>,
    observer: &dyn Observer,
) -> Result<HostVerified, TrustError> {
    let case = Case { lookup, presented, prompt, observer, name: lookup.name.as_known() };
    case.vet()?;
    revoked::check(lookup, presented).await?;
    if lookup.takes_any_key() {
        return Ok(HostVerified::new(presented, Word::Other));
    }
    let looked = case.look().await?;
    match &looked.verdict {
        Verdict::New(_) => case.meet(looked).await,
        _ => case.conclude(looked).await,
    }
}

/// One host key to be judged.
pub(super) struct Case<'a> {
    pub(super) lookup: &'a Lookup,
    pub(super) presented: &'a Presented,
    pub(super) prompt: Arc<dyn Prompt>,
    pub(super) observer: &'a dyn Observer,
    pub(super) name: String,
}

/// What was found about it.
struct Looked {
    pages: Vec<Page>,
    evidence: Evidence,
    verdict: Verdict,
}

impl Case<'_> {
    /// Refuses what proves nothing whoever vouches for it.
    fn vet(&self) -> Result<(), TrustError> {
        if let KeyData::Rsa(key) = self.presented.key_data()
            && key.key_size() < self.lookup.shortest_rsa.max(known_hosts::SHORTEST_RSA)
        {
            return Err(TrustError::TooShort { host: self.name.clone(), bits: key.key_size() });
        }
        match self.presented {
            Presented::Certificate(certificate) if !certificate::is_signed(certificate) => {
                Err(self.bad_certificate("its signature is not that of its authority".to_owned()))
            }
            _ => Ok(()),
        }
    }

    async fn look(&self) -> Result<Looked, TrustError> {
        let pages = read_pages(self.lookup).await?;
        let find = |name: &str| pages.iter().flat_map(|page| page.known(name)).collect::<Vec<_>>();
        let mut evidence = Evidence { exact: find(&self.name), ..Evidence::default() };
        let bare = self.lookup.name.bare();
        if bare != self.name {
            evidence.bare = find(&bare);
        }
        if let Some(page) = self.ask_command(Invocation::Hostname, &self.name).await? {
            evidence.exact.extend(page.known(&self.name));
        }
        if let (Some(address), Presented::Key(_)) = (self.lookup.address_as_known(), self.presented) {
            let mut known = find(&address);
            if let Some(page) = self.ask_command(Invocation::Address, &address).await? {
                known.extend(page.known(&address));
            }
            evidence.address = Some(known);
        }
        let measure = Measure { host: &bare, now: now(), signatures: self.lookup.authority_signatures.as_deref() };
        let verdict = policy::judge(&evidence, self.presented, &measure);
        Ok(Looked { pages, evidence, verdict })
    }

    async fn ask_command(&self, invocation: Invocation, name: &str) -> Result<Option<Page>, TrustError> {
        ask_command(self.lookup, invocation, name, Some(self.presented)).await
    }

    /// A key that something is known about.
    async fn conclude(&self, looked: Looked) -> Result<HostVerified, TrustError> {
        match looked.verdict {
            Verdict::Revoked(at) => Err(self.revoked(at)),
            Verdict::Changed(known) => Err(self.changed(self.name.clone(), known)),
            Verdict::New(flaw) => Err(self.refuse(flaw, NotAccepted::Strict)),
            Verdict::Known(witness) => {
                let address = self.check_address(&looked.evidence).await?;
                if address == AddressIs::New && self.may_write_unasked() && witness != Witness::Line(Source::Command) {
                    self.record_address().await;
                }
                let own = witness == Witness::Line(Source::User) && address != AddressIs::ElsewhereKnown;
                Ok(HostVerified::new(self.presented, if own { Word::User } else { Word::Other }))
            }
        }
    }

    /// A key that nothing is known about.
    async fn meet(&self, looked: Looked) -> Result<HostVerified, TrustError> {
        let Verdict::New(flaw) = &looked.verdict else { return self.conclude(looked).await };
        if let Some(flaw) = flaw {
            self.observer.event(Event::Warning(format!("host certificate for {}: {flaw}", self.name)));
        }
        if self.lookup.user_files.is_empty() || !record::can_name(&self.name) {
            return Err(self.refuse(flaw.clone(), NotAccepted::NowhereToRecord));
        }
        match self.lookup.policy {
            Policy::Strict => Err(self.refuse(flaw.clone(), NotAccepted::Strict)),
            Policy::Ask => self.ask().await,
            Policy::AcceptNew | Policy::Off => {
                let address = self.check_address(&looked.evidence).await?;
                let recorded = self.record(address).await;
                if self.lookup.policy == Policy::AcceptNew {
                    recorded?
                } else {
                    self.unless_unwritable(recorded)?
                }
                Ok(HostVerified::new(self.presented, Word::Other))
            }
        }
    }

    async fn ask(&self) -> Result<HostVerified, TrustError> {
        let _turn = ask::turn().await;
        let looked = self.look().await?;
        let Verdict::New(flaw) = &looked.verdict else { return self.conclude(looked).await };
        let key = self.presented.key_data();
        let unknown = ask::Unknown {
            host: &self.name,
            address: self.lookup.address.map(|a| with_port(&a.to_string(), self.lookup.port)),
            key,
            other_names: looked.pages.iter().flat_map(|page| page.other_names(key, &self.name)).collect(),
        };
        ask::about_unknown(&self.prompt, &unknown).await.map_err(|because| self.refuse(flaw.clone(), because))?;
        let address = self.check_address(&looked.evidence).await?;
        self.unless_unwritable(self.record(address).await)?;
        Ok(HostVerified::new(self.presented, Word::User))
    }

    async fn record(&self, address: AddressIs) -> Result<(), TrustError> {
        let mut names = vec![self.name.clone()];
        if address == AddressIs::New {
            names.extend(self.lookup.address_as_known());
        }
        self.append(names).await
    }

    pub(super) async fn append(&self, names: Vec<String>) -> Result<(), TrustError> {
        let file = self.lookup.user_files.first().cloned().unwrap_or_default();
        let (key, naming, to) = (self.presented.key_data().clone(), self.lookup.naming, file.clone());
        let host = names.join(",");
        let appended = spawn_blocking(move || {
            let names: Vec<_> = names.iter().map(String::as_str).collect();
            record::append(&to, &names, &key, naming)
        });
        match appended.await.unwrap_or_else(|error| Err(std::io::Error::other(error))) {
            Err(source) => Err(TrustError::Record { file, source }),
            Ok(Recorded::Before) => Ok(()),
            Ok(Recorded::Contested(known)) => Err(self.changed(host, known)),
            Ok(Recorded::Added) => {
                let key = self.presented.key_data();
                let (algorithm, fingerprint) = (name_of(key), fingerprint(key));
                self.observer.event(Event::HostKeyAdded { host, algorithm, fingerprint, file });
                Ok(())
            }
        }
    }

    /// A file that cannot be written is a warning where ssh only warns; what was read in it meanwhile is not.
    fn unless_unwritable(&self, recorded: Result<(), TrustError>) -> Result<(), TrustError> {
        match recorded {
            Err(TrustError::Record { .. }) => self.warn(recorded),
            recorded => return recorded,
        }
        Ok(())
    }

    fn revoked(&self, at: KnownAt) -> TrustError {
        let (algorithm, fingerprint) = (name_of(self.presented.key_data()), fingerprint(self.presented.key_data()));
        TrustError::Revoked { host: self.name.clone(), algorithm, fingerprint, by: Revoker::Line(Box::new(at)) }
    }

    pub(super) fn changed(&self, host: String, known: Vec<KnownAt>) -> TrustError {
        let (algorithm, fingerprint) = (name_of(self.presented.key_data()), fingerprint(self.presented.key_data()));
        TrustError::Changed { host, algorithm, fingerprint, known }
    }

    /// ssh records in silence; a run that nobody watches records only what it was told to accept.
    fn may_write_unasked(&self) -> bool {
        matches!(self.lookup.policy, Policy::AcceptNew | Policy::Off) || self.prompt.is_there()
    }

    pub(super) fn warn(&self, recorded: Result<(), TrustError>) {
        if let Err(error) = recorded {
            self.observer.event(Event::Warning(error.to_string()));
        }
    }

    fn refuse(&self, flaw: Option<certificate::Flaw>, because: NotAccepted) -> TrustError {
        match flaw {
            Some(flaw) => self.bad_certificate(flaw.to_string()),
            None => TrustError::Unknown {
                host: self.name.clone(),
                algorithm: name_of(self.presented.key_data()),
                fingerprint: fingerprint(self.presented.key_data()),
                because,
            },
        }
    }

    fn bad_certificate(&self, problem: String) -> TrustError {
        TrustError::Certificate { host: self.name.clone(), problem }
    }
}

fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs())
}

#[cfg(test)]
mod tests {
    use std::collections::VecDeque;
    use std::fs::{read_to_string, write};
    use std::path::Path;
    use std::sync::Mutex;

    use zeroize::Zeroizing;

    use super::super::keys::*;
    use super::super::{Name, Naming};
    use super::*;
    use crate::progress::Silent;
    use crate::prompt::{NoAnswer, NoPrompt};

    /// Answers from a list and keeps the questions.
    struct Person {
        answers: Mutex<VecDeque<&'static str>>,
        questions: Mutex<Vec<String>>,
    }

    impl Person {
        fn saying(answers: &[&'static str]) -> Arc<Person> {
            let answers = Mutex::new(answers.iter().copied().collect());
            Arc::new(Person { answers, questions: Mutex::default() })
        }

        fn heard(&self) -> Vec<String> {
            self.questions.lock().unwrap().clone()
        }
    }

    impl Prompt for Person {
        fn secret(&self, _: &str) -> Result<Zeroizing<String>, NoAnswer> {
            panic!("host keys are no secret")
        }

        fn answer(&self, question: &str) -> Result<String, NoAnswer> {
            self.questions.lock().unwrap().push(question.to_owned());
            self.answers.lock().unwrap().pop_front().map(str::to_owned).ok_or(NoAnswer::GivenUp)
        }

        fn is_there(&self) -> bool {
            true
        }
    }

    struct Home(tempfile::TempDir);

    impl Home {
        fn new(known_hosts: &str) -> Home {
            let home = Home(tempfile::tempdir().unwrap());
            write(home.file(), known_hosts).unwrap();
            home
        }

        fn file(&self) -> std::path::PathBuf {
            self.0.path().join("known_hosts")
        }

        fn text(&self) -> String {
            read_to_string(self.file()).unwrap()
        }

        fn lookup(&self, policy: Policy) -> Lookup {
            Lookup { policy, user_files: vec![self.file()], ..Lookup::new(named("host", 22)) }
        }
    }

    fn named(hostname: &str, port: u16) -> Name {
        Name::Host { hostname: hostname.to_owned(), port }
    }

    fn key(number: u8) -> Presented {
        Presented::Key(public(number))
    }

    async fn alone(lookup: &Lookup, presented: &Presented) -> Result<HostVerified, TrustError> {
        verify(lookup, presented, Arc::new(NoPrompt), &Silent).await
    }

    async fn with(person: &Arc<Person>, lookup: &Lookup, presented: &Presented) -> Result<HostVerified, TrustError> {
        verify(lookup, presented, Arc::clone(person) as Arc<dyn Prompt>, &Silent).await
    }

    fn because(outcome: Result<HostVerified, TrustError>) -> NotAccepted {
        match outcome {
            Err(TrustError::Unknown { because, .. }) => because,
            other => panic!("{other:?}"),
        }
    }

    const POLICIES: [Policy; 4] = [Policy::Strict, Policy::Ask, Policy::AcceptNew, Policy::Off];

    #[tokio::test]
    async fn a_known_key_is_proof_under_every_policy() {
        let home = Home::new(&format!("host {}\n", ed25519(1)));
        for policy in POLICIES {
            let verified = alone(&home.lookup(policy), &key(1)).await.unwrap();
            assert_eq!(verified.key().key_data(), &data(1));
            assert!(verified.may_learn());
        }
    }

    #[tokio::test]
    async fn a_changed_key_is_refused_under_every_policy_and_nothing_is_written() {
        let text = format!("other x\nhost {}\n", ed25519(1));
        let home = Home::new(&text);
        for policy in POLICIES {
            let person = Person::saying(&["yes"]);
            match with(&person, &home.lookup(policy), &key(2)).await.unwrap_err() {
                TrustError::Changed { known, .. } => assert_eq!((known[0].line, &known[0].file), (2, &home.file())),
                other => panic!("{other:?}"),
            }
            assert_eq!(person.heard(), [""; 0]);
        }
        assert_eq!(home.text(), text);
    }

    #[tokio::test]
    async fn a_revoked_key_is_refused_even_where_it_is_known() {
        let home = Home::new(&format!("host {0}\n@revoked * {0}\n", ed25519(1)));
        for policy in POLICIES {
            assert!(
                matches!(alone(&home.lookup(policy), &key(1)).await, Err(TrustError::Revoked { by: Revoker::Line(at), .. }) if at.line == 2)
            );
        }
        let signed = Presented::Certificate(Box::new(issue(2, 1, for_host)));
        assert!(matches!(alone(&home.lookup(Policy::Off), &signed).await, Err(TrustError::Revoked { .. })));
    }

    #[tokio::test]
    async fn an_unknown_key_is_refused_unless_the_policy_or_a_person_accepts_it() {
        let home = Home::new("");
        assert_eq!(because(alone(&home.lookup(Policy::Strict), &key(1)).await), NotAccepted::Strict);
        assert_eq!(because(alone(&home.lookup(Policy::Ask), &key(1)).await), NotAccepted::NobodyToAsk);
        for no in ["no", "", " NO "] {
            let person = Person::saying(&[no]);
            assert_eq!(because(with(&person, &home.lookup(Policy::Ask), &key(1)).await), NotAccepted::Declined);
        }
        assert_eq!(home.text(), "", "nothing was accepted");
        for policy in [Policy::AcceptNew, Policy::Off] {
            let home = Home::new("");
            let verified = alone(&home.lookup(policy), &key(1)).await.unwrap();
            assert!(!verified.may_learn());
            assert_eq!(home.text(), format!("host {}\n", ed25519(1)));
        }
    }

    #[tokio::test]
    async fn a_person_is_asked_as_ssh_asks() {
        let home = Home::new(&format!("elsewhere {}\n", ed25519(1)));
        let lookup = Lookup {
            name: named("Host", 2222),
            port: 2222,
            address: Some("10.0.0.1".parse().unwrap()),
            ..home.lookup(Policy::Ask)
        };
        let person = Person::saying(&["perhaps", "SHA256:wrong", " yes "]);
        assert!(with(&person, &lookup, &key(1)).await.unwrap().may_learn());
        let again = "Please type 'yes', 'no' or the fingerprint: ".to_owned();
        let question = format!(
            "The authenticity of host '[host]:2222 ([10.0.0.1]:2222)' can't be established.\n\
             ED25519 key fingerprint is {}.\n\
             This host key is known by the following other names/addresses:\n    {}:1: elsewhere\n\
             Are you sure you want to continue connecting (yes/no/[fingerprint])? ",
            fingerprint(&data(1)),
            home.file().display()
        );
        assert_eq!(person.heard(), [question, again.clone(), again]);
        assert!(home.text().ends_with(&format!("[host]:2222 {}\n", ed25519(1))));
    }

    #[tokio::test]
    async fn the_fingerprint_is_a_yes_and_the_wrong_one_is_not() {
        let home = Home::new("");
        let right: &'static str = Box::leak(fingerprint(&data(1)).into_boxed_str());
        let person = Person::saying(&[Box::leak(fingerprint(&data(2)).into_boxed_str()), right]);
        assert!(with(&person, &home.lookup(Policy::Ask), &key(1)).await.is_ok());
        assert_eq!(person.heard().len(), 2);
    }

    #[tokio::test]
    async fn two_who_meet_the_same_stranger_ask_once() {
        let home = Home::new("");
        let lookup = home.lookup(Policy::Ask);
        let person = Person::saying(&["yes"]);
        let stranger = key(1);
        let (one, two) = tokio::join!(with(&person, &lookup, &stranger), with(&person, &lookup, &stranger));
        assert!(one.is_ok() && two.is_ok());
        assert_eq!(person.heard().len(), 1);
        assert_eq!(home.text().lines().count(), 1);
    }

    #[tokio::test]
    async fn a_bare_name_serves_another_port_until_the_port_has_its_own_line() {
        let home = Home::new(&format!("host {}\n", ed25519(1)));
        let lookup = Lookup { name: named("host", 2222), ..home.lookup(Policy::Strict) };
        assert!(!alone(&lookup, &key(1)).await.unwrap().may_learn());
        assert_eq!(because(alone(&lookup, &key(2)).await), NotAccepted::Strict, "another port may be another machine");
        write(home.file(), format!("host {}\n[host]:2222 {}\n", ed25519(1), ed25519(2))).unwrap();
        assert!(matches!(alone(&lookup, &key(1)).await, Err(TrustError::Changed { .. })));
        assert!(alone(&lookup, &key(2)).await.is_ok());
    }

    #[tokio::test]
    async fn an_alias_has_no_port_and_no_case() {
        let home = Home::new(&format!("vpc-a {}\n", ed25519(1)));
        let lookup = Lookup { name: Name::Alias("VPC-A".into()), ..home.lookup(Policy::Strict) };
        assert!(alone(&lookup, &key(1)).await.is_ok());
    }

    #[tokio::test]
    async fn a_certificate_serves_by_its_authority_and_its_key_without_it() {
        let certificate = || Presented::Certificate(Box::new(issue(1, 2, for_host)));
        let by_authority = Home::new(&format!("@cert-authority host {}\n", ed25519(2)));
        assert!(!alone(&by_authority.lookup(Policy::Strict), &certificate()).await.unwrap().may_learn());
        let by_key = Home::new(&format!("@cert-authority host {}\nhost {}\n", ed25519(3), ed25519(1)));
        assert!(alone(&by_key.lookup(Policy::Strict), &certificate()).await.is_ok());
        let by_none = Home::new(&format!("@cert-authority elsewhere {}\n", ed25519(2)));
        assert_eq!(because(alone(&by_none.lookup(Policy::Strict), &certificate()).await), NotAccepted::Strict);
        let a_key_is_no_authority = Home::new(&format!("host {}\n", ed25519(2)));
        let refused = alone(&a_key_is_no_authority.lookup(Policy::Off), &certificate()).await;
        assert!(matches!(refused, Err(TrustError::Changed { .. })));
        let an_authority_is_no_key = alone(&by_authority.lookup(Policy::Strict), &key(2)).await;
        assert_eq!(because(an_authority_is_no_key), NotAccepted::Strict);
    }

    #[tokio::test]
    async fn a_flawed_certificate_is_named_when_its_key_is_not_known() {
        let home = Home::new(&format!("@cert-authority * {}\n", ed25519(2)));
        let lookup = Lookup { name: named("other", 22), ..home.lookup(Policy::Strict) };
        match alone(&lookup, &Presented::Certificate(Box::new(issue(1, 2, for_host)))).await {
            Err(TrustError::Certificate { problem, .. }) => assert_eq!(problem, "other is not among its principals"),
            other => panic!("{other:?}"),
        }
    }

    #[tokio::test]
    async fn what_cannot_be_read_refuses() {
        let home = Home::new(&format!("host {}\n", ed25519(1)));
        let mut lookup = home.lookup(Policy::Off);
        lookup.global_files = vec![home.0.path().join("none"), home.0.path().to_owned()];
        assert!(matches!(alone(&lookup, &key(1)).await, Err(TrustError::Read { file, .. }) if file == home.0.path()));
    }

    #[tokio::test]
    async fn accept_new_that_cannot_be_recorded_refuses_and_off_goes_on() {
        let home = Home::new("");
        let nowhere = home.0.path().join("no/such/folder");
        let lookup = |policy| Lookup { user_files: vec![nowhere.clone()], ..home.lookup(policy) };
        assert!(matches!(alone(&lookup(Policy::AcceptNew), &key(1)).await, Err(TrustError::Record { .. })));
        assert!(alone(&lookup(Policy::Off), &key(1)).await.is_ok());
    }

    #[tokio::test]
    async fn names_that_would_break_a_line_are_not_recorded() {
        let home = Home::new("");
        for name in ["a b", "a,b", "*", "!a", "a\nb", "#a", "|1|a", ""] {
            let lookup = Lookup { name: Name::Alias(name.into()), ..home.lookup(Policy::Off) };
            assert_eq!(because(alone(&lookup, &key(1)).await), NotAccepted::NowhereToRecord, "{name:?}");
        }
        let no_file = Lookup { user_files: vec![], ..home.lookup(Policy::Off) };
        assert_eq!(because(alone(&no_file, &key(1)).await), NotAccepted::NowhereToRecord);
        assert_eq!(home.text(), "");
    }

    #[tokio::test]
    async fn addresses_are_checked_when_asked() {
        let address = Some("10.0.0.1".parse().unwrap());
        let lookup = |home: &Home, policy| Lookup { address, check_address: true, ..home.lookup(policy) };
        let home = Home::new("");
        assert!(alone(&lookup(&home, Policy::AcceptNew), &key(1)).await.is_ok());
        assert_eq!(home.text(), format!("host,10.0.0.1 {}\n", ed25519(1)));

        let home = Home::new(&format!("host {}\n10.0.0.1 {}\n", ed25519(1), ed25519(2)));
        for policy in [Policy::Strict, Policy::AcceptNew] {
            let refused = alone(&lookup(&home, policy), &key(1)).await;
            assert!(matches!(refused, Err(TrustError::Changed { host, .. }) if host == "10.0.0.1"));
        }
        assert!(alone(&lookup(&home, Policy::Off), &key(1)).await.is_ok());
        assert!(with(&Person::saying(&["yes"]), &lookup(&home, Policy::Ask), &key(1)).await.is_ok());
        assert!(with(&Person::saying(&["no"]), &lookup(&home, Policy::Ask), &key(1)).await.is_err());

        let home = Home::new(&format!("host {}\n", ed25519(1)));
        assert!(alone(&lookup(&home, Policy::Strict), &key(1)).await.is_ok());
        assert_eq!(home.text().lines().count(), 1, "nobody watches: nothing is written");
        assert!(with(&Person::saying(&[]), &lookup(&home, Policy::Strict), &key(1)).await.is_ok());
        assert!(home.text().ends_with(&format!("10.0.0.1 {}\n", ed25519(1))));
    }

    #[tokio::test]
    async fn loopback_is_taken_as_it_is_only_when_asked_and_without_an_alias() {
        let home = Home::new(&format!("host {}\n", ed25519(1)));
        let mut lookup = Lookup { address: Some("127.0.0.2".parse().unwrap()), ..home.lookup(Policy::Strict) };
        assert!(alone(&lookup, &key(2)).await.is_err());
        lookup.trust_loopback = true;
        assert!(!alone(&lookup, &key(2)).await.unwrap().may_learn());
        lookup.name = Name::Alias("host".into());
        assert!(alone(&lookup, &key(2)).await.is_err());
    }

    #[tokio::test]
    async fn the_command_adds_to_the_files_and_its_keys_are_not_learned_from() {
        let home = Home::new("");
        let command = |template: String| super::super::KnownHostsCommand { template, ..Default::default() };
        let mut lookup = home.lookup(Policy::Strict);
        lookup.command = Some(command(format!("/bin/echo %H {}", ed25519(1))));
        assert!(!alone(&lookup, &key(1)).await.unwrap().may_learn());
        assert!(matches!(alone(&lookup, &key(2)).await, Err(TrustError::Changed { .. })));
        lookup.command = Some(command("/bin/false".to_owned()));
        lookup.policy = Policy::Off;
        assert!(matches!(alone(&lookup, &key(1)).await, Err(TrustError::Command { .. })));
    }

    #[tokio::test]
    async fn hashed_names_are_found_again() {
        let home = Home::new("");
        let lookup = Lookup { naming: Naming::Hashed, ..home.lookup(Policy::AcceptNew) };
        alone(&lookup, &key(1)).await.unwrap();
        assert!(!home.text().contains("host") && home.text().starts_with("|1|"));
        assert!(alone(&home.lookup(Policy::Strict), &key(1)).await.is_ok());
    }

    #[tokio::test]
    async fn the_dot_ssh_folder_is_made_for_its_owner_alone() {
        use std::os::unix::fs::PermissionsExt;
        let home = Home::new("");
        let file = home.0.path().join(".ssh/known_hosts");
        let lookup = Lookup { user_files: vec![file.clone()], ..home.lookup(Policy::AcceptNew) };
        alone(&lookup, &key(1)).await.unwrap();
        let mode = |path: &Path| path.metadata().unwrap().permissions().mode() & 0o7777;
        assert_eq!((mode(&file), mode(file.parent().unwrap())), (0o600, 0o700));
    }
}
