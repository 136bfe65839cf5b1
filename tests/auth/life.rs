//! The keyring over a whole run: what one login learnt, the next ones use; and what it knows stays with it.

use std::sync::Arc;

use hop::auth::Keyring;
use hop::prompt::Asking;

use super::agents::Agent;
use super::door::{Sshd, shell};
use super::person::{Notes, Person, alone};

#[tokio::test]
async fn a_further_login_goes_straight_to_what_worked() {
    let (Some(sshd), Some(agent)) = (Sshd::new(), Agent::new()) else { return };
    for other in ["a", "b"] {
        agent.add(other, "-t ed25519");
    }
    sshd.authorize(&agent.add("c", "-t ed25519"));
    let keyring = alone();
    let first = sshd.login(&agent.config(), &keyring).await.expect("the third key");
    assert_eq!((sshd.asked("none"), sshd.asked("publickey")), (1, 4), "three shown, one signed");
    let second = sshd.login(&agent.config(), &keyring.unattended()).await.expect("the same key");
    assert_eq!((sshd.asked("none"), sshd.asked("publickey")), (1, 6), "one shown, one signed");
    assert_eq!(first.method(), second.method());
}

#[tokio::test]
async fn what_worked_and_works_no_longer_is_forgotten() {
    let Some(sshd) = Sshd::new() else { return };
    shell(sshd.folder(), "for k in a b; do ssh-keygen -q -t ed25519 -N '' -f $k; done; cat a.pub > authorized");
    let files = ["a", "b"].map(|name| format!("IdentityFile \"{}\"\n", sshd.path(name).display())).concat();
    let keyring = alone();
    sshd.login(&files, &keyring).await.expect("a");
    shell(sshd.folder(), "cat b.pub > authorized; : > log");
    let authenticated = sshd.login(&files, &keyring).await.expect("b");
    assert!(authenticated.method().ends_with("/b"));
    assert_eq!((sshd.asked("none"), sshd.asked("publickey")), (0, 3), "a is shown once only");
}

#[tokio::test]
async fn many_lanes_at_once_ask_one_passphrase() {
    let Some(sshd) = Sshd::new() else { return };
    shell(sshd.folder(), "ssh-keygen -q -t rsa -b 2048 -m PEM -N secret -f k; cat k.pub >> authorized; rm k.pub");
    let config = format!("IdentityFile \"{}\"", sshd.path("k").display());
    let host = sshd.host(&config);
    let person = Person::who_says(&["secret"]);
    let keyring = person.keyring();
    let mut connections = Vec::new();
    for _ in 0..4 {
        connections.push(sshd.connect().await);
    }
    let [a, b, c, d] = &mut connections[..] else { panic!("four connections") };
    let logins = tokio::join!(
        a.login(&host, &keyring),
        b.login(&host, &keyring),
        c.login(&host, &keyring),
        d.login(&host, &keyring)
    );
    for login in [logins.0, logins.1, logins.2, logins.3] {
        login.expect("one passphrase for all");
    }
    assert_eq!(person.was_asked().len(), 1);
}

#[tokio::test]
async fn nothing_secret_is_told() {
    let Some(sshd) = Sshd::new() else { return };
    shell(sshd.folder(), "ssh-keygen -q -t ed25519 -N opensesame -f k; cat k.pub >> authorized");
    let person = Person::who_says(&["wrongsesame", "opensesame"]);
    let notes = Arc::new(Notes::default());
    let keyring = Keyring::new(Asking::new(person.clone()), notes.clone());
    let config = format!("IdentityFile \"{}\"", sshd.path("k").display());
    let authenticated = sshd.login(&config, &keyring).await.expect("the passphrase is right");
    let told = notes.text() + &format!("{authenticated:?}");
    assert!(told.contains("offering"), "{told}");
    let private = std::fs::read_to_string(sshd.path("k")).expect("the key");
    let secrets = private.lines().filter(|line| !line.starts_with('-')).chain(["sesame"]);
    for secret in secrets {
        assert!(!told.contains(secret), "{secret} in {told}");
    }
}
