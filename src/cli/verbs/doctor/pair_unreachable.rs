//! Why do two hosts not reach each other? In words: which of the things needed between two networks is missing. Pure.
//!
//! The commands are AWS's, filled in with the blocks that the servers reported; values that only the account has are
//! left as `rtb-…`, `pcx-…`, `sg-…`.

use crate::doctor::{Gap, Networks, PairUnreachable};

use super::explanation::Explanation;

/// Explains what is between two hosts.
pub fn explain(pair: &PairUnreachable) -> Explanation {
    let PairUnreachable { from, to, address, port, gap, here, there } = pair;
    match gap {
        Gap::Refused => Explanation::of(format!(
            "{from} and {to} exchange packets: routes and firewalls are fine. But nothing listens on {to} at port {port}."
        ))
        .or("sshd is not running there", [format!("on {to}: sudo systemctl start sshd (on Debian and Ubuntu: ssh)")])
        .or("it listens on another port", [format!("on {to}: sudo ss -tlnp; then set `Port` for {to} in ssh_config")]),
        Gap::UnknownName => Explanation::of(format!("{from} cannot find an address for {address}."))
            .or("the name is known elsewhere only", [format!("give the private address of {to} as HostName in ssh_config")]),
        Gap::Unreachable(words) => {
            Explanation::of(format!("{from} knows no way to {address}: its system says \"{words}\"."))
                .or("a wrong address", [format!("is {address} the private address of {to}? on {to}: hostname -I")])
                .or("a route is missing on the server itself", [format!("on {from}: ip route get {address}")])
        }
        Gap::NoWayBack => Explanation::of(format!(
            "What {from} sends arrives at {to}. The answers do not come back: on the side of {to} there is no way to \
             {from}'s network."
        ))
        .or(format!("{} has no entry for it", table(to, there)), route(there, here))
        .or("a network ACL stops answers (they go to ports 1024-65535)", acl(there)),
        Gap::NoWayThere => Explanation::of(format!(
            "What {to} sends arrives at {from}, and nothing that {from} sends arrives at {to}: on the side of {from} there \
             is no way to {to}'s network."
        ))
        .or(format!("{} has no entry for it", table(from, here)), route(here, there))
        .or("a network ACL stops it", acl(here)),
        Gap::AnswersStopped => Explanation::of(format!(
            "What {from} sends arrives at {to}, and {to} reaches {from}: routes are fine. Only the answers of {to} are \
             stopped, as a network ACL does, which unlike a security group has to let them out, and in, by a rule of their own."
        ))
        .or(format!("the network ACL of {to}'s subnet does not let them out"), stateless(there, here, "--egress"))
        .or(format!("the network ACL of {from}'s subnet does not let them in"), stateless(here, there, "--ingress")),
        Gap::Filtered => Explanation::of(format!(
            "The way is there: {to} reaches {from}. Only what {from} sends to port {port} of {to} is dropped."
        ))
        .or(format!("the security group of {to} does not let {from} in"), [ingress(there, here, *port)])
        .or(format!("a network ACL of {to}'s subnet"), acl(there))
        .or(format!("a firewall on {to} itself"), [format!("on {to}: sudo nft list ruleset; sudo firewall-cmd --list-all")]),
        Gap::NothingPasses | Gap::Silence(_) => nothing_passes(pair),
        Gap::Overlap(mine, theirs) => Explanation::of(format!(
            "The networks of {from} ({mine}) and {to} ({theirs}) use the same addresses, so packets between the two stay \
             in the network they come from. Such networks cannot be peered, and no route helps."
        ))
        .or("", ["move one of them to another CIDR block"]),
        Gap::NoSsh(words) => Explanation::of(format!(
            "Something answers {from} at {address} port {port}, and it is no SSH server{}.",
            quoted(words)
        ))
        .or("another program has the port, or another machine the address", [format!("on {to}: sudo ss -tlnp; hostname -I")]),
        Gap::NotTried(why) => Explanation::of(format!("{from} could not be made to try: {why}."))
            .or("its sshd forwards nothing, and it has no bash", [format!("on {from}: ssh {to} true")]),
    }
}

