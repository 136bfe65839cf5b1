//! What cannot be meant is refused before anything is written: one table. Single words and flags have their own
//! (`cli::usage`), the rules of places theirs (`copy::rules`).

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use crate::street::{ACC_BASTION, ACC_PVT, DELL_PVT, Street, run};

/// Words after `hop cp`, the exit code, and something that is said.
const CASES: &[(&str, i32, &str)] = &[
    ("--frobnicate f acc-pvt:", 2, "unexpected argument"),
    ("-3 --route auto f acc-pvt:", 2, "cannot be used with"),
    ("-4 -6 f acc-pvt:", 2, "cannot be used with"),
    ("--receipt r --dry-run f acc-pvt:", 2, "cannot be used with"),
    ("--lock=soon f acc-pvt:", 2, "give a time as"),
    ("--timeout 10x f acc-pvt:", 2, "give a time as"),
    ("--deadline=-1s f acc-pvt:", 2, "give a time as"),
    ("--retries many f acc-pvt:", 2, "invalid"),
    ("--retries=-1 f acc-pvt:", 2, "invalid"),
    ("--bwlimit fast f acc-pvt:", 2, "give bytes a second as"),
    ("--bwlimit 10X f acc-pvt:", 2, "give bytes a second as"),
    ("--bwlimit 1 f acc-pvt:", 2, "give bytes a second as"),
    ("-l fast f acc-pvt:", 2, "give kilobits a second"),
    ("-l 100 --bwlimit 1M f acc-pvt:", 2, "cannot be used with"),
    ("-3 -R acc-pvt:f dell-pvt:", 2, "cannot be used with"),
    ("-R --bwlimit 1M acc-pvt:f dell-pvt:", 2, "its rate cannot be limited"),
    ("--symlinks some f acc-pvt:", 2, "invalid value"),
    ("--lanes none f acc-pvt:", 2, "--lanes"),
    ("one/f two/f acc-pvt:", 2, "two sources would get this name"),
    ("one/f two/f acc-pvt:new", 2, "several sources need a folder"),
    ("acc-pvt:f dell-pvt:f .", 2, "two sources would get this name"),
    ("f f", 2, "source and destination are the same"),
    ("f ./link", 2, "source and destination are the same"),
    ("link f", 2, "source and destination are the same"),
    ("f hard", 2, "source and destination are the same"),
    ("hard f", 2, "source and destination are the same"),
    ("f same", 2, "source and destination are the same"),
    ("-r tree other", 2, "the destination lies inside the source"),
    ("-r tree/. tree", 2, "source and destination are the same"),
    ("-r acc-pvt:tree twin:.", 2, "source and destination are the same"),
    ("acc-pvt:f acc-pvt:./same/../f", 2, "source and destination are the same"),
    ("acc-pvt:f acc-pvt:link", 2, "source and destination are the same"),
    ("acc-pvt:f twin:f", 2, "source and destination are the same"),
    ("-3 acc-pvt:f twin:f", 2, "source and destination are the same"),
    ("-r tree tree/a", 2, "the destination lies inside the source"),
    ("-r tree other/a/new", 2, "the destination lies inside the source"),
    ("-r tree tree", 2, "the destination lies inside the source"),
    ("-r tree tree/new", 2, "the destination lies inside the source"),
    ("-r acc-pvt:tree twin:tree/a", 2, "the destination lies inside the source"),
    ("-r tree acc-pvt:f", 2, "a folder cannot take its place"),
    ("f acc-pvt:none/", 2, "no such folder"),
    ("f acc-pvt:no/such/g", 23, "no/such"),
    ("acc-pvt:f no/such/g", 11, "no/such"),
    ("-r tree acc-pvt:no/such/g", 23, "no/such"),
    ("-r acc-pvt:tree no/such/g", 11, "no/such"),
    ("-3 acc-pvt:f dell-pvt:no/such/g", 23, "no/such"),
    ("-R acc-pvt:f dell-pvt:no/such/g", 23, "no/such"),
    ("tree acc-pvt:", 11, "a folder, and -r was not given"),
    ("acc-pvt:tree .", 23, "a folder, and -r was not given"),
    ("none acc-pvt:", 11, "none"),
    ("acc-pvt:none .", 23, "none"),
    ("f -x:", 2, "-x"),
    ("f $(id):f", 2, "$(id)"),
];

/// Every path below a folder, and what is in it.
fn content(folder: &Path, into: &mut BTreeMap<PathBuf, Vec<u8>>) {
    for entry in fs::read_dir(folder).expect("list") {
        let path = entry.expect("list").path();
        let kind = path.symlink_metadata().expect("look").file_type();
        into.insert(path.clone(), if kind.is_file() { fs::read(&path).expect("read") } else { Vec::new() });
        if kind.is_dir() {
            content(&path, into);
        }
    }
}

fn everything(street: &Street) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut all = BTreeMap::new();
    for folder in [street.laptop(), street.home(ACC_PVT), street.home(DELL_PVT)] {
        content(folder, &mut all);
    }
    all
}

#[test]
fn each_is_told_and_nothing_is_written() {
    let Some(street) = Street::start() else { return };
    for host in [ACC_PVT, DELL_PVT] {
        for name in ["f", "same/f", "tree/a/b"] {
            street.put(host, name, b"there");
        }
        std::os::unix::fs::symlink("f", street.home(host).join("link")).expect("a link");
    }
    for name in ["f", "one/f", "two/f", "tree/a/b"] {
        street.put_here(name, b"here");
    }
    std::os::unix::fs::symlink("f", street.laptop().join("link")).expect("a link");
    std::os::unix::fs::symlink("tree", street.laptop().join("other")).expect("a link");
    // as far as this machine tells; SFTP does not tell hard links
    fs::hard_link(street.laptop().join("f"), street.laptop().join("hard")).expect("another name");
    fs::create_dir(street.laptop().join("same")).expect("a folder");
    fs::hard_link(street.laptop().join("f"), street.laptop().join("same/f")).expect("another name");
    let pvt = street.server(ACC_PVT).address;
    street.configure(&format!(
        "Host twin\n  HostName {}\n  Port {}\n  ProxyJump {ACC_BASTION}\n  IdentityFile {}/acc.pem\n",
        pvt.ip(),
        pvt.port(),
        street.laptop().display()
    ));
    let before = everything(&street);
    let mut wrong = Vec::new();
    for (line, code, says) in CASES {
        let ran = run(street.hop("cp").args(line.split(' ')));
        if ran.code != Some(*code) || !ran.stderr.contains(says) || !ran.stdout.is_empty() {
            wrong.push(format!("hop cp {line}: {ran}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    let after = everything(&street);
    let written: Vec<_> = after.iter().filter(|(path, content)| before.get(*path) != Some(content)).collect();
    assert!(written.is_empty() && before.len() == after.len(), "written: {written:?}");
}
