//! Every way a private key is written down. Each file logs in to a real sshd that knows its public key from another
//! source (`ssh-keygen -y`, or openssl), so a key that is decoded wrongly stays outside.

use std::fs;
use std::path::Path;

use hop::auth::AuthError;

use super::door::{Sshd, chmod, shell};
use super::person::{Person, alone};
use crate::pseudorandom::Numbers;
use crate::skips::need;

/// A situation and the script that makes the file `k`; encrypted ones have the passphrase `open sesame`.
type Row = (&'static str, &'static str);

const PLAIN: &[Row] = &[
    ("OpenSSH ed25519", "ssh-keygen -q -t ed25519 -N '' -f k"),
    ("OpenSSH ecdsa 256", "ssh-keygen -q -t ecdsa -b 256 -N '' -f k"),
    ("OpenSSH ecdsa 384", "ssh-keygen -q -t ecdsa -b 384 -N '' -f k"),
    ("OpenSSH ecdsa 521", "ssh-keygen -q -t ecdsa -b 521 -N '' -f k"),
    ("OpenSSH rsa", "ssh-keygen -q -t rsa -b 2048 -N '' -f k"),
    ("PKCS#1 rsa, as AWS hands it out", "ssh-keygen -q -t rsa -b 2048 -m PEM -N '' -f k"),
    ("PKCS#1 rsa of openssl", "openssl genrsa -traditional -out k 2048"),
    ("SEC1 of ssh-keygen", "ssh-keygen -q -t ecdsa -m PEM -N '' -f k"),
    ("SEC1 384", "ssh-keygen -q -t ecdsa -b 384 -m PEM -N '' -f k"),
    ("SEC1 521", "ssh-keygen -q -t ecdsa -b 521 -m PEM -N '' -f k"),
    ("SEC1 after its EC PARAMETERS", "openssl ecparam -name prime256v1 -genkey -out k; grep -q PARAMETERS k"),
    ("PKCS#8 rsa", "ssh-keygen -q -t rsa -b 2048 -m PKCS8 -N '' -f k"),
    ("PKCS#8 ecdsa", "ssh-keygen -q -t ecdsa -m PKCS8 -N '' -f k"),
    ("PKCS#8 ecdsa 521", "openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-521 -out k"),
    ("rsa of 4096 bits", "ssh-keygen -q -t rsa -b 4096 -m PEM -N '' -f k"),
    ("a byte order mark", "ssh-keygen -q -t rsa -b 2048 -m PEM -N '' -f p; printf '\\357\\273\\277' | cat - p > k"),
    ("CRLF", "ssh-keygen -q -t rsa -b 2048 -m PEM -N '' -f p; sed 's/$/\\r/' p > k"),
    ("CRLF in OpenSSH's format", "ssh-keygen -q -t ed25519 -N '' -f p; sed 's/$/\\r/' p > k"),
    ("trailing blanks", "ssh-keygen -q -t ecdsa -m PEM -N '' -f p; sed 's/$/  \\t/' p > k"),
    ("blank lines around", "ssh-keygen -q -t ed25519 -N '' -f p; (echo; echo; cat p; echo; echo) > k"),
    ("no end of line at the end", "ssh-keygen -q -t ed25519 -N '' -f p; printf %s \"$(cat p)\" > k"),
    (
        "words before the key",
        "openssl genrsa -traditional -out p 2048; (echo 'Bag Attributes'; echo '  x: y'; cat p) > k",
    ),
    ("indented", "ssh-keygen -q -t ed25519 -N '' -f p; sed 's/^/    /' p > k"),
    (
        "a certificate store's text after it",
        "openssl genrsa -traditional -out p 2048; (cat p; echo 'subject=/CN=x') > k",
    ),
];

const ENCRYPTED: &[Row] = &[
    ("OpenSSH ed25519", "ssh-keygen -q -t ed25519 -N 'open sesame' -f k"),
    ("OpenSSH rsa", "ssh-keygen -q -t rsa -b 2048 -N 'open sesame' -f k"),
    ("OpenSSH aes128-cbc", "ssh-keygen -q -t ed25519 -Z aes128-cbc -N 'open sesame' -f k"),
    ("OpenSSH aes256-cbc", "ssh-keygen -q -t ecdsa -Z aes256-cbc -N 'open sesame' -f k"),
    ("OpenSSH aes256-gcm", "ssh-keygen -q -t ed25519 -Z aes256-gcm@openssh.com -N 'open sesame' -f k"),
    ("OpenSSH chacha20", "ssh-keygen -q -t ed25519 -Z chacha20-poly1305@openssh.com -N 'open sesame' -f k"),
    (
        "PKCS#1 of ssh-keygen, AES-128",
        "ssh-keygen -q -t rsa -b 2048 -m PEM -N 'open sesame' -f k; grep -q AES-128-CBC k",
    ),
    ("PKCS#1 with CRLF", "ssh-keygen -q -t rsa -b 2048 -m PEM -N 'open sesame' -f p; sed 's/$/\\r/' p > k"),
    ("PKCS#8 of ssh-keygen", "ssh-keygen -q -t rsa -b 2048 -m PKCS8 -N 'open sesame' -f k"),
    ("PKCS#8 ecdsa", "ssh-keygen -q -t ecdsa -m PKCS8 -N 'open sesame' -f k"),
    (
        "PKCS#8 aes-256",
        "openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -aes-256-cbc -pass 'pass:open sesame' -out k",
    ),
    (
        "PKCS#8 scrypt",
        "openssl genrsa -out p 2048; openssl pkcs8 -topk8 -scrypt -in p -passout 'pass:open sesame' -out k",
    ),
    (
        "PKCS#8 aes-128",
        "openssl genrsa -out p 2048; openssl pkcs8 -topk8 -v2 aes-128-cbc -in p -passout 'pass:open sesame' -out k",
    ),
];

