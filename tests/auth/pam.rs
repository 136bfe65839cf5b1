//! Passwords and questions of the real thing: OpenSSH's sshd with PAM, in a mount namespace with a shadow file and a
//! PAM stack of the test's own. Only as root.

use std::sync::Arc;

use hop::auth::AuthError;
use hop::chain::Chain;
use hop::config::{Configuration, Flags, LocalEnv};
use hop::progress::Silent;
use hop::target::HostSpec;
use tokio::task::JoinSet;

use super::door::{Sshd, me, shell};
use super::person::{Person, alone};
use crate::skips::{need, need_root};
use crate::street::{ACC_PVT, Street, run, until};

/// An sshd whose current user has the password `pw`; `lines` before the others.
fn with_password(lines: &str) -> Option<Sshd> {
    let (_, _) = (need("unshare")?, need("openssl")?);
    if !need_root("only root can give sshd a shadow file of its own") {
        return None;
    }
    let sshd = Sshd::new()?.line("UsePAM yes").line(lines);
    shell(
        sshd.folder(),
        &format!(
            "ssh-keygen -q -t ed25519 -N '' -f k
             (echo '{}:'$(openssl passwd -6 pw)':19000::::::'; echo 'sshd:!:19000::::::') > shadow; chmod 600 shadow
             (echo 'auth required pam_unix.so nodelay'; echo 'account required pam_permit.so'
              echo 'session required pam_permit.so') > pam",
            me()
        ),
    );
    let mounts = format!(
        "mount --bind '{0}/shadow' /etc/shadow; mount --bind '{0}/pam' /etc/pam.d/sshd",
        sshd.folder().display()
    );
    Some(sshd.inside(mounts))
}

fn key(sshd: &Sshd) -> String {
    format!("IdentityFile \"{}\"\n", sshd.path("k").display())
}

#[tokio::test]
async fn pam_asks_and_takes_the_right_answer() {
    let Some(sshd) = with_password("KbdInteractiveAuthentication yes") else { return };
    let person = Person::who_says(&["wrong", "pw"]);
    let authenticated = sshd.login("", &person.keyring()).await.expect("the second answer");
    assert_eq!(authenticated.method(), "keyboard-interactive");
    assert!(authenticated.needed_a_person());
    let question = format!("({}@door) Password: ", me());
    assert_eq!(person.was_asked(), [question.clone(), question]);
}

#[tokio::test]
async fn a_password_is_enough_for_all_lanes() {
    let Some(sshd) = with_password("PasswordAuthentication yes") else { return };
    let person = Person::who_says(&["wrong", "pw"]);
    let keyring = person.keyring();
    sshd.login("", &keyring).await.expect("the second password");
    sshd.login("", &keyring.unattended()).await.expect("remembered");
    assert_eq!((sshd.asked("password"), person.was_asked().len()), (3, 2));
}

#[tokio::test]
async fn a_key_and_then_a_question() {
    let methods = "AuthenticationMethods publickey,keyboard-interactive\nKbdInteractiveAuthentication yes";
    let Some(sshd) = with_password(methods) else { return };
    shell(sshd.folder(), "cat k.pub >> authorized");
    let person = Person::who_says(&["pw"]);
    let authenticated = sshd.login(&key(&sshd), &person.keyring()).await.expect("both");
    assert_eq!(authenticated.method(), format!("publickey {}, keyboard-interactive", sshd.path("k").display()));

    let refused = sshd.login(&key(&sshd), &alone()).await.expect_err("nobody is asked");
    assert!(matches!(&refused, AuthError::NeedsPerson { method, .. } if method == "keyboard-interactive"), "{refused}");
}

