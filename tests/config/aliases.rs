//! Are aliases followed where ssh follows them (`CanonicalizePermittedCNAMEs`)? `ssh -G` and `hop ssh -G` ask the same
//! resolver, which in a mount namespace of its own knows one private hosts file: its first name of a line is what the
//! others are aliases of, as for a CNAME.

use std::fs;
use std::process::Command;

use tempfile::TempDir;

use crate::skips::{need, need_root, skip};

/// A final dot is part of a name here: that is how names with a domain are looked up.
const HOSTS: &str = "
127.0.0.1 localhost
127.0.5.1 farm.cdn.example www.a.example. www
127.0.5.2 db.b.example.
127.0.5.3 Farm.CDN.example upper.a.example.
127.0.5.4 farm_.cdn.example|x bad.a.example.
127.0.5.5 far.cdn.example far out
127.0.5.6 f\u{fc}r.cdn.example umlaut.a.example.
::5 six.cdn.example six.a.example.
";

/// Rules, what else stands in the configuration, and who is asked for.
const RULES: &[&str] = &["none", "*", "*.a.example:*.cdn.example", "*.A.EXAMPLE,db*:farm*,*.b.*", "*:!farm*,*"];
const MODES: &[&str] = &[
    "",
    "CanonicalizeHostname yes",
    "CanonicalizeHostname always\nProxyJump bastion",
    "CanonicalizeHostname yes\nProxyJump bastion",
    "CanonicalizeHostname yes\nCanonicalizeFallbackLocal no",
    "CanonicalizeHostname yes\nAddressFamily inet",
    "CanonicalizeHostname yes\nCanonicalizeMaxDots 0",
];
const NAMES: &[&str] = &[
    "www",
    "db",
    "upper",
    "bad",
    "far",
    "out",
    "six",
    "umlaut",
    "nowhere",
    "www.a.example.",
    "www.a.example",
    "127.0.5.1",
    "127.1",
    "::0:5",
];

/// Runs all questions within the namespace; each answer is `QUESTION` and the hostname, or nothing where it is refused.
fn answers(folder: &TempDir, program: &str) -> Vec<String> {
    let script = format!(
        "mount --bind {dir}/hosts /etc/hosts && mount --bind {dir}/nsswitch.conf /etc/nsswitch.conf || exit 9
         while read -r config name; do
           echo \"$config $name $({program} -F {dir}/$config $name 2>/dev/null | grep -E '^(hostname|port) ' | tr '\\n' ' ')\"
         done < {dir}/questions",
        dir = folder.path().display(),
    );
    let output = Command::new("unshare").args(["--mount", "sh", "-c", &script]).output().expect("unshare runs");
    if output.status.code() != Some(0) {
        skip(&format!("no mount namespace: {}", String::from_utf8_lossy(&output.stderr).trim()));
        return Vec::new();
    }
    String::from_utf8_lossy(&output.stdout).lines().map(str::to_owned).collect()
}

#[test]
fn aliases_are_followed_where_ssh_follows_them() {
    let (Some(ssh), Some(_)) = (need("ssh"), need("unshare")) else { return };
    if !need_root("a private /etc/hosts takes a mount namespace") {
        return;
    }
    let folder = tempfile::tempdir().expect("a folder");
    let write = |name: &str, text: &[u8]| fs::write(folder.path().join(name), text).expect("a file");
    let hosts: Vec<u8> = HOSTS.chars().map(|c| u8::try_from(c).expect("Latin-1")).collect();
    write("hosts", &hosts);
    write("nsswitch.conf", b"hosts: files\n");
    let mut questions = String::new();
    for (index, (mode, rule)) in MODES.iter().flat_map(|mode| RULES.iter().map(move |rule| (mode, rule))).enumerate() {
        let text = format!(
            "{mode}\nCanonicalizePermittedCNAMEs {rule}\nCanonicalDomains a.example b.example\n\
             Match canonical host farm.cdn.example\nPort 7\n"
        );
        write(&format!("c{index}"), text.as_bytes());
        NAMES.iter().for_each(|name| questions += &format!("c{index} {name}\n"));
    }
    write("questions", questions.as_bytes());
    let theirs = answers(&folder, &format!("{} -G", ssh.display()));
    let ours = answers(&folder, &format!("{} ssh -G", env!("CARGO_BIN_EXE_hop")));
    let differ: Vec<_> = theirs.iter().zip(&ours).filter(|(theirs, ours)| theirs != ours).collect();
    assert!(differ.is_empty(), "{} of {} differ, ssh and hop:\n{differ:#?}", differ.len(), theirs.len());
    assert_eq!(theirs.len(), ours.len());
    let followed = ours.iter().filter(|answer| answer.contains("port 7 ")).count();
    println!("{} names asked for, {followed} followed to another", ours.len());
    assert!(ours.is_empty() || followed > 10, "nothing was followed");
}
