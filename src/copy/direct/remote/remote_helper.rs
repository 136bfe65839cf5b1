//! Who sends the bytes? [`RemoteHelper`]: the program on the host that logs in, which takes orders
//! ([`script`](super::script)) and answers how each ended. It lives as long as its input stays open, and runs many
//! orders at once. Its output is bounded; a line that does not begin with its token comes from a login shell and is
//! ignored.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use tokio::sync::{oneshot, watch};
use tokio::task::JoinSet;

use super::script::Ready;
use crate::chain::{ExitStatus, Output, Process, ProcessInput, ProcessOutput};

/// Most bytes of one of the remote helper's lines; a longer line is not one of its answers.
const LINE: usize = 4096;

/// Bytes kept of the end of the remote helper's standard error.
const WORDS: usize = 4096;

/// How an order ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// Exit status of the order's writer; 255 when ssh itself failed.
    pub status: u32,
    /// Blocks read at the source, as `dd` counts them (`FULL+PARTIAL`); `-` when the source could not be read.
    pub records: String,
    /// The first line of the complaint, if any.
    pub words: String,
}

impl Answer {
    /// What went wrong, as the far end's complaint or as its exit status; never empty.
    pub fn said(&self) -> String {
        told(&self.words, Some(self.status))
    }
}

/// How the remote helper itself ended.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Ended {
    /// Exit status; `None` when the connection broke first or a signal ended the remote helper.
    pub status: Option<u32>,
    /// The end of its standard error.
    pub words: String,
}

impl Ended {
    /// Why the remote helper ended, as far as its words or exit status tell; never empty.
    pub fn said(&self) -> String {
        told(&self.words, self.status)
    }
}

fn told(words: &str, status: Option<u32>) -> String {
    match (words, status) {
        ("", Some(status)) => format!("exit status {status}"),
        ("", None) => "it ended without a word".to_owned(),
        (words, _) => words.to_owned(),
    }
}

/// The program that takes orders on the host that has logged in.
pub struct RemoteHelper {
    input: tokio::sync::Mutex<ProcessInput>,
    post: Arc<Post>,
    ended: watch::Receiver<Option<Ended>>,
    _reader: JoinSet<()>,
}

/// The tasks that wait for answers, by order number.
#[derive(Default)]
struct Post {
    waiting: Mutex<HashMap<u64, oneshot::Sender<Answer>>>,
}

impl RemoteHelper {
    /// Waits until `process` says, in a line that begins with `token`, that it is ready.
    ///
    /// # Errors
    /// How the process ended without becoming ready.
    pub async fn start(process: Process, token: &str) -> Result<(RemoteHelper, Ready), Ended> {
        let post = Arc::new(Post::default());
        let (ready, is_ready) = oneshot::channel();
        let (end, mut ended) = watch::channel(None);
        let mut ear = Ear { token: token.to_owned(), post: Arc::clone(&post), ready: Some(ready), line: Vec::new() };
        let mut reader = JoinSet::new();
        let output = process.output;
        reader.spawn(async move {
            let last = listen(output, &mut ear).await;
            ear.post.locked().clear();
            // nobody listens any more when the remote helper was dropped
            let _ = end.send(Some(last));
        });
        let helper =
            RemoteHelper { input: tokio::sync::Mutex::new(process.input), post, ended: ended.clone(), _reader: reader };
        tokio::select! {
            biased;
            Ok(ready) = is_ready => Ok((helper, ready)),
            end = ended.wait_for(Option::is_some) => Err(end.ok().and_then(|end| end.clone()).unwrap_or_default()),
        }
    }

    /// Gives the order with this number and waits for its answer.
    ///
    /// # Errors
    /// How the remote helper ended, when it ended before the answer.
    pub async fn order(&self, number: u64, order: Vec<u8>) -> Result<Answer, Ended> {
        let (tell, told) = oneshot::channel();
        self.post.locked().insert(number, tell);
        // when it cannot be sent, the end is near and says why
        let _ = self.input.lock().await.send(Bytes::from(order)).await;
        tokio::select! {
            biased;
            Ok(answer) = told => Ok(answer),
            ended = self.ended() => Err(ended),
        }
    }

    /// Closes the remote helper's input, on which it ends once no order is under way. Returns how it ended.
    pub async fn end(&self) -> Ended {
        // an input that is closed already is as good
        let _ = self.input.lock().await.end().await;
        self.ended().await
    }

    async fn ended(&self) -> Ended {
        let mut ended = self.ended.clone();
        let end = ended.wait_for(Option::is_some).await;
        end.ok().and_then(|end| end.clone()).unwrap_or_default()
    }
}