/// Not read by hop; ssh-keygen, named in the remedy, reads them.
const TO_CONVERT: &[Row] = &[
    (
        "PKCS#1 AES-256",
        "openssl genrsa -out p 2048; openssl rsa -traditional -aes256 -in p -passout 'pass:open sesame' -out k",
    ),
    (
        "PKCS#1 3DES",
        "openssl genrsa -out p 2048; openssl rsa -traditional -des3 -in p -passout 'pass:open sesame' -out k",
    ),
    ("OpenSSH 3des", "ssh-keygen -q -t ed25519 -Z 3des-cbc -N 'open sesame' -f k; rm k.pub"),
    (
        "PKCS#8 3DES",
        "openssl genrsa -out p 2048; openssl pkcs8 -topk8 -v2 des3 -in p -passout 'pass:open sesame' -out k",
    ),
    (
        "PKCS#8 PKCS#12 PBE",
        "openssl genrsa -out p 2048; openssl pkcs8 -topk8 -v1 PBE-SHA1-3DES -in p -passout 'pass:open sesame' -out k",
    ),
    (
        "PKCS#8 HMAC-SHA1",
        "openssl genrsa -out p 2048; openssl pkcs8 -topk8 -v2 aes-256-cbc -v2prf hmacWithSHA1 -in p -passout 'pass:open sesame' -out k",
    ),
    ("SEC1 encrypted", "ssh-keygen -q -t ecdsa -m PEM -N 'open sesame' -f k; rm k.pub"),
];

fn make(folder: &Path, (situation, script): &Row) -> String {
    let dir = folder.join(situation.replace(['#', ' ', '\''], "-"));
    fs::create_dir(&dir).unwrap_or_else(|error| panic!("{situation}: {error}"));
    shell(&dir, &format!("exec 2>&1; {script}"));
    let key = dir.join("k");
    chmod(&key, 0o600);
    key.display().to_string()
}

/// The oracle; of the original where the file is one that ssh-keygen will not read.
fn public_half(key: &str) -> String {
    let ask = format!(
        "cd \"$(dirname '{key}')\"; [ ! -f p ] || chmod 600 p; ssh-keygen -y -P 'open sesame' -f k || ssh-keygen -y -f p"
    );
    shell(Path::new("/"), &ask)
}

#[tokio::test]
async fn plain_keys_of_every_format_log_in_and_nobody_is_asked() {
    let (Some(sshd), Some(_)) = (Sshd::new(), need("openssl")) else { return };
    for row in PLAIN {
        let key = make(sshd.folder(), row);
        sshd.authorize(&public_half(&key));
        fs::remove_file(format!("{key}.pub")).ok();
        let outcome = sshd.login(&format!("IdentityFile \"{key}\""), &alone()).await;
        let authenticated = outcome.unwrap_or_else(|error| panic!("{}: {error}", row.0));
        assert_eq!(authenticated.method(), format!("publickey {key}"), "{}", row.0);
        assert!(!authenticated.needed_a_person());
    }
}

#[tokio::test]
async fn encrypted_keys_of_every_format_ask_once_and_log_in() {
    let (Some(sshd), Some(_)) = (Sshd::new(), need("openssl")) else { return };
    for row in ENCRYPTED {
        let key = make(sshd.folder(), row);
        sshd.authorize(&public_half(&key));
        fs::remove_file(format!("{key}.pub")).ok();
        let person = Person::who_says(&["wrong", "open sesame"]);
        let keyring = person.keyring();
        for login in 0..2 {
            let outcome = sshd.login(&format!("IdentityFile \"{key}\""), &keyring).await;
            let authenticated = outcome.unwrap_or_else(|error| panic!("{}, login {login}: {error}", row.0));
            assert!(!authenticated.needed_a_person());
        }
        let question = format!("Enter passphrase for key '{key}': ");
        assert_eq!(person.was_asked(), [question.clone(), question], "{}", row.0);
    }
}

