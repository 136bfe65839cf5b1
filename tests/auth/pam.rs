//! Passwords and questions of the real thing: OpenSSH's sshd with PAM, in a mount namespace with a shadow file and a
//! PAM stack of the test's own. Only as root.

use hop::auth::AuthError;

use super::door::{Sshd, me, shell};
use super::person::{Person, alone};
use crate::skips::{need, need_root};

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