impl Post {
    fn locked(&self) -> MutexGuard<'_, HashMap<u64, oneshot::Sender<Answer>>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Reads the remote helper's output to its end.
async fn listen(mut output: ProcessOutput, ear: &mut Ear) -> Ended {
    let (mut status, mut words) = (None, Vec::new());
    loop {
        match output.next().await {
            Ok(Some(Output::Stdout(data))) => data.iter().for_each(|byte| ear.hear(*byte)),
            Ok(Some(Output::Stderr(data))) => {
                words.extend_from_slice(&data);
                words.drain(..words.len().saturating_sub(WORDS));
            }
            Ok(Some(Output::Exit(ExitStatus::Code(code)))) => status = Some(code),
            Ok(Some(Output::Exit(ExitStatus::Signal(_)))) => status = None,
            Ok(None) => break,
            Err(error) => {
                words.extend_from_slice(error.to_string().as_bytes());
                break;
            }
        }
    }
    Ended { status, words: String::from_utf8_lossy(&words).trim().to_owned() }
}

/// Reads answers out of the remote helper's standard output.
struct Ear {
    token: String,
    post: Arc<Post>,
    ready: Option<oneshot::Sender<Ready>>,
    line: Vec<u8>,
}

impl Ear {
    fn hear(&mut self, byte: u8) {
        match byte {
            b'\n' => {
                let line = std::mem::take(&mut self.line);
                self.understand(&line);
            }
            byte if self.line.len() < LINE => self.line.push(byte),
            _ => {}
        }
    }

    fn understand(&mut self, line: &[u8]) {
        let Some(line) = line.strip_prefix(self.token.as_bytes()) else { return };
        let words: Vec<&[u8]> = line.splitn(6, |byte| *byte == b' ').skip(1).collect();
        let text = |word: &[u8]| String::from_utf8_lossy(word).into_owned();
        match words[..] {
            [b"ready", folder, packs] => {
                let ready = Ready { folder: folder.to_vec(), packs: !packs.is_empty() };
                // told once; nobody waits any more when the remote helper was given up
                let _ = self.ready.take().map(|tell| tell.send(ready));
            }
            [b"done", number, status, records, said] => {
                let (Ok(number), Ok(status)) = (text(number).parse(), text(status).parse()) else { return };
                let answer = Answer { status, records: text(records), words: text(said) };
                if let Some(tell) = self.post.locked().remove(&number) {
                    // whoever asked may be gone
                    let _ = tell.send(answer);
                }
            }
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn heard(said: &[u8]) -> (Option<Ready>, Option<Answer>) {
        let post = Arc::new(Post::default());
        let (tell, mut told) = oneshot::channel();
        post.locked().insert(7, tell);
        let (ready, mut is_ready) = oneshot::channel();
        let mut ear = Ear { token: "hop-1f".to_owned(), post, ready: Some(ready), line: Vec::new() };
        said.iter().for_each(|byte| ear.hear(*byte));
        (is_ready.try_recv().ok(), told.try_recv().ok())
    }

    #[test]
    fn answers_are_told_from_what_a_login_shell_prints() {
        let said =
            b"Welcome!\nhop-1f ready /tmp/hop.x tar\nhop-2f done 7 0 1+0 \n\xff\nhop-1f done 7 1 3+0 dd: no space\n";
        let (ready, answer) = heard(said);
        assert_eq!(ready, Some(Ready { folder: b"/tmp/hop.x".to_vec(), packs: true }));
        let words = "dd: no space".to_owned();
        assert_eq!(answer, Some(Answer { status: 1, records: "3+0".to_owned(), words }));
    }

    #[test]
    fn an_end_without_words_has_a_reason_all_the_same() {
        let answer = |words: &str| Answer { status: 255, records: "-".to_owned(), words: words.to_owned() };
        assert_eq!([answer("").said(), answer("broken pipe").said()], ["exit status 255", "broken pipe"]);
        let ended = |status| Ended { status, words: String::new() };
        assert_eq!([ended(Some(1)).said(), ended(None).said()], ["exit status 1", "it ended without a word"]);
    }

    #[test]
    fn nonsense_is_not_an_answer_and_takes_no_room() {
        let long = [&b"hop-1f "[..], &vec![b'x'; 1 << 20], b"\nhop-1f done 8 0 - \nhop-1f done seven 0 - \nhop-1f\n"];
        assert_eq!(heard(&long.concat()), (None, None));
    }
}
