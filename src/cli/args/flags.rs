//! Which flags does `config` resolve? Values that have a keyword in ssh_config are passed on to it and get their origin
//! there.

use super::cp::Cp;
use super::flag_groups::{Connection, ScpPort};
use super::ls::Ls;
use crate::config::{AddressFamily, Flags, Purpose};

impl Connection {
    /// The flags in the form that `config` takes. `-c` becomes the option it stands for; the first value of an option
    /// counts, and as with ssh a flag wins over an `-o`, wherever that is.
    pub fn flags(&self, purpose: Purpose) -> Flags {
        let ciphers = self.ciphers.iter().map(|ciphers| format!("Ciphers={ciphers}"));
        let family = match (self.ipv4, self.ipv6) {
            (true, _) => Some(AddressFamily::Inet),
            (_, true) => Some(AddressFamily::Inet6),
            _ => None,
        };
        Flags {
            config_file: self.config_file.clone(),
            options: ciphers.chain(self.options.iter().cloned()).collect(),
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
    /// The flags in the form that `config` takes.
    pub fn flags(&self) -> Flags {
        self.connection.scp_flags(&self.port)
    }
}

impl Ls {
    /// The flags in the form that `config` takes.
    pub fn flags(&self) -> Flags {
        self.connection.scp_flags(&self.port)
    }
}
