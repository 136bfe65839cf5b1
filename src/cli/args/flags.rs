//! Which flags does `config` resolve? Values that ssh_config has a word for go there and are given their origin there.

use super::cp::Cp;
use super::flag_groups::{Connection, ScpPort};
use super::ls::Ls;
use crate::config::{AddressFamily, Flags, Purpose};

impl Connection {
    /// What `config` needs of it. `-c` becomes the option it stands for; ssh takes the first value, so `-o` in front of
    /// it wins.
    pub fn flags(&self, purpose: Purpose) -> Flags {
        let ciphers = self.ciphers.iter().map(|ciphers| format!("Ciphers={ciphers}"));
        let family = match (self.ipv4, self.ipv6) {
            (true, _) => Some(AddressFamily::Inet),
            (_, true) => Some(AddressFamily::Inet6),
            _ => None,
        };
        Flags {
            config_file: self.config_file.clone(),
            options: self.options.iter().cloned().chain(ciphers).collect(),
            jumps: self.jumps.clone(),
            identities: self.identities.clone(),
            address_family: family,
            compression: self.compression,
            purpose,
            ..Flags::default()
        }
    }

    fn scp_flags(&self, scp: &ScpPort) -> Flags {
        Flags { port: scp.port, batch: scp.batch, ..self.flags(Purpose::Sftp) }
    }
}

impl Cp {
    /// What `config` needs of it.
    pub fn flags(&self) -> Flags {
        self.connection.scp_flags(&self.port)
    }
}

impl Ls {
    /// What `config` needs of it.
    pub fn flags(&self) -> Flags {
        self.connection.scp_flags(&self.port)
    }
}
