//! What is said when nobody opens: each cause is its own error, with the facts.

use std::os::unix::fs::symlink;

use hop::auth::AuthError;

use super::door::{Sshd, chmod, me, shell};
use super::person::{Person, alone};
use crate::skips::need;

fn config(sshd: &Sshd, names: &[&str]) -> String {
    names.iter().map(|name| format!("IdentityFile \"{}\"\n", sshd.path(name).display())).collect()
}

#[tokio::test]
async fn a_key_that_others_can_read_is_refused_before_it_is_shown() {
    let Some(sshd) = Sshd::new() else { return };
    shell(sshd.folder(), "ssh-keygen -q -t ed25519 -N '' -f k; cat k.pub >> authorized");
    for mode in [0o644, 0o640, 0o604, 0o601] {
        chmod(&sshd.path("k"), mode);
        let refused = sshd.login(&config(&sshd, &["k"]), &alone()).await.expect_err("too open");
        let AuthError::Permissions { file, mode: said } = &refused else { panic!("{refused}") };
        assert_eq!((file, *said), (&sshd.path("k"), mode));
        assert_eq!(sshd.asked("publickey"), 0);
    }
    // through a symlink too: what counts is the file that was opened
    symlink(sshd.path("k"), sshd.path("link")).expect("a symlink");
    let refused = sshd.login(&config(&sshd, &["link"]), &alone()).await.expect_err("too open");
    assert!(matches!(refused, AuthError::Permissions { mode: 0o601, .. }), "{refused}");
    chmod(&sshd.path("k"), 0o400);
    sshd.login(&config(&sshd, &["link"]), &alone()).await.expect("closed to others");
}

#[tokio::test]
async fn an_open_key_does_not_keep_a_good_one_from_being_tried() {
    let Some(sshd) = Sshd::new() else { return };
    shell(
        sshd.folder(),
        "for k in open good; do ssh-keygen -q -t ed25519 -N '' -f $k; done; cat good.pub >> authorized",
    );
    chmod(&sshd.path("open"), 0o644);
    let authenticated = sshd.login(&config(&sshd, &["open", "good"]), &alone()).await.expect("the good one");
    assert_eq!(authenticated.user(), me());
}

#[tokio::test]
async fn an_rsa_key_shorter_than_required_is_never_shown() {
    let Some(sshd) = Sshd::new() else { return };
    shell(sshd.folder(), "ssh-keygen -q -t rsa -b 2048 -N '' -f k; cat k.pub >> authorized");
    let least = |bits: u32| format!("{}RequiredRSASize {bits}\n", config(&sshd, &["k"]));
    let refused = sshd.login(&least(3072), &alone()).await.expect_err("too short");
    assert!(refused.to_string().contains("an RSA key of 2048 bits where RequiredRSASize is 3072"), "{refused}");
    assert_eq!(sshd.asked("publickey"), 0);
    sshd.login(&least(2048), &alone()).await.expect("long enough");
}

#[tokio::test]
async fn a_refusal_says_who_what_and_what_is_left() {
    let Some(sshd) = Sshd::new() else { return };
    shell(sshd.folder(), "ssh-keygen -q -t ed25519 -N '' -f k");
    let refused = sshd.login(&config(&sshd, &["k", "absent"]), &alone()).await.expect_err("nobody is let in");
    let (key, absent) = (sshd.path("k"), sshd.path("absent"));
    assert_eq!(
        refused.to_string(),
        format!(
            "publickey refused (tried {} as {}; the server takes publickey; not used: {}: no such file)",
            key.display(),
            me(),
            absent.display()
        )
    );
}

