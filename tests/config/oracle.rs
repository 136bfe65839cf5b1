//! What does `ssh -G` say? A configuration is given to ssh and to us, and both answers are laid side by side.

use std::collections::HashMap;
use std::ffi::OsString;
use std::fs;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use hop::config::{ConfigError, Configuration, Flags, Host, LocalEnv, Origin};
use hop::target::HostSpec;
use tempfile::TempDir;

use crate::skips::need;

/// The keywords whose printed form is the same in all versions of OpenSSH.
pub const PLAIN: [&str; 12] = [
    "user",
    "hostname",
    "port",
    "hostkeyalias",
    "bindaddress",
    "identityfile",
    "certificatefile",
    "userknownhostsfile",
    "sendenv",
    "setenv",
    "proxycommand",
    "proxyjump",
];

/// The variables both sides see.
const VARIABLES: [(&str, &str); 4] =
    [("SHELL", "/bin/sh"), ("HOP_KEYS", "/keys"), ("HOP_EMPTY", ""), ("SSH_AUTH_SOCK", "/run/agent.sock")];

/// The real ssh.
pub struct Oracle {
    ssh: PathBuf,
    /// As `ssh -V` says it.
    pub version: String,
    local_env: LocalEnv,
}

/// A configuration, written to a folder of its own.
pub struct Case {
    folder: TempDir,
    /// The file named with `-F`; without it the user's and the system's own are read.
    pub file: Option<PathBuf>,
    /// The hosts to ask for.
    pub hosts: Vec<String>,
    /// What stands on ssh's command line.
    pub arguments: Vec<String>,
    /// What stands on ours.
    pub flags: Flags,
}

/// What one side says: lines, or the numbers of the lines it refuses.
#[derive(Debug, PartialEq, Eq)]
enum Answer {
    Lines(Vec<(String, String)>),
    Refused { lines: Vec<usize>, said: String },
}

impl Oracle {
    /// The ssh of this machine; none is a loud skip.
    pub fn find() -> Option<Oracle> {
        let ssh = need("ssh")?;
        let version = Command::new(&ssh).arg("-V").output().unwrap();
        let version = String::from_utf8_lossy(&version.stderr).split(',').next().unwrap_or_default().to_owned();
        Some(Oracle { ssh, version, local_env: local_env() })
    }

    fn is_the_one(&self) -> bool {
        self.version.starts_with("OpenSSH_9.2p1 Debian")
    }

    /// Writes a configuration: `# host: NAME` lines say whom to ask for, `# option: LINE` what the command line holds,
    /// `#file: NAME` begins a file of its own, `@DIR@` is the folder of them all, `@HOME@` the user's home.
    pub fn case(&self, text: &str) -> Case {
        let folder = tempfile::tempdir().unwrap();
        let home = self.local_env.home.to_string_lossy().into_owned();
        let text = text.replace("@DIR@", &folder.path().to_string_lossy()).replace("@HOME@", &home);
        for (index, part) in text.split("#file: ").enumerate() {
            let (name, content) = match index {
                0 => ("config", part),
                _ => part.split_once('\n').unwrap(),
            };
            let path = folder.path().join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, content).unwrap();
        }
        let said = |what: &str| text.lines().filter_map(|line| line.strip_prefix(what)).map(str::to_owned).collect();
        let options: Vec<String> = said("# option: ");
        let arguments = options.iter().flat_map(|option| ["-o".to_owned(), option.clone()]).collect();
        let file = Some(folder.path().join("config"));
        Case { folder, file, hosts: said("# host: "), arguments, flags: Flags { options, ..Flags::default() } }
    }

    /// What the two sides say differently of a host, one line each.
    pub fn differences(&self, case: &Case, host: &str) -> Vec<String> {
        match (self.ask(case, &["-G", host]), self.ours(case, host)) {
            (Answer::Lines(theirs), Answer::Lines(ours)) => self.compare(&theirs, &ours),
            (Answer::Refused { lines: theirs, said }, Answer::Refused { lines: ours, said: we }) => {
                // an error that ends ssh at once comes without a line
                match theirs == ours || theirs.is_empty() || !self.is_the_one() {
                    true => Vec::new(),
                    false => vec![format!("ssh refuses lines {theirs:?} ({said}), we refuse {ours:?} ({we})")],
                }
            }
            (Answer::Lines(_), Answer::Refused { said, .. }) => vec![format!("only we refuse: {said}")],
            (Answer::Refused { .. }, Answer::Lines(_)) if !self.is_the_one() => Vec::new(),
            (Answer::Refused { said, .. }, Answer::Lines(_)) => vec![format!("only ssh refuses: {said}")],
        }
    }

    /// Do we refuse the configuration?
    pub fn refuses(&self, case: &Case, host: &str) -> bool {
        matches!(self.ours(case, host), Answer::Refused { .. })
    }

    fn compare(&self, theirs: &[(String, String)], ours: &[(String, String)]) -> Vec<String> {
        let counts = |line: &&(String, String)| self.is_the_one() || PLAIN.contains(&line.0.as_str());
        let (theirs, ours): (Vec<_>, Vec<_>) =
            (theirs.iter().filter(counts).collect(), ours.iter().filter(counts).collect());
        let mut found = Vec::new();
        for keyword in theirs.iter().chain(&ours).map(|line| &line.0) {
            let values = |lines: &[&(String, String)]| -> Vec<String> {
                lines.iter().filter(|line| line.0 == *keyword).map(|line| line.1.clone()).collect()
            };
            let (they, we) = (values(&theirs), values(&ours));
            let (they, we) = (comparable(keyword, they), comparable(keyword, we));
            let difference = format!("{keyword}: ssh says {they:?}, we say {we:?}");
            if they != we && !found.contains(&difference) {
                found.push(difference);
            }
        }
        let keywords = |lines: &[&(String, String)]| lines.iter().map(|line| line.0.clone()).collect::<Vec<_>>();
        if found.is_empty() && keywords(&theirs) != keywords(&ours) {
            found.push("the lines come in another order".to_owned());
        }
        found
    }

    fn ask(&self, case: &Case, arguments: &[&str]) -> Answer {
        let mut command = Command::new(&self.ssh);
        command.env_clear().envs(self.local_env.env.clone()).env("HOME", case.folder.path()).stdin(Stdio::null());
        if let Some(file) = &case.file {
            command.arg("-F").arg(file);
        }
        let output = command.args(&case.arguments).args(arguments).output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        if !output.status.success() {
            return Answer::Refused { lines: refused_lines(&said), said };
        }
        let text = String::from_utf8(output.stdout).unwrap();
        let line = |line: &str| {
            let (keyword, value) = line.split_once(' ').unwrap_or((line, ""));
            (keyword.to_owned(), value.to_owned())
        };
        Answer::Lines(text.lines().map(line).collect())
    }

    /// What ssh says of a hop whose user and port are known.
    pub fn said_of(&self, case: &Case, user: &str, host: &str, port: u16) -> Vec<(String, String)> {
        match self.ask(case, &["-l", user, "-p", &port.to_string(), "-G", host]) {
            Answer::Lines(lines) => lines,
            Answer::Refused { said, .. } => panic!("{host}: {said}"),
        }
    }

    /// The hops we would take.
    pub fn resolve(&self, case: &Case, host: &str) -> Result<Vec<Host>, ConfigError> {
        self.configuration(case)?.resolve(&target(host))
    }

    fn configuration(&self, case: &Case) -> Result<Configuration, ConfigError> {
        let flags = Flags { config_file: case.file.clone(), ..case.flags.clone() };
        Configuration::load(flags, self.local_env.clone())
    }

    fn ours(&self, case: &Case, host: &str) -> Answer {
        match self.configuration(case).and_then(|configuration| configuration.dump(&target(host))) {
            Ok(lines) => Answer::Lines(lines.into_iter().map(|(keyword, value, _)| (keyword, value)).collect()),
            Err(error) => {
                let lines = match &error {
                    ConfigError::BadLines(lines) => lines.iter().map(|bad| line_number(&bad.origin)).collect(),
                    _ => Vec::new(),
                };
                Answer::Refused { lines, said: error.to_string() }
            }
        }
    }
}