#[tokio::test]
async fn ed25519_in_pkcs8_logs_in() {
    let (Some(sshd), Some(_)) = (Sshd::new(), need("openssl")) else { return };
    // OpenSSH 9.2 cannot read these itself: the public half comes from openssl, behind RFC 8709's prefix
    let prefix = "\\000\\000\\000\\013ssh-ed25519\\000\\000\\000\\040";
    let public = format!(
        "openssl pkey -in k -pubout -outform DER -passin 'pass:open sesame' | tail -c 32 > raw; \
         (printf '{prefix}'; cat raw) | openssl base64 -A | sed 's/^/ssh-ed25519 /'"
    );
    let plain = ("ed25519", "openssl genpkey -algorithm ed25519 -out k");
    let encrypted =
        ("ed25519 encrypted", "openssl genpkey -algorithm ed25519 -aes-256-cbc -pass 'pass:open sesame' -out k");
    for row in [plain, encrypted] {
        let key = make(sshd.folder(), &row);
        sshd.authorize(&shell(Path::new(&key).parent().expect("a folder"), &public));
        let person = Person::who_says(&["open sesame"]);
        let outcome = sshd.login(&format!("IdentityFile \"{key}\""), &person.keyring()).await;
        outcome.unwrap_or_else(|error| panic!("{}: {error}", row.0));
        assert_eq!(person.was_asked().len(), usize::from(row == encrypted));
    }
}

#[tokio::test]
async fn what_is_not_read_names_the_command_that_converts_it_and_that_works() {
    let (Some(sshd), Some(_)) = (Sshd::new(), need("openssl")) else { return };
    for row in TO_CONVERT {
        let key = make(sshd.folder(), row);
        sshd.authorize(&public_half(&key));
        let config = format!("IdentityFile \"{key}\"");
        let refused = sshd.login(&config, &alone()).await.expect_err(row.0);
        let AuthError::KeyFile { problem, remedy: Some(remedy), .. } = &refused else { panic!("{}: {refused}", row.0) };
        assert!(problem.contains(" encrypted "), "{problem}");
        let (command, file) = remedy.rsplit_once(' ').expect("a command and a file");
        assert_eq!((command, file), ("ssh-keygen -p -f", key.as_str()), "{}", row.0);
        shell(Path::new("/"), &format!("{remedy} -P 'open sesame' -N '' -q"));
        sshd.login(&config, &alone()).await.unwrap_or_else(|error| panic!("{}, converted: {error}", row.0));
    }
}

/// Changes, cuts or doubles a few bytes; the same `seed` gives the same damage.
fn damaged(mut bytes: Vec<u8>, seed: usize) -> Vec<u8> {
    let mut numbers = Numbers::from(seed as u64);
    let mut below = |limit: usize| numbers.below(limit);
    for _ in 0..=below(3) {
        let at = below(bytes.len());
        match below(4) {
            0 => bytes.truncate(at),
            1 => bytes.extend_from_within(at..),
            _ => bytes[at] = b"AZaz09+/=\n :-\xff"[below(14)],
        }
        bytes.push(b'\n');
    }
    bytes
}

#[tokio::test]
async fn damaged_files_break_no_decoder() {
    let (Some(sshd), Some(_)) = (Sshd::new(), need("openssl")) else { return };
    let sshd = sshd.line("MaxAuthTries 1000");
    let picked = |rows: &[Row], names: &[&str]| -> Vec<Row> {
        rows.iter().filter(|row| names.contains(&row.0)).copied().collect()
    };
    let plain = picked(PLAIN, &["OpenSSH ecdsa 384", "PKCS#1 rsa of openssl", "SEC1 521", "PKCS#8 rsa"]);
    let encrypted = picked(ENCRYPTED, &["OpenSSH aes256-gcm", "PKCS#1 of ssh-keygen, AES-128", "PKCS#8 aes-256"]);
    assert_eq!((plain.len(), encrypted.len()), (4, 3));
    for row in plain.iter().chain(&encrypted) {
        let key = make(sshd.folder(), row);
        let whole = fs::read(&key).expect("a key");
        let mut config = String::from("NumberOfPasswordPrompts 1\n");
        for seed in 0..40 {
            let file = format!("{key}.{seed}");
            fs::write(&file, damaged(whole.clone(), seed)).expect("a damaged key");
            chmod(Path::new(&file), 0o600);
            config += &format!("IdentityFile \"{file}\"\n");
        }
        let person = Person::who_says(&["open sesame"; 40]);
        let refused = sshd.login(&config, &person.keyring()).await.expect_err("nobody is let in");
        let AuthError::Refused { unused, .. } = &refused else { panic!("{}: {refused}", row.0) };
        assert!(!unused.is_empty(), "{}: {refused}", row.0);
        assert!(!refused.to_string().contains("panic"), "{}: {refused}", row.0);
    }
}
