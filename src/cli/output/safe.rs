//! How are strangers' bytes made harmless? A terminal, a log or a JSON reader must not get names, banners and texts as
//! a server chose them.
//!
//! Main function: [`line()`]. Everything that could move a cursor, change a colour, break a line or reverse the reading
//! direction becomes `\xNN`, byte by byte. A backslash stays a backslash: the output is for reading, and where exact
//! bytes matter (JSON) the raw name is given in hexadecimal as well ([`hex`]).

use std::fmt::Write;

/// One line, in which every control character (C0, C1, DEL), line separator, bidi control and invalid byte becomes
/// `\xNN`.
///
/// The result is valid UTF-8 without any of them, and harmless text is returned unchanged.
pub fn line(bytes: impl AsRef<[u8]>) -> String {
    let mut safe = String::with_capacity(bytes.as_ref().len());
    for chunk in bytes.as_ref().utf8_chunks() {
        for character in chunk.valid().chars() {
            match is_harmless(character) {
                true => safe.push(character),
                false => escape(&mut safe, character.encode_utf8(&mut [0; 4]).as_bytes()),
            }
        }
        escape(&mut safe, chunk.invalid());
    }
    safe
}

/// The lines of a longer text (a banner, a question), each made harmless; `\r\n` ends a line too.
pub fn lines(bytes: impl AsRef<[u8]>) -> Vec<String> {
    let bytes = bytes.as_ref();
    let body = bytes.strip_suffix(b"\n").unwrap_or(bytes);
    body.split(|&byte| byte == b'\n').map(|text| line(text.strip_suffix(b"\r").unwrap_or(text))).collect()
}

/// At most `width` characters of the text. Its end is kept, because the end of a path tells more than its beginning.
pub fn elide(safe: &str, width: usize) -> String {
    let count = safe.chars().count();
    match count <= width || width == 0 {
        true => safe.to_owned(),
        false => std::iter::once('…').chain(safe.chars().skip(count - width + 1)).collect(),
    }
}

fn escape(safe: &mut String, bytes: &[u8]) {
    for byte in bytes {
        let _ = write!(safe, "\\x{byte:02x}");
    }
}

/// Whether a character may be shown. Bidi controls, invisible separators and the byte order mark can make a name look
/// like another one; joiners (U+200C, U+200D) may, because whole scripts need them.
fn is_harmless(character: char) -> bool {
    let deceptive = matches!(character,
        '\u{061c}' | '\u{200b}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}'
        | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}');
    !character.is_control() && !deceptive
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn escape_codes_and_invalid_bytes_are_spelled_out() {
        assert_eq!(line(b"\x1b[31mred\x07"), r"\x1b[31mred\x07");
        assert_eq!(line(b"a\nb\tc\r\x7f"), r"a\x0ab\x09c\x0d\x7f");
        assert_eq!(line(b"\xff\xfeok\xc3"), r"\xff\xfeok\xc3");
        assert_eq!(line("c1: \u{9b}31m"), r"c1: \xc2\x9b31m");
        assert_eq!(line("exe\u{202e}fdp.txt"), r"exe\xe2\x80\xaefdp.txt");
    }

    #[test]
    fn ordinary_names_stay_as_they_are() {
        for text in ["customers.csv", "a b", "Grüße", "日本語", "שלום", "नि\u{200d}", r"back\slash", "👩\u{200d}🚀"]
        {
            assert_eq!(line(text), text);
        }
    }

    #[test]
    fn a_text_keeps_its_lines() {
        assert_eq!(lines("one\r\ntwo\x1b\n\nfour\n"), ["one", r"two\x1b", "", "four"]);
    }

    #[test]
    fn the_end_of_a_long_name_is_kept() {
        assert_eq!(elide("/very/long/path.txt", 9), "…path.txt");
        assert_eq!(elide("short", 9), "short");
    }

    proptest! {
        #[test]
        fn nothing_that_acts_on_a_terminal_gets_through(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let safe = line(&bytes);
            prop_assert!(safe.chars().all(is_harmless), "{safe:?}");
            prop_assert_eq!(line(&safe), safe, "harmless text changes no more");
        }

        #[test]
        fn any_text_loses_only_what_acts(text in "\\PC{0,20}[\\x00-\\x1f\u{80}-\u{9f}\u{202a}-\u{202e}]{0,3}\\PC{0,20}") {
            let safe = line(&text);
            let kept: String = text.chars().filter(|&c| is_harmless(c)).collect();
            let mut rest = safe.chars();
            prop_assert!(kept.chars().all(|c| rest.any(|r| r == c)), "{safe:?} lost a part of {kept:?}");
            prop_assert!(safe.chars().all(is_harmless));
        }
    }
}