fn nothing_passes(pair: &PairUnreachable) -> Explanation {
    let PairUnreachable { from, to, gap, here, there, port, .. } = pair;
    let meaning = match gap {
        Gap::Silence(_) => format!("{from} gets no answer from {to}, and more could not be found out from here."),
        _ => format!("Nothing that {from} sends arrives at {to}, nor the other way round."),
    };
    let region = region(here);
    let explanation = Explanation::of(meaning).or(
        "the two networks are not connected: no peering connection, or it was not accepted",
        [
            format!("aws ec2 describe-vpc-peering-connections{region} --query 'VpcPeeringConnections[].[VpcPeeringConnectionId,Status.Code]'"),
            format!("aws ec2 accept-vpc-peering-connection{region} --vpc-peering-connection-id pcx-…"),
        ],
    );
    let both = [route(here, there), route(there, here)].concat();
    explanation
        .or("neither route table names the other network", both)
        .or("both security groups keep it out", [ingress(there, here, *port), ingress(here, there, *port)])
}

/// The route table of a host, described by the rule that finds it.
fn table(host: &str, side: &Networks) -> String {
    let subnet = side.cloud.as_ref().and_then(|cloud| cloud.subnet.as_ref());
    let which = subnet.map(|id| format!(" ({id}; the VPC's main one where it has none of its own)"));
    format!("the route table of {host}'s subnet{}", which.unwrap_or_default())
}

/// The commands that add an entry for `other` to the route table of `side`.
fn route(side: &Networks, other: &Networks) -> Vec<String> {
    let block = block(other);
    let region = region(side);
    let vpc = side.cloud.as_ref().and_then(|cloud| cloud.vpc.as_ref());
    let find = vpc.map(|vpc| {
        format!(
            "aws ec2 describe-route-tables{region} --filters Name=vpc-id,Values={vpc} --query \
             'RouteTables[].[RouteTableId,Associations[].[SubnetId,Main]]'"
        )
    });
    let add = format!(
        "aws ec2 create-route{region} --route-table-id rtb-… --destination-cidr-block {block} --vpc-peering-connection-id pcx-…"
    );
    find.into_iter().chain([add]).collect()
}

/// The command that lets `other` connect to `side`.
fn ingress(side: &Networks, other: &Networks, port: u16) -> String {
    let (region, block) = (region(side), block(other));
    format!(
        "aws ec2 authorize-security-group-ingress{region} --group-id sg-… --protocol tcp --port {port} --cidr {block}"
    )
}

fn acl(side: &Networks) -> Vec<String> {
    let filter = subnet(side).map(|filter| format!(" --filters Name={filter}")).unwrap_or_default();
    vec![format!("aws ec2 describe-network-acls{}{filter}", region(side))]
}

/// The commands for a rule that admits answers, which go to the ports of clients.
fn stateless(side: &Networks, other: &Networks, direction: &str) -> Vec<String> {
    let rule = format!(
        "aws ec2 create-network-acl-entry{} --network-acl-id acl-… {direction} --rule-number 90 --protocol tcp \
         --port-range From=1024,To=65535 --cidr-block {} --rule-action allow",
        region(side),
        block(other)
    );
    acl(side).into_iter().chain([rule]).collect()
}

/// The filter that finds the tables of a server's subnet, or of its VPC.
fn subnet(side: &Networks) -> Option<String> {
    let cloud = side.cloud.as_ref()?;
    let subnet = cloud.subnet.as_ref().map(|subnet| format!("association.subnet-id,Values={subnet}"));
    subnet.or_else(|| cloud.vpc.as_ref().map(|vpc| format!("vpc-id,Values={vpc}")))
}

fn region(side: &Networks) -> String {
    let region = side.cloud.as_ref().and_then(|cloud| cloud.region.as_ref());
    region.map(|region| format!(" --region {region}")).unwrap_or_default()
}

fn block(networks: &Networks) -> String {
    networks.block().map_or("CIDR-BLOCK".to_owned(), |block| block.to_string())
}

fn quoted(words: &[u8]) -> String {
    match words.is_empty() {
        true => String::new(),
        false => format!(" (it says \"{}\")", String::from_utf8_lossy(words).chars().take(60).collect::<String>()),
    }
}
