//! What becomes of requests in flight: answers out of order, late, short or never, futures dropped, servers gone.

use bytes::Bytes;
use hop::sftp::{Attributes, Client, FileKind, Handle, OpenFlags, SftpError, StatusCode};
use tokio::task::JoinSet;

use super::script::{ATTRS, CLOSE, READ, Request, Script, WRITE, data, handle, packet, soon, status, string, u32_at};

/// What a file holds at `offset`, in these tests.
fn byte_at(offset: u64) -> u8 {
    (offset % 251) as u8
}

fn content(offset: u64, len: usize) -> Vec<u8> {
    (offset..offset + len as u64).map(byte_at).collect()
}

fn answer(request: &Request) -> Vec<u8> {
    let (offset, len) = request.range();
    data(request.id, &content(offset, len))
}

#[tokio::test]
async fn answers_out_of_order_find_their_requests() {
    let (client, mut script) = Script::greet(&[]).await;
    let file = script.open(&client).await;
    let file = std::sync::Arc::new(file);
    let mut reads = JoinSet::new();
    for index in 0..100u64 {
        let (client, file) = (client.clone(), file.clone());
        reads.spawn(async move { (index, client.read(&file, index * 777, 100).await) });
    }
    let mut requests = script.requests(100).await;
    requests.sort_by_key(|request| std::cmp::Reverse(request.id.wrapping_mul(0x9e37_79b9)));
    for request in &requests {
        script.send(&answer(request)).await;
    }
    while let Some(read) = soon(reads.join_next()).await {
        let (index, bytes) = read.unwrap();
        assert_eq!(bytes.unwrap(), content(index * 777, 100));
    }
}

#[tokio::test]
async fn what_a_short_answer_leaves_out_is_asked_for_again() {
    let (client, mut script) = Script::greet(&[]).await;
    let file = script.open(&client).await;
    assert_eq!(client.max_read(), 255 * 1024);
    let server = async {
        let mut asked = Vec::new();
        while asked.len() < 4 {
            let request = script.request().await.unwrap();
            let (offset, len) = request.range();
            asked.push((offset, len));
            script.send(&data(request.id, &content(offset, len.min(30_000)))).await;
        }
        asked
    };
    let (read, asked) = soon(async { tokio::join!(client.read(&file, 5, 100_000), server) }).await;
    assert_eq!(read.unwrap(), content(5, 100_000));
    assert_eq!(asked[0], (5, 100_000));
    assert_eq!(asked[3], (90_005, 32_768), "a block, however little is missing");
    assert_eq!(client.max_read(), 30_000, "the server's own limit is learnt");
}

#[tokio::test]
async fn a_file_that_ends_early_reads_short() {
    let (client, mut script) = Script::greet(&[]).await;
    let file = script.open(&client).await;
    let server = async {
        let request = script.request().await.unwrap();
        script.send(&data(request.id, &content(0, 40))).await;
        let gap = script.request().await.unwrap();
        assert_eq!(gap.range(), (40, 32_768));
        script.send(&status(gap.id, 1, "End of file")).await;
    };
    let (read, ()) = soon(async { tokio::join!(client.read(&file, 0, 100), server) }).await;
    assert_eq!(read.unwrap(), content(0, 40));
    assert_eq!(client.max_read(), 255 * 1024);
}

#[tokio::test]
async fn one_request_that_is_never_answered_holds_up_no_other() {
    let (client, mut script) = Script::greet(&[]).await;
    let asking = client.clone();
    let forgotten = tokio::spawn(async move { asking.stat(b"forgotten").await });
    script.request().await.unwrap();
    for _ in 0..1000 {
        let asking = client.clone();
        let asked = tokio::spawn(async move { asking.rmdir(b"x").await });
        let id = script.request().await.unwrap().id;
        script.send(&status(id, 0, "")).await;
        soon(asked).await.unwrap().unwrap();
    }
    let progress = client.progress();
    assert_eq!((progress.in_flight, progress.replies), (1, 1000));
    assert!(progress.sent > 1000 && progress.received > 1000);
    client.abort("no progress for 60 s");
    let error = soon(forgotten).await.unwrap().unwrap_err();
    assert_eq!(error.to_string(), "the SFTP session ended: no progress for 60 s");
    assert!(script.request().await.is_none(), "the stream is closed");
}