/// A second factor on the bastion is asked for once, however many lanes go through it and however many at once.
#[tokio::test(flavor = "multi_thread")]
async fn one_code_on_the_bastion_however_many_lanes() {
    let Some(sshd) = with_password("KbdInteractiveAuthentication yes") else { return };
    let Some(street) = Street::start() else { return };
    let (private, here) = (street.server(ACC_PVT).address, street.laptop().display().to_string());
    let host_key = std::fs::read_to_string(sshd.path("host.pub")).expect("the bastion's key");
    let known = std::fs::read_to_string(street.known_hosts()).expect("known_hosts");
    std::fs::write(sshd.path("known"), format!("door {host_key}{known}")).expect("known_hosts");
    let config = format!(
        "UserKnownHostsFile {}\nHost door\n  ProxyCommand {}\n  User {}\nHost inside\n  HostName {}\n  Port {}\n  \
         User {}\n  IdentityFile {here}/acc.pem\n  ProxyJump door\n",
        sshd.path("known").display(),
        sshd.proxy_command(),
        me(),
        private.ip(),
        private.port(),
        street.user(),
    );
    std::fs::write(sshd.path("ssh_config"), config).expect("an ssh_config");
    let flags = Flags { config_file: Some(sshd.path("ssh_config")), ..Flags::default() };
    let local_env = LocalEnv { home: sshd.folder().to_owned(), user: me(), ..LocalEnv::default() };
    let target = HostSpec { user: None, host: "inside".into(), port: None };
    let hops = Configuration::load(flags, local_env).and_then(|configuration| configuration.resolve(&target));
    let person = Person::who_says(&["pw"]);
    let way = Chain::new(person.clone(), Arc::new(Silent)).with_connections(4).way(hops.expect("two hops"));
    let mut lanes = JoinSet::new();
    for lane in 0..8 {
        let sought = way.clone();
        lanes.spawn(async move { sought.sftp(lane).await });
        if lane == 0 {
            // the others come while the person is at it
            tokio::task::block_in_place(|| until("the person is asked", || !person.was_asked().is_empty()));
        }
    }
    let lanes = lanes.join_all().await;
    let alive: Vec<_> = lanes.into_iter().map(|lane| lane.expect("a lane")).collect();
    assert_eq!((alive.len(), person.was_asked().len()), (8, 1), "{:?}", person.was_asked());
    assert_eq!(sshd.log().matches("Accepted keyboard-interactive").count(), 1);
    assert_eq!(street.server(ACC_PVT).log().matches("Accepted publickey").count(), 8);
}

/// As with ssh, an answer that is refused is an empty one: it is sent, and the server says no.
#[test]
fn a_program_is_asked_for_passwords_and_codes() {
    for (method, question) in [("password", "@door's password: "), ("keyboard-interactive", "@door) Password: ")] {
        let lines = "PasswordAuthentication yes\nKbdInteractiveAuthentication yes";
        let Some(sshd) = with_password(lines) else { return };
        shell(
            sshd.folder(),
            "(echo '#!/bin/sh'; echo 'echo \"$1\" >> asked; sed -n $(grep -c @door asked)p answers; test -s answers') > ask
             chmod +x ask; echo door \"$(cat host.pub)\" > known",
        );
        let config = format!("Host door\n  UserKnownHostsFile known\n  ProxyCommand {}\n", sshd.proxy_command());
        std::fs::write(sshd.path("ssh_config"), config).expect("an ssh_config");
        let login = |answers: &str| {
            std::fs::write(sshd.path("answers"), answers).expect("answers");
            let _ = std::fs::remove_file(sshd.path("asked")); // there is none before the first question
            let mut hop = std::process::Command::new(env!("CARGO_BIN_EXE_hop"));
            hop.env_clear().env("PATH", "/usr/bin:/bin:/usr/sbin").env("HOP_HOME", sshd.folder());
            hop.envs([("SSH_ASKPASS", "./ask"), ("SSH_ASKPASS_REQUIRE", "force")]).current_dir(sshd.folder());
            hop.args(["ssh", "-F", "ssh_config", "-o"]).arg(format!("PreferredAuthentications={method}"));
            let outcome = run(hop.args(["door", "echo there"]));
            let asked = std::fs::read_to_string(sshd.path("asked")).unwrap_or_default();
            (outcome.code, outcome.stdout, asked.matches(question).count())
        };
        assert_eq!(login("wrong\npw\n"), (Some(0), "there\n".to_owned(), 2), "{method}");
        let attempts = sshd.asked(method);
        assert_eq!(login(""), (Some(255), String::new(), 3), "{method}");
        assert_eq!(sshd.asked(method), attempts + 3, "{method}: each empty answer is sent");
    }
}
