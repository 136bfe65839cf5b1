//! PuTTY's key files: those of `puttygen`, plain and encrypted, of both versions; and some that it does not write, made
//! here as its documentation says (appendix C, "PPK file format") from keys that ssh-keygen made.

use std::fs;
use std::path::Path;

use aws_lc_rs::{digest, hmac};
use russh::keys::PrivateKey;
use russh::keys::ssh_encoding::Encode;
use russh::keys::ssh_key::private::{EcdsaKeypair, KeypairData};

use super::door::{Sshd, chmod, shell};
use super::person::{Person, alone};
use crate::skips::need;

/// What a PPK file holds, before it is written down.
struct Ppk {
    algorithm: String,
    comment: &'static str,
    public: Vec<u8>,
    private: Vec<u8>,
}

impl Ppk {
    fn of(key: &PrivateKey, comment: &'static str) -> Ppk {
        let public = key.public_key().to_bytes().expect("a public key has bytes");
        Ppk { algorithm: key.algorithm().to_string(), comment, public, private: private_blob(key) }
    }

    fn mac_data(&self, encryption: &str) -> Vec<u8> {
        let fields = [self.algorithm.as_bytes(), encryption.as_bytes(), self.comment.as_bytes()];
        fields.into_iter().chain([&self.public[..], &self.private]).flat_map(string).collect()
    }

    fn written(&self, version: u8, encryption: &str, private: &[u8], mac: &[u8]) -> String {
        let [public, private] = [&self.public, private].map(|bytes| base64(bytes, 64));
        format!(
            "PuTTY-User-Key-File-{version}: {}\r\nEncryption: {encryption}\r\nComment: {}\r\n\
             Public-Lines: {}\r\n{public}Private-Lines: {}\r\n{private}Private-MAC: {}\r\n",
            self.algorithm,
            self.comment,
            public.lines().count(),
            private.lines().count(),
            hex(mac)
        )
    }

    fn plain_v3(&self) -> String {
        let mac = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, b""), &self.mac_data("none"));
        self.written(3, "none", &self.private, mac.as_ref())
    }

    fn v2(mut self, passphrase: &str, folder: &Path) -> String {
        let encryption = if passphrase.is_empty() { "none" } else { "aes256-cbc" };
        if !passphrase.is_empty() {
            self.private.resize(self.private.len().next_multiple_of(16), 7);
        }
        let mac_key = sha1(&[b"putty-private-key-file-mac-key", passphrase.as_bytes()]);
        let mac =
            hmac::sign(&hmac::Key::new(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, &mac_key), &self.mac_data(encryption));
        let private = match passphrase {
            "" => self.private.clone(),
            passphrase => encrypted(&self.private, passphrase, folder),
        };
        self.written(2, encryption, &private, mac.as_ref())
    }
}

fn private_blob(key: &PrivateKey) -> Vec<u8> {
    let mut blob = Vec::new();
    match key.key_data() {
        KeypairData::Rsa(pair) => {
            let private = pair.private();
            for number in [private.d(), private.p(), private.q(), private.iqmp()] {
                number.encode(&mut blob).expect("a number can be written");
            }
        }
        KeypairData::Ecdsa(EcdsaKeypair::NistP256 { private, .. }) => {
            let number = private.as_slice();
            let positive = if number[0] & 0x80 != 0 { [&[0], number].concat() } else { number.to_vec() };
            let zeros = positive.windows(2).take_while(|two| two[0] == 0 && two[1] & 0x80 == 0).count();
            blob = string(&positive[zeros..]);
        }
        KeypairData::Ed25519(pair) => blob = string(&pair.private.to_bytes()),
        other => panic!("no test key is {other:?}"),
    }
    blob
}

fn string(bytes: &[u8]) -> Vec<u8> {
    [&(bytes.len() as u32).to_be_bytes()[..], bytes].concat()
}

