//! How is the story of two VPCs told? With real commands: what is typed, what it prints, and whether every file
//! arrived.

use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};
use std::process::ExitStatus;

use aws_lc_rs::digest::{Context, Digest, SHA256};
use tokio::io::AsyncReadExt;
use tokio::net::unix::pipe;
use tokio::process::Command;

use super::{Street, Vpc};

/// How the story ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StoryOutcome {
    /// Every command succeeded, and every file is the same at both ends.
    Held,
    /// What did not succeed, one line each.
    Failed(Vec<String>),
    /// This signal came first.
    Interrupted(i32),
}

/// One task: how it used to be done, and the commands that do it.
struct StoryStep {
    title: &'static str,
    before: &'static str,
    commands: &'static [&'static [&'static str]],
}

const STEPS: [StoryStep; 4] = [
    StoryStep {
        title: "A file up to acc-pvt, through its bastion",
        before: "Before: scp acc.pem and the file to the bastion, ssh there, scp on. A key left lying on the bastion.",
        commands: &[&["cp", "backup.tar", "acc-pvt:"], &["ls", "-l", "acc-pvt:"]],
    },
    StoryStep {
        title: "A command there",
        before: "Before: ssh to the bastion, then ssh again with the key that was left there.",
        commands: &[&["ssh", "acc-pvt", "wc", "-l", "customers.csv"]],
    },
    StoryStep {
        title: "A folder down, by pattern",
        before: "Before: tar on the server, scp to the bastion, scp to here, tar again, clean up twice.",
        commands: &[&["cp", "-r", "acc-pvt:logs/*", "logs/"]],
    },
    StoryStep {
        title: "The main job: from one VPC to the other, and back",
        before: "Before: both .pem files on a bastion, or everything down to here and up again by hand.",
        commands: &[&["cp", "acc-pvt:customers.csv", "dell-pvt:~"], &["cp", "dell-pvt:payments.csv", "acc-pvt:~"]],
    },
];

/// Tells the story on `street` with the program `hop`, writing about 50 lines to `out`. Creates `laptop` in the
/// street's folder, so it can be told once per street. Dropping the future kills the command that is running.
///
/// # Errors
/// If `out` or the street's folder cannot be written, or `hop` cannot be started. A failure inside the story is not an
/// error but a [`StoryOutcome`].
pub async fn story(hop: &Path, street: &Street, out: &mut (dyn Write + Send)) -> io::Result<StoryOutcome> {
    let laptop = street.folder().join("laptop");
    fs::create_dir_all(laptop.join("logs"))?;
    fs::write(laptop.join("backup.tar"), archive())?;
    let mut teller = Teller { hop, street, laptop, out, failed: Vec::new() };
    teller.introduce()?;
    for (number, step) in (1..).zip(&STEPS) {
        writeln!(teller.out, "\n{number}. {}\n   {}", step.title, step.before)?;
        for words in step.commands {
            teller.run(words).await?;
        }
    }
    teller.compare()?;
    teller.conclude()
}

struct Teller<'a> {
    hop: &'a Path,
    street: &'a Street,
    /// The folder in which the commands run: the user's side of every copy.
    laptop: PathBuf,
    out: &'a mut (dyn Write + Send),
    failed: Vec<String>,
}

