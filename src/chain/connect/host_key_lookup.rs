//! Where is a host's key looked up, and how strictly? The settings of the configuration, in the form that `trust`
//! takes.
//!
//! Main function: [`lookup`].

use std::net::IpAddr;

use crate::config::Host;
use crate::config::host::{StrictHostKeyChecking, Template};
use crate::trust::{KnownHostsCommand, Lookup, LookupName, Naming, Policy};

/// The lookup for the key of `host`, by its `HostKeyAlias` or its own name, never by that of a tunnel's end.
pub fn lookup(host: &Host, address: Option<IpAddr>) -> Lookup {
    let name = match &host.host_key_alias {
        Some(alias) => LookupName::Alias(alias.value.clone()),
        None => LookupName::Host { hostname: host.hostname.value.clone(), port: host.port.value },
    };
    Lookup {
        address,
        port: host.port.value,
        user_files: host.user_known_hosts_files.value.clone(),
        global_files: host.global_known_hosts_files.value.clone(),
        revoked_keys: host.revoked_host_keys.as_ref().map(|file| file.value.clone()),
        policy: policy(host),
        naming: if host.hash_known_hosts.value { Naming::Hashed } else { Naming::Plain },
        command: host.known_hosts_command.as_ref().map(|template| command(template)),
        check_address: host.check_host_ip.value && !is_its_own_address(host, address),
        shortest_rsa: host.required_rsa_size.value,
        authority_signatures: host.ca_signature_algorithms.as_ref().map(|names| names.value.clone()),
        trust_loopback: host.no_host_authentication_for_localhost.value,
        ..Lookup::new(name)
    }
}

/// Whether the host was named by its address, so that the address adds nothing to the name. With another port than 22
/// it does, as in ssh.
fn is_its_own_address(host: &Host, address: Option<IpAddr>) -> bool {
    host.port.value == 22 && address.is_some_and(|address| address.to_string() == host.hostname.value)
}

/// The configured policy, even under `BatchMode yes`: the prompt tells `trust` that nobody can be asked, and the error
/// then says so.
fn policy(host: &Host) -> Policy {
    match host.strict_host_key_checking.value {
        StrictHostKeyChecking::Yes => Policy::Strict,
        StrictHostKeyChecking::Ask => Policy::Ask,
        StrictHostKeyChecking::AcceptNew => Policy::AcceptNew,
        StrictHostKeyChecking::Off => Policy::Off,
    }
}

fn command(template: &Template) -> KnownHostsCommand {
    let Template { text, tokens, variables } = template.clone();
    KnownHostsCommand { template: text, tokens, variables }
}
