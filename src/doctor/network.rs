//! Which networks is a server in? CIDR blocks, the kernel's routing table, and a cloud's metadata. Pure.
//!
//! Main types: [`Cidr`], [`Networks`].

use std::fmt;
use std::net::Ipv4Addr;

/// A block of IPv4 addresses (RFC 4632).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Cidr {
    address: Ipv4Addr,
    length: u8,
}

impl Cidr {
    /// The block that has the first `length` bits of `address`; `None` if `length` is more than 32.
    pub fn new(address: Ipv4Addr, length: u8) -> Option<Cidr> {
        let address = Ipv4Addr::from_bits(address.to_bits() & mask(length)?);
        Some(Cidr { address, length })
    }

    /// Parses `10.10.0.0/16`.
    pub fn parse(text: &str) -> Option<Cidr> {
        let (address, length) = text.trim().split_once('/')?;
        Cidr::new(address.parse().ok()?, length.parse().ok()?)
    }

    /// Whether the address is in the block.
    pub fn contains(&self, address: Ipv4Addr) -> bool {
        mask(self.length).is_some_and(|mask| address.to_bits() & mask == self.address.to_bits())
    }

    /// Whether the blocks have an address in common.
    pub fn overlaps(&self, other: &Cidr) -> bool {
        self.contains(other.address) || other.contains(self.address)
    }
}

impl fmt::Display for Cidr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.address, self.length)
    }
}

fn mask(length: u8) -> Option<u32> {
    match length {
        0 => Some(0),
        1..=32 => Some(u32::MAX << (32 - length)),
        _ => None,
    }
}

/// The networks of a server.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Networks {
    /// The address it was reached at, as the server itself sees it.
    pub address: Option<Ipv4Addr>,
    /// The networks its interfaces are in.
    pub local: Vec<Cidr>,
    /// The answer of the cloud's metadata service, if there is one.
    pub cloud: Option<Cloud>,
}

/// The answer of EC2's metadata service about the network (IMDSv2, `network/interfaces/macs/…`).
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Cloud {
    /// `vpc-id`.
    pub vpc: Option<String>,
    /// `subnet-id`.
    pub subnet: Option<String>,
    /// `placement/region`.
    pub region: Option<String>,
    /// `vpc-ipv4-cidr-blocks`.
    pub blocks: Vec<Cidr>,
}

impl Networks {
    /// The blocks of the whole network: those of the VPC if they are known, otherwise those of the interfaces.
    pub fn blocks(&self) -> &[Cidr] {
        match &self.cloud {
            Some(cloud) if !cloud.blocks.is_empty() => &cloud.blocks,
            _ => &self.local,
        }
    }

    /// The block to route to: the one that contains the server, or its address alone.
    pub fn block(&self) -> Option<Cidr> {
        let address = self.address?;
        self.blocks().iter().find(|block| block.contains(address)).copied().or_else(|| Cidr::new(address, 32))
    }

    /// A block of each network that have an address in common, if that keeps packets from the other side: two VPCs with
    /// the same block, or a local network of one server that contains the other's address but leads elsewhere.
    pub fn overlap(&self, other: &Networks) -> Option<(Cidr, Cidr)> {
        let vpc = |networks: &Networks| networks.cloud.as_ref().and_then(|cloud| cloud.vpc.clone());
        if vpc(self).is_some() && vpc(self) == vpc(other) {
            return None;
        }
        self.same_blocks(other).or_else(|| match (self.holds(other), other.holds(self)) {
            (Some(mine), None) => Some((mine, other.block()?)),
            (None, Some(theirs)) => Some((self.block()?, theirs)),
            // both in one network, as neighbours are
            _ => None,
        })
    }

    fn same_blocks(&self, other: &Networks) -> Option<(Cidr, Cidr)> {
        let (mine, theirs) = (&self.cloud.as_ref()?.blocks, &other.cloud.as_ref()?.blocks);
        let mut pairs = mine.iter().flat_map(|mine| theirs.iter().map(move |theirs| (*mine, *theirs)));
        pairs.find(|(mine, theirs)| mine.overlaps(theirs))
    }

    /// The network on an interface that contains the other's address.
    fn holds(&self, other: &Networks) -> Option<Cidr> {
        let address = other.address?;
        self.local.iter().find(|block| block.contains(address)).copied()
    }
}

/// The network of a line of `/proc/net/route` that is on an interface. Destination and Mask are hexadecimal, in the
/// machine's byte order, which is little-endian on every machine on which Linux runs clouds.
pub(super) fn on_link(line: &str) -> Option<Cidr> {
    let words: Vec<&str> = line.split_whitespace().collect();
    let number = |index: usize| u32::from_str_radix(words.get(index)?, 16).ok().map(u32::swap_bytes);
    let (destination, gateway, mask) = (number(1)?, number(2)?, number(7)?);
    let length = u8::try_from(mask.leading_ones()).ok()?;
    let is_loopback = words[0] == "lo" || destination >> 24 == 127;
    match gateway == 0 && length > 0 && !is_loopback {
        true => Cidr::new(Ipv4Addr::from_bits(destination), length),
        false => None,
    }
}

