//! A street before it starts: what differs from the plain one, and how its files are written.

use std::fs;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use super::server::{Other, Server};
use super::{ACC_BASTION, ACC_PVT, DELL_BASTION, DELL_PVT, Street, ground, keys};
use crate::skips::{Lacking, cannot, find, need, skip};
use crate::wire::{Link, Wire};

const HOSTS: [&str; 4] = [ACC_BASTION, ACC_PVT, DELL_BASTION, DELL_PVT];

/// What differs from the plain street. Options are added one by one, then [`Plan::start`].
#[derive(Clone, Default)]
pub struct Plan {
    lines: Vec<(&'static str, String)>,
    without_sftp: Vec<&'static str>,
    links: Vec<(&'static str, Link)>,
    disks: Vec<(&'static str, u32)>,
    accounts: Vec<(&'static str, ground::Account)>,
    others: Vec<(&'static str, Other)>,
    is_six: bool,
}

impl Plan {
    /// Adds a line to a host's sshd_config. It stands first, and sshd takes the first value of an option.
    pub fn sshd(mut self, host: &'static str, line: impl Into<String>) -> Plan {
        self.lines.push((host, line.into()));
        self
    }

    /// Leaves the sftp subsystem out of a host.
    pub fn without_sftp(mut self, host: &'static str) -> Plan {
        self.without_sftp.push(host);
        self
    }

    /// Puts a link in front of a host: between laptop and bastion, or between bastion and private server.
    pub fn link(mut self, host: &'static str, link: Link) -> Plan {
        self.links.push((host, link));
        self
    }

    /// Gives a host a disk of so many MiB as `disk` in the home folder. It can be seen through [`Server::inside`] only.
    pub fn disk(mut self, host: &'static str, mebibytes: u32) -> Plan {
        self.disks.push((host, mebibytes));
        self
    }

    /// Has a host's user called otherwise.
    pub fn user(mut self, host: &'static str, name: &'static str) -> Plan {
        self.accounts.push((host, ground::Account { name, ..ground::Account::default() }));
        self
    }

    /// Gives a host's user a password; its sshd asks for it when `PasswordAuthentication` is on and it runs as root.
    pub fn password(mut self, host: &'static str, password: &str) -> Plan {
        let password = ground::printed_by("openssl", &["passwd", "-6", password]);
        self.accounts.push((host, ground::Account { password, ..ground::Account::default() }));
        self
    }

    /// Gives a host's user another login shell.
    pub fn login_shell(mut self, host: &'static str, shell: impl Into<PathBuf>) -> Plan {
        self.accounts.push((host, ground::Account { shell: shell.into(), ..ground::Account::default() }));
        self
    }

    /// Has a server of another make in sshd's place at a host; see [`can_lay_over`](super::can_lay_over).
    pub fn other(mut self, host: &'static str, other: Other) -> Plan {
        self.others.push((host, other));
        self
    }

    /// Puts all four at `::1`.
    pub fn ipv6(mut self) -> Plan {
        self.is_six = true;
        self
    }

    /// Starts the four servers, or records a skip and gives `None` where OpenSSH is missing.
    pub fn start(mut self) -> Option<Street> {
        let (sshd, _) = (need("sshd")?, need("ssh-keygen")?);
        let is_plain = self.disks.is_empty() && self.accounts.is_empty();
        if !is_plain && !ground::is_private() {
            skip("no namespaces here, so no host can have a disk or an account of its own");
            return None;
        }
        if self.is_six && TcpListener::bind((Ipv6Addr::LOCALHOST, 0)).is_err() {
            cannot(Lacking::Ipv6, "loopback has no IPv6");
            return None;
        }
        if rustix::process::geteuid().is_root() {
            fs::create_dir_all("/run/sshd").expect("sshd's empty folder");
        }
        let folder = tempfile::tempdir().expect("a folder for the street");
        open_to_all(folder.path());
        let mut servers: Vec<Server> = HOSTS.iter().map(|name| self.server(name, &sshd, folder.path())).collect();
        for index in 0..servers.len() {
            self.write_host(index, &servers);
        }
        servers.iter_mut().for_each(Server::launch);
        servers.iter_mut().for_each(Server::wait);
        let laptop = write_laptop(folder.path(), &servers);
        Some(Street { servers, laptop, _folder: folder })
    }

    fn server(&mut self, name: &'static str, sshd: &Path, street: &Path) -> Server {
        let folder = street.join(name);
        let home = folder.join("home");
        fs::create_dir_all(&home).expect("a host's home");
        open_to_all(&folder);
        let disk = self.disks.iter().find(|(host, _)| *host == name).map(|(_, mebibytes)| *mebibytes);
        if disk.is_some() {
            fs::create_dir(home.join("disk")).expect("a place for the disk");
        }
        let account = self.accounts.iter().find(|(host, _)| *host == name).map(|(_, account)| account.clone());
        let account = account.unwrap_or_default();
        ground::give_away(&home, &account);
        let other = self.others.iter().find(|(host, _)| *host == name).map(|(_, other)| other.clone());
        let free_address = || if self.is_six { free_port(Ipv6Addr::LOCALHOST.into()) } else { free_address() };
        let listens = free_address();
        let link = self.links.iter().position(|(host, _)| *host == name).map(|index| self.links.remove(index).1);
        let wire = link.map(|link| Wire::start(SocketAddr::new(free_address().ip(), 0), listens, link));
        let address = wire.as_ref().map_or(listens, Wire::address);
        let sshd = sshd.to_owned();
        Server { name, listens, address, home, disk, wire, account, sshd, other, folder, child: None }
    }

    fn write_host(&self, index: usize, servers: &[Server]) {
        let server = &servers[index];
        let mut config: Vec<String> =
            self.lines.iter().filter(|(host, _)| *host == server.name).map(|(_, line)| line.clone()).collect();
        for (kind, pair) in keys::HOST_KEY_TYPES.iter().zip(keys::of_host(index)) {
            let file = server.folder.join(format!("host_{kind}"));
            pair.save(&file, 0o600);
            config.push(format!("HostKey {}", file.display()));
        }
        let authorized = server.folder.join("authorized_keys");
        fs::write(&authorized, &keys::of_network(network(server.name)).public).expect("write authorized_keys");
        config.push(format!("AuthorizedKeysFile {}", authorized.display()));
        config.push(format!("ListenAddress {}", server.listens));
        config.push(match server.name {
            ACC_BASTION | DELL_BASTION => {
                let private = &servers[index + 1];
                format!("PermitOpen {} {}.internal:{}", private.address, private.name, private.address.port())
            }
            _ => "AllowTcpForwarding no".to_owned(),
        });
        config.extend(self.sftp(server));
        config.extend(ALWAYS.map(str::to_owned));
        let names = servers.iter().map(|other| format!("{} {}.internal\n", other.address.ip(), other.name));
        let names: String = names.chain(["127.0.0.1 localhost\n".to_owned()]).collect();
        fs::write(server.folder.join("hosts"), names).expect("write hosts");
        fs::write(server.folder.join("sshd_config"), config.join("\n") + "\n").expect("write sshd_config");
    }

    fn sftp(&self, server: &Server) -> Option<String> {
        let sftp_server = find("sftp-server").filter(|_| !self.without_sftp.contains(&server.name))?;
        // without a home of its own, a host at least starts there
        let (home, path) = (server.home.display(), sftp_server.display());
        Some(match ground::is_private() {
            true => format!("Subsystem sftp {path}"),
            false => format!("Subsystem sftp {path} -d {home}\nSetEnv HOME={home}"),
        })
    }
}

/// In every sshd_config of the street.
const ALWAYS: [&str; 7] = [
    "PidFile none",
    "UsePAM no",
    "StrictModes no",
    "PasswordAuthentication no",
    "KbdInteractiveAuthentication no",
    // tests run many logins at once
    "MaxStartups 200",
    "LogLevel VERBOSE",
];

/// The network a host belongs to: the front of its name.
fn network(host: &str) -> &str {
    host.split('-').next().unwrap_or(host)
}

fn write_laptop(street: &Path, servers: &[Server]) -> PathBuf {
    let laptop = street.join("laptop");
    let ssh = laptop.join(".ssh");
    fs::create_dir_all(&ssh).expect("the laptop's folders");
    for name in ["acc", "dell"] {
        keys::of_network(name).save(&laptop.join(format!("{name}.pem")), 0o400);
    }
    let known: String = servers.iter().enumerate().flat_map(|(index, server)| known_lines(index, server)).collect();
    fs::write(ssh.join("known_hosts"), known).expect("write known_hosts");
    fs::write(ssh.join("config"), config(&laptop, servers)).expect("write the config");
    fs::set_permissions(ssh.join("config"), fs::Permissions::from_mode(0o600)).expect("set the config's mode");
    laptop
}

fn known_lines(index: usize, server: &Server) -> impl Iterator<Item = String> {
    let (ip, port) = (server.address.ip(), server.address.port());
    keys::of_host(index).iter().map(move |pair| format!("[{ip}]:{port} {}\n", pair.public_words()))
}

fn config(laptop: &Path, servers: &[Server]) -> String {
    let mut text = String::new();
    for server in servers {
        let (ip, port) = (server.address.ip(), server.address.port());
        text += &format!("Host {}\n  HostName {ip}\n  Port {port}\n", server.name);
        if let Some(network) = server.name.strip_suffix("-pvt") {
            text += &format!("  ProxyJump {network}-bastion\n");
        }
        if server.account.name != ground::user() {
            text += &format!("  User {}\n", server.account.name);
        }
    }
    let (laptop, user) = (laptop.display(), ground::user());
    text += &format!("Host acc-*\n  IdentityFile {laptop}/acc.pem\nHost dell-*\n  IdentityFile {laptop}/dell.pem\n");
    text += &format!("Host *\n  User {user}\n  IdentitiesOnly yes\n  UserKnownHostsFile {laptop}/.ssh/known_hosts\n");
    text + "  GlobalKnownHostsFile /dev/null\n  StrictHostKeyChecking yes\n"
}

/// A loopback address and a port from the system. The address is drawn too, so that no other street can take the
/// port before sshd does.
fn free_address() -> SocketAddr {
    let mut draw = [0u8; 3];
    getrandom::fill(&mut draw).expect("random bytes");
    free_port(Ipv4Addr::new(127, draw[0].max(1), draw[1], draw[2].clamp(1, 254)).into())
}

fn free_port(ip: IpAddr) -> SocketAddr {
    let listener = TcpListener::bind((ip, 0)).expect("a free port on loopback");
    listener.local_addr().expect("its address")
}

/// The street's user must pass through folders that we made.
fn open_to_all(folder: &Path) {
    fs::set_permissions(folder, fs::Permissions::from_mode(0o755)).expect("set a folder's mode");
}
