//! `UpdateHostKeys`: a server's other keys are learned, with proof, when somebody is there; and never in batch.

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
fn street_with_one_key_known() -> Option<Street> {
    let street = Street::start()?;
    street.configure("UpdateHostKeys yes");
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
    let Some(street) = street_with_one_key_known() else { return };
    let chain = Chain::new(Arc::new(Person), Arc::new(Silent));
    let _session = way(&chain, &street, ACC_BASTION).session(0).await.expect("a session");
    let all = ["ecdsa-sha2-nistp256", "ssh-ed25519", "ssh-rsa"];
    let end = Instant::now() + Duration::from_secs(60);
    while known_types(&street) != all {
        assert!(Instant::now() < end, "known: {:?}", known_types(&street));
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_learned_in_batch() {
    let Some(street) = street_with_one_key_known() else { return };
    let chain = Chain::new(Arc::new(NoPrompt), Arc::new(Silent));
    let session = way(&chain, &street, ACC_BASTION).session(0).await.expect("a session");
    // a round trip after the announcement
    drop(session.exec(b"true").await.expect("a process"));
    tokio::time::sleep(Duration::from_millis(300)).await;
    assert_eq!(known_types(&street), ["ssh-ed25519"]);
}
