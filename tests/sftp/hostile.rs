//! What may a server send without harm? Wrong lengths, wrong types, wrong ids, wrong words: each ends the session with
//! the reason, at once, for every request in flight.

use std::time::Duration;

use hop::sftp::{Client, SftpError};
use proptest::prelude::*;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use super::script::{
    ATTRS, DATA, HANDLE, NAME, READDIR, STATUS, Script, data, greeting, handle, names, packet, soon, status, string,
};

/// What the client asks in these tests.
#[derive(Debug, Clone, Copy)]
enum Question {
    Stat,
    Open,
    Realpath,
    Mkdir,
}

async fn ask(client: Client, question: Question) -> Result<(), SftpError> {
    match question {
        Question::Stat => client.stat(b"x").await.map(drop),
        Question::Open => client.list(b"x").await.map(drop),
        Question::Realpath => client.realpath(b"x").await.map(drop),
        Question::Mkdir => client.mkdir(b"x", &Default::default()).await,
    }
}

/// Asks `question` beside another request, answers with `answer`, and expects both to die of it.
async fn dies_of(question: Question, answer: impl Fn(u32) -> Vec<u8>) -> String {
    let (client, mut script) = Script::greet(&[]).await;
    let asked = tokio::spawn(ask(client.clone(), question));
    let id = script.request().await.unwrap().id;
    let bystander = tokio::spawn(ask(client.clone(), Question::Stat));
    script.request().await.unwrap();
    script.send(&answer(id)).await;
    let (error, other) = (soon(asked).await.unwrap().unwrap_err(), soon(bystander).await.unwrap().unwrap_err());
    assert!(matches!(error, SftpError::Protocol(_)), "{error:?}");
    assert_eq!(error.to_string(), other.to_string());
    assert!(client.is_closed());
    assert_eq!(soon(client.closed()).await.to_string(), error.to_string());
    let later = soon(client.stat(b"later")).await.unwrap_err();
    assert_eq!(later.to_string(), error.to_string());
    error.to_string()
}

#[tokio::test]
async fn lying_lengths_end_the_session() {
    use Question::*;
    let huge = |_| u32::MAX.to_be_bytes().to_vec();
    assert!(dies_of(Stat, huge).await.contains("4294967295"));
    dies_of(Stat, |_| vec![0, 0, 0, 0]).await;
    dies_of(Stat, |_| vec![0, 0, 0, 4, 1, 2, 3, 4]).await;
    // longer than what this question may be answered with, though not than a packet may be
    dies_of(Stat, |id| packet(ATTRS, id, &[0; 40_000])).await;
    dies_of(Mkdir, |id| status(id, 4, &"x".repeat(40_000))).await;
    // fields beyond their packet
    dies_of(Stat, |id| packet(ATTRS, id, &[0, 0, 0, 1, 9, 9])).await;
    dies_of(Mkdir, |id| packet(STATUS, id, &[0, 0])).await;
    dies_of(Mkdir, |id| packet(STATUS, id, &[0, 0, 0, 4, 0, 0, 0, 200, b'x'])).await;
    dies_of(Open, |id| packet(HANDLE, id, &[255, 255, 255, 255])).await;
    assert!(dies_of(Open, |id| handle(id, &[7; 257])).await.contains("257"));
}

#[tokio::test]
async fn wrong_answers_end_the_session() {
    use Question::*;
    dies_of(Stat, |id| packet(77, id, b"")).await;
    dies_of(Stat, |id| packet(2, id, b"")).await;
    dies_of(Stat, |id| status(id, 0, "")).await;
    dies_of(Stat, |id| handle(id, b"h")).await;
    dies_of(Open, |id| status(id, 0, "")).await;
    dies_of(Mkdir, |id| packet(ATTRS, id, &[0; 4])).await;
    dies_of(Realpath, |id| names(id, &[])).await;
    dies_of(Realpath, |id| names(id, &[b"/a", b"/b"])).await;
    dies_of(Realpath, |id| packet(NAME, id, &u32::MAX.to_be_bytes())).await;
}

#[tokio::test]
async fn data_of_no_length_or_far_too_long_ends_the_session() {
    for answer in [vec![], vec![1; 100_000]] {
        let (client, mut script) = Script::greet(&[]).await;
        let file = script.open(&client).await;
        let server = async {
            let request = script.request().await.unwrap();
            script.send(&data(request.id, &answer)).await;
        };
        let (read, ()) = soon(async { tokio::join!(client.read(&file, 0, 10), server) }).await;
        assert!(matches!(read, Err(SftpError::Protocol(_))), "{} bytes: {read:?}", answer.len());
        assert!(client.is_closed());
    }
}