#[tokio::test]
async fn a_server_that_dies_in_the_middle_of_writes_fails_them_all() {
    let (client, mut script) = Script::greet(&[]).await;
    let file = std::sync::Arc::new(script.open(&client).await);
    let mut writes = JoinSet::new();
    // more than the budget and the stream hold together: some are on the wire, some queued, some wait for their turn
    let piece = Bytes::from(vec![1; 32_768]);
    for index in 0..1000u64 {
        let (client, file, piece) = (client.clone(), file.clone(), piece.clone());
        writes.spawn(async move { client.write(&file, index * 32_768, piece).await });
    }
    for request in script.requests(10).await {
        assert_eq!(request.kind, WRITE);
        script.send(&status(request.id, 0, "")).await;
    }
    drop(script);
    let mut written = 0;
    while let Some(write) = soon(writes.join_next()).await {
        match write.unwrap() {
            Ok(()) => written += 1,
            Err(error) => assert!(matches!(error, SftpError::Ended(_)), "{error:?}"),
        }
    }
    assert!(written <= 10);
}

/// More requests than the budget allows.
fn ask_for_600(client: &Client) -> JoinSet<Result<(), SftpError>> {
    let mut asked = JoinSet::new();
    for _ in 0..600 {
        let client = client.clone();
        asked.spawn(async move { client.rmdir(b"x").await });
    }
    asked
}

#[tokio::test]
async fn no_more_requests_are_in_flight_than_the_budget_allows() {
    let (client, mut script) = Script::greet(&[]).await;
    let mut asked = ask_for_600(&client);
    let requests = script.requests(512).await;
    assert!(script.is_silent().await, "the 513th waits");
    assert_eq!(client.progress().in_flight, 512);
    for request in &requests {
        script.send(&status(request.id, 0, "")).await;
    }
    for request in script.requests(88).await {
        script.send(&status(request.id, 0, "")).await;
    }
    while let Some(answer) = soon(asked.join_next()).await {
        answer.unwrap().unwrap();
    }
}

#[tokio::test]
async fn a_dropped_future_frees_its_slot_when_the_answer_comes() {
    let (client, mut script) = Script::greet(&[]).await;
    for _ in 0..2000 {
        let asking = client.clone();
        let asked = tokio::spawn(async move { asking.stat(b"x").await });
        let id = script.request().await.unwrap().id;
        asked.abort();
        assert!(asked.await.unwrap_err().is_cancelled());
        script.send(&packet(ATTRS, id, &[0; 4])).await;
    }
    let mut asked = Box::pin(client.rmdir(b"last"));
    let server = async {
        let id = script.request().await.unwrap().id;
        script.send(&status(id, 0, "")).await;
    };
    soon(async { tokio::join!(&mut asked, server).0 }).await.unwrap();
    assert_eq!(client.progress().in_flight, 0);
}

#[tokio::test]
async fn a_future_dropped_while_it_waits_for_the_budget_leaves_nothing() {
    let (client, mut script) = Script::greet(&[]).await;
    let mut asked = ask_for_600(&client);
    let requests = script.requests(512).await;
    asked.shutdown().await;
    for request in &requests {
        script.send(&status(request.id, 0, "")).await;
    }
    assert!(script.is_silent().await, "what waited was never sent");
    assert_eq!(client.progress().in_flight, 0);
}

