//! Servers that set no attributes (`sftp-server -P`): what arrives has the mode that scp gives it, and what is lacking is
//! said. scp does the same copies beside.

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use super::{Untidy, content, mode, set_mode, write};
use crate::pseudorandom::noise;
use crate::skips::need;
use crate::street::{ACC_PVT, Street, run};
use crate::whole::ways::Way;

/// What is denied together.
const DENIED: [&str; 3] = ["fsetstat", "setstat", "fsetstat,setstat"];

/// Files by their modes, one of them large.
const FILES: [(&str, u32); 5] = [("plain", 0o644), ("run", 0o755), ("own", 0o600), ("fixed", 0o444), ("large", 0o664)];

fn untidy(denied: &str) -> Option<Untidy> {
    let server = need("sftp-server")?;
    let plan = Street::plan().sshd(ACC_PVT, format!("ForceCommand exec {} -P {denied}", server.display()));
    let untidy = Untidy::with(Way::Up, plan)?;
    for (name, mode) in FILES {
        let content = if name == "large" { noise(9, 3 << 20) } else { content(9) };
        write(&untidy.from(name), &content);
        set_mode(&untidy.from(name), mode);
    }
    Some(untidy)
}

/// The same copy by `scp` and by hop, into folders of these names; what was there before has mode 0640.
fn both(untidy: &Untidy, words: &[&str], before: &[&str]) -> [(Option<i32>, String, PathBuf); 2] {
    ["scp", "hop"].map(|tool| {
        let home = untidy.street.home(ACC_PVT).join(tool);
        let _ = fs::remove_dir_all(&home);
        fs::create_dir(&home).expect("make it");
        for name in before {
            write(&home.join(name), b"old");
            set_mode(&home.join(name), 0o640);
        }
        untidy.own();
        let mut command: Command = match tool {
            "scp" => untidy.street.openssh("scp"),
            _ => untidy.street.hop("cp"),
        };
        command.args(words).args(FILES.map(|(name, _)| format!("from/{name}"))).arg(format!("acc-pvt:{tool}/"));
        let ran = run(&mut command);
        (ran.code, ran.stderr, home)
    })
}

#[test]
fn a_file_has_the_mode_that_scp_gives_it() {
    for denied in DENIED {
        let Some(untidy) = untidy(denied) else { return };
        // twice: what is known of the server after the first file serves the others
        for before in [&[][..], &["plain", "large"]] {
            let [scp, hop] = both(&untidy, &[], before);
            assert_eq!(hop.0, Some(0), "{denied} denied: {}", hop.1);
            for (name, _) in FILES {
                let (theirs, ours) = (scp.2.join(name), hop.2.join(name));
                assert!(fs::read(&ours).expect("there") == fs::read(untidy.from(name)).expect("here"), "{name}");
                let modes = [&theirs, &ours].map(|path| format!("{:o}", mode(path)));
                assert_eq!(modes[1], modes[0], "{denied} denied, {name} over {before:?}: {}", hop.1);
            }
            assert_eq!(fs::read_dir(&hop.2).expect("list").count(), FILES.len(), "{denied}: something is left");
        }
    }
}

#[test]
fn a_mode_that_the_umask_takes_is_told() {
    let Some(untidy) = untidy("fsetstat,setstat") else { return };
    let old = untidy.street.put(ACC_PVT, "hop/plain", b"old");
    set_mode(&old, 0o664);
    let ran = run(untidy.street.hop("cp").args(["from/plain", "acc-pvt:hop/plain"]));
    assert_eq!((ran.code, mode(&old)), (Some(0), 0o644), "{ran}");
    assert!(ran.stderr.contains("warning: the mode could not be set: hop/plain has 0644 instead of 0664"), "{ran}");
}

#[test]
fn what_was_asked_for_and_could_not_be_set_is_a_failure_of_a_file_that_has_arrived() {
    let Some(untidy) = untidy("fsetstat,setstat") else { return };
    for _ in 0..2 {
        let [scp, hop] = both(&untidy, &["-p"], &[]);
        assert_eq!(hop.0, Some(23), "{}", hop.1);
        assert!(scp.1.contains("fsetstat: Permission denied"), "{}", scp.1);
        assert!(hop.1.contains("hop/plain: it has arrived, and its mode and times could not be set"), "{}", hop.1);
        for (name, _) in FILES {
            assert!(fs::read(hop.2.join(name)).expect("there") == fs::read(untidy.from(name)).expect("here"), "{name}");
            let modes = [&scp, &hop].map(|tool| format!("{:o}", mode(&tool.2.join(name))));
            assert_eq!(modes[1], modes[0], "{name}");
        }
        assert_eq!(fs::read_dir(&hop.2).expect("list").count(), FILES.len(), "something is left");
    }
    // by name it goes where only the handle is refused
    for denied in ["fsetstat", "setstat"] {
        let Some(untidy) = super::refused::untidy(denied) else { return };
        let [_, hop] = both(&untidy, &["-p"], &["plain"]);
        assert_eq!(hop.0, Some(0), "{denied}: {}", hop.1);
        FILES.iter().for_each(|(name, wanted)| assert_eq!(mode(&hop.2.join(name)), *wanted, "{denied}: {name}"));
    }
}

#[test]
fn a_sync_brings_everything_and_says_what_is_lacking() {
    let Some(untidy) = untidy("fsetstat,setstat") else { return };
    let ran = untidy.run("sync", &[]);
    assert_eq!(ran.code, Some(23), "{ran}");
    assert!(ran.stderr.contains("its mode and times could not be set"), "{ran}");
    for (name, _) in FILES {
        assert!(fs::read(untidy.to(name)).expect("there") == fs::read(untidy.from(name)).expect("here"), "{name}");
    }
    assert_eq!(fs::read_dir(untidy.to("")).expect("list").count(), FILES.len(), "{ran}");
}