fn sha1(parts: &[&[u8]]) -> Vec<u8> {
    digest::digest(&digest::SHA1_FOR_LEGACY_USE_ONLY, &parts.concat()).as_ref().to_vec()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn base64(bytes: &[u8], width: usize) -> String {
    const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::new();
    for chunk in bytes.chunks(3) {
        let bits = (0..3).fold(0usize, |bits, index| bits << 8 | usize::from(*chunk.get(index).unwrap_or(&0)));
        for index in 0..4 {
            let letter = char::from(LETTERS[bits >> (18 - 6 * index) & 63]);
            text.push(if index <= chunk.len() { letter } else { '=' });
        }
    }
    let lines = text.as_bytes().chunks(width).map(|line| String::from_utf8_lossy(line).into_owned() + "\r\n");
    lines.collect()
}

fn encrypted(private: &[u8], passphrase: &str, folder: &Path) -> Vec<u8> {
    let half = |index: u8| sha1(&[&[0, 0, 0, index], passphrase.as_bytes()]);
    let key = hex(&[half(0), half(1)].concat()[..32]);
    fs::write(folder.join("blob"), private).expect("the private blob");
    let iv = "0".repeat(32);
    shell(folder, &format!("openssl enc -aes-256-cbc -nopad -K {key} -iv {iv} -in blob -out sealed"));
    fs::read(folder.join("sealed")).expect("the encrypted blob")
}

#[tokio::test]
async fn putty_keys_log_in() {
    let (Some(sshd), Some(_)) = (Sshd::new(), need("openssl")) else { return };
    for (index, kind) in ["-t rsa -b 2048", "-t ecdsa -b 256", "-t ed25519"].into_iter().enumerate() {
        let source = format!("source{index}");
        shell(sshd.folder(), &format!("ssh-keygen -q {kind} -N '' -f {source}; cat {source}.pub >> authorized"));
        let key = PrivateKey::read_openssh_file(sshd.path(&source)).expect("ssh-keygen's key");
        let ppk = |comment| Ppk::of(&key, comment);
        let files = [
            ("version 3", ppk("imported-openssh-key").plain_v3(), ""),
            ("no comment", ppk("").plain_v3(), ""),
            ("version 2", ppk("a comment: with  blanks  ").v2("", sshd.folder()), ""),
            ("version 2, LF", ppk("x").v2("", sshd.folder()).replace('\r', ""), ""),
            ("version 2, encrypted", ppk("x").v2("open sesame", sshd.folder()), "open sesame"),
        ];
        for (situation, text, passphrase) in files {
            let file = sshd.path("key.ppk");
            fs::write(&file, text).expect("a PPK file");
            chmod(&file, 0o600);
            let (config, person) =
                (format!("IdentityFile \"{}\"", file.display()), Person::who_says(&["no", passphrase]));
            let keyring = if passphrase.is_empty() { alone() } else { person.keyring() };
            let outcome = sshd.login(&config, &keyring).await;
            outcome.unwrap_or_else(|error| panic!("{kind}, {situation}: {error}"));
            assert_eq!(person.was_asked().len(), if passphrase.is_empty() { 0 } else { 2 });
        }
    }
}

/// What `puttygen -t` and `-b` are told.
const KINDS: [&str; 6] = ["rsa -b 2048", "rsa -b 3072", "ecdsa -b 256", "ecdsa -b 384", "ecdsa -b 521", "ed25519"];

/// What `puttygen --ppk-param` is told; the key derivation counts only where there is a passphrase.
const FORMS: [&str; 5] = [
    "version=2",
    "version=3,kdf=argon2id,memory=1024,passes=3,parallelism=2",
    "version=3,kdf=argon2i,memory=512,passes=2",
    "version=3,kdf=argon2d,memory=512,passes=2",
    "version=3",
];

#[tokio::test]
async fn every_file_of_puttygen_logs_in() {
    let (Some(sshd), Some(_)) = (Sshd::new(), need("puttygen")) else { return };
    let folder = sshd.folder().to_owned();
    fs::write(folder.join("none"), "").expect("a passphrase");
    fs::write(folder.join("some"), "open sesame").expect("a passphrase");
    let mut files = 0;
    for (index, kind) in KINDS.iter().enumerate() {
        let new =
            format!("puttygen -t {kind} -q --random-device /dev/urandom --new-passphrase none -C 'a: b' -o {index}");
        shell(&folder, &format!("{new}; puttygen {index} -L >> authorized"));
        for (form, passphrase) in FORMS.iter().flat_map(|form| [(form, "none"), (form, "some")]) {
            let file = folder.join(format!("{index}-{form}-{passphrase}.ppk"));
            let to = format!("--ppk-param {form} --new-passphrase {passphrase} -P -O private -o '{}'", file.display());
            shell(&folder, &format!("puttygen {index} --old-passphrase none {to}"));
            chmod(&file, 0o600);
            let person = Person::who_says(&["no", "open sesame"]);
            let keyring = if passphrase == "none" { alone() } else { person.keyring() };
            let outcome = sshd.login(&format!("IdentityFile \"{}\"", file.display()), &keyring).await;
            let authenticated = outcome.unwrap_or_else(|error| panic!("{kind}, {form}, {passphrase}: {error}"));
            assert_eq!(authenticated.method(), format!("publickey {}", file.display()));
            assert_eq!(person.was_asked().len(), if passphrase == "none" { 0 } else { 2 }, "{kind}, {form}");
            files += 1;
        }
    }
    println!("{files} files of puttygen");
}
