//! `UpdateHostKeys`: a server's other keys are learned, with proof, when somebody is there or the user asked for it; in
//! batch nobody is asked.

use std::fs;
use std::sync::Arc;
use std::time::{Duration, Instant};

use hop::chain::Chain;
use hop::progress::Silent;
use hop::prompt::{NoAnswer, NoPrompt, Prompt};
use zeroize::Zeroizing;

use super::way;
use crate::street::{ACC_BASTION, Street};

/// Somebody who is there and is asked nothing.
struct Person;

impl Prompt for Person {
    fn secret(&self, question: &str) -> Result<Zeroizing<String>, NoAnswer> {
        panic!("asked: {question}")
    }
    fn answer(&self, question: &str) -> Result<String, NoAnswer> {
        panic!("asked: {question}")
    }
    fn is_there(&self) -> bool {
        true
    }
}

/// A street whose known_hosts has only the Ed25519 keys.
fn street_with_one_key_known(update: &str) -> Option<Street> {
    let street = Street::start()?;
    street.configure(update);
    let known = fs::read_to_string(street.known_hosts()).expect("known_hosts");
    let kept: String = known.lines().filter(|line| line.contains("ed25519")).map(|line| format!("{line}\n")).collect();
    fs::write(street.known_hosts(), kept).expect("known_hosts");
    Some(street)
}

fn known_types(street: &Street) -> Vec<String> {
    let address = street.server(ACC_BASTION).address;
    let name = format!("[{}]:{} ", address.ip(), address.port());
    let known = fs::read_to_string(street.known_hosts()).expect("known_hosts");
    let keys = known.lines().filter_map(|line| line.strip_prefix(&name));
    let mut types: Vec<_> = keys.filter_map(|key| key.split(' ').next()).map(str::to_owned).collect();
    types.sort();
    types
}

#[tokio::test(flavor = "multi_thread")]
async fn proven_keys_are_learned_when_a_person_is_there() {
    learned_with(Arc::new(Person)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn proven_keys_are_learned_in_batch_when_the_configuration_says_so() {
    learned_with(Arc::new(NoPrompt)).await;
}

async fn learned_with(prompt: Arc<dyn Prompt>) {
    let Some(street) = street_with_one_key_known("UpdateHostKeys yes") else { return };
    let chain = Chain::new(prompt, Arc::new(Silent));
    let _session = way(&chain, &street, ACC_BASTION).session(0).await.expect("a session");
    let all = ["ecdsa-sha2-nistp256", "ssh-ed25519", "ssh-rsa"];
    let end = Instant::now() + Duration::from_secs(60);
    while known_types(&street) != all {
        assert!(Instant::now() < end, "known: {:?}", known_types(&street));
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_that_is_to_be_asked_is_learned_in_batch() {
    let Some(street) = street_with_one_key_known("UpdateHostKeys ask") else { return };
    let chain = Chain::new(Arc::new(NoPrompt), Arc::new(Silent));
    let session = way(&chain, &street, ACC_BASTION).session(0).await.expect("a session");
    // a round trip after the announcement
    drop(session.exec(b"true").await.expect("a process"));
    tokio::time::sleep(Duration::from_millis(300)).await;
    assert_eq!(known_types(&street), ["ssh-ed25519"]);
}
