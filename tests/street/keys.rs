//! The street's keys, made once a process by `ssh-keygen` and kept in memory.

use std::fs;
use std::path::Path;
use std::process::Command;
use std::sync::OnceLock;

/// Both halves of a key, as `ssh-keygen` writes them.
#[derive(Clone)]
pub struct Pair {
    pub private: Vec<u8>,
    pub public: String,
}

/// The key types every host presents.
pub const HOST_KEY_TYPES: [&str; 3] = ["ed25519", "ecdsa", "rsa"];

/// AWS's kind of key file: RSA in PKCS#1. One for each network.
pub fn of_network(network: &str) -> &'static Pair {
    static ACC: OnceLock<Pair> = OnceLock::new();
    static DELL: OnceLock<Pair> = OnceLock::new();
    match network {
        "acc" => ACC.get_or_init(|| make("rsa")),
        _ => DELL.get_or_init(|| make("rsa")),
    }
}

/// A host's own keys, one of each type; `index` is the host's place on the street.
pub fn of_host(index: usize) -> &'static [Pair; 3] {
    static KEYS: [OnceLock<[Pair; 3]>; 4] = [const { OnceLock::new() }; 4];
    KEYS[index].get_or_init(|| HOST_KEY_TYPES.map(make))
}

/// A new key of a type `ssh-keygen -t` knows, in PEM where that type has it.
pub fn make(kind: &str) -> Pair {
    let folder = tempfile::tempdir().expect("a folder for a key");
    let file = folder.path().join("key");
    let bits: &[&str] = if kind == "rsa" { &["-b", "2048"] } else { &[] };
    let made = Command::new("ssh-keygen")
        .args(["-q", "-t", kind, "-m", "PEM", "-N", "", "-C", "street", "-f"])
        .arg(&file)
        .args(bits)
        .status();
    assert!(made.is_ok_and(|status| status.success()), "ssh-keygen -t {kind}");
    let public = fs::read_to_string(file.with_extension("pub")).expect("the public half");
    Pair { private: fs::read(&file).expect("the private half"), public }
}

impl Pair {
    /// Writes the private half as a file of this mode.
    pub fn save(&self, file: &Path, mode: u32) {
        use std::os::unix::fs::PermissionsExt as _;
        fs::write(file, &self.private).expect("write a key");
        fs::set_permissions(file, fs::Permissions::from_mode(mode)).expect("set a key's mode");
    }

    /// Type and blob, as known_hosts and authorized_keys hold them.
    pub fn public_words(&self) -> String {
        self.public.split_whitespace().take(2).collect::<Vec<_>>().join(" ")
    }
}
