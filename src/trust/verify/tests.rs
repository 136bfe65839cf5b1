//! Is one host key judged, asked about and recorded correctly? With files, and a person who answers from a list.

use std::collections::VecDeque;
use std::fs::{read_to_string, write};
use std::path::Path;
use std::sync::Mutex;

use zeroize::Zeroizing;

use super::*;
use crate::progress::Silent;
use crate::prompt::{NoAnswer, Prompt};
use crate::trust::error::Revoker;
use crate::trust::lookup::LookupName;
use crate::trust::record::Naming;
use crate::trust::test_keys::*;

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

fn named(hostname: &str, port: u16) -> LookupName {
    LookupName::Host { hostname: hostname.to_owned(), port }
}

fn key(number: u8) -> Presented {
    Presented::Key(public(number))
}

async fn alone(lookup: &Lookup, presented: &Presented) -> Result<HostVerified, TrustError> {
    verify(lookup, presented, Asking::nobody(), &Silent).await
}

async fn with(person: &Arc<Person>, lookup: &Lookup, presented: &Presented) -> Result<HostVerified, TrustError> {
    verify(lookup, presented, Asking::new(Arc::clone(person) as Arc<dyn Prompt>), &Silent).await
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
    let lookup = Lookup { name: LookupName::Alias("VPC-A".into()), ..home.lookup(Policy::Strict) };
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
async fn a_key_that_cannot_be_recorded_is_the_names_only_key_until_the_run_ends() {
    for policy in [Policy::AcceptNew, Policy::Off] {
        let home = Home::new("");
        let nowhere = home.0.path().join("no/such/folder");
        let lookup = Lookup { user_files: vec![nowhere], ..home.lookup(policy) };
        assert!(alone(&lookup, &key(1)).await.is_ok() && alone(&lookup, &key(1)).await.is_ok());
        assert!(matches!(alone(&lookup, &key(2)).await, Err(TrustError::Changed { .. })));
    }
}

#[tokio::test]
async fn names_that_would_break_a_line_are_not_recorded() {
    let home = Home::new("");
    for name in ["a b", "a,b", "*", "!a", "a\nb", "#a", "|1|a", ""] {
        let lookup = Lookup { name: LookupName::Alias(name.into()), ..home.lookup(Policy::Off) };
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
    lookup.name = LookupName::Alias("host".into());
    assert!(alone(&lookup, &key(2)).await.is_err());
}

#[tokio::test]
async fn the_command_adds_to_the_files_and_its_keys_are_not_learned_from() {
    let home = Home::new("");
    let command = |template: String| crate::trust::command::KnownHostsCommand { template, ..Default::default() };
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