#[tokio::test]
async fn data_behind_what_was_asked_for_is_cut_off() {
    for length in [11, 32 * 1024] {
        let (client, mut script) = Script::greet(&[]).await;
        let file = script.open(&client).await;
        let server = async {
            let request = script.request().await.unwrap();
            script.send(&data(request.id, &vec![1; length])).await;
        };
        let (read, ()) = soon(async { tokio::join!(client.read(&file, 0, 10), server) }).await;
        assert_eq!(read.unwrap()[..], [1; 10]);
        assert!(!client.is_closed());
    }
}

#[tokio::test]
async fn data_that_lies_about_its_length_ends_the_session() {
    let (client, mut script) = Script::greet(&[]).await;
    let file = script.open(&client).await;
    let server = async {
        let request = script.request().await.unwrap();
        script.send(&packet(DATA, request.id, &[0, 0, 0, 10, 1, 2, 3])).await;
    };
    let (read, ()) = soon(async { tokio::join!(client.read(&file, 0, 10), server) }).await;
    assert!(matches!(read, Err(SftpError::Protocol(_))), "{read:?}");
}

#[tokio::test]
async fn an_end_inside_a_packet_is_told_from_an_end_between_packets() {
    for (last, told) in [(&b""[..], "the server closed it"), (&[0, 0, 0, 20, 101, 0][..], "inside a packet")] {
        let (client, mut script) = Script::greet(&[]).await;
        let asked = tokio::spawn(ask(client, Question::Stat));
        script.request().await.unwrap();
        script.send(last).await;
        drop(script);
        let error = soon(asked).await.unwrap().unwrap_err();
        assert!(matches!(error, SftpError::Ended(_)) && error.to_string().contains(told), "{error}");
    }
}

#[tokio::test]
async fn answers_to_nothing_are_passed_over_but_not_for_ever() {
    let (client, mut script) = Script::greet(&[]).await;
    let asked = tokio::spawn(ask(client.clone(), Question::Mkdir));
    let id = script.request().await.unwrap().id;
    for stray in 0..256 {
        script.send(&status(id.wrapping_add(1000 + stray), 0, "")).await;
    }
    script.send(&status(id, 0, "")).await;
    soon(asked).await.unwrap().unwrap();
    assert!(!client.is_closed());
    // the answer that came is an answer to nothing when it comes again
    script.send(&status(id, 0, "")).await;
    assert!(matches!(soon(client.closed()).await, SftpError::Protocol(_)));
}

