//! User certificates of every key type, beside their key or named by CertificateFile, signed for by a file or an agent.

use super::agents::Agent;
use super::door::{Sshd, me, shell};
use super::person::{Person, alone};

const KINDS: [&str; 3] = ["-t ed25519", "-t ecdsa -b 256", "-t rsa -b 2048"];

/// An sshd that takes only what its certificate authority signed.
fn guarded() -> Option<Sshd> {
    let sshd = Sshd::new()?;
    shell(sshd.folder(), "ssh-keygen -q -t ed25519 -N '' -f ca");
    let line = format!("TrustedUserCAKeys {}", sshd.path("ca.pub").display());
    Some(sshd.line(line))
}

fn sign(sshd: &Sshd, key: &str) {
    shell(sshd.folder(), &format!("ssh-keygen -q -s ca -I test -n {} -V -1h:+1h {key}.pub", me()));
}

#[tokio::test]
async fn the_certificate_beside_its_key() {
    let Some(sshd) = guarded() else { return };
    for (index, kind) in KINDS.iter().enumerate() {
        shell(sshd.folder(), &format!("ssh-keygen -q {kind} -N '' -f k{index}"));
        sign(&sshd, &format!("k{index}"));
        let key = sshd.path(&format!("k{index}"));
        let authenticated = sshd.login(&format!("IdentityFile \"{}\"", key.display()), &alone()).await.expect(kind);
        assert_eq!(authenticated.method(), format!("publickey certificate {}", key.display()));
    }
}

#[tokio::test]
async fn a_named_certificate_for_a_key_in_the_agent() {
    let (Some(sshd), Some(agent)) = (guarded(), Agent::new()) else { return };
    for (index, kind) in KINDS.iter().enumerate() {
        let public = agent.add(&format!("k{index}"), kind);
        std::fs::write(sshd.path(&format!("k{index}.pub")), public).expect("a public file");
        sign(&sshd, &format!("k{index}"));
        let certificate = sshd.path(&format!("k{index}-cert.pub"));
        let config = format!("{}CertificateFile \"{}\"", agent.config(), certificate.display());
        let authenticated = sshd.login(&config, &alone()).await.expect(kind);
        assert_eq!(authenticated.method(), format!("publickey certificate {}", certificate.display()));
    }
}

#[tokio::test]
async fn a_certificate_that_lives_in_the_agent() {
    let (Some(sshd), Some(agent)) = (guarded(), Agent::new()) else { return };
    for (index, kind) in KINDS.iter().enumerate() {
        shell(sshd.folder(), &format!("ssh-keygen -q {kind} -N '' -C both -f k{index}"));
        sign(&sshd, &format!("k{index}"));
        shell(sshd.folder(), &format!("SSH_AUTH_SOCK='{}' ssh-add -q k{index}", agent.socket().display()));
        sshd.login(&agent.config(), &alone()).await.expect(kind);
        shell(sshd.folder(), &format!("SSH_AUTH_SOCK='{}' ssh-add -q -D", agent.socket().display()));
    }
}

#[tokio::test]
async fn a_locked_key_is_unlocked_for_its_certificate() {
    let Some(sshd) = guarded() else { return };
    shell(sshd.folder(), "ssh-keygen -q -t rsa -b 2048 -m PEM -N secret -f k");
    sign(&sshd, "k");
    shell(sshd.folder(), "rm k.pub");
    let person = Person::who_says(&["secret"]);
    let key = sshd.path("k");
    let config = format!("IdentityFile \"{}\"", key.display());
    let authenticated = sshd.login(&config, &person.keyring()).await.expect("the certificate");
    assert_eq!(authenticated.method(), format!("publickey certificate {}", key.display()));
    assert_eq!(person.was_asked().len(), 1);
}

#[tokio::test]
async fn host_certificates_and_orphans_are_not_shown() {
    let Some(sshd) = guarded() else { return };
    shell(
        sshd.folder(),
        "for k in k orphan; do ssh-keygen -q -t ed25519 -N '' -f $k; done; cat k.pub >> authorized
         ssh-keygen -q -s ca -I test -h -n x k.pub; ssh-keygen -q -s ca -I test -n x orphan.pub",
    );
    let config = format!(
        "IdentityFile \"{}\"\nCertificateFile \"{}\"",
        sshd.path("k").display(),
        sshd.path("orphan-cert.pub").display()
    );
    sshd.login(&config, &alone()).await.expect("the plain key");
    let host_certificate = format!("IdentityFile \"{}\"", sshd.path("k").display());
    sshd.login(&host_certificate, &alone()).await.expect("the plain key");
    assert_eq!(sshd.asked("publickey"), 4, "the plain key, shown and signed, twice");
}