impl Case {
    /// A file of the case.
    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }
}

/// Names by which the lists of algorithms may differ: those that hop does not speak, and one that came after 9.2.
pub const OTHERWISE: [&str; 7] = [
    "umac-64-etm@openssh.com",
    "umac-128-etm@openssh.com",
    "umac-64@openssh.com",
    "umac-128@openssh.com",
    "sntrup761x25519-sha512",
    "sntrup761x25519-sha512@openssh.com",
    "mlkem768x25519-sha256",
];

/// The values without [`OTHERWISE`]; ciphers in any order, since hop's depends on the processor.
fn comparable(keyword: &str, values: Vec<String>) -> Vec<String> {
    if !["ciphers", "macs", "kexalgorithms"].contains(&keyword) {
        return values;
    }
    let lines = values.iter().map(|line| {
        let mut names: Vec<&str> = line.split(',').filter(|name| !OTHERWISE.contains(name)).collect();
        if keyword == "ciphers" {
            names.sort_unstable();
        }
        names.join(",")
    });
    lines.collect()
}

#[test]
fn what_lists_may_differ_by_is_what_hop_does_not_speak() {
    let spoken = ["mac", "kex"].map(|query| hop::chain::supported(query).expect("a list")).concat();
    let different: Vec<&&str> = OTHERWISE.iter().filter(|name| spoken.contains(name)).collect();
    assert_eq!(different, [&"mlkem768x25519-sha256"], "it came after 9.2");
}

fn target(host: &str) -> HostSpec {
    let (user, host) = host.split_once('@').map_or((None, host), |(user, host)| (Some(user.to_owned()), host));
    HostSpec { user, host: host.to_owned(), port: None }
}

fn line_number(origin: &Origin) -> usize {
    match origin {
        Origin::SshConfig(_, line) => *line,
        _ => 0,
    }
}

/// The numbers in `FILE line N: …` and `FILE: line N: …`, each line once.
fn refused_lines(said: &str) -> Vec<usize> {
    let number = |line: &str| line.split_once("line ")?.1.split(':').next()?.trim().parse().ok();
    let mut lines: Vec<usize> = said.lines().filter_map(number).filter(|&line: &usize| line > 0).collect();
    lines.dedup();
    lines
}

/// Who runs the tests, as the password database has it: ssh asks no variable.
fn local_env() -> LocalEnv {
    let uid = rustix::process::getuid().as_raw();
    let table = fs::read_to_string("/etc/passwd").unwrap();
    let row = table.lines().map(|line| line.split(':').collect::<Vec<_>>());
    let row = row.into_iter().find(|row| row.get(2) == Some(&uid.to_string().as_str())).expect("the user has a row");
    let mut env: HashMap<String, OsString> =
        VARIABLES.iter().map(|&(name, value)| (name.to_owned(), value.into())).collect();
    env.insert("PATH".to_owned(), std::env::var_os("PATH").unwrap_or_default());
    LocalEnv {
        home: PathBuf::from(row[5]),
        user: row[0].to_owned(),
        uid,
        hostname: rustix::system::uname().nodename().to_string_lossy().into_owned(),
        env,
        ..LocalEnv::default()
    }
}