#[tokio::test]
async fn an_endless_listing_can_be_left() {
    let (client, mut script) = Script::greet(&[]).await;
    let mut folder = script.list(&client).await;
    tokio::spawn(async move {
        while let Some(request) = script.request().await {
            let answer = match request.kind {
                READDIR => names(request.id, &[b"again", b"and again"]),
                _ => status(request.id, 0, ""),
            };
            script.send(&answer).await;
        }
    });
    for _ in 0..2000 {
        assert_eq!(soon(folder.next()).await.unwrap().unwrap().len(), 2);
    }
    assert!(client.progress().in_flight <= 4);
    drop(folder);
    soon(async {
        while client.progress().in_flight > 0 {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    })
    .await;
}

#[tokio::test]
async fn a_folder_is_asked_for_ahead_and_names_behind_its_end_count() {
    let (client, mut script) = Script::greet(&[]).await;
    let mut folder = script.list(&client).await;
    let listing = tokio::spawn(async move {
        let mut seen = Vec::new();
        while let Some(entries) = folder.next().await? {
            seen.extend(entries.into_iter().map(|entry| entry.name));
        }
        Ok::<_, SftpError>(seen)
    });
    // two at once, and answered the other way round
    let asked = script.requests(2).await;
    script.send(&status(asked[1].id, 1, "")).await;
    script.send(&names(asked[0].id, &[b"one"])).await;
    tokio::spawn(async move {
        while let Some(request) = script.request().await {
            script.send(&status(request.id, u32::from(request.kind == READDIR), "")).await;
        }
    });
    assert_eq!(soon(listing).await.unwrap().unwrap(), [b"one".to_vec()]);
}

#[tokio::test]
async fn a_refusal_is_one_unless_it_comes_behind_the_end_of_the_folder() {
    let (client, mut script) = Script::greet(&[]).await;
    for (first, second, expected) in [(1, 4, None), (3, 1, Some("permission denied")), (4, 4, Some("failure"))] {
        let mut folder = script.list(&client).await;
        let listing = tokio::spawn(async move { folder.next().await });
        for (request, code) in script.requests(3).await.iter().zip([first, second, second]) {
            script.send(&status(request.id, code, "")).await;
        }
        match (soon(listing).await.unwrap(), expected) {
            (Ok(None), None) => {}
            (Err(error), Some(words)) => assert!(error.to_string().contains(words), "{error}"),
            (answer, _) => panic!("{first} and {second}: {:?}", answer.map(|entries| entries.map(|all| all.len()))),
        }
        // its handle is closed
        let close = script.request().await.unwrap();
        script.send(&status(close.id, 0, "")).await;
    }
}

#[tokio::test]
async fn a_greeting_that_is_none_says_what_it_was() {
    let cases: [(&[u8], &str); 6] = [
        (
            b"Welcome to acc-pvt!\r\nLast login: \x1b[2J",
            "it sent text before its greeting: \"Welcome to acc-pvt!\\r\\n",
        ),
        (&packet(2, 2, b""), "does not support SFTP version 3"),
        (&packet(2, 6, b""), "version 6"),
        (&packet(101, 0, b""), "type 101"),
        (&packet(2, 3, &[0, 0, 0, 9, 1]), "ends inside a field"),
        (&[0xff; 8], "a packet of 4294967295 bytes"),
    ];
    for (first, told) in cases {
        let (_script, start) = Script::begin(first, 4096).await;
        let error = soon(start).await.unwrap().err().expect("no greeting");
        assert!(error.to_string().contains(told), "{error}");
        assert!(!error.to_string().contains('\x1b'));
    }
}

#[tokio::test]
async fn an_end_before_the_greeting_is_told() {
    let (script, start) = Script::begin(b"", 4096).await;
    drop(script);
    assert!(matches!(soon(start).await.unwrap().err(), Some(SftpError::Ended(_))));
}

#[tokio::test]
async fn limits_that_are_broken_or_refused() {
    let announce = greeting(&[("limits@openssh.com", "1")]);
    let (mut script, start) = Script::begin(&announce, 4096).await;
    let id = script.request().await.unwrap().id;
    script.send(&packet(201, id, &[0; 31])).await;
    assert!(matches!(soon(start).await.unwrap().err(), Some(SftpError::Protocol(_))));

    let (mut script, start) = Script::begin(&announce, 4096).await;
    let id = script.request().await.unwrap().id;
    script.send(&status(id, 8, "")).await;
    let client = soon(start).await.unwrap().expect("a refusal of limits means none");
    assert_eq!((client.max_read(), client.max_write()), (255 * 1024, 32 * 1024));
}

/// Feeds `bytes` again and again to a client with requests of every kind in flight; returns what it took before it
/// hung up. `endless` streams must end all the same.
async fn feed(bytes: Vec<u8>, rounds: usize) -> usize {
    let (client, script) = Script::greet(&[]).await;
    let questions = [Question::Stat, Question::Open, Question::Realpath, Question::Mkdir];
    let asked: Vec<_> = questions.iter().map(|question| tokio::spawn(ask(client.clone(), *question))).collect();
    let (mut input, mut output) = tokio::io::split(script.stream);
    tokio::spawn(async move { while input.read(&mut [0; 4096]).await.is_ok_and(|count| count > 0) {} });
    let mut taken = 0;
    for _ in 0..rounds {
        if soon(output.write_all(&bytes)).await.is_err() {
            break;
        }
        taken += bytes.len();
    }
    let _ = output.shutdown().await;
    drop(output);
    for task in asked {
        // answered or not, it ends
        let _ = soon(task).await.unwrap();
    }
    soon(client.closed()).await;
    taken
}

/// Bytes that look enough like packets to come far.
fn stream() -> impl Strategy<Value = Vec<u8>> {
    let noise = proptest::collection::vec(any::<u8>(), 1..200);
    let kind = prop_oneof![Just(STATUS), Just(HANDLE), Just(DATA), Just(NAME), Just(ATTRS), Just(201), any::<u8>()];
    let body = prop_oneof![
        proptest::collection::vec(any::<u8>(), 0..60),
        proptest::collection::vec(any::<u8>(), 0..60).prop_map(|bytes| string(&bytes)),
        (0u32..10, proptest::collection::vec(any::<u8>(), 0..60))
            .prop_map(|(n, b)| [&n.to_be_bytes()[..], &b].concat()),
    ];
    let packets = proptest::collection::vec((kind, 0u32..8, body), 1..12)
        .prop_map(|all| all.into_iter().flat_map(|(kind, id, body)| packet(kind, id, &body)).collect());
    prop_oneof![noise, packets]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]
    #[test]
    fn any_stream_ends_without_a_panic(bytes in stream()) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        runtime.block_on(feed(bytes, 1));
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]
    #[test]
    fn an_endless_stream_is_not_listened_to_for_ever(bytes in stream()) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let most = bytes.len() * 100_000;
        let taken = runtime.block_on(feed(bytes, 100_000));
        prop_assert!(taken < most, "it took all {taken} bytes");
    }
}
