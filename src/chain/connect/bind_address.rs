//! From which address of this machine does a connection go out? `BindAddress`, else an address of `BindInterface`
//! (`ssh_create_socket` in OpenSSH's `sshconnect.c`).
//!
//! Main function: [`source`].

use std::io;
use std::net::{IpAddr, SocketAddr};

use if_addrs::{Interface, get_if_addrs};
use tokio::net::lookup_host;

use crate::config::Host;

/// The source address of a connection to `peer`; `None` if the system chooses.
pub async fn source(host: &Host, peer: IpAddr) -> io::Result<Option<SocketAddr>> {
    if let Some(bind) = &host.bind_address {
        let mut found = lookup_host((bind.as_str(), 0)).await?;
        let same_family = found.find(|candidate| candidate.is_ipv4() == peer.is_ipv4());
        let problem = || io::Error::other(format!("the BindAddress {} has no address of this family", bind.value));
        return same_family.ok_or_else(problem).map(Some);
    }
    let Some(name) = &host.bind_interface else { return Ok(None) };
    let problem = || io::Error::other(format!("the BindInterface {} has no address of this family", name.value));
    best(&get_if_addrs()?, name, peer).ok_or_else(problem).map(Some)
}

/// The first address of the interface that is neither loopback nor link-local; if there is none, its first address.
fn best(interfaces: &[Interface], name: &str, peer: IpAddr) -> Option<SocketAddr> {
    let fits = |interface: &&Interface| interface.name == name && interface.ip().is_ipv4() == peer.is_ipv4();
    let is_last_resort = |address: IpAddr| match address {
        IpAddr::V4(address) => address == std::net::Ipv4Addr::LOCALHOST,
        IpAddr::V6(address) => address.is_loopback() || address.is_unicast_link_local(),
    };
    let mut addresses: Vec<&Interface> = interfaces.iter().filter(fits).collect();
    addresses.sort_by_key(|interface| is_last_resort(interface.ip()));
    let first = addresses.first()?;
    Some(match first.ip() {
        // a link-local address means nothing without its link
        IpAddr::V6(address) if address.is_unicast_link_local() => {
            std::net::SocketAddrV6::new(address, 0, 0, first.index.unwrap_or(0)).into()
        }
        address => SocketAddr::new(address, 0),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{Origin, Value};

    fn value(text: &str) -> Option<Value<String>> {
        Some(Value { value: text.to_owned(), origin: Origin::Default })
    }

    #[tokio::test]
    async fn the_address_comes_before_the_interface() {
        let peer = IpAddr::from([127, 0, 0, 1]);
        let mut host = crate::config::host::tests::plain("h");
        assert_eq!(source(&host, peer).await.unwrap(), None);
        host.bind_interface = value("no-such-interface");
        let refused = source(&host, peer).await.unwrap_err().to_string();
        assert_eq!(refused, "the BindInterface no-such-interface has no address of this family");
        let loopback = get_if_addrs().unwrap().into_iter().find(|interface| interface.ip() == peer).unwrap();
        host.bind_interface = value(&loopback.name);
        assert!(source(&host, peer).await.unwrap().is_some_and(|address| address.is_ipv4()));
        host.bind_address = value("127.0.0.5");
        assert_eq!(source(&host, peer).await.unwrap(), Some("127.0.0.5:0".parse().unwrap()));
        assert!(source(&host, "::1".parse().unwrap()).await.is_err(), "no address of its family");
    }
}
