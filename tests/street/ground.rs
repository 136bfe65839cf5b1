//! What the servers stand on: a namespace of their own where one can be had, and a life no longer than the test's.

use std::fs;
use std::io;
use std::os::unix::fs::lchown;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{OnceLock, mpsc};

/// The user of the street's password database.
const STREET_USER: &str = "ec2-user";
/// Its number when root makes the street; nobody else has it.
const STREET_ID: u32 = 61_234;

/// True when each host has its own password database, and so its own home.
pub fn is_private() -> bool {
    !matches!(kind(), Kind::Bare)
}

/// Whom to log in as.
pub fn user() -> &'static str {
    static ME: OnceLock<String> = OnceLock::new();
    match kind() {
        Kind::Bare => ME.get_or_init(|| printed_by("id", &["-un"])),
        _ => STREET_USER,
    }
}

/// Whom a host lets in: under which name, and what that user types into. Another name has another number too, when root
/// makes the street.
#[derive(Clone)]
pub struct Account {
    pub name: &'static str,
    pub shell: PathBuf,
    /// The password as shadow(5) has it.
    pub password: String,
}

impl Default for Account {
    fn default() -> Account {
        let shell = if Path::new("/bin/bash").exists() { "/bin/bash" } else { "/bin/sh" };
        Account { name: user(), shell: shell.into(), password: "*".to_owned() }
    }
}

impl Account {
    fn number(&self) -> (u32, u32) {
        match kind() {
            Kind::Root => {
                let number = STREET_ID + u32::from(self.name != STREET_USER);
                (number, number)
            }
            _ => (rustix::process::getuid().as_raw(), rustix::process::getgid().as_raw()),
        }
    }
}

/// Gives a folder and all in it to a host's user (root only: elsewhere it is ours already).
pub fn give_away(folder: &Path, to: &Account) {
    if matches!(kind(), Kind::Root) {
        let (user, group) = to.number();
        lchown(folder, Some(user), Some(group)).expect("give a file away");
        let is_folder = folder.symlink_metadata().is_ok_and(|found| found.is_dir());
        let entries = is_folder.then(|| fs::read_dir(folder).expect("list a folder"));
        entries.into_iter().flatten().for_each(|entry| give_away(&entry.expect("list a folder").path(), to));
    }
}

/// What makes a program run as a host's user (root only: elsewhere it does already).
pub fn as_user() -> Vec<String> {
    let (user, group) = Account::default().number();
    match kind() {
        Kind::Root => ["setpriv", &format!("--reuid={user}"), &format!("--regid={group}"), "--clear-groups"]
            .map(str::to_owned)
            .to_vec(),
        _ => Vec::new(),
    }
}

/// What a host's processes see of their own. Beside the home folder lie its `hosts` file and its `log`.
pub struct Place<'a> {
    pub home: &'a Path,
    pub account: &'a Account,
    /// MiB of a disk that is mounted at `disk` in the home folder.
    pub disk: Option<u32>,
    /// A folder that is laid over `/usr`.
    pub over: Option<&'a Path>,
}

/// Starts `program` on a host. It dies with the test process; killing the child given back kills all that came from
/// it, where there are namespaces.
pub fn start(program: &Path, arguments: &[&str], place: Place<'_>) -> io::Result<Child> {
    let beside = |name: &str| place.home.with_file_name(name);
    let mut command = Command::new("setpriv");
    command.args(["--pdeathsig", "KILL"]);
    if is_private() {
        fs::write(beside("passwd"), password_database(&place)?)?;
        let Account { name, password, .. } = place.account;
        fs::write(beside("shadow"), format!("{name}:{password}:19000::::::\nsshd:!:19000::::::\n"))?;
        let disk = place.disk.map_or(String::new(), |mebibytes| format!("size={mebibytes}m,mode=755"));
        command.args(namespaces()).args(["sh", "-c", INSIDE, "sh"]);
        command.args(["passwd", "shadow", "hosts"].map(beside)).arg(disk).arg(place.home.join("disk"));
        command.arg(place.over.map_or(String::new(), lower));
    }
    let log = fs::OpenOptions::new().create(true).append(true).open(beside("log"))?;
    command.arg(program).args(arguments).stdin(Stdio::null()).stdout(Stdio::null()).stderr(log);
    spawn(command)
}

