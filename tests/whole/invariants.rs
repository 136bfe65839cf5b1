//! What must hold after every fault: [`Case::holds`] checks all of it, whatever went wrong and however hop ended.
//!
//! | | |
//! | --- | --- |
//! | I1 | the final name has the old content or the complete new content |
//! | I2 | exit 0 exactly when every file has arrived |
//! | I3 | what is left are parts, private, named in the error, and gone after the next run, which sends at most a tenth of what was acknowledged again |
//! | I4 | the message names the hop, the step, the path and the cause |
//! | I5 | it ends in time, and nothing of it runs on any host afterwards |
//! | I6 | memory stays under 256 MiB |
//! | I7 | no secret is in what it said |
//! | I8 | a second identical run succeeds |

use std::collections::BTreeSet;
use std::fs;
use std::io::Write as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use super::ran::{Ran, run};
use crate::street::{ACC_BASTION, ACC_PVT, DELL_BASTION, DELL_PVT, Street, until};

/// Files up to this size are sent again as a whole.
const SMALL: usize = 256 << 10;

/// Bytes of the units that a direct copy goes on by; what is beyond the last whole one is sent again.
const DIRECT_BLOCK: u64 = 1 << 20;

/// In KiB.
const MEMORY: u64 = 256 << 10;

/// A file that is copied: where it is to stand, what stood there, and what is to stand there.
pub struct Target {
    pub path: PathBuf,
    pub old: Option<Vec<u8>>,
    pub new: Vec<u8>,
}

/// What was done, and what came of it.
pub struct Case<'a> {
    /// Told with every failure: the seed.
    pub name: String,
    pub street: &'a Street,
    pub targets: &'a [Target],
    /// The run that met the fault.
    pub ran: &'a Ran,
    /// It had so long.
    pub limit: Duration,
    /// In the message, if it failed.
    pub says: &'a [&'a str],
    /// The same command again.
    pub again: &'a dyn Fn() -> Command,
}

/// What the next run may use.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Part {
    GoesOn,
    IsWorthless,
}

/// What the second run showed.
pub struct After {
    /// Bytes that the run before knew to be in a part.
    pub acknowledged: u64,
    /// Bytes it moved, as it says.
    pub moved: u64,
}

