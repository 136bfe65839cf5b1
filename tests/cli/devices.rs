//! Devices of this machine as destinations and sources of a copy, as scp has them and shells make them.

use std::fs::{self, File};
use std::io::Read as _;
use std::process::Stdio;

use crate::street::{ACC_BASTION, ACC_PVT, Street, run};

/// Lines of text, several blocks long.
fn text() -> String {
    (0..500_000).map(|number| format!("{number}\n")).collect()
}

#[test]
fn a_device_takes_what_a_file_has() {
    let Some(street) = Street::start() else { return };
    let text = text();
    street.put(ACC_PVT, "f", text.as_bytes());
    let cp = |words: &[&str]| run(street.hop("cp").args(words));
    let nothing = cp(&["acc-pvt:f", "/dev/null"]);
    assert_eq!((nothing.code, nothing.stdout.as_str(), nothing.stderr.as_str()), (Some(0), "", ""), "{nothing}");
    let piped = cp(&["acc-pvt:f", "/dev/stdout"]);
    assert!(piped.code == Some(0) && piped.stdout == text, "{} bytes: {}", piped.stdout.len(), piped.stderr);
    let slow = cp(&["--bwlimit", "100M", "acc-pvt:f", "/dev/fd/1"]);
    assert!(slow.code == Some(0) && slow.stdout == text, "{} bytes: {}", slow.stdout.len(), slow.stderr);
    let listed = cp(&["--dry-run", "acc-pvt:f", "/dev/stdout"]);
    assert!(listed.code == Some(0) && listed.stdout.contains("f -> /dev/stdout"), "{listed}");

    let file = street.laptop().join("redirected");
    let mut hop = street.hop("cp");
    let out = File::create(&file).expect("a file");
    let status = hop.args(["acc-pvt:f", "/dev/stdout"]).stdin(Stdio::null()).stdout(out).status().expect("hop");
    assert!(status.success() && fs::read_to_string(&file).expect("the file") == text);

    assert_eq!(run(street.on_laptop("mkfifo").arg("fifo")).code, Some(0));
    let fifo = street.laptop().join("fifo");
    let reader = std::thread::spawn(move || {
        let mut read = String::new();
        File::open(fifo).and_then(|mut fifo| fifo.read_to_string(&mut read)).map(|_| read)
    });
    let through = cp(&["acc-pvt:f", "fifo"]);
    assert!(through.code == Some(0) && reader.join().expect("a reader").expect("the text") == text, "{through}");
}

#[test]
fn a_device_that_takes_no_more_is_a_failure() {
    let Some(street) = Street::start() else { return };
    street.put(ACC_BASTION, "f", text().as_bytes());
    street.put(ACC_BASTION, "d/g", b"x");
    let full = run(street.hop("cp").args(["acc-bastion:f", "/dev/full"]));
    assert!(full.code == Some(28) && full.stderr.contains("/dev/full"), "{full}");
    for (words, code, why) in [
        (&["-r", "acc-bastion:d", "/dev/null"][..], 2, "it takes one file"),
        (&["acc-bastion:f", "acc-bastion:d/g", "/dev/null"], 2, "several sources need a folder"),
        (&["--verify", "acc-bastion:f", "/dev/null"], 2, "--verify"),
        (&["acc-bastion:none", "/dev/null"], 23, "none"),
    ] {
        let refused = run(street.hop("cp").args(words));
        assert!(refused.code == Some(code) && refused.stderr.contains(why), "{words:?}: {refused}");
    }
}

#[test]
fn standard_input_is_a_source_when_it_is_a_file() {
    let Some(street) = Street::start() else { return };
    let text = text();
    street.put_here("here", text.as_bytes());
    let line = |line: &str| run(street.on_laptop("bash").env("HOP", env!("CARGO_BIN_EXE_hop")).args(["-c", line]));
    let redirected = line("$HOP cp -F .ssh/config /dev/stdin acc-bastion:there < here");
    assert_eq!(redirected.code, Some(0), "{redirected}");
    assert!(fs::read_to_string(street.home(ACC_BASTION).join("there")).expect("the file") == text);
    for stream in
        ["echo x | $HOP cp -F .ssh/config /dev/stdin acc-bastion:f", "$HOP cp -F .ssh/config <(echo x) acc-bastion:f"]
    {
        let refused = line(stream);
        assert!(refused.code == Some(11) && refused.stderr.contains("not a regular file"), "{stream}: {refused}");
        assert!(refused.stderr.contains("| hop ssh HOST 'cat > FILE'"), "{stream}: {refused}");
    }
}
