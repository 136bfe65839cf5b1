//! The five defects of russh 0.65.1 that the chain is built around; each of these tests froze, died or lost bytes on
//! the plain transport.

use std::collections::HashSet;
use std::os::unix::ffi::OsStringExt;
use std::time::Duration;

use bytes::Bytes;
use hop::chain::{ExitStatus, Output};
use hop::sftp::{Attributes, OpenFlags};
use tokio::task::JoinSet;
use tokio::time::timeout;

use super::{MIB, chain, download, pattern_file, upload, way};
use crate::street::{ACC_BASTION, ACC_PVT, Street, until};

/// Far above what any of these needs, far below for ever.
pub const STALLED: Duration = Duration::from_secs(90);

/// Defect 1: nested sessions with bulk data both ways stop for good once both loops wait for each other.
#[tokio::test(flavor = "multi_thread")]
async fn two_uploads_and_two_downloads_through_one_bastion_never_stall() {
    let Some(street) = Street::start() else { return };
    let size = 96 * MIB;
    for name in ["down0", "down1"] {
        street.put(ACC_PVT, name, &pattern_file(size));
    }
    let way = way(&chain(1), &street, ACC_PVT);
    // all four in one session at the private server, then each in its own
    for lanes in [[0, 0, 0, 0], [0, 1, 2, 3]] {
        let mut transfers = JoinSet::new();
        for (name, lane) in ["up0", "down0", "up1", "down1"].into_iter().zip(lanes) {
            let client = way.sftp(lane).await.expect("a session");
            match name.starts_with("up") {
                true => transfers.spawn(upload(client, name, size)),
                false => transfers.spawn(download(client, name, size)),
            };
        }
        let all = timeout(STALLED, transfers.join_all()).await.expect("stalled");
        assert!(all.iter().all(Result::is_ok), "{all:?}");
        for name in ["up0", "up1"] {
            let arrived = std::fs::read(street.home(ACC_PVT).join(name)).expect("it is there");
            assert!(arrived == pattern_file(size), "{name} differs");
        }
    }
    assert_eq!(street.server(ACC_BASTION).log().matches("Accepted publickey").count(), 1, "one bastion, one login");
}

/// Defect 2: a channel nobody reads stops its whole session. Below a bastion's session lie the tunnels of all lanes.
#[tokio::test(flavor = "multi_thread")]
async fn a_reader_that_stops_reading_does_not_stop_another_channel() {
    let Some(street) = Street::start() else { return };
    let size = 48 * MIB;
    street.put(ACC_PVT, "file", &pattern_file(size));
    let way = way(&chain(1), &street, ACC_PVT);
    let unread = way.session(0).await.expect("a session").exec(b"cat /dev/zero").await.expect("a command");
    // until the flood has filled every window it can fill
    tokio::time::sleep(Duration::from_secs(2)).await;
    let client = way.sftp(1).await.expect("a second session through the same bastion");
    timeout(STALLED, download(client, "file", size)).await.expect("stalled").expect("downloaded");
    drop(unread);
    assert_eq!(street.server(ACC_BASTION).log().matches("Accepted publickey").count(), 1, "one bastion, one login");
}

/// Defect 3: a writer that waits for window credit never wakes when the command is gone.
#[tokio::test(flavor = "multi_thread")]
async fn a_command_that_dies_while_it_is_written_to_ends_every_task() {
    let Some(street) = Street::start() else { return };
    let chain = chain(1);
    let way = way(&chain, &street, ACC_PVT);
    let mut process = way.session(0).await.expect("a session").exec(b"sleep 1; exit 3").await.expect("a command");
    let input = process.input;
    let writer = tokio::spawn(async move { while input.send(Bytes::from(vec![0; 32768])).await.is_ok() {} });
    let mut status = None;
    let listen = async {
        while let Some(said) = process.output.next().await.expect("the connection lives") {
            if let Output::Exit(exit) = said {
                status = Some(exit);
            }
        }
    };
    timeout(STALLED, listen).await.expect("the command's end was never heard");
    assert_eq!(status, Some(ExitStatus::Code(3)));
    drop(process.output);
    timeout(STALLED, writer).await.expect("the writer never woke").expect("the writer panicked");
    drop((way, chain));
    let runtime = tokio::runtime::Handle::current();
    tokio::task::block_in_place(|| until("every task has ended", || runtime.metrics().num_alive_tasks() == 0));
}

