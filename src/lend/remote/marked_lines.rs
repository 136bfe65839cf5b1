//! Which lines of the output come from hop's script? Those that begin with a word which nothing on the host can know in
//! advance ([`nonce`]). Main type: [`MarkedLines`].

use crate::chain::Session;
use crate::lend::error::LendError;

/// The longest line that is read, in bytes; longer ones are skipped.
pub const LONGEST_LINE: usize = 8 * 1024;

/// A word that nothing on the host can know in advance.
pub fn nonce(session: &Session) -> Result<String, LendError> {
    let mut bytes = [0; 8];
    getrandom::fill(&mut bytes).map_err(|_| LendError::Source {
        source_host: session.trail().end().to_owned(),
        problem: "no random bytes here".to_owned(),
    })?;
    Ok(hex::encode(bytes))
}

/// Finds the lines that begin with a word in chunks of output, and removes the word.
pub struct MarkedLines {
    word: String,
    pending: Vec<u8>,
    /// The current line is too long: the rest of it is skipped.
    skipping: bool,
}

impl MarkedLines {
    pub fn new(word: &str) -> MarkedLines {
        MarkedLines { word: format!("{word} "), pending: Vec::new(), skipping: false }
    }

    pub fn take(&mut self, chunk: &[u8]) -> Vec<String> {
        let mut lines = Vec::new();
        for piece in chunk.split_inclusive(|byte| *byte == b'\n') {
            let (text, ends) = match piece.strip_suffix(b"\n") {
                Some(text) => (text, true),
                None => (piece, false),
            };
            self.skipping |= self.pending.len() + text.len() > LONGEST_LINE;
            if !self.skipping {
                self.pending.extend_from_slice(text);
            }
            if ends {
                lines.extend(self.line());
            }
        }
        lines
    }

    fn line(&mut self) -> Option<String> {
        let line = std::mem::take(&mut self.pending);
        match std::mem::take(&mut self.skipping) {
            true => None,
            false => {
                let text = String::from_utf8(line).ok()?;
                text.trim_end_matches('\r').strip_prefix(&self.word).map(str::to_owned)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::collection::vec;
    use proptest::prelude::*;

    #[test]
    fn only_lines_with_the_word_are_heard_however_they_are_cut() {
        let text = b"Welcome!\nword folder /tmp/hop.a\r\nwords x\nwordx\nword ready\nword cut";
        for step in 1..text.len() {
            let mut lines = MarkedLines::new("word");
            let found: Vec<_> = text.chunks(step).flat_map(|chunk| lines.take(chunk)).collect();
            assert_eq!(found, ["folder /tmp/hop.a", "ready"], "{step}");
        }
    }

    #[test]
    fn endless_lines_take_no_memory_and_hide_nothing_after_them() {
        let mut lines = MarkedLines::new("w");
        for _ in 0..100 {
            assert!(lines.take(&[b'x'; 1024]).is_empty());
            assert!(lines.pending.len() <= LONGEST_LINE);
        }
        assert_eq!(lines.take(b"\nw ready\n"), ["ready"]);
    }

    proptest! {
        #[test]
        fn whatever_is_said_takes_bounded_memory(chunks in vec(vec(any::<u8>(), 0..300), 0..20)) {
            let mut lines = MarkedLines::new("w");
            for chunk in chunks {
                lines.take(&chunk);
                prop_assert!(lines.pending.len() <= LONGEST_LINE);
            }
        }
    }
}
