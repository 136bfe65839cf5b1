//! Are keys changed when the configuration says so (`RekeyLimit`), and does everything live on? Each sshd's log counts
//! the key exchanges; the servers themselves never ask for one.

use tokio::task::JoinSet;
use tokio::time::timeout;

use super::defects::STALLED;
use super::{MIB, chain, download, pattern_file, upload, way};
use crate::street::{ACC_BASTION, ACC_PVT, Street};

fn street() -> Option<Street> {
    let log = "LogLevel DEBUG1";
    let street = Street::plan().sshd(ACC_BASTION, log).sshd(ACC_PVT, log).start()?;
    street.configure("RekeyLimit 1M\n");
    Some(street)
}

fn key_exchanges(street: &Street, host: &str) -> usize {
    street.server(host).log().matches("SSH2_MSG_NEWKEYS received").count()
}

/// Downloads and uploads at once, so many of each, spread over sessions.
async fn transfer(street: &Street, host: &str, pairs: usize, sessions: usize) {
    let size = 32 * MIB;
    street.put(host, "down", &pattern_file(size));
    let way = way(&chain(1), street, host);
    let mut transfers = JoinSet::new();
    for index in 0..pairs {
        let (down, up) = (way.sftp(index % sessions).await, way.sftp(index % sessions).await);
        transfers.spawn(download(down.expect("a session"), "down", size));
        let name: &'static str = format!("up{index}").leak();
        transfers.spawn(upload(up.expect("a session"), name, size));
    }
    let all = timeout(STALLED, transfers.join_all()).await.expect("stalled");
    assert!(all.iter().all(Result::is_ok), "{all:?}");
    for index in 0..pairs {
        let arrived = std::fs::read(street.home(host).join(format!("up{index}"))).expect("it is there");
        assert!(arrived == pattern_file(size), "up{index} differs");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn keys_change_every_mebibyte_both_ways_through_a_bastion() {
    let Some(street) = street() else { return };
    transfer(&street, ACC_PVT, 1, 1).await;
    for host in [ACC_BASTION, ACC_PVT] {
        let times = key_exchanges(&street, host);
        assert!(times > 20, "{host}: {times} key exchanges for 32 MiB each way");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn four_lanes_both_ways_outlive_the_bastions_new_keys() {
    let Some(street) = street() else { return };
    transfer(&street, ACC_PVT, 4, 4).await;
    for host in [ACC_BASTION, ACC_PVT] {
        let times = key_exchanges(&street, host);
        assert!(times > 80, "{host}: {times} key exchanges for 128 MiB each way");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn eight_transfers_in_one_session_without_a_bastion_outlive_new_keys() {
    let Some(street) = street() else { return };
    transfer(&street, ACC_BASTION, 4, 1).await;
    let times = key_exchanges(&street, ACC_BASTION);
    assert!(times > 80, "{times} key exchanges for 128 MiB each way");
}

/// Behind a bastion windows hold a shared session's server back, and more of them than two are more than the transport
/// bears in a key exchange.
#[tokio::test(flavor = "multi_thread")]
async fn new_keys_wait_while_many_transfers_share_a_session_behind_a_bastion() {
    let Some(street) = street() else { return };
    transfer(&street, ACC_PVT, 4, 1).await;
    let (far, near) = (key_exchanges(&street, ACC_PVT), key_exchanges(&street, ACC_BASTION));
    assert!(near > 80, "{near} key exchanges for 128 MiB each way");
    assert!(far < near / 2, "{far} key exchanges though eight channels were open");
}
