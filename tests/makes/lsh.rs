//! GNU's lsh: the algorithms of the year 2000, and an SFTP server of its own. There is a shell, and it forwards.

use super::make::{Make, Part, Times, daemon, path};
use super::scenario;
use crate::skips;
use crate::street::Server;

const NEEDS: &[&str] = &["sbin/lshd", "sbin/lsh-execuv", "bin/sexp-conv", "lib/lsh-server/sftp-server"];

const SETTINGS: &[&str] = &[
    "KexAlgorithms +diffie-hellman-group14-sha1",
    "HostKeyAlgorithms ssh-rsa",
    "PubkeyAcceptedAlgorithms +ssh-rsa",
    "MACs +hmac-sha1",
    "Ciphers +aes256-cbc,3des-cbc",
];

const MAKE: Make = Make { needs: NEEDS, launch, settings: SETTINGS, part: Part::GoesOn, times: Times::Unsupported };

/// Converts the host's key and the user's, and has what random numbers begin with.
const START: &str = r#"set -e
umask 077
head -c 32 /dev/urandom >"$1/seed"
pkcs1-conv <"$1/host_rsa" >"$1/host_lsh"
authorized=$2/.lsh/authorized_keys_sha1
mkdir -p "$authorized"
ssh-keygen -e -m PEM -f "$1/authorized_keys" | pkcs1-conv | LC_ALL=C sed 's/9:rsa-pkcs1(/14:rsa-pkcs1-sha1(/' >"$1/key"
cp "$1/key" "$authorized/$(sha1sum <"$1/key" | cut -d' ' -f1)"
chown -R --reference="$2" "$2/.lsh"
LSH_YARROW_SEED_FILE=$1/seed exec lshd --interface "$3" -h "$1/host_lsh" --no-daemonic --no-syslog --no-pid-file \
  --no-password --no-tcpwrappers --subsystems "sftp=$4""#;

fn launch(server: &Server) -> Vec<String> {
    let sftp_server = "/usr/lib/lsh-server/sftp-server";
    let (folder, home) = (path(server, ""), server.home.display().to_string());
    daemon(
        server,
        &["sh", "-c", START, "sh", folder.trim_end_matches('/'), &home, &server.listens.to_string(), sftp_server],
    )
}

#[test]
fn serves() {
    if skips::need_root("lshd becomes its user") {
        scenario::serves(&MAKE);
    }
}

#[test]
fn forwards() {
    if skips::need_root("lshd becomes its user") {
        scenario::forwards(&MAKE);
    }
}
