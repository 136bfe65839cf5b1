//! Who is compared, and how each of them is told to copy the same thing.

use std::process::{Command, Stdio};

use crate::ground::Ground;
use crate::skips;

/// What is to be copied; names are in the working folder and in the homes of the hosts.
#[derive(Clone, Copy)]
pub enum Work {
    Up { file: &'static str },
    Down { file: &'static str },
    UpTree { folder: &'static str },
    DownTree { folder: &'static str },
    Relay { file: &'static str },
    Direct { name: &'static str },
    Echo,
}

/// hop and the others.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Peer {
    Hop,
    Scp,
    Sftp,
    Tar,
    Rsync,
    Rclone,
    Ssh,
}

impl Peer {
    pub fn name(self, work: Work) -> &'static str {
        match (self, work) {
            (Peer::Hop, _) => "hop",
            (Peer::Scp, Work::Relay { .. }) => "scp -3",
            (Peer::Scp, Work::Direct { .. }) => "scp on the source",
            (Peer::Scp, _) => "scp",
            (Peer::Sftp, _) => "sftp -R256 -B255k",
            (Peer::Tar, _) => "tar | ssh",
            (Peer::Rsync, _) => "rsync",
            (Peer::Rclone, _) => "rclone",
            (Peer::Ssh, Work::Relay { .. }) => "ssh cat | ssh cat",
            (Peer::Ssh, _) => "ssh",
        }
    }

    pub fn is_here(self) -> bool {
        match self {
            Peer::Rsync | Peer::Rclone => skips::find(self.name(Work::Echo)).is_some(),
            _ => true,
        }
    }

    /// The command that does the work, or `None` for what this peer is not made for.
    pub fn command(self, work: Work, ground: &Ground) -> Option<Command> {
        let words = match self {
            Peer::Hop => hop(work)?,
            Peer::Scp => scp(work)?,
            Peer::Sftp => return sftp(work, ground),
            Peer::Tar => shell(&tar(work)?),
            Peer::Rsync => shell(&rsync(work)?),
            Peer::Ssh => shell(&ssh(work)?),
            // knows no jump: only where it is given a tunnel
            Peer::Rclone => return None,
        };
        let config = ground.config().display().to_string();
        let mut command = ground.command(&words[0]);
        command.args(words[1..].iter().map(|word| word.replace("CONFIG", &config))).stdin(Stdio::null());
        Some(command)
    }
}

fn words(text: &str) -> Vec<String> {
    text.split(' ').map(str::to_owned).collect()
}

fn shell(line: &str) -> Vec<String> {
    vec!["sh".to_owned(), "-c".to_owned(), line.to_owned()]
}

fn hop(work: Work) -> Option<Vec<String>> {
    let hop = env!("CARGO_BIN_EXE_hop");
    Some(words(&match work {
        Work::Up { file } => format!("{hop} cp -F CONFIG {file} acc-pvt:{file}"),
        Work::Down { file } => format!("{hop} cp -F CONFIG acc-pvt:{file} back"),
        Work::UpTree { folder } => format!("{hop} cp -F CONFIG -r {folder} acc-pvt:there"),
        Work::DownTree { folder } => format!("{hop} cp -F CONFIG -r acc-pvt:{folder} back"),
        Work::Relay { file } => format!("{hop} cp -F CONFIG -3 acc-pvt:{file} dell-pvt:{file}"),
        Work::Direct { name } => format!("{hop} cp -F CONFIG -Rr acc-pvt:{name} dell-pvt:"),
        Work::Echo => format!("{hop} ssh -F CONFIG acc-pvt echo hello"),
    }))
}

fn scp(work: Work) -> Option<Vec<String>> {
    Some(words(&match work {
        Work::Up { file } => format!("scp -q -F CONFIG {file} acc-pvt:{file}"),
        Work::Down { file } => format!("scp -q -F CONFIG acc-pvt:{file} back"),
        Work::UpTree { folder } => format!("scp -q -F CONFIG -r {folder} acc-pvt:there"),
        Work::DownTree { folder } => format!("scp -q -F CONFIG -r acc-pvt:{folder} back"),
        Work::Relay { file } => format!("scp -q -F CONFIG -3 acc-pvt:{file} dell-pvt:{file}"),
        Work::Direct { .. } | Work::Echo => return None,
    }))
}

fn sftp(work: Work, ground: &Ground) -> Option<Command> {
    let line = match work {
        Work::Up { file } => format!("put {file} {file}"),
        Work::Down { file } => format!("get {file} back"),
        Work::UpTree { folder } => format!("put -r {folder} there"),
        Work::DownTree { folder } => format!("get -r {folder} back"),
        Work::Relay { .. } | Work::Direct { .. } | Work::Echo => return None,
    };
    let batch = ground.laptop().join("batch");
    std::fs::write(&batch, line + "\n").expect("write the batch");
    let mut command = ground.command("sftp");
    command
        .arg("-q")
        .arg("-F")
        .arg(ground.config())
        .args(["-R", "256", "-B", "261120", "-b"])
        .arg(batch)
        .arg("acc-pvt");
    Some(command)
}

fn tar(work: Work) -> Option<String> {
    Some(match work {
        Work::Up { file } => format!("tar cf - {file} | ssh -F CONFIG acc-pvt tar xf -"),
        Work::Down { file } => format!("mkdir -p back && ssh -F CONFIG acc-pvt tar cf - {file} | tar xf - -C back"),
        Work::UpTree { folder } => {
            format!("tar cf - {folder} | ssh -F CONFIG acc-pvt 'mkdir -p there && tar xf - -C there'")
        }
        Work::DownTree { folder } => {
            format!("mkdir -p back && ssh -F CONFIG acc-pvt tar cf - {folder} | tar xf - -C back")
        }
        Work::Relay { .. } | Work::Direct { .. } | Work::Echo => return None,
    })
}

fn rsync(work: Work) -> Option<String> {
    let rsync = "rsync -a --whole-file -e 'ssh -F CONFIG'";
    Some(match work {
        Work::Up { file } => format!("{rsync} {file} acc-pvt:{file}"),
        Work::Down { file } => format!("{rsync} acc-pvt:{file} back"),
        Work::UpTree { folder } => format!("{rsync} {folder}/ acc-pvt:there"),
        Work::DownTree { folder } => format!("{rsync} acc-pvt:{folder}/ back"),
        Work::Relay { .. } | Work::Direct { .. } | Work::Echo => return None,
    })
}

fn ssh(work: Work) -> Option<String> {
    Some(match work {
        Work::Relay { file } => {
            format!("ssh -F CONFIG acc-pvt cat {file} | ssh -F CONFIG dell-pvt 'cat >{file}'")
        }
        Work::Echo => "exec ssh -F CONFIG acc-pvt echo hello".to_owned(),
        _ => return None,
    })
}
