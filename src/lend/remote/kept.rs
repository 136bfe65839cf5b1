//! How does a process on a host end with hop, and remove what it has made there? Main type: [`Kept`].
//!
//! The process ends when its input ends. Because a connection that vanishes ends no input, hop also sends a line every
//! few seconds, and the process ends if none has come for a while (`kept.sh`). What else it does is up to its own
//! script.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use tokio::task::JoinHandle;
use tokio::time::timeout;

use super::shell_line;
use crate::chain::ProcessInput;

/// The first part of every such script.
const SCRIPT: &str = include_str!("kept.sh");
/// How often a line is sent: as often as the process checks for one.
const BEAT: Duration = Duration::from_secs(5);
/// How much longer than a stalled run its processes may last.
const LATER: Duration = Duration::from_secs(10);
/// How long the process may take to clean up.
const GONE: Duration = Duration::from_secs(5);

/// A running process. Dropping it ends the process; [`Kept::dismiss`] waits for that.
pub struct Kept(Option<KeptProcess>);

struct KeptProcess {
    input: Arc<ProcessInput>,
    beating: JoinHandle<()>,
    reading: Option<JoinHandle<()>>,
}

/// A line for the login shell that starts a kept process with `script`, after setting the variables. The process begins
/// its lines with `word`, and ends when hop has been silent for `patience` and a few seconds more.
pub fn program(script: &str, word: &str, patience: Duration, variables: &[(&str, &str)]) -> Vec<u8> {
    let seconds = (patience + LATER).as_secs().to_string();
    let variables = [&[("word", word), ("patience", &seconds[..])][..], variables].concat();
    shell_line::line(&shell_line::with_variables(&variables, &[SCRIPT, script].concat()))
}

impl Kept {
    /// Takes over the standard input of a process that was just started.
    pub fn new(input: ProcessInput) -> Kept {
        let input = Arc::new(input);
        let to = Arc::clone(&input);
        let beating = tokio::spawn(async move {
            // a process that no longer reads has ended
            while to.send(Bytes::from_static(b"\n")).await.is_ok() {
                tokio::time::sleep(BEAT).await;
            }
        });
        Kept(Some(KeptProcess { input, beating, reading: None }))
    }

    /// Sets the task that reads the process's output, and finishes when the process has ended.
    pub fn read_by(&mut self, reading: JoinHandle<()>) {
        if let Some(held) = &mut self.0 {
            held.reading = Some(reading);
        }
    }

    /// Sends text to the process; nothing happens if it has ended.
    pub async fn tell(&self, words: Vec<u8>) {
        if let Some(held) = &self.0 {
            let _ = held.input.send(Bytes::from(words)).await;
        }
    }

    /// Whether the process has ended by itself.
    pub fn has_ended(&self) -> bool {
        self.0.as_ref().and_then(|held| held.reading.as_ref()).is_some_and(JoinHandle::is_finished)
    }

    /// Has the process clean up, and waits for that.
    pub async fn dismiss(mut self) {
        if let Some(held) = self.0.take() {
            held.end().await;
        }
    }
}

/// Ends the process's input before the channel is closed, even if nobody waits: some servers kill what runs when its
/// channel is closed.
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
        // if the connection is lost, the process ends by itself
        let _ = self.input.end().await;
        if let Some(mut reading) = self.reading
            && timeout(GONE, &mut reading).await.is_err()
        {
            reading.abort();
        }
    }
}