/// The same when the whole server is gone.
#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_is_killed_while_it_is_written_to_ends_every_task() {
    let Some(mut street) = Street::start() else { return };
    let chain = chain(1);
    let way = way(&chain, &street, ACC_PVT);
    let client = way.sftp(0).await.expect("a session");
    let transfer = tokio::spawn(upload(client, "file", 1 << 40));
    tokio::time::sleep(Duration::from_millis(500)).await;
    tokio::task::block_in_place(|| street.server_mut(ACC_PVT).stop());
    let ended = timeout(STALLED, transfer).await.expect("the transfer never ended");
    assert!(ended.expect("the transfer panicked").is_err());
    drop((way, chain));
    let runtime = tokio::runtime::Handle::current();
    tokio::task::block_in_place(|| until("every task has ended", || runtime.metrics().num_alive_tasks() == 0));
}

/// Defect 4: a rekey in the middle of several busy downloads killed the session.
#[tokio::test(flavor = "multi_thread")]
async fn eight_downloads_outlive_servers_that_change_keys_every_16_mib() {
    let often = "RekeyLimit 16M\nLogLevel DEBUG1";
    let Some(street) = Street::plan().sshd(ACC_BASTION, often).sshd(ACC_PVT, often).start() else { return };
    let size = 48 * MIB;
    street.put(ACC_PVT, "file", &pattern_file(size));
    let way = way(&chain(1), &street, ACC_PVT);
    // eight in one session, then over four
    let key_exchanges = |host| street.server(host).log().matches("SSH2_MSG_NEWKEYS received").count();
    for sessions in [1, 4] {
        let mut transfers = JoinSet::new();
        for index in 0..8 {
            let client = way.sftp(index % sessions).await.expect("a session");
            transfers.spawn(download(client, "file", size));
        }
        let all = timeout(STALLED, transfers.join_all()).await.expect("stalled");
        assert!(all.iter().all(Result::is_ok), "{all:?}");
    }
    assert!(key_exchanges(ACC_BASTION) > 40 && key_exchanges(ACC_PVT) > 40, "the servers changed keys all along");
}

/// Defect 5: handles and names are bytes. OpenSSH's 128th handle is no UTF-8, and names need not be.
#[tokio::test(flavor = "multi_thread")]
async fn two_hundred_open_handles_and_names_that_are_not_utf8() {
    let Some(street) = Street::start() else { return };
    let way = way(&chain(1), &street, ACC_PVT);
    let client = way.sftp(0).await.expect("a session");
    let name = |index: u8| [b"\xff\xfe \xc3", [index].as_slice()].concat();
    let indices: Vec<u8> = (1..=200).filter(|index| *index != b'/').collect();
    let mut handles = Vec::new();
    for index in &indices {
        let flags = OpenFlags::READ | OpenFlags::WRITE | OpenFlags::CREATE | OpenFlags::EXCLUSIVE;
        handles.push(client.open(&name(*index), flags, &Attributes::default()).await.expect("opened"));
    }
    for (index, handle) in indices.iter().zip(&handles) {
        client.write(handle, 0, Bytes::from(vec![*index; 100])).await.expect("written");
    }
    for (index, handle) in indices.iter().zip(&handles) {
        assert_eq!(client.read(handle, 0, 100).await.expect("read"), vec![*index; 100]);
    }

    let entries = std::fs::read_dir(street.home(ACC_PVT)).expect("list").map(|entry| entry.expect("list").file_name());
    let there: HashSet<Vec<u8>> = entries.map(OsStringExt::into_vec).collect();
    assert!(indices.iter().all(|index| there.contains(&name(*index))));
}