impl Teller<'_> {
    fn introduce(&mut self) -> io::Result<()> {
        writeln!(self.out, "A practice street on this machine: two private networks (VPCs), as in a cloud.\n")?;
        for vpc in Vpc::BOTH {
            let (title, cidr, bastion) = (vpc.title(), vpc.cidr(), vpc.bastion());
            let (private, address, file) = (vpc.private(), vpc.address(), vpc.data_file());
            writeln!(self.out, "  {title:<8} {cidr:<13} you --> {bastion:<12} --> {private:<8} {address}  {file}")?;
        }
        writeln!(
            self.out,
            "\nThe private servers have no way in but their bastion. acc.pem opens ACC-VPC, dell.pem DELL-VPC;\n\
             both stay here. The commands are real; each runs with -F and this file, which names the hosts:\n  {}",
            self.street.config().display()
        )
    }

    /// Shows one command, runs it, and shows what it printed.
    async fn run(&mut self, words: &[&str]) -> io::Result<()> {
        let shown = format!("hop {}", words.iter().map(|word| quoted(word)).collect::<Vec<_>>().join(" "));
        writeln!(self.out, "   $ {shown}")?;
        self.out.flush()?;
        let (status, printed) = self.output(words).await?;
        for line in printed.split_inclusive(|&byte| byte == b'\n') {
            self.out.write_all(b"     ")?;
            self.out.write_all(line)?;
        }
        if !printed.is_empty() && !printed.ends_with(b"\n") {
            writeln!(self.out)?;
        }
        if !status.success() {
            writeln!(self.out, "     ({status})")?;
            self.failed.push(format!("{shown}: {status}"));
        }
        Ok(())
    }

    /// Runs `hop` with nothing of this process's environment; stdout and stderr are returned in the order they were
    /// written.
    async fn output(&self, words: &[&str]) -> io::Result<(ExitStatus, Vec<u8>)> {
        let (reader, writer) = io::pipe()?;
        let mut child = {
            let mut command = Command::new(self.hop);
            command
                .args(&words[..1])
                .arg("-F")
                .arg(self.street.config())
                .args(&words[1..])
                .env_clear()
                .env("HOME", &self.laptop)
                .env("HOP_HOME", &self.laptop)
                .env("PATH", "/usr/bin:/bin")
                .env("HOP_PROGRESS", "plain")
                .current_dir(&self.laptop)
                .stdin(std::process::Stdio::null())
                .stdout(writer.try_clone()?)
                .stderr(writer)
                .kill_on_drop(true);
            command.spawn()?
        };
        let mut printed = Vec::new();
        pipe::Receiver::from_owned_fd(OwnedFd::from(reader))?.read_to_end(&mut printed).await?;
        Ok((child.wait().await?, printed))
    }

    /// Compares both ends of every copy, directly in the servers' folders.
    fn compare(&mut self) -> io::Result<()> {
        let (acc, dell) = (self.street.home(Vpc::Acc), self.street.home(Vpc::Dell));
        let logs = ["web-1.log", "web-2.log", "db/db-1.log"].map(|name| format!("logs/{name}"));
        let mut copies = vec![
            ("customers.csv", "acc-pvt", acc.clone(), "dell-pvt", dell.clone()),
            ("payments.csv", "dell-pvt", dell, "acc-pvt", acc.clone()),
            ("backup.tar", "here", self.laptop.clone(), "acc-pvt", acc.clone()),
        ];
        copies.extend(logs.iter().map(|name| (&**name, "acc-pvt", acc.clone(), "here", self.laptop.clone())));
        writeln!(self.out, "\nSHA-256 of both ends, read from the servers' own folders")?;
        for (name, from, source, to, destination) in copies {
            let (sent, arrived) = (sha256(&source.join(name)), sha256(&destination.join(name)));
            let same = matches!((&sent, &arrived), (Ok(sent), Ok(arrived)) if sent.as_ref() == arrived.as_ref());
            let verdict = if same { "same" } else { "DIFFERENT" };
            let (sent, arrived) = (short(&sent), short(&arrived));
            writeln!(self.out, "  {name:<16} {from:<8} {sent}  {to:<8} {arrived}  {verdict}")?;
            if !same {
                self.failed.push(format!("{name}: not the same on {from} and {to}"));
            }
        }
        Ok(())
    }

    fn conclude(self) -> io::Result<StoryOutcome> {
        if self.failed.is_empty() {
            writeln!(self.out, "\nEvery file arrived unchanged, and no key left this machine.")?;
            return Ok(StoryOutcome::Held);
        }
        writeln!(self.out, "\nThis did not hold:")?;
        for line in &self.failed {
            writeln!(self.out, "  {line}")?;
        }
        Ok(StoryOutcome::Failed(self.failed))
    }
}

/// A word as typed in a shell: `'…'` around patterns.
fn quoted(word: &str) -> String {
    if word.contains('*') { format!("'{word}'") } else { word.to_owned() }
}

/// 8 MiB that do not compress.
fn archive() -> Vec<u8> {
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let mut next = || {
        state = state.wrapping_mul(0x5851_f42d_4c95_7f2d).wrapping_add(1);
        (state ^ state >> 29).to_le_bytes()
    };
    (0..1 << 20).flat_map(|_| next()).collect()
}

fn sha256(path: &Path) -> io::Result<Digest> {
    let mut file = File::open(path)?;
    let mut context = Context::new(&SHA256);
    let mut buffer = vec![0; 64 << 10];
    loop {
        match file.read(&mut buffer)? {
            0 => return Ok(context.finish()),
            length => context.update(&buffer[..length]),
        }
    }
}

/// The first 12 digits of the digest, or why there are none.
fn short(digest: &io::Result<Digest>) -> String {
    match digest {
        Ok(digest) => digest.as_ref()[..6].iter().map(|byte| format!("{byte:02x}")).collect(),
        Err(error) if error.kind() == io::ErrorKind::NotFound => "missing     ".to_owned(),
        Err(error) => error.to_string(),
    }
}
