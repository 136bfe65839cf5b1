//! Requests of one task that wait for room: they are sent in the order in which they were asked.

use hop::sftp::{Attributes, SftpError};
use tokio::task::JoinSet;

use super::script::{Script, soon, status};

/// Polls once; it has to wait.
async fn begin(future: std::pin::Pin<&mut impl Future<Output = Result<Attributes, SftpError>>>) {
    let mut future = Some(future);
    let once = std::future::poll_fn(|context| {
        let future = future.take().expect("polled once");
        std::task::Poll::Ready(future.poll(context).is_pending())
    });
    assert!(once.await, "it did not have to wait");
}

#[tokio::test]
async fn what_waits_for_room_is_sent_in_the_order_it_was_asked() {
    let (client, mut script) = Script::greet(&[]).await;
    let mut others = JoinSet::new();
    for _ in 0..512 {
        let client = client.clone();
        others.spawn(async move { client.stat(b"other").await });
    }
    let under_way = script.requests(512).await;
    let mut first = std::pin::pin!(client.stat(b"first"));
    let mut second = std::pin::pin!(client.stat(b"second"));
    begin(first.as_mut()).await;
    // room for both, and the second one looks at it sooner
    for request in &under_way[..2] {
        script.send(&status(request.id, 2, "No such file")).await;
    }
    for _ in 0..2 {
        soon(others.join_next()).await.unwrap().unwrap().unwrap_err();
    }
    begin(second.as_mut()).await;
    let server = async {
        for path in ["first", "second"] {
            let request = script.request().await.unwrap();
            assert_eq!(String::from_utf8_lossy(&request.body[4..]), path);
            script.send(&status(request.id, 2, "No such file")).await;
        }
    };
    let (second, first, ()) = soon(async { tokio::join!(biased; second, first, server) }).await;
    assert!(first.is_err() && second.is_err());
}
