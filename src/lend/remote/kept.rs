//! A process on a host that lives as long as hop does, and then removes what it has made there. Main type: [`Kept`].
//!
//! It ends when its input ends. A connection that vanishes ends no input, so that hop sends a line every few seconds, and the
//! process ends as well when none has come for a while (`kept.sh`). What it does besides is its own script's to say.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use tokio::task::JoinHandle;
use tokio::time::timeout;

use super::shell_line;
use crate::chain::ProcessInput;

/// The beginning of each of its scripts.
const SCRIPT: &str = include_str!("kept.sh");
/// How often a line is sent: as often as the process looks.
const BEAT: Duration = Duration::from_secs(5);
/// How much later than a run that has stalled its processes may end.
const LATER: Duration = Duration::from_secs(10);
/// How long the process may take to clean up.
const GONE: Duration = Duration::from_secs(5);

/// The process, once it runs. Dropping it has it end; [`Kept::dismiss`] waits for that.
pub struct Kept(Option<KeptProcess>);

struct KeptProcess {
    input: Arc<ProcessInput>,
    beating: JoinHandle<()>,
    reading: Option<JoinHandle<()>>,
}

/// A line for the login shell that has a kept process do `script`, with variables before it. It opens its lines with `word`,
/// and ends when hop has been silent for `patience` and a few seconds more.
pub fn program(script: &str, word: &str, patience: Duration, variables: &[(&str, &str)]) -> Vec<u8> {
    let seconds = (patience + LATER).as_secs().to_string();
    let variables = [&[("word", word), ("patience", &seconds[..])][..], variables].concat();
    shell_line::line(&shell_line::with_variables(&variables, &[SCRIPT, script].concat()))
}

impl Kept {
    /// Keeps the process whose standard input this is, from the moment it was started.
    pub fn new(input: ProcessInput) -> Kept {
        let input = Arc::new(input);
        let to = Arc::clone(&input);
        let beating = tokio::spawn(async move {
            // one that takes nothing any more has ended
            while to.send(Bytes::from_static(b"\n")).await.is_ok() {
                tokio::time::sleep(BEAT).await;
            }
        });
        Kept(Some(KeptProcess { input, beating, reading: None }))
    }

    /// What it says is read by this task, which ends when the process has ended.
    pub fn read_by(&mut self, reading: JoinHandle<()>) {
        if let Some(held) = &mut self.0 {
            held.reading = Some(reading);
        }
    }

    /// Tells it something; one that has gone is told nothing.
    pub async fn tell(&self, words: Vec<u8>) {
        if let Some(held) = &self.0 {
            let _ = held.input.send(Bytes::from(words)).await;
        }
    }

    /// It has ended by itself.
    pub fn has_ended(&self) -> bool {
        self.0.as_ref().and_then(|held| held.reading.as_ref()).is_some_and(JoinHandle::is_finished)
    }

    /// Has it clean up, and waits for that.
    pub async fn dismiss(mut self) {
        if let Some(held) = self.0.take() {
            held.end().await;
        }
    }
}

/// Some servers kill what runs when its channel is closed: the process is asked first, also when nobody waits for it.
impl Drop for Kept {
    fn drop(&mut self) {
        if let (Some(held), Ok(runtime)) = (self.0.take(), tokio::runtime::Handle::try_current()) {
            runtime.spawn(held.end());
        }
    }
}

impl KeptProcess {
    async fn end(self) {
        self.beating.abort();
        // a connection that is gone has ended it already
        let _ = self.input.end().await;
        if let Some(mut reading) = self.reading
            && timeout(GONE, &mut reading).await.is_err()
        {
            reading.abort();
        }
    }
}
