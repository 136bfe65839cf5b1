//! How is a line of ssh_config read? Text becomes numbered lines: a keyword, the words after it, and the raw rest.
//!
//! Main types: [`Words`], [`split_lines`]. The rules are those of OpenSSH's `readconf.c` (`process_config_line`) and
//! `misc.c` (`strdelim`, `argv_split`), quirks included, since they decide what a configuration means. What the words
//! mean to a keyword is not known here.

use crate::argv::{Hash, split};

/// A line that is neither blank nor a comment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RawLine<'a> {
    /// The line number, from 1.
    pub number: usize,
    /// The keyword, lowercased.
    pub keyword: String,
    /// The text after the keyword, without the blanks and the one `=` that come first.
    pub rest: &'a str,
}

/// Why a line cannot be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unreadable {
    /// The line number, from 1.
    pub number: usize,
    /// What is wrong with the line.
    pub problem: String,
}

/// The characters that separate words after a keyword; a form feed is stripped only at the end of a line.
const BLANK: [char; 4] = [' ', '\t', '\r', '\n'];

/// The lines of a file that are neither blank nor comments, in order.
pub fn split_lines(bytes: &[u8]) -> impl Iterator<Item = Result<RawLine<'_>, Unreadable>> {
    bytes.split(|&b| b == b'\n').enumerate().filter_map(|(index, line)| {
        let number = index + 1;
        let line = line.split(|&b| b == 0).next().unwrap_or(line);
        match std::str::from_utf8(line) {
            Ok(text) => read_line(number, text).transpose(),
            Err(_) if is_comment(line) => None,
            Err(_) => Some(Err(Unreadable { number, problem: "the line is not UTF-8".to_owned() })),
        }
    })
}

/// Reads one line; `None` if it is blank or a comment.
pub fn read_line(number: usize, line: &str) -> Result<Option<RawLine<'_>>, Unreadable> {
    let line = line.trim_end_matches([' ', '\t', '\r', '\n', '\x0c']);
    let mut rest = Some(line);
    let mut keyword = next_delimited(&mut rest);
    if keyword.as_deref() == Some("") {
        keyword = next_delimited(&mut rest);
    }
    let Some(keyword) = keyword.filter(|word| !word.is_empty() && !word.starts_with('#')) else {
        return Ok(None);
    };
    let keyword = keyword.to_ascii_lowercase();
    let rest = rest.unwrap_or("").trim_start_matches(BLANK);
    match rest.is_empty() {
        true => Err(Unreadable { number, problem: format!("no argument after keyword `{keyword}`") }),
        false => Ok(Some(RawLine { number, keyword, rest })),
    }
}

fn is_comment(line: &[u8]) -> bool {
    line.iter().find(|&&b| b != b' ' && b != b'\t') == Some(&b'#')
}

/// Takes the next word as `strdelim` does: up to a blank or `=`, or up to the closing quote if it begins with a quote.
/// `None` at the end, and if a quote is not closed.
pub fn next_delimited(rest: &mut Option<&str>) -> Option<String> {
    let text = rest.take()?;
    let Some(at) = text.find(|c| BLANK.contains(&c) || c == '"' || c == '=') else {
        return Some(text.to_owned());
    };
    let after = &text[at + 1..];
    if text[at..].starts_with('"') {
        let close = after.find('"')?;
        *rest = Some(after[close + 1..].trim_start_matches(BLANK));
        return Some([&text[..at], &after[..close]].concat());
    }
    let mut after_word = after.trim_start_matches(BLANK);
    if !text[at..].starts_with('=') {
        after_word = after_word.strip_prefix('=').map_or(after_word, |value| value.trim_start_matches(BLANK));
    }
    *rest = Some(after_word);
    Some(text[..at].to_owned())
}

/// The words after a keyword, taken one by one.
#[derive(Debug)]
pub struct Words<'a> {
    rest: &'a str,
    words: std::vec::IntoIter<String>,
}

impl<'a> Words<'a> {
    /// Splits the text after a keyword into words.
    pub fn new(rest: &'a str) -> Result<Words<'a>, String> {
        let words = split(rest, Hash::Comment).ok_or("invalid quotes")?;
        Ok(Words { rest, words: words.into_iter() })
    }

    /// The next word, which must exist and not be empty.
    pub fn needed(&mut self) -> Result<String, String> {
        self.words.next().filter(|word| !word.is_empty()).ok_or_else(|| "missing argument".to_owned())
    }

    /// The next word, if any; it may be empty.
    pub fn optional(&mut self) -> Option<String> {
        self.words.next()
    }

    /// All remaining words.
    pub fn all(&mut self) -> Vec<String> {
        std::mem::take(&mut self.words).collect()
    }

    /// How many words remain.
    pub fn left(&self) -> usize {
        self.words.len()
    }

    /// The text after the keyword as typed; afterwards no word remains.
    pub fn whole_rest(&mut self) -> &'a str {
        self.words = Vec::new().into_iter();
        self.rest.trim_start_matches([' ', '\t', '\r', '\n', '='])
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn line(text: &str) -> Option<(String, String)> {
        read_line(1, text).unwrap().map(|line| (line.keyword, line.rest.to_owned()))
    }

    #[test]
    fn a_keyword_ends_at_a_blank_or_one_equals_sign() {
        for text in ["User me", "  User me  ", "USER=me", "user = me", "User\t=\tme\r", "\"User\" me", "User\"\" me"] {
            assert_eq!(line(text), Some(("user".into(), "me".into())), "{text:?}");
        }
        assert_eq!(line("User == me"), Some(("user".into(), "= me".into())));
        assert_eq!(line("# User me"), None);
        assert_eq!(line("   "), None);
        assert_eq!(line("Us\"er me"), None);
        assert!(read_line(7, "User").is_err_and(|bad| bad.number == 7));
    }

    #[test]
    fn words_are_split_at_blanks_outside_quotes() {
        let words = |text| split(text, Hash::Comment).unwrap();
        assert_eq!(words(r#"a "b c" 'd e'"#), ["a", "b c", "d e"]);
        assert_eq!(words(r#"a\ b "c\"d" e\f"#), ["a b", "c\"d", "e\\f"]);
        assert_eq!(words("a # b"), ["a"]);
        assert_eq!(words("a#b"), ["a#b"]);
        assert_eq!(words(r#""" x"#), ["", "x"]);
        assert_eq!(split("\"open", Hash::Comment), None);
    }

    #[test]
    fn bytes_that_are_not_utf8_are_fine_in_comments_only() {
        let lines: Vec<_> = split_lines(b"# caf\xe9\nUser caf\xe9\nPort 1\n").collect();
        assert_eq!(lines.len(), 2);
        assert!(lines[0].as_ref().is_err_and(|bad| bad.number == 2));
        assert!(lines[1].as_ref().is_ok_and(|good| good.number == 3));
    }

    proptest! {
        #[test]
        fn no_text_makes_the_reader_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            split_lines(&bytes).for_each(|line| {
                if let Ok(line) = line {
                    let _ = split(line.rest, Hash::Comment);
                }
            });
        }

        #[test]
        fn quoted_words_come_back(words in proptest::collection::vec("[a-z #=]{0,6}", 0..5)) {
            let text: String = words.iter().map(|word| format!("\"{word}\" ")).collect();
            prop_assert_eq!(split(&text, Hash::Comment).unwrap(), words);
        }
    }
}