/// The port of `peer`, if a line of `/proc/net/tcp` or `tcp6` is a half-open connection from `peer` to `port` here: its
/// SYN has arrived, the final ACK has not (state 03).
pub(super) fn half_open(line: &str, peer: Ipv4Addr, port: u16) -> Option<u16> {
    let words: Vec<&str> = line.split_whitespace().collect();
    let [_, local, remote, "03", ..] = words[..] else { return None };
    let number = |hex: &str| u16::from_str_radix(hex, 16).ok();
    let (_, at) = local.rsplit_once(':')?;
    let (address, from) = remote.rsplit_once(':')?;
    // the last bytes of an IPv4 address mapped into IPv6 are the address
    let last = u32::from_str_radix(address.get(address.len().checked_sub(8)?..)?, 16).ok()?;
    let is_it = number(at)? == port && last.swap_bytes() == peer.to_bits();
    number(from).filter(|_| is_it)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn cidr(text: &str) -> Cidr {
        Cidr::parse(text).unwrap()
    }

    #[test]
    fn blocks_overlap_when_one_holds_the_other() {
        assert!(cidr("10.10.0.0/16").overlaps(&cidr("10.10.2.0/24")));
        assert!(cidr("10.10.2.0/24").overlaps(&cidr("10.10.0.0/16")));
        assert!(!cidr("10.10.0.0/16").overlaps(&cidr("10.20.0.0/16")));
        assert!(cidr("0.0.0.0/0").contains(Ipv4Addr::new(1, 2, 3, 4)));
        assert_eq!(cidr("10.10.2.20/16").to_string(), "10.10.0.0/16");
        assert_eq!(Cidr::parse("10.0.0.0/33"), None);
    }

    #[test]
    fn the_kernels_tables_are_read() {
        let line = "eth0\t00020A0A\t00000000\t0001\t0\t0\t0\t00FFFFFF\t0\t0\t0";
        assert_eq!(on_link(line), Some(cidr("10.10.2.0/24")));
        assert_eq!(on_link("eth0\t00000000\t01020A0A\t0003\t0\t0\t0\t00000000\t0\t0\t0"), None);
        let half = "   1: 1402140A:0016 14020A0A:B1F4 03 00000000:00000000 01:00000063 00000001     0        0 0 1";
        assert_eq!(half_open(half, Ipv4Addr::new(10, 10, 2, 20), 22), Some(0xB1F4));
        assert_eq!(half_open(half, Ipv4Addr::new(10, 10, 2, 21), 22), None);
        assert_eq!(half_open(half, Ipv4Addr::new(10, 10, 2, 20), 2222), None);
        assert_eq!(half_open(&half.replace(" 03 ", " 01 "), Ipv4Addr::new(10, 10, 2, 20), 22), None);
        let mapped = "0: 0000000000000000FFFF00001402140A:0016 0000000000000000FFFF000014020A0A:B1F4 03 0:0 0:0 0 0";
        assert_eq!(half_open(mapped, Ipv4Addr::new(10, 10, 2, 20), 22), Some(0xB1F4));
    }

    #[test]
    fn networks_overlap_by_their_vpcs_where_those_are_known() {
        let at = |local: &str, vpc: &str, block: &str| Networks {
            address: cidr(local).address.into(),
            local: vec![cidr(local)],
            cloud: (!vpc.is_empty()).then(|| Cloud {
                vpc: Some(vpc.to_owned()),
                blocks: vec![cidr(block)],
                ..Cloud::default()
            }),
        };
        let (acc, dell) = (at("10.10.2.0/24", "a", "10.10.0.0/16"), at("10.10.9.0/24", "b", "10.10.0.0/16"));
        assert!(acc.overlap(&dell).is_some());
        assert!(acc.overlap(&at("10.10.9.0/24", "a", "10.10.0.0/16")).is_none(), "one VPC does not overlap itself");
        assert!(acc.overlap(&at("10.20.2.0/24", "", "")).is_none());
        let neighbours = [at("10.10.2.0/24", "", ""), at("10.10.2.0/24", "", "")];
        assert!(neighbours[0].overlap(&neighbours[1]).is_none(), "neighbours are not apart for that");
        let mut dell = at("10.20.2.0/24", "", "");
        dell.local.push(cidr("10.10.0.0/16"));
        assert_eq!(dell.overlap(&at("10.10.2.0/24", "", "")).unwrap().0.to_string(), "10.10.0.0/16");
    }

    proptest! {
        #[test]
        fn any_line_is_read_without_panic(line in "[ -~é\t]{0,80}") {
            on_link(&line);
            half_open(&line, Ipv4Addr::LOCALHOST, 22);
            Cidr::parse(&line);
        }

        #[test]
        fn a_block_is_printed_as_it_is_parsed(bits in any::<u32>(), length in 0u8..=32) {
            let block = Cidr::new(Ipv4Addr::from_bits(bits), length).unwrap();
            prop_assert_eq!(Cidr::parse(&block.to_string()), Some(block));
        }
    }
}
