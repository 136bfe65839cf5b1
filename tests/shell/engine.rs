//! The conversation itself: streams apart and unchanged, the status, the end of input, back-pressure, a terminal.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use hop::chain::{Chain, ExitStatus, Program, RemoteTerminal, Size, Task};
use hop::config::{Configuration, Flags, LocalEnv};
use hop::progress::Silent;
use hop::prompt::NoPrompt;
use hop::shell::{ConversationEnd, Here, Streams, run};
use hop::target::parse_host;
use tokio::sync::mpsc::{Receiver, Sender, channel};
use tokio::time::timeout;

use crate::street::{ACC_PVT, Street};

const LIMIT: Duration = Duration::from_secs(60);

async fn session(street: &Street) -> hop::chain::Session {
    let flags = Flags { config_file: Some(street.config()), ..Flags::default() };
    let local_env = LocalEnv { home: street.laptop().to_owned(), env: HashMap::new(), ..LocalEnv::default() };
    let configuration = Configuration::load(flags, local_env).expect("the street's ssh_config");
    let target = parse_host(ACC_PVT.as_ref()).expect("a host's name");
    let chain = Chain::new(Arc::new(NoPrompt), Arc::new(Silent));
    chain.way(configuration.resolve(&target).expect("the street's hosts")).session(0).await.expect("a session")
}

/// The far ends of a program's streams.
struct Far {
    input: Option<Sender<Bytes>>,
    output: Receiver<Bytes>,
    error: Receiver<Bytes>,
    signals: Sender<&'static str>,
}

fn streams() -> (Here, Far) {
    let (input_tx, input) = channel(4);
    let (output, output_rx) = channel(4);
    let (error, error_rx) = channel(4);
    let (signals_tx, signals) = channel(1);
    let streams = Streams { input, output, error };
    let here = Here { streams, terminal: None, escape: Some(b'~'), signals, observer: Arc::new(Silent) };
    (here, Far { input: Some(input_tx), output: output_rx, error: error_rx, signals: signals_tx })
}

fn command(line: &str) -> Program {
    Program::new(Task::Command(line.as_bytes().to_vec()))
}

async fn all(mut chunks: Receiver<Bytes>) -> Vec<u8> {
    let mut all = Vec::new();
    while let Some(chunk) = chunks.recv().await {
        all.extend_from_slice(&chunk);
    }
    all
}

/// Runs a program to its end with `input`.
async fn outcome(street: &Street, program: &Program, input: &[Bytes]) -> (ConversationEnd, Vec<u8>, Vec<u8>) {
    let session = session(street).await;
    let (here, far) = streams();
    let feeding = async {
        for chunk in input {
            far.input.as_ref().expect("open").send(chunk.clone()).await.expect("taken");
        }
        drop(far.input);
    };
    let running = async { tokio::join!(run(&session, program, here), feeding, all(far.output), all(far.error)) };
    let (ended, (), output, error) = timeout(LIMIT, running).await.expect("in time");
    (ended.expect("no failure"), output, error)
}

#[tokio::test(flavor = "multi_thread")]
async fn streams_stay_apart_and_the_status_comes_back() {
    let Some(street) = Street::start() else { return };
    let program = command(r"printf 'a\0\377b'; printf 'c\0' >&2; exit 7");
    let (ended, output, error) = outcome(&street, &program, &[]).await;
    assert_eq!(ended, ConversationEnd::Exit(ExitStatus::Code(7)));
    assert_eq!((output.as_slice(), error.as_slice()), (&b"a\0\xffb"[..], &b"c\0"[..]));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_command_that_a_signal_ends_says_which() {
    let Some(street) = Street::start() else { return };
    let (ended, ..) = outcome(&street, &command("kill -KILL $$"), &[]).await;
    assert_eq!(ended, ConversationEnd::Exit(ExitStatus::Signal("KILL".into())));
}

#[tokio::test(flavor = "multi_thread")]
async fn input_arrives_whole_and_so_does_its_end() {
    let Some(street) = Street::start() else { return };
    let input: Vec<Bytes> = (0..64u8).map(|fill| Bytes::from(vec![fill; 64 * 1024])).collect();
    let (ended, output, _) = outcome(&street, &command("cat"), &input).await;
    assert_eq!(ended, ConversationEnd::Exit(ExitStatus::Code(0)));
    assert!(output == input.concat(), "{} bytes came back", output.len());
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_listening_ends_an_endless_command_at_once() {
    let Some(street) = Street::start() else { return };
    let session = session(&street).await;
    let (here, mut far) = streams();
    let program = command("cat /dev/zero");
    let hearing = async {
        far.output.recv().await.expect("something");
        drop(far.output);
    };
    let both = async { tokio::join!(run(&session, &program, here), hearing) };
    let (ended, ()) = timeout(LIMIT, both).await.expect("at once");
    assert_eq!(ended.expect("no failure"), ConversationEnd::Unheard);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_terminal_has_the_size_modes_and_name_it_was_given() {
    let Some(street) = Street::start() else { return };
    let size = Size { columns: 132, rows: 43, width: 0, height: 0 };
    // no echo, no change of newlines
    let modes = vec![(53, 0), (70, 0)];
    let terminal = Some(RemoteTerminal { term: "vt220".into(), size, modes });
    let program =
        Program { terminal, ..command("stty size; echo $TERM; tty >/dev/null && echo yes; stty | grep -o -- -echo") };
    let (ended, output, error) = outcome(&street, &program, &[]).await;
    assert_eq!(String::from_utf8_lossy(&output), "43 132\nvt220\nyes\n-echo\n");
    assert_eq!((ended, error.as_slice()), (ConversationEnd::Exit(ExitStatus::Code(0)), &b""[..]));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_escape_ends_the_connection_and_a_signal_is_passed_on() {
    let Some(street) = Street::start() else { return };
    let terminal = Some(hop::shell::without_local("dumb".into()));
    let program = Program { terminal, ..command("cat") };
    let session = session(&street).await;
    let (here, far) = streams();
    far.input.as_ref().expect("open").send(Bytes::from_static(b"x\r~.")).await.expect("taken");
    assert_eq!(
        timeout(LIMIT, run(&session, &program, here)).await.expect("at once").expect("no failure"),
        ConversationEnd::Left
    );

    let (here, mut far) = streams();
    let program = command("echo ready; exec sleep 1001");
    let signalling = async {
        far.output.recv().await.expect("ready");
        far.signals.send("TERM").await.expect("taken");
    };
    let both = async { tokio::join!(run(&session, &program, here), signalling) };
    let (ended, ()) = timeout(LIMIT, both).await.expect("at once");
    assert_eq!(ended.expect("no failure"), ConversationEnd::Signal("TERM"));
    // a command without a terminal would live on when only the connection ends
    crate::street::until("the signal arrived", || street.server(ACC_PVT).processes_named("sleep").is_empty());
}
