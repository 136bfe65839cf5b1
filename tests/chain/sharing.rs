//! What the chain opens: no more logins than needed, and no name looked up in the wrong place.

use std::fs;

use super::{chain, way};
use crate::street::{ACC_BASTION, ACC_PVT, Street};

fn logins(street: &Street, host: &str) -> usize {
    street.server(host).log().matches("Accepted publickey").count()
}

#[tokio::test(flavor = "multi_thread")]
async fn lanes_share_the_bastions_connections() {
    let Some(street) = Street::start() else { return };
    let way = way(&chain(2), &street, ACC_PVT);
    let mut lanes = Vec::new();
    for lane in 0..6 {
        lanes.push(way.sftp(lane).await.expect("a lane"));
    }
    assert_eq!((logins(&street, ACC_BASTION), logins(&street, ACC_PVT)), (2, 6));
}

#[tokio::test(flavor = "multi_thread")]
async fn two_targets_behind_one_bastion_dial_it_once() {
    let Some(street) = Street::start() else { return };
    let server = street.server(ACC_PVT).address;
    street.configure(&format!(
        "Host acc-second\n  HostName {}\n  Port {}\n  ProxyJump acc-bastion\n",
        server.ip(),
        server.port()
    ));
    let chain = chain(1);
    let _first = way(&chain, &street, ACC_PVT).sftp(0).await.expect("a lane");
    let _second = way(&chain, &street, "acc-second").sftp(0).await.expect("a lane");
    assert_eq!(logins(&street, ACC_BASTION), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn two_names_with_a_key_each_log_in_twice() {
    let Some(street) = Street::start() else { return };
    let server = street.server(ACC_PVT).address;
    street.configure(&format!(
        "Host second-name\n  HostName {}\n  Port {}\n  ProxyJump acc-bastion\n  IdentityFile {}\n",
        server.ip(),
        server.port(),
        street.laptop().join("dell.pem").display()
    ));
    let chain = chain(1);
    let _first = way(&chain, &street, ACC_PVT).sftp(0).await.expect("a lane");
    let second = way(&chain, &street, "second-name").sftp(0).await;
    assert!(second.is_err(), "dell's key opens nothing at acc-pvt, whoever is logged in there already");
    assert_eq!((logins(&street, ACC_BASTION), logins(&street, ACC_PVT)), (1, 1));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_later_hops_name_is_looked_up_by_the_hop_before() {
    let Some(street) = Street::start() else { return };
    if !street.own_homes() {
        return;
    }
    // only the bastion's hosts file has this name
    let port = street.server(ACC_PVT).address.port();
    street.configure(&format!(
        "Host inside\n  HostName acc-pvt.internal\n  HostKeyAlias acc-pvt\n  Port {port}\n  ProxyJump acc-bastion\n  \
         IdentityFile {}/acc.pem\n",
        street.laptop().display()
    ));
    let known = fs::read_to_string(street.known_hosts()).expect("known_hosts");
    let server = street.server(ACC_PVT).address;
    let address = format!("[{}]:{} ", server.ip(), server.port());
    let alias: String =
        known.lines().filter_map(|line| line.strip_prefix(&address)).map(|key| format!("acc-pvt {key}\n")).collect();
    fs::write(street.known_hosts(), known + &alias).expect("known_hosts");
    let session = way(&chain(1), &street, "inside").session(0).await.expect("a session");
    assert_eq!(session.trail().to_string(), "laptop > acc-bastion > inside");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bastion_that_comes_back_is_climbed_anew() {
    let Some(mut street) = Street::start() else { return };
    let way = way(&chain(1), &street, ACC_PVT);
    let client = way.sftp(0).await.expect("a lane");
    tokio::task::block_in_place(|| street.server_mut(ACC_BASTION).stop());
    client.closed().await;
    assert!(way.sftp(0).await.is_err(), "the bastion is down");
    tokio::task::block_in_place(|| street.server_mut(ACC_BASTION).start());
    let client = way.sftp(0).await.expect("a lane again");
    assert_eq!(client.realpath(b".").await.expect("alive"), street.home(ACC_PVT).as_os_str().as_encoded_bytes());
}