impl Case<'_> {
    /// Checks everything, I8 by a second run.
    pub fn holds(&self) -> After {
        self.checked(Part::GoesOn)
    }

    /// The same where nothing can go on from the part: somebody took it away, or it is not what was sent.
    pub fn holds_and_starts_over(&self) -> After {
        self.checked(Part::IsWorthless)
    }

    fn checked(&self, part: Part) -> After {
        let complete = self.targets.iter().filter(|target| self.is_old_or_new(target)).count();
        let all = complete == self.targets.len();
        match self.ran.code {
            Some(0) => assert!(all, "{}: I2: {} of {} arrived\n{}", self.name, complete, self.targets.len(), self.ran),
            Some(_) => {
                assert!(!all, "{}: I2: all has arrived\n{}", self.name, self.ran);
                self.says.iter().for_each(|says| self.must(self.ran.stderr.contains(says), &format!("I4: {says}")));
            }
            None => {}
        }
        // servers go on with what a killed hop had asked for
        nothing_runs(self.street, &self.name);
        self.only_private_parts();
        self.must(self.ran.took <= self.limit, &format!("I5: within {:?}", self.limit));
        self.must(self.ran.peak < MEMORY, &format!("I6: {} KiB", self.ran.peak));
        self.no_secret(self.ran);
        let after = self.second_run(part);
        note(&format!("case {}", self.name));
        after
    }

    fn must(&self, holds: bool, what: &str) {
        assert!(holds, "{}: {what}\n{}", self.name, self.ran);
    }

    /// `true` for the new content.
    fn is_old_or_new(&self, target: &Target) -> bool {
        let content = fs::read(&target.path).ok();
        let is_new = content.as_deref() == Some(&target.new);
        let length = content.as_ref().map(Vec::len);
        let what = format!("I1: {} is torn: {length:?} bytes", target.path.display());
        self.must(is_new || content == target.old, &what);
        is_new
    }

    /// Parts beside the targets, and whose they are.
    fn parts(&self) -> Vec<(PathBuf, &Target)> {
        let folders: BTreeSet<&Path> = self.targets.iter().filter_map(|target| target.path.parent()).collect();
        let all = folders.into_iter().filter(|folder| folder.exists()).flat_map(Street::parts);
        all.filter_map(|part| self.targets.iter().find(|target| is_part_of(&part, &target.path)).map(|of| (part, of)))
            .collect()
    }

    fn only_private_parts(&self) {
        for (part, target) in self.parts() {
            let found = fs::metadata(&part).expect("look at a part");
            let mode = found.permissions().mode() & 0o777;
            // small files of a direct copy arrive in a folder; one that only lacks its name has its mode
            let (private, is_file) = if found.is_dir() { (0o700, false) } else { (0o600, true) };
            let is_complete = || is_file && fs::read(&part).expect("read a part") == target.new;
            // the first part that is made at an end shows its umask, before anything is in it
            let shows_the_umask = is_file && found.len() == 0;
            let what = format!("I3: {} has mode {mode:o} and {} bytes", part.display(), found.len());
            self.must(mode == private || shows_the_umask || is_complete(), &what);
            let name = part.file_name().expect("it has one").to_string_lossy().into_owned();
            let is_named = self.ran.code.is_none() || self.ran.stderr.contains(&name);
            // a run given up as a whole names the pattern
            self.must(is_named || self.ran.stderr.contains(".hop-ID.part"), &format!("I3: {name} is not named"));
        }
    }

    fn no_secret(&self, ran: &Ran) {
        for key in ["acc.pem", "dell.pem"] {
            let text = fs::read_to_string(self.street.laptop().join(key)).expect("the key is there");
            let lines = text.lines().filter(|line| line.len() > 40);
            let told = |line: &str| ran.stdout.contains(line) || ran.stderr.contains(line);
            self.must(!lines.into_iter().any(told), &format!("I7: {key} is in the output"));
        }
    }

    fn second_run(&self, part: Part) -> After {
        let acknowledged = self.acknowledged();
        let mut command = (self.again)();
        let ran = run(command.arg("--json"));
        assert_eq!(ran.code, Some(0), "{}: I8: {ran}\nafter {}", self.name, self.ran);
        for target in self.targets {
            assert!(self.is_old_or_new(target), "{}: I8: {} is old", self.name, target.path.display());
        }
        let left: Vec<PathBuf> = self.parts().into_iter().map(|(part, _)| part).collect();
        let what = "I3: left after a whole run";
        assert!(left.is_empty(), "{}: {what}: {left:?}\n{ran}\nafter {}", self.name, self.ran);
        let moved = ran.summary("bytes");
        if let [target] = self.targets
            && target.new.len() > SMALL
        {
            let size = target.new.len() as u64;
            assert_eq!(ran.there(), Some(size), "{}: the trace tells otherwise\n{ran}", self.name);
            let again = (moved + acknowledged).saturating_sub(size);
            let what = format!("I3: {again} of {acknowledged} bytes were sent again");
            let is_direct = ran.stdout.contains(r#""route":"direct""#);
            let few = if is_direct { DIRECT_BLOCK.max(acknowledged / 10) } else { acknowledged / 10 };
            assert!(part == Part::IsWorthless || again <= few, "{}: {what}\n{ran}\nafter {}", self.name, self.ran);
        }
        After { acknowledged, moved }
    }

    /// Bytes in the part of a single large file, as far as hop knew of them. Small files go at once or not at all.
    fn acknowledged(&self) -> u64 {
        match self.targets {
            [target] if target.new.len() > SMALL && !self.is_old_or_new(target) => self.ran.there().unwrap_or(0),
            _ => 0,
        }
    }
}

/// No session of hop is left on any host, and no command or login of a direct copy.
pub fn nothing_runs(street: &Street, name: &str) {
    for host in [ACC_BASTION, ACC_PVT, DELL_BASTION, DELL_PVT] {
        let sessions = || {
            let all = street.server(host).processes();
            all.into_iter().filter(|process| !process.name.starts_with("sshd")).count()
        };
        until(&format!("{name}: I5: nothing of it runs on {host}"), || sessions() == 0);
    }
}

fn is_part_of(part: &Path, target: &Path) -> bool {
    let name = |path: &Path| path.file_name().expect("a file's path").to_string_lossy().into_owned();
    part.parent() == target.parent() && name(part).starts_with(&format!(".{}.hop-", name(target)))
}

/// Writes a line where `tests/run` counts them (`HOP_MATRIX`).
pub fn note(line: &str) {
    let Some(file) = std::env::var_os("HOP_MATRIX") else { return };
    let list = fs::OpenOptions::new().create(true).append(true).open(file);
    list.and_then(|mut list| list.write_all(format!("{line}\n").as_bytes())).expect("HOP_MATRIX can be written");
}
