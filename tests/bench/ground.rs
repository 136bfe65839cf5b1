//! Where the bench runs: the street over a link, or another street that an ssh_config names.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use tempfile::TempDir;

use crate::street::{ACC_BASTION, ACC_PVT, DELL_BASTION, DELL_PVT, Plan, Street};
use crate::wire::Link;

/// A laptop with a working folder, and four hosts.
pub enum Ground {
    Street(Box<Street>),
    Elsewhere { config: PathBuf, prefix: Vec<String>, laptop: TempDir },
}

impl Ground {
    /// The street with this link before each bastion, unless another street is given.
    pub fn over(link: Option<&Link>) -> Ground {
        let plan = Street::plan();
        let plan = link
            .into_iter()
            .fold(plan, |plan, link| plan.link(ACC_BASTION, link.clone()).link(DELL_BASTION, link.clone()));
        Ground::planned(plan)
    }

    /// The street with a private server that lets connections through, unless another street is given.
    pub fn with_tunnels() -> Ground {
        Ground::planned(Street::plan().sshd(ACC_PVT, "AllowTcpForwarding yes"))
    }

    fn planned(plan: Plan) -> Ground {
        if let Ok(config) = std::env::var("HOP_BENCH_CONFIG") {
            let prefix = std::env::var("HOP_BENCH_PREFIX").unwrap_or_default();
            let prefix = prefix.split_whitespace().map(str::to_owned).collect();
            let laptop = tempfile::tempdir().expect("a folder");
            return Ground::Elsewhere { config: config.into(), prefix, laptop };
        }
        Ground::Street(Box::new(plan.start().expect("OpenSSH's server is needed")))
    }

    /// The street with the laptop far away and the two networks close together, a round trip each in milliseconds.
    pub fn peered(laptop: u64, peering: u64) -> Ground {
        let far = link(laptop, None);
        let plan =
            Street::plan().link(ACC_BASTION, far.clone()).link(DELL_BASTION, far).link(DELL_PVT, link(peering, None));
        Ground::Street(Box::new(plan.start().expect("OpenSSH's server is needed")))
    }

    /// A program on the laptop, in its working folder.
    pub fn command(&self, program: &str) -> Command {
        let (prefix, folder): (&[String], &Path) = match self {
            Ground::Street(street) => (&[], street.laptop()),
            Ground::Elsewhere { prefix, laptop, .. } => (prefix, laptop.path()),
        };
        let words: Vec<&str> = prefix.iter().map(String::as_str).chain([program]).collect();
        let mut command = Command::new(words[0]);
        command.args(&words[1..]).current_dir(folder).env("HOME", folder).env("HOP_HOME", folder);
        command
    }

    pub fn config(&self) -> PathBuf {
        match self {
            Ground::Street(street) => street.config(),
            Ground::Elsewhere { config, .. } => config.clone(),
        }
    }

    /// The working folder.
    pub fn laptop(&self) -> &Path {
        match self {
            Ground::Street(street) => street.laptop(),
            Ground::Elsewhere { laptop, .. } => laptop.path(),
        }
    }

    /// Runs a shell command on a host, with ssh; what it prints.
    pub fn on(&self, host: &str, command: &str) -> String {
        let mut ssh = self.command("ssh");
        let out = ssh.arg("-F").arg(self.config()).args([host, command]).output().expect("start ssh");
        assert!(out.status.success(), "{host}: {command}: {}", String::from_utf8_lossy(&out.stderr));
        String::from_utf8_lossy(&out.stdout).trim().to_owned()
    }
}

/// A link by its round trip and rate, as the laptop sees the bastions.
pub fn link(round_trip: u64, megabit: Option<u64>) -> Link {
    let rate = megabit.map(|megabit| megabit * 1_000_000 / 8);
    Link { delay: Duration::from_millis(round_trip / 2), rate, ..Link::default() }
}

/// What the numbers were measured with.
pub fn describe() {
    let first_line = |program: &str, argument: &str| {
        let out = Command::new(program).arg(argument).output().ok()?;
        let text = [out.stdout, out.stderr].concat();
        String::from_utf8_lossy(&text).lines().next().map(str::to_owned)
    };
    let cores = std::thread::available_parallelism().map_or(0, usize::from);
    println!("hop    {}", first_line(env!("CARGO_BIN_EXE_hop"), "--version").unwrap_or_default());
    println!("ssh    {}", first_line("ssh", "-V").unwrap_or_default());
    println!("rsync  {}", first_line("rsync", "--version").unwrap_or_else(|| "not installed".into()));
    let kernel = std::fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
    println!("cores  {cores}, all hosts on this machine; Linux {}", kernel.trim());
    println!("files  below {}", std::env::temp_dir().display());
    println!(
        "links  {}",
        match std::env::var("HOP_BENCH_CONFIG") {
            Ok(config) => format!("those of {config}"),
            Err(_) => "loopback; a delay or a rate by a proxy of ours, 4 MiB under way a connection".to_owned(),
        }
    );
}
