//! Files that can only be written where they are: by themselves where a folder takes no new name, and over devices, told; all
//! of them with `--inplace`; none with `--no-inplace`.

use std::fs;
use std::os::unix::fs::{MetadataExt as _, chown, symlink};
use std::process::Command;

use super::{Untidy, content, mode, mtime, set_mode, set_time, write};
use crate::copy::ends::assert_same;
use crate::pseudorandom::noise;
use crate::skips::{need, need_root};
use crate::street::{ACC_PVT, Street, until};
use crate::whole::ran::{Ran, run};
use crate::whole::ways::{WAYS, Way};

/// Files by their sizes before and after: one that grows, one that shrinks, a large one.
const FILES: [(&str, usize, usize); 4] =
    [("grows", 10, 3000), ("shrinks", 5000, 20), ("large", 7 << 20, 3 << 20), ("empty", 9, 0)];

impl Untidy {
    /// `hop cp` of one file over the one of the same name.
    fn over(&self, name: &str, words: &[&str]) -> Command {
        let ends = match self.way {
            Way::Up => ["", "acc-pvt:"],
            Way::Down => ["acc-pvt:", ""],
            Way::Relay | Way::Direct => ["acc-pvt:", "dell-pvt:"],
        };
        let mut command = self.street.hop_as_user("cp");
        command.args((self.way == Way::Relay).then_some("-3")).args(words);
        command.args([format!("{}from/{name}", ends[0]), format!("{}to/{name}", ends[1])]);
        command
    }

    fn write_files(&self) {
        for (name, before, after) in FILES {
            write(&self.from(name), &noise(2, after));
            write(&self.to(name), &noise(1, before));
            set_mode(&self.to(name), 0o640);
        }
        self.own();
    }

    /// The destination takes no new name from now on. Building a command gives the laptop's files to the user.
    fn shut(&self) {
        chown(self.to(""), Some(0), Some(0)).expect("give it to root");
        set_mode(&self.to(""), 0o755);
    }
}

fn is_told(ran: &Ran) -> bool {
    ran.stderr.contains("is written in place, because its folder takes no new name; until its end it is neither")
}

#[test]
fn a_folder_that_takes_no_new_name() {
    if !need_root("root can give a folder to another user") {
        return;
    }
    for way in WAYS {
        let Some(untidy) = Untidy::new(way) else { return };
        untidy.write_files();
        for (name, before, after) in FILES {
            let mut never = untidy.over(name, &["--no-inplace"]);
            untidy.shut();
            let ran = run(&mut never);
            assert!(ran.code.is_some_and(|code| code != 0), "{way:?} {name}: {ran}");
            assert!(fs::read(untidy.to(name)).expect("there") == noise(1, before), "{way:?} {name}: {ran}");
            let inode = fs::metadata(untidy.to(name)).expect("there").ino();
            let mut command = untidy.over(name, &["--receipt", "receipt", "--verify"]);
            untidy.shut();
            let ran = run(&mut command);
            assert!(ran.code == Some(0) && is_told(&ran), "{way:?} {name}: {ran}");
            assert!(fs::read(untidy.to(name)).expect("there") == noise(2, after), "{way:?} {name}: {ran}");
            assert_eq!((mode(&untidy.to(name)), fs::metadata(untidy.to(name)).expect("there").ino()), (0o640, inode));
            let receipt = fs::read_to_string(untidy.street.laptop().join("receipt")).expect("a receipt");
            assert!(receipt.contains("\"in_place\":true"), "{way:?} {name}: {receipt}");
        }
        assert_eq!(fs::read_dir(untidy.to("")).expect("list").count(), FILES.len(), "{way:?}");
        // neither a new file, nor one that may not be written
        write(&untidy.from("new"), b"new");
        write(&untidy.from("locked"), b"new");
        write(&untidy.to("locked"), b"old");
        let commands = ["new", "locked"].map(|name| untidy.over(name, &[]));
        untidy.shut();
        chown(untidy.to("locked"), Some(0), Some(0)).expect("give it to root");
        for mut command in commands {
            let ran = run(&mut command);
            assert!(ran.code.is_some_and(|code| code != 0) && !is_told(&ran), "{way:?}: {ran}");
        }
        assert!(!untidy.to("new").exists() && fs::read(untidy.to("locked")).expect("there") == b"old", "{way:?}");
    }
}

#[test]
fn a_device_that_is_typed() {
    let Some(street) = Street::start() else { return };
    street.put_here("f", &content(1));
    street.put(ACC_PVT, "f", &content(1));
    for ends in [["f", "acc-pvt:/dev/null"], ["acc-pvt:f", "/dev/null"]] {
        let ran = run(street.hop("cp").args(ends));
        assert_eq!(ran.code, Some(0), "{ends:?}: {ran}");
        // one of this machine takes the bytes as a pipe would
        let is_far = ends[1].starts_with("acc-pvt");
        assert_eq!(ran.stderr.contains("is written in place, because it is a device"), is_far, "{ends:?}: {ran}");
        let ran = run(street.hop("cp").arg("--no-inplace").args(ends));
        assert!(ran.code == Some(2) && ran.stderr.contains("neither a file nor a folder"), "{ends:?}: {ran}");
    }
    let null = fs::metadata("/dev/null").expect("it stays");
    assert!(std::os::unix::fs::FileTypeExt::is_char_device(&null.file_type()) && null.rdev() != 0);
    assert!(Street::parts(std::path::Path::new("/dev")).is_empty());
}

