//! Which escapes were typed? Input is split into text and escapes: `~.` and the like after a newline (ssh(1), ESCAPE
//! CHARACTERS).
//!
//! Main type: [`Escapes`]. It only parses; what an escape does is decided in `mod.rs`.

use bytes::Bytes;

/// Control-Z.
const SUSPEND: u8 = 0x1a;
/// The escapes that ssh has and hop does not: break, command line, rekeying, verbosity, the list of tunnels, the
/// background.
const MISSING: &[u8] = b"BCRVv#&";

/// An escape that was typed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Escape {
    /// `~.`: end the connection.
    Leave,
    /// `~^Z`: suspend this process, as a shell's job.
    Suspend,
    /// `~?`: show the escapes.
    Help,
    /// An escape that ssh has and hop does not.
    Unsupported(u8),
}

/// A piece of input.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Typed {
    /// Text for the remote program.
    Text(Bytes),
    /// An escape for hop.
    Escape(Escape),
}

/// Finds escapes in what is typed. A session begins as if after a newline.
#[derive(Debug)]
pub struct Escapes {
    character: u8,
    after_newline: bool,
    pending: bool,
}

impl Escapes {
    /// A parser for escapes that begin with `character`.
    pub fn new(character: u8) -> Escapes {
        Escapes { character, after_newline: true, pending: false }
    }

    /// Splits input into pieces, in order. An escape character at the end waits for the next byte.
    pub fn read(&mut self, typed: &[u8]) -> Vec<Typed> {
        let (mut pieces, mut text) = (Vec::new(), Vec::with_capacity(typed.len() + 1));
        for &byte in typed {
            if std::mem::take(&mut self.pending) {
                if let Some(escape) = escape(byte) {
                    if !text.is_empty() {
                        pieces.push(Typed::Text(std::mem::take(&mut text).into()));
                    }
                    pieces.push(Typed::Escape(escape));
                    continue;
                }
                if byte != self.character {
                    text.push(self.character);
                }
            } else if self.after_newline && byte == self.character {
                self.pending = true;
                continue;
            }
            self.after_newline = byte == b'\r' || byte == b'\n';
            text.push(byte);
        }
        if !text.is_empty() {
            pieces.push(Typed::Text(text.into()));
        }
        pieces
    }
}

fn escape(byte: u8) -> Option<Escape> {
    match byte {
        b'.' => Some(Escape::Leave),
        SUSPEND => Some(Escape::Suspend),
        b'?' => Some(Escape::Help),
        _ => MISSING.contains(&byte).then_some(Escape::Unsupported(byte)),
    }
}

/// The text that `~?` shows, in the form of ssh's.
pub fn help(character: u8) -> String {
    let name = named(character);
    let missing: Vec<String> = MISSING.iter().map(|&byte| format!("{name}{}", char::from(byte))).collect();
    format!(
        "{name}?\r\nSupported escape sequences:\r\n \
         {name}.   - terminate connection\r\n \
         {name}^Z  - suspend hop\r\n \
         {name}?   - this message\r\n \
         {name}{name}   - send the escape character by typing it twice\r\n\
         Not supported, other than by ssh: {}\r\n\
         (Note that escapes are only recognized immediately after newline.)\r\n",
        missing.join(" ")
    )
}

/// The character as people write it: `~`, `^A`.
pub fn named(character: u8) -> String {
    match character {
        0..=0x1f => format!("^{}", char::from(character + b'@')),
        0x7f => "^?".to_owned(),
        _ => char::from(character).to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn read(typed: &[&[u8]]) -> (Vec<u8>, Vec<Escape>) {
        let mut escapes = Escapes::new(b'~');
        let (mut text, mut found) = (Vec::new(), Vec::new());
        for piece in typed.iter().flat_map(|chunk| escapes.read(chunk)) {
            match piece {
                Typed::Text(bytes) => text.extend_from_slice(&bytes),
                Typed::Escape(escape) => found.push(escape),
            }
        }
        (text, found)
    }

    #[test]
    fn escapes_work_at_the_start_and_after_a_newline_only() {
        assert_eq!(read(&[b"~."]), (vec![], vec![Escape::Leave]));
        assert_eq!(read(&[b"ls\r~."]), (b"ls\r".to_vec(), vec![Escape::Leave]));
        assert_eq!(read(&[b"ls\n", b"~", b"."]), (b"ls\n".to_vec(), vec![Escape::Leave]));
        assert_eq!(read(&[b"a~."]), (b"a~.".to_vec(), vec![]));
        assert_eq!(read(&[b"\r~\x1a~?"]), (b"\r".to_vec(), vec![Escape::Suspend, Escape::Help]));
    }

    #[test]
    fn the_character_twice_is_the_character_once() {
        assert_eq!(read(&[b"\r~~."]), (b"\r~.".to_vec(), vec![]));
        assert_eq!(read(&[b"\r~x\r~."]), (b"\r~x\r".to_vec(), vec![Escape::Leave]));
        assert_eq!(read(&[b"~#"]), (vec![], vec![Escape::Unsupported(b'#')]));
    }

    #[test]
    fn the_character_can_be_a_control_character() {
        let mut escapes = Escapes::new(0x1d);
        assert_eq!(escapes.read(b"\x1d."), [Typed::Escape(Escape::Leave)]);
        assert_eq!(named(0x1d), "^]");
    }

    proptest! {
        #[test]
        fn text_without_the_character_passes_unchanged(text in proptest::collection::vec(any::<u8>(), 0..99), at in 0usize..99) {
            let text: Vec<u8> = text.into_iter().filter(|byte| *byte != b'~').collect();
            let at = at.min(text.len());
            prop_assert_eq!(read(&[&text[..at], &text[at..]]), (text, vec![]));
        }
    }
}