#[tokio::test]
async fn a_handle_nobody_holds_is_closed() {
    let (client, mut script) = Script::greet(&[]).await;
    // dropped by its owner
    drop(script.open(&client).await);
    let request = script.request().await.unwrap();
    assert_eq!((request.kind, request.body), (CLOSE, string(b"h")));
    script.send(&status(request.id, 0, "")).await;
    // never had an owner: the future was dropped before the answer
    let asking = client.clone();
    let asked = tokio::spawn(async move { asking.open(b"x", OpenFlags::READ, &Attributes::default()).await });
    let id = script.request().await.unwrap().id;
    asked.abort();
    let _ = asked.await;
    script.send(&handle(id, b"late")).await;
    let request = script.request().await.unwrap();
    assert_eq!((request.kind, request.body), (CLOSE, string(b"late")));
    // closed by its owner: once
    script.send(&status(request.id, 0, "")).await;
    let file = script.open(&client).await;
    let server = async {
        let request = script.request().await.unwrap();
        assert_eq!(request.kind, CLOSE);
        script.send(&status(request.id, 4, "quota exceeded")).await;
    };
    let (closed, ()) = soon(async { tokio::join!(client.close(file), server) }).await;
    assert_eq!(closed.unwrap_err().to_string(), "failure (quota exceeded)");
    assert!(script.is_silent().await);
}

#[tokio::test]
async fn the_last_client_gone_closes_the_stream() {
    let (client, mut script) = Script::greet(&[]).await;
    let file: Handle = script.open(&client).await;
    let clone = client.clone();
    drop(client);
    assert!(script.is_silent().await);
    drop(clone);
    assert!(script.request().await.is_none());
    drop(file);
}

#[tokio::test]
async fn a_start_given_up_lets_go_of_the_stream() {
    let (mut script, start) = Script::begin(b"", 4096).await;
    start.abort();
    assert!(script.request().await.is_none());
}

#[tokio::test]
async fn a_handle_serves_its_own_session_only() {
    let (client, mut script) = Script::greet(&[]).await;
    let (other, mut elsewhere) = Script::greet(&[]).await;
    let file = script.open(&client).await;
    assert!(matches!(other.read(&file, 0, 10).await, Err(SftpError::Unfit(_))));
    assert!(matches!(other.close(file).await, Err(SftpError::Unfit(_))));
    assert!(elsewhere.is_silent().await);
    assert_eq!(script.request().await.unwrap().kind, CLOSE);
}

#[tokio::test]
async fn what_does_not_fit_is_not_sent() {
    let (client, mut script) = Script::greet(&[]).await;
    let file = script.open(&client).await;
    let refused = [
        client.stat(b"a\0b").await.map(drop),
        client.rename(b"a", b"b\0").await,
        client.mkdir(&[b'x'; 40_000], &Attributes::default()).await,
        client.write(&file, 0, Bytes::from(vec![0; 32 * 1024 + 1])).await,
        client.write(&file, u64::MAX, Bytes::from_static(b"x")).await,
        client.read(&file, 0, 255 * 1024 + 1).await.map(drop),
        client.read(&file, u64::MAX - 5, 10).await.map(drop),
    ];
    for result in refused {
        assert!(matches!(result, Err(SftpError::Unfit(_))), "{result:?}");
    }
    assert!(script.is_silent().await);
}

#[tokio::test]
async fn nothing_is_used_that_was_not_announced_in_that_version() {
    let (client, mut script) = Script::greet(&[("posix-rename@openssh.com", "2"), ("statvfs@openssh.com", "1")]).await;
    assert!(matches!(client.posix_rename(b"a", b"b").await, Err(SftpError::Unsupported("posix-rename@openssh.com"))));
    assert!(matches!(client.statvfs(b"/").await, Err(SftpError::Unsupported(_))));
    assert!(matches!(client.names_of(&[0], &[]).await, Err(SftpError::Unsupported(_))));
    assert!(script.is_silent().await);
}