#[test]
fn with_inplace_no_server_has_to_rename() {
    let Some(server) = need("sftp-server") else { return };
    for denied in ["rename,posix-rename", "rename,posix-rename,fsetstat,setstat"] {
        let plan = Street::plan().sshd(ACC_PVT, format!("ForceCommand exec {} -P {denied}", server.display()));
        let Some(untidy) = Untidy::with(Way::Up, plan) else { return };
        untidy.write_files();
        let ran = run(&mut untidy.over("grows", &[]));
        assert!(ran.code == Some(23) && ran.stderr.contains("hint: --inplace writes into the file itself"), "{ran}");
        assert!(fs::read(untidy.to("grows")).expect("there") == noise(1, 10), "{ran}");
        for (name, _, after) in FILES {
            let ran = run(&mut untidy.over(name, &["--inplace"]));
            assert_eq!((ran.code, ran.stderr.as_str()), (Some(0), ""), "{denied} denied, {name}: {ran}");
            assert!(fs::read(untidy.to(name)).expect("there") == noise(2, after), "{denied} denied, {name}");
        }
        // and into a new folder, as many small files as would go together
        (0..150).for_each(|number| write(&untidy.from(&format!("many/{number}")), &content(number)));
        let ran = run(untidy.street.hop_as_user("cp").args(["-r", "--inplace", "from/many", "acc-pvt:to/"]));
        assert_eq!((ran.code, ran.stderr.as_str()), (Some(0), ""), "{denied} denied: {ran}");
        assert_same(&untidy.from("many"), &untidy.to("many"));
    }
}

#[test]
fn a_file_that_is_mounted_for_itself() {
    if !need_root("only root can mount") || need("nsenter").is_none() {
        return;
    }
    let Some(untidy) = Untidy::new(Way::Up) else { return };
    write(&untidy.from("f"), &content(2));
    write(&untidy.to("f"), &content(1));
    let real = untidy.street.put(ACC_PVT, "real", &content(1));
    let server = untidy.street.server(ACC_PVT);
    let process = server.processes_named("sshd").first().expect("it runs").id.to_string();
    let mut mount = Command::new("nsenter");
    mount.args(["-t", &process, "-m", "mount", "--bind"]).args([&real, &untidy.to("f")]);
    assert_eq!(run(&mut mount).code, Some(0));
    let ran = run(&mut untidy.over("f", &[]));
    assert!(ran.code == Some(23) && ran.stderr.contains("hint: --inplace"), "{ran}");
    assert!(fs::read(&real).expect("there") == content(1), "{ran}");
    let ran = run(&mut untidy.over("f", &["--inplace"]));
    assert!(ran.code == Some(0) && fs::read(&real).expect("there") == content(2), "{ran}");
}

#[test]
fn with_inplace_the_file_keeps_its_names_and_p_sets_its_mode() {
    for way in WAYS {
        let Some(untidy) = Untidy::new(way) else { return };
        untidy.write_files();
        fs::hard_link(untidy.to("grows"), untidy.to("also")).expect("a second name");
        let ran = run(&mut untidy.over("grows", &["--inplace"]));
        assert_eq!((ran.code, mode(&untidy.to("also"))), (Some(0), 0o640), "{way:?}: {ran}");
        assert!(fs::read(untidy.to("also")).expect("there") == noise(2, 3000), "{way:?}: {ran}");
        set_mode(&untidy.from("grows"), 0o600);
        set_time(&untidy.from("grows"), 1_600_000_000);
        let ran = run(&mut untidy.over("grows", &["--inplace", "-p"]));
        assert_eq!(
            (ran.code, mode(&untidy.to("also")), mtime(&untidy.to("also"))),
            (Some(0), 0o600, 1_600_000_000),
            "{ran}"
        );
        // never through a link
        write(&untidy.to("../outside"), b"nobody's business");
        fs::remove_file(untidy.to("shrinks")).expect("remove it");
        symlink("../outside", untidy.to("shrinks")).expect("make a link");
        let ran = untidy.run("sync", &["--inplace", "--checksum"]);
        assert!(
            ran.code == Some(23) && ran.stderr.contains("nothing is written in place through one"),
            "{way:?}: {ran}"
        );
        assert_eq!(fs::read(untidy.to("../outside")).expect("there"), b"nobody's business", "{way:?}");
    }
}

#[test]
fn after_a_kill_it_is_told_by_nobody_and_the_next_run_makes_it_whole() {
    let Some(untidy) = Untidy::new(Way::Up) else { return };
    untidy.write_files();
    let mut child = untidy.over("large", &["--inplace", "--bwlimit", "1M"]).spawn().expect("start hop");
    let length = || fs::metadata(untidy.to("large")).expect("there").len();
    until("it is being written", || (1..3 << 20).contains(&length()));
    child.kill().expect("kill it");
    child.wait().expect("wait for it");
    let ran = run(&mut untidy.over("large", &["--inplace"]));
    assert_eq!(ran.code, Some(0), "{ran}");
    assert!(fs::read(untidy.to("large")).expect("there") == noise(2, 3 << 20));
}

#[test]
fn in_place_is_never_direct() {
    let Some(street) = Street::start() else { return };
    street.put(ACC_PVT, "f", &content(1));
    let ran = run(street.hop("cp").args(["-R", "--inplace", "acc-pvt:f", "dell-pvt:f"]));
    assert!(ran.code == Some(2) && ran.stderr.contains("it is no direct copy"), "{ran}");
    let ran = run(street.hop("cp").args(["--inplace", "acc-pvt:f", "dell-pvt:f"]));
    assert_eq!(ran.code, Some(0), "{ran}");
}
