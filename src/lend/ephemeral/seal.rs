//! How does the destination know that an order is hop's, whoever passes it on? By its [`Seal`], pure; `gate.sh` checks
//! it.

use std::sync::Arc;

use aws_lc_rs::digest::{SHA256, digest};

/// The program that the one-time key runs at the destination.
pub const GATE: &str = include_str!("gate.sh");

/// Two secrets of one block each, inner and outer as in HMAC (RFC 2104 §2, but with independent keys), in hexadecimal.
#[derive(Clone)]
pub struct Seal(Arc<[String; 2]>);

impl Seal {
    /// A new seal; `None` if the system returns no random bytes.
    pub(super) fn new() -> Option<Seal> {
        let secret = || {
            let mut bytes = [0; 32];
            getrandom::fill(&mut bytes).ok()?;
            Some(hex::encode(bytes))
        };
        Some(Seal(Arc::new([secret()?, secret()?])))
    }

    /// The secrets, which only the destination gets.
    pub(super) fn secrets(&self) -> String {
        self.0.join(" ")
    }

    /// The command that has the gate run `order`, a line for a shell.
    pub fn sealed(&self, order: &[u8]) -> Vec<u8> {
        let [inner, outer] = &*self.0;
        let sum = |first: &str, rest: &[u8]| hex::encode(digest(&SHA256, &[first.as_bytes(), rest].concat()).as_ref());
        let seal = sum(outer, sum(inner, order).as_bytes());
        [seal.as_bytes(), b" ", order].concat()
    }

    /// Whether this output of the destination says that its gate is gone or refuses; the gate goes when hop's own
    /// connection there ends.
    pub fn is_shut_out(&self, words: &str) -> bool {
        words.contains(".hop-ephemeral-") || words.contains("orders of hop only")
    }
}

impl std::fmt::Debug for Seal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Seal")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::ffi::OsString;
    use std::os::unix::ffi::OsStringExt as _;
    use std::path::Path;
    use std::process::{Command, Output};

    fn gate(seal: Option<&Seal>) -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("gate"), format!("sum='sha256sum'\n{GATE}")).unwrap();
        if let Some(seal) = seal {
            std::fs::write(folder.path().join("seal"), seal.secrets() + "\n").unwrap();
        }
        folder
    }

    fn asked(folder: &Path, command: &[u8]) -> Output {
        let mut gate = Command::new("/bin/sh");
        gate.arg(folder.join("gate")).env("SSH_ORIGINAL_COMMAND", OsString::from_vec(command.to_vec()));
        gate.output().unwrap()
    }

    #[test]
    fn the_gate_opens_for_what_is_sealed_and_for_nothing_else() {
        let seal = Seal::new().unwrap();
        let folder = gate(Some(&seal));
        let order = br#"exec /bin/sh -c 'printf "%s" "it'"'"'s  \0  $((40 + 2)) *"' "#;
        let sealed = seal.sealed(order);
        assert_eq!(asked(folder.path(), &sealed).stdout, b"it's  \\0  42 *");
        let (other, half) = (Seal::new().unwrap(), sealed[..sealed.len() - 1].to_vec());
        let mut changed = sealed.clone();
        *changed.last_mut().unwrap() = b';';
        let bare = [&[b'0'; 64][..], b" echo in"].concat();
        let refused =
            [other.sealed(order), half, changed, bare, order.to_vec(), b"echo in".to_vec(), Vec::new(), b" ".to_vec()];
        for command in refused {
            let ran = asked(folder.path(), &command);
            assert_eq!(
                (ran.status.code(), &ran.stdout[..]),
                (Some(126), &b""[..]),
                "{}",
                String::from_utf8_lossy(&command)
            );
        }
    }

    #[test]
    fn who_is_shut_out_knows_it() {
        let (seal, home) = (Seal::new().unwrap(), tempfile::tempdir().unwrap());
        let folder = home.path().join(".hop-ephemeral-1-ab");
        let said = || String::from_utf8(asked(&folder, &seal.sealed(b"exec dd of=/dev/null")).stderr).unwrap();
        assert!(seal.is_shut_out(&said()), "no folder: {}", said());
        std::fs::rename(gate(None).keep(), &folder).unwrap();
        assert!(seal.is_shut_out(&said()), "no secrets: {}", said());
        std::fs::write(folder.join("seal"), seal.secrets() + "\n").unwrap();
        assert!(!seal.is_shut_out(&said()), "it stands: {}", said());
    }

    #[test]
    fn without_its_secrets_the_gate_opens_for_nobody() {
        let empty = Seal(Arc::new([String::new(), String::new()]));
        for folder in [gate(None), gate(Some(&empty))] {
            let ran = asked(folder.path(), &empty.sealed(b"echo in"));
            assert_eq!((ran.status.code(), &ran.stdout[..]), (Some(126), &b""[..]));
        }
    }
}
