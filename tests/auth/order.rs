//! Which keys are offered, in which order, and how often: servers count attempts, and behind a bastion they count them
//! for everybody.

use hop::auth::AuthError;

use super::agents::Agent;
use super::door::{Sshd, chmod, shell};
use super::person::alone;

fn make(sshd: &Sshd, names: &str) {
    shell(sshd.folder(), &format!("for k in {names}; do ssh-keygen -q -t ed25519 -N '' -f $k; done"));
}

fn public(sshd: &Sshd, name: &str) -> String {
    std::fs::read_to_string(sshd.path(&format!("{name}.pub"))).expect("the public half")
}

fn tried(error: &AuthError) -> Vec<String> {
    let (AuthError::Refused { tried, .. } | AuthError::Disconnected { tried, .. }) = error else { panic!("{error}") };
    tried.iter().map(|path| path.rsplit('/').next().expect("a name").to_owned()).collect()
}

#[tokio::test]
async fn the_configured_key_goes_before_a_full_agent() {
    let (Some(sshd), Some(agent)) = (Sshd::new(), Agent::new()) else { return };
    let sshd = sshd.line("MaxAuthTries 1");
    for other in ["a", "b", "c", "d", "e", "f"] {
        agent.add(other, "-t ed25519");
    }
    make(&sshd, "mine");
    sshd.authorize(&public(&sshd, "mine"));
    let config = format!("{}IdentityFile \"{}\"", agent.config(), sshd.path("mine").display());
    sshd.login(&config, &alone()).await.expect("the first attempt is the right one");
    assert_eq!((sshd.asked("none"), sshd.asked("publickey")), (0, 2), "shown once, signed once");
}

#[tokio::test]
async fn an_agent_key_that_the_configuration_names_goes_first_of_all() {
    let (Some(sshd), Some(agent)) = (Sshd::new(), Agent::new()) else { return };
    for key in ["a", "b", "named"] {
        agent.add(key, "-t ed25519");
    }
    make(&sshd, "file id_ed25519");
    shell(sshd.folder(), "mkdir .ssh; mv id_ed25519* .ssh");
    let files = format!(
        "IdentityFile \"{}\"\nIdentityFile \"{}\"\n",
        sshd.path("file").display(),
        agent.file("named").display()
    );
    let refused = sshd.login(&(agent.config() + &files), &alone()).await.expect_err("nobody is let in");
    assert_eq!(tried(&refused), ["named", "file", "agent: a", "agent: b"]);
    let only = agent.config() + &files + "IdentitiesOnly yes";
    let refused = sshd.login(&only, &alone()).await.expect_err("nobody is let in");
    assert_eq!(tried(&refused), ["named", "file"]);
    let refused = sshd.login(&agent.config(), &alone()).await.expect_err("nobody is let in");
    assert_eq!(tried(&refused), ["agent: a", "agent: b", "agent: named", "id_ed25519"]);
}

#[tokio::test]
async fn no_key_is_offered_twice() {
    let Some(sshd) = Sshd::new() else { return };
    make(&sshd, "k");
    shell(sshd.folder(), "cp k copy; cp k.pub copy.pub");
    let files = ["k", "copy", "k"].map(|name| format!("IdentityFile \"{}\"\n", sshd.path(name).display()));
    let refused = sshd.login(&files.concat(), &alone()).await.expect_err("nobody is let in");
    assert_eq!(tried(&refused), ["k"]);
    assert_eq!(sshd.asked("publickey"), 1);
}

#[tokio::test]
async fn a_server_that_has_enough_is_not_asked_again_and_its_words_are_kept() {
    let Some(sshd) = Sshd::new() else { return };
    let sshd = sshd.line("MaxAuthTries 3");
    make(&sshd, "a b c d e");
    let files: String =
        ["a", "b", "c", "d", "e"].map(|name| format!("IdentityFile \"{}\"\n", sshd.path(name).display())).concat();
    let mut connection = sshd.connect().await;
    let refused = connection.login(&sshd.host(&files), &alone()).await.expect_err("nobody is let in");
    assert!(matches!(refused, AuthError::Disconnected { .. }), "{refused}");
    assert_eq!(tried(&refused), ["a", "b", "c"]);
    assert_eq!(connection.last_words().as_deref(), Some("Too many authentication failures"));
}

#[tokio::test]
async fn two_keys_where_the_server_wants_two() {
    let Some(sshd) = Sshd::new() else { return };
    let sshd = sshd.line("AuthenticationMethods publickey,publickey");
    make(&sshd, "a b c");
    sshd.authorize(&public(&sshd, "a"));
    sshd.authorize(&public(&sshd, "c"));
    let files = ["a", "b", "c"].map(|name| format!("IdentityFile \"{}\"\n", sshd.path(name).display()));
    let authenticated = sshd.login(&files.concat(), &alone()).await.expect("two of the three");
    let path = |name: &str| sshd.path(name).display().to_string();
    assert_eq!(authenticated.method(), format!("publickey {}, publickey {}", path("a"), path("c")));
}

#[tokio::test]
async fn default_keys_only_when_none_is_configured() {
    let Some(sshd) = Sshd::new() else { return };
    make(&sshd, "id_ed25519 other");
    shell(sshd.folder(), "mkdir .ssh; mv id_ed25519* .ssh; cat .ssh/id_ed25519.pub >> authorized");
    sshd.login("", &alone()).await.expect("the default key");
    let other = format!("IdentityFile \"{}\"", sshd.path("other").display());
    let refused = sshd.login(&other, &alone()).await.expect_err("the default key is out of the game");
    assert_eq!(tried(&refused), ["other"]);
    chmod(&sshd.path(".ssh/id_ed25519"), 0o644);
    let refused = sshd.login("", &alone()).await.expect_err("too open");
    assert!(matches!(refused, AuthError::Permissions { mode: 0o644, .. }), "{refused}");
}
