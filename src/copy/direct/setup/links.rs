//! Where are small files linked when the destination fetches them? In [`LinkFolder`]: a private folder of the source,
//! kept by a process there that removes it when its input ends, so that nothing is left however hop ends. Where the
//! source sends, the remote helper's own folder is used instead.

use std::time::Duration;

use tokio::time::timeout;

use crate::chain::{Output, Process, ProcessOutput, Session};
use crate::lend::{Kept, kept_program};

const SCRIPT: &str = include_str!("links.sh");

/// Time for the source to make the folder.
const MADE: Duration = Duration::from_secs(15);

/// Most bytes read before the folder is named: login shells may print something first.
const GREETING: usize = 64 << 10;

/// A private folder at the source, as long as its process runs.
pub struct LinkFolder {
    /// Absolute path.
    folder: Vec<u8>,
    kept: Kept,
}

impl LinkFolder {
    /// Makes the folder, which stays until hop is silent for `patience`; `None` where it cannot be made. Nothing on the
    /// source knows `word` before.
    pub async fn make(source: &Session, word: &str, patience: Duration) -> Option<LinkFolder> {
        let program = kept_program(SCRIPT, word, patience, &[]);
        let Process { input, mut output, .. } = source.exec(&program).await.ok()?;
        let mut kept = Kept::new(input);
        let folder = timeout(MADE, listen(&mut output, word)).await;
        // one that only was slow removes what it has made, when it is dropped
        kept.read_by(tokio::spawn(drain(output)));
        folder.ok().flatten().map(|folder| LinkFolder { folder, kept })
    }

    /// The folder's absolute path.
    pub fn folder(&self) -> &[u8] {
        &self.folder
    }

    /// Has the folder removed, and waits for that.
    pub async fn remove(self) {
        self.kept.dismiss().await;
    }
}

async fn drain(mut output: ProcessOutput) {
    while let Ok(Some(_)) = output.next().await {}
}

/// Reads the output until it names the folder.
async fn listen(output: &mut ProcessOutput, word: &str) -> Option<Vec<u8>> {
    let mut heard = Vec::new();
    while let Ok(Some(said)) = output.next().await {
        let Output::Stdout(chunk) = said else { continue };
        heard.extend_from_slice(&chunk);
        if let Some(folder) = named(&heard, word) {
            return Some(folder);
        }
        if heard.len() > GREETING {
            return None;
        }
    }
    None
}

/// The folder's path in what was `heard`, once its line is complete. The source is not trusted: the path must be
/// absolute, and means something only there.
fn named(heard: &[u8], word: &str) -> Option<Vec<u8>> {
    let (lines, _) = heard.split_at(heard.iter().rposition(|byte| *byte == b'\n')?);
    let said = lines.split(|byte| *byte == b'\n').find_map(|line| line.strip_prefix(word.as_bytes()))?;
    let folder = said.strip_prefix(b" ")?;
    folder.starts_with(b"/").then(|| folder.to_vec())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_folder_is_told_from_a_greeting_and_only_when_all_of_it_is_there() {
        let said = b"Welcome\nhop-1 /not/ours\nhop-2 /tmp/hop.x\n";
        for end in 0..said.len() {
            assert_eq!(named(&said[..end], "hop-2"), None, "{end}");
        }
        assert_eq!(named(said, "hop-2"), Some(b"/tmp/hop.x".to_vec()));
        assert_eq!(named(b"hop-2 tmp\n", "hop-2"), None, "not absolute");
        assert_eq!(named(b"hop-2/tmp\n", "hop-2"), None);
    }
}