/// Binds the password database and the names of hosts, mounts the disk and what lies over `/usr`, gives up what that
/// needed, and becomes the program.
const INSIDE: &str = r#"set -e
mount --bind "$1" /etc/passwd; mount --bind "$2" /etc/shadow; mount --bind "$3" /etc/hosts
[ -z "$4" ] || { mount -t tmpfs -o "$4" tmpfs "$5"; chown --reference="${5%/*}" "$5"; }
[ -z "$6" ] || mount -t overlay -o "$6" overlay /usr
shift 6
[ "$(id -u)" = 0 ] || exec setpriv --ambient-caps=-all --inh-caps=-all "$@"
exec "$@""#;

/// Whether something can be laid over a host's `/usr`.
pub fn can_lay_over() -> bool {
    static CAN: OnceLock<bool> = OnceLock::new();
    *CAN.get_or_init(|| {
        is_private() && works(kind(), &["mount", "-t", "overlay", "-o", &lower(Path::new("/etc")), "overlay", "/usr"])
    })
}

/// What mount(8) is told.
fn lower(over: &Path) -> String {
    format!("lowerdir={}:/usr", over.display())
}

#[derive(Clone, Copy)]
enum Kind {
    Root,
    UserNamespace,
    Bare,
}

fn kind() -> Kind {
    static KIND: OnceLock<Kind> = OnceLock::new();
    *KIND.get_or_init(|| {
        let kind = if rustix::process::geteuid().is_root() { Kind::Root } else { Kind::UserNamespace };
        if works(kind, &["mount", "--bind", "/etc/passwd", "/etc/passwd"]) { kind } else { Kind::Bare }
    })
}

/// Whether a command ends well in namespaces of its own.
fn works(kind: Kind, words: &[&str]) -> bool {
    let mut trial = Command::new(flags(kind)[0]);
    trial.args(&flags(kind)[1..]).args(words);
    let status = trial.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).status();
    status.is_ok_and(|status| status.success())
}

fn namespaces() -> Vec<&'static str> {
    flags(kind())
}

fn flags(kind: Kind) -> Vec<&'static str> {
    let all = ["unshare", "--mount", "--pid", "--fork", "--kill-child=KILL"];
    let as_user = ["--user", "--map-current-user", "--keep-caps"];
    all.into_iter().chain(as_user.into_iter().filter(|_| matches!(kind, Kind::UserNamespace))).collect()
}

fn password_database(place: &Place<'_>) -> io::Result<String> {
    let Account { name, shell, .. } = place.account;
    let (id, group) = place.account.number();
    let others = fs::read_to_string("/etc/passwd")?;
    Ok(format!("{name}:x:{id}:{group}::{}:{}\n{others}", place.home.display(), shell.display()))
}

/// Starts a command from a thread that lives as long as the process: the kernel ties a child to the thread it came
/// from, and a test's thread ends before the street it shares.
fn spawn(command: Command) -> io::Result<Child> {
    type Order = (Command, mpsc::Sender<io::Result<Child>>);
    static SPAWNER: OnceLock<mpsc::Sender<Order>> = OnceLock::new();
    let spawner = SPAWNER.get_or_init(|| {
        let (orders, inbox) = mpsc::channel::<Order>();
        std::thread::spawn(move || inbox.iter().for_each(|(mut command, reply)| drop(reply.send(command.spawn()))));
        orders
    });
    let (reply, answer) = mpsc::channel();
    spawner.send((command, reply)).expect("the spawner never ends");
    answer.recv().expect("the spawner answers")
}

/// What a program prints, without the line's end.
pub fn printed_by(program: &str, arguments: &[&str]) -> String {
    let out = Command::new(program).args(arguments).output().unwrap_or_else(|problem| panic!("{program}: {problem}"));
    String::from_utf8_lossy(&out.stdout).trim_end().to_owned()
}
