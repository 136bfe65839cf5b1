//! Keys for this room's tests: each number always gives the same key, and no two numbers the same one.

use russh::keys::ssh_key::certificate::{Builder, CertType};
use russh::keys::ssh_key::private::{Ed25519Keypair, PrivateKey};
use russh::keys::ssh_key::public::KeyData;
use russh::keys::ssh_key::{Certificate, Error, PublicKey};

use super::known_hosts::{KnownHostsText, KnownSource};

/// A private key.
pub(super) fn private(number: u8) -> PrivateKey {
    PrivateKey::from(Ed25519Keypair::from_seed(&[number; 32]))
}

/// Its public half.
pub(super) fn public(number: u8) -> PublicKey {
    private(number).public_key().clone()
}

/// The public half as plain key data.
pub(super) fn data(number: u8) -> KeyData {
    public(number).key_data().clone()
}

/// The public half as written in known_hosts.
pub(super) fn ed25519(number: u8) -> String {
    public(number).to_openssh().expect("an Ed25519 key has a text form").trim_end().to_owned()
}

/// The text of a user's known_hosts file.
pub(super) fn page(text: &str) -> KnownHostsText {
    KnownHostsText { file: "known_hosts".into(), source: KnownSource::User, text: text.as_bytes().to_vec() }
}

/// A certificate for key `subject`, signed by key `authority`, valid from 2020 to 2090, with the given terms.
pub(super) fn issue(subject: u8, authority: u8, terms: impl FnOnce(&mut Builder) -> Result<(), Error>) -> Certificate {
    let mut builder = Builder::new([7; 16], data(subject), 1_577_836_800, 3_786_912_000).expect("2020 is before 2090");
    builder.key_id("test").expect("it has none yet");
    terms(&mut builder).expect("each term is given once");
    builder.sign(&private(authority)).expect("an Ed25519 key signs")
}

/// Terms of a host certificate for the one name `host`.
pub(super) fn for_host(builder: &mut Builder) -> Result<(), Error> {
    builder.cert_type(CertType::Host)?.valid_principal("host").map(drop)
}