/// A script that makes the file `k`, what `k` is called, and the command that converts it (`{}` is the file).
type Row = (&'static str, &'static str, Option<&'static str>);

const NO_KEYS: &[Row] = &[
    (": > k", "empty", None),
    ("echo hello > k", "not a key", None),
    ("echo '<html>404' > k", "a web page, not a key", None),
    ("printf 'SSH PRIVATE KEY FILE FORMAT 1.1\\n\\0\\377' > k", "an SSH version 1 key", None),
    ("head -c 99 /dev/zero | tr '\\0' '\\377' > k", "binary data, not a key", None),
    ("mkdir k", "not a regular file", None),
    ("mkfifo k", "not a regular file", None),
    ("head -c 2000000 /dev/zero > k", "2000000 bytes: too large for a key", None),
    ("ssh-keygen -q -t ed25519 -N '' -f x; mv x.pub k", "a public key, and no agent holds its private half", None),
    ("ssh-keygen -q -t ed25519 -N '' -f x; head -3 x > k", "a key cut short: its last lines are missing", None),
    (
        "ssh-keygen -q -t ed25519 -N '' -f x; tr -d '\\n' < x > k",
        "a key whose lines were joined: put the line ends back",
        None,
    ),
    (
        "ssh-keygen -q -t rsa -b 2048 -m PEM -N '' -f x; sed '5s/./!/' x > k",
        "a damaged key: a line that is not base64",
        None,
    ),
    (
        "openssl genrsa 2048 | openssl rsa -outform DER -out k",
        "a DER key, not PEM",
        Some("openssl pkey -inform DER -in {} -out {}.pem"),
    ),
    ("openssl genrsa -out x 2048; openssl rsa -in x -pubout -out k", "a public key in PEM, not a private key", None),
    (
        "openssl req -x509 -newkey rsa:2048 -nodes -keyout x -out k -subj /CN=x",
        "an X.509 certificate, not a private key",
        None,
    ),
    (
        "openssl req -x509 -newkey rsa:2048 -nodes -keyout x -out c -subj /CN=x; \
             openssl pkcs12 -export -in c -inkey x -passout pass: -out k",
        "a PKCS#12 store, not a PEM key",
        Some("openssl pkcs12 -in {} -nocerts -nodes -out {}.pem"),
    ),
    ("ssh-keygen -q -t dsa -m PEM -N '' -f k; rm k.pub", "a DSA key, which servers no longer take", None),
    ("openssl genrsa -traditional -out k 1000", "an RSA key of 1000 bits: too short to be safe", None),
    (
        "ssh-keygen -q -t ed25519 -N '' -f x; iconv -f ASCII -t UTF-16 x > k",
        "UTF-16 text, not a plain text key",
        Some("iconv -f UTF-16 -t ASCII {} > {}.pem"),
    ),
    (
        r#"echo '{"KeyName": "x", "KeyMaterial": "-----BEGIN RSA PRIVATE KEY-----\nMII"}' > k"#,
        "JSON, not a key; the key is its KeyMaterial",
        Some("jq -r .KeyMaterial {} > {}.pem"),
    ),
    (
        "ssh-keygen -q -t ed25519 -N '' -f x; ssh-keygen -e -f x.pub > k",
        "a public key in RFC 4716 format, not a private key",
        Some("ssh-keygen -i -f {}"),
    ),
];

#[tokio::test]
async fn a_file_that_is_no_key_is_called_what_it_is() {
    let (Some(sshd), Some(_)) = (Sshd::new(), need("openssl")) else { return };
    for (index, (script, what, command)) in NO_KEYS.iter().enumerate() {
        let folder = sshd.path(&format!("row {index}"));
        std::fs::create_dir(&folder).expect("a folder");
        shell(&folder, &format!("exec 2>&1; {script}; [ ! -f k ] || chmod 600 k"));
        let key = folder.join("k");
        let refused = sshd.login(&format!("IdentityFile \"{}\"", key.display()), &alone()).await.expect_err(script);
        let AuthError::KeyFile { file, problem, remedy } = &refused else { panic!("{script}: {refused}") };
        let quoted = command.map(|command| command.replace("{}", &format!("'{}'", key.display())));
        assert_eq!((file, problem.as_str(), remedy), (&key, *what, &quoted), "{script}");
    }
    assert_eq!(sshd.asked("publickey"), 0);
}

#[tokio::test]
async fn wrong_passphrases_are_asked_as_often_as_configured_and_then_never_again() {
    let Some(sshd) = Sshd::new() else { return };
    shell(sshd.folder(), "ssh-keygen -q -t ed25519 -N secret -f k; cat k.pub >> authorized");
    let person = Person::who_says(&["a", "b", "c", "d"]);
    let keyring = person.keyring();
    for _ in 0..2 {
        let config = config(&sshd, &["k"]) + "NumberOfPasswordPrompts 2";
        let refused = sshd.login(&config, &keyring).await.expect_err("no passphrase");
        assert!(matches!(&refused, AuthError::KeyFile { problem, .. } if problem == "wrong passphrase"), "{refused}");
        assert_eq!(person.was_asked().len(), 2);
    }
}

#[tokio::test]
async fn an_empty_passphrase_leaves_the_key_alone() {
    let Some(sshd) = Sshd::new() else { return };
    shell(sshd.folder(), "ssh-keygen -q -t ed25519 -N secret -f k; cat k.pub >> authorized");
    let person = Person::who_says(&[""]);
    let refused = sshd.login(&config(&sshd, &["k"]), &person.keyring()).await.expect_err("no passphrase");
    assert!(matches!(&refused, AuthError::KeyFile { problem, .. } if problem == "no passphrase given"), "{refused}");
}

#[tokio::test]
async fn nobody_is_asked_in_batch_mode() {
    let Some(sshd) = Sshd::new() else { return };
    shell(sshd.folder(), "ssh-keygen -q -t ed25519 -N secret -f k; cat k.pub >> authorized");
    let person = Person::who_says(&["secret"]);
    let batch = config(&sshd, &["k"]) + "BatchMode yes";
    for (config, keyring) in [(batch, person.keyring()), (config(&sshd, &["k"]), alone())] {
        let refused = sshd.login(&config, &keyring).await.expect_err("nobody to ask");
        let nobody = "encrypted, and nobody can be asked for its passphrase";
        assert!(matches!(&refused, AuthError::KeyFile { problem, .. } if problem == nobody), "{refused}");
    }
    assert!(person.was_asked().is_empty());
    // what batch mode could not do is not held against a later login
    sshd.login(&config(&sshd, &["k"]), &person.keyring()).await.expect("now somebody is there");
}

#[tokio::test]
async fn no_passphrase_is_asked_for_a_key_the_server_does_not_want() {
    let Some(sshd) = Sshd::new() else { return };
    shell(
        sshd.folder(),
        "ssh-keygen -q -t ed25519 -N secret -f unwanted; rm unwanted.pub
         ssh-keygen -q -t rsa -b 2048 -m PEM -N secret -f beside
         ssh-keygen -q -t ed25519 -N '' -f wanted; cat wanted.pub >> authorized",
    );
    let person = Person::who_says(&[]);
    let config = config(&sshd, &["unwanted", "beside", "wanted"]);
    sshd.login(&config, &person.keyring()).await.expect("the third one");
    assert!(person.was_asked().is_empty());
}

#[tokio::test]
async fn a_stale_public_file_is_noticed() {
    let Some(sshd) = Sshd::new() else { return };
    shell(
        sshd.folder(),
        "ssh-keygen -q -t rsa -b 2048 -m PEM -N secret -f k; ssh-keygen -q -t ed25519 -N '' -f other
         cat other.pub >> authorized; cp other.pub k.pub",
    );
    let person = Person::who_says(&["secret"]);
    let refused = sshd.login(&config(&sshd, &["k"]), &person.keyring()).await.expect_err("two different keys");
    let said = "is not the key of the .pub file beside it";
    assert!(matches!(&refused, AuthError::KeyFile { problem, .. } if problem == said), "{refused}");
}