#[tokio::test]
async fn home_is_found_without_expand_path() {
    let (client, mut script) = Script::greet(&[]).await;
    let server = async {
        let request = script.request().await.unwrap();
        assert_eq!((request.kind, &request.body[..]), (16, &string(b".")[..]));
        script.send(&super::script::names(request.id, &[b"/home/me"])).await;
    };
    let (path, ()) = soon(async { tokio::join!(client.expand_path(b"~/some file"), server) }).await;
    assert_eq!(path.unwrap(), b"/home/me/some file");
    assert!(matches!(client.expand_path(b"~other/x").await, Err(SftpError::Unsupported(_))));
    assert_eq!(client.expand_path(b"plain").await.unwrap(), b"plain");
}

#[tokio::test]
async fn a_symlink_goes_out_in_opensshs_order() {
    let (client, mut script) = Script::greet(&[]).await;
    let server = async {
        let request = script.request().await.unwrap();
        assert_eq!((request.kind, request.body), (20, [string(b"target"), string(b"link")].concat()));
        script.send(&status(request.id, 0, "")).await;
    };
    soon(async { tokio::join!(client.symlink(b"target", b"link"), server).0 }).await.unwrap();
}

#[tokio::test]
async fn codes_of_later_versions_and_bare_codes_are_refusals_like_others() {
    let (client, mut script) = Script::greet(&[]).await;
    let server = async {
        let first = script.request().await.unwrap();
        script.send(&status(first.id, 11, "already there")).await;
        let second = script.request().await.unwrap();
        script.send(&packet(101, second.id, &3u32.to_be_bytes())).await;
    };
    let client_side = async {
        let later = client.rmdir(b"x").await.unwrap_err();
        assert_eq!(later.to_string(), "status 11 (already there)");
        let bare = client.rmdir(b"x").await.unwrap_err();
        assert!(matches!(bare, SftpError::Status { code: StatusCode::PERMISSION_DENIED, .. }), "{bare:?}");
    };
    soon(async { tokio::join!(client_side, server) }).await;
    assert!(!client.is_closed());
}

#[tokio::test]
async fn attributes_may_be_missing() {
    let (client, mut script) = Script::greet(&[]).await;
    let server = async {
        let request = script.request().await.unwrap();
        script.send(&packet(ATTRS, request.id, &[0; 4])).await;
    };
    let (told, ()) = soon(async { tokio::join!(client.lstat(b"x"), server) }).await;
    let told = told.unwrap();
    assert_eq!(told, Attributes::default());
    assert_eq!(told.kind(), FileKind::Unknown);
}

/// Both ends of a stream this narrow are full all the time: whoever waits to write must go on reading.
#[tokio::test]
async fn a_narrow_stream_does_not_deadlock() {
    let (mut script, start) = Script::begin(&super::script::greeting(&[]), 16).await;
    let client: Client = soon(start).await.unwrap().unwrap();
    let file = std::sync::Arc::new(script.open(&client).await);
    let mut work = JoinSet::new();
    for index in 0..200u64 {
        let (client, file) = (client.clone(), file.clone());
        work.spawn(async move {
            client.write(&file, index, Bytes::from(vec![1; 1000])).await.unwrap();
            assert_eq!(client.read(&file, index, 1000).await.unwrap(), content(index, 1000));
        });
    }
    for _ in 0..400 {
        let request = script.request().await.unwrap();
        match request.kind {
            READ => script.send(&answer(&request)).await,
            _ => script.send(&status(request.id, 0, "")).await,
        }
    }
    while let Some(done) = soon(work.join_next()).await {
        done.unwrap();
    }
}

#[tokio::test]
async fn a_write_is_one_packet_with_its_data_behind_it() {
    let (client, mut script) = Script::greet(&[]).await;
    let file = script.open(&client).await;
    for len in [1, 16 * 1024 - 1, 16 * 1024, 32 * 1024] {
        let server = async {
            let request = script.request().await.unwrap();
            assert_eq!(request.kind, WRITE);
            assert_eq!(u32_at(&request.body, 13) as usize, len);
            assert_eq!(request.body[17..], content(9, len));
            script.send(&status(request.id, 0, "")).await;
        };
        soon(async { tokio::join!(client.write(&file, 9, Bytes::from(content(9, len))), server).0 }).await.unwrap();
    }
}
