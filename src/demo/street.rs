//! What does the street consist of? Four servers and their folder. [`Street::start`] sets it up, dropping it takes it
//! down.

use std::fs::{self, DirBuilder, OpenOptions};
use std::io::{self, Write};
use std::net::Ipv4Addr;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use russh::keys::PrivateKey;
use tempfile::TempDir;
use tokio::net::TcpListener;
use tokio::runtime::{Builder, Handle, Runtime};

use super::keys;
use super::map::{USER, Vpc, ssh_config};
use super::servers::access::Access;
use super::servers::bastion::Bastion;
use super::servers::private::PrivateServer;

/// Four servers on this machine, and everything needed to reach them:
///
/// ```text
///   DIR/ssh_config  acc.pem  dell.pem  known_hosts     keys with mode 0400
///   DIR/acc-pvt/home/ec2-user/customers.csv  logs/     what acc-pvt shows as /home/ec2-user/customers.csv …
///   DIR/dell-pvt/home/ec2-user/payments.csv
/// ```
pub struct Street {
    folder: PathBuf,
    runtime: Option<Runtime>,
    /// Dropped after the servers: fields are dropped after `Drop::drop`.
    _temporary: Option<TempDir>,
}

impl Street {
    /// Sets the street up in `folder`, which must exist and should be empty.
    ///
    /// # Errors
    /// If the folder cannot be written, or no port can be opened on loopback.
    pub fn start(folder: &Path) -> io::Result<Street> {
        let folder = folder.canonicalize()?;
        let runtime = Builder::new_multi_thread().worker_threads(2).thread_name("street").enable_all().build()?;
        let servers = runtime.handle().clone();
        let street = Street { folder, runtime: Some(runtime), _temporary: None };
        street.stand_up(&servers)?;
        Ok(street)
    }

    /// Sets the street up in a new folder (mode 0700) that is removed with it.
    ///
    /// # Errors
    /// Those of [`Street::start`].
    pub fn start_temporary() -> io::Result<Street> {
        let private = fs::Permissions::from_mode(0o700);
        let temporary = tempfile::Builder::new().prefix("hop-demo-").permissions(private).tempdir()?;
        let mut street = Street::start(temporary.path())?;
        street._temporary = Some(temporary);
        Ok(street)
    }

    /// The folder that holds everything.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// The ssh_config that leads to all four servers.
    pub fn config(&self) -> PathBuf {
        self.folder.join("ssh_config")
    }

    /// The real folder that the private server of `vpc` shows as `/home/ec2-user`.
    pub fn home(&self, vpc: Vpc) -> PathBuf {
        self.folder.join(vpc.private()).join("home").join(USER)
    }

    fn stand_up(&self, servers: &Handle) -> io::Result<()> {
        let _entered = servers.enter();
        let mut known_hosts = String::new();
        let mut ports = Vec::new();
        for vpc in Vpc::BOTH {
            let listener = std::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
            listener.set_nonblocking(true)?;
            let port = listener.local_addr()?.port();
            ports.push((vpc, port));
            let (outer, inner) = (keys::host_key()?, keys::host_key()?);
            known_hosts.push_str(&known(&format!("[127.0.0.1]:{port}"), &outer)?);
            known_hosts.push_str(&known(vpc.address(), &inner)?);
            servers.spawn(self.furnish(vpc, outer, inner)?.serve(TcpListener::from_std(listener)?));
        }
        self.write("known_hosts", 0o600, &known_hosts)?;
        self.write("ssh_config", 0o600, &ssh_config(&self.folder, &ports)?)
    }

    /// Sets up one VPC: its key pair, the private server's folder, and the two servers.
    fn furnish(&self, vpc: Vpc, outer: PrivateKey, inner: PrivateKey) -> io::Result<Arc<Bastion>> {
        let (pem, public) = keys::key_pair()?;
        let public = Arc::new(public);
        self.write(vpc.key_file(), 0o400, &pem)?;
        let root = self.folder.join(vpc.private());
        DirBuilder::new().recursive(true).mode(0o700).create(self.home(vpc))?;
        fs::write(self.home(vpc).join(vpc.data_file()), data(vpc))?;
        if vpc == Vpc::Acc {
            self.lay_logs(vpc)?;
        }
        let private = PrivateServer { vpc, access: Access::new(inner, public.clone()), root };
        Ok(Arc::new(Bastion { vpc, access: Access::new(outer, public), private: Arc::new(private) }))
    }

    /// Writes a folder of files with another folder in it.
    fn lay_logs(&self, vpc: Vpc) -> io::Result<()> {
        let logs = self.home(vpc).join("logs");
        DirBuilder::new().recursive(true).create(logs.join("db"))?;
        for name in ["web-1.log", "web-2.log", "db/db-1.log"] {
            let lines: String = (1..=400).map(|line| format!("{name} line {line}\n")).collect();
            fs::write(logs.join(name), lines)?;
        }
        Ok(())
    }

    fn write(&self, name: &str, mode: u32, text: &str) -> io::Result<()> {
        let mut file = OpenOptions::new().write(true).create_new(true).mode(mode).open(self.folder.join(name))?;
        file.write_all(text.as_bytes())
    }
}

impl Drop for Street {
    fn drop(&mut self) {
        let Some(runtime) = self.runtime.take() else { return };
        // On a separate thread, because the caller may be inside another runtime, where waiting is not allowed.
        let _ = thread::spawn(move || runtime.shutdown_timeout(Duration::from_secs(2))).join();
    }
}

/// A line of known_hosts.
fn known(host: &str, key: &PrivateKey) -> io::Result<String> {
    let key = key.public_key().to_openssh().map_err(io::Error::other)?;
    Ok(format!("{host} {key}\n"))
}

/// The file in the private server's home: a table with a thousand rows.
fn data(vpc: Vpc) -> String {
    let mut text = match vpc {
        Vpc::Acc => String::from("id,name,city\n"),
        Vpc::Dell => String::from("id,customer,amount\n"),
    };
    const CITIES: [&str; 5] = ["Pune", "Oslo", "Lima", "Kyoto", "Accra"];
    for (row, city) in (1..=1000).zip(CITIES.iter().cycle()) {
        text.push_str(&match vpc {
            Vpc::Acc => format!("{row},customer-{row:04},{city}\n"),
            Vpc::Dell => format!("{row},customer-{:04},{}.{:02}\n", row * 7 % 1000 + 1, row * 37 % 900, row * 13 % 100),
        });
    }
    text
}
