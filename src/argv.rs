//! Which words does a line consist of? It is split like OpenSSH's `argv_split` (`misc.c`): quotes of both kinds, and
//! backslashes before quotes, backslashes and (outside quotes) blanks. Nothing is expanded here, and no shell is run.
//!
//! Main function: [`split`].

/// The meaning of a `#` at the start of a word.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Hash {
    /// The rest of the line is a comment, as in ssh_config.
    Comment,
    /// It is an ordinary character, as in a command.
    Letter,
}

/// Splits a line into words; `None` if a quote is not closed.
pub fn split(line: &str, hash: Hash) -> Option<Vec<String>> {
    let mut words = Vec::new();
    let mut rest = line.trim_start_matches([' ', '\t']);
    while !(rest.is_empty() || hash == Hash::Comment && rest.starts_with('#')) {
        let (word, after) = next_word(rest)?;
        words.push(word);
        rest = after.trim_start_matches([' ', '\t']);
    }
    Some(words)
}

/// The first word of the text, and the rest.
fn next_word(text: &str) -> Option<(String, &str)> {
    let mut word = String::new();
    let mut quote = None;
    let mut letters = text.char_indices().peekable();
    while let Some((at, letter)) = letters.next() {
        let next = letters.peek().map(|&(_, next)| next);
        match (letter, quote) {
            ('\\', _) if next.is_some_and(|next| is_escapable(next, quote)) => {
                word.extend(next);
                letters.next();
            }
            (' ' | '\t', None) => return Some((word, &text[at..])),
            ('"' | '\'', None) => quote = Some(letter),
            (_, Some(open)) if letter == open => quote = None,
            _ => word.push(letter),
        }
    }
    quote.is_none().then_some((word, ""))
}

fn is_escapable(letter: char, quote: Option<char>) -> bool {
    matches!(letter, '\'' | '"' | '\\') || (letter == ' ' && quote.is_none())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn words_are_split_as_ssh_splits_them() {
        for (line, expected) in [
            ("/bin/a b  c", &["/bin/a", "b", "c"][..]),
            ("  /a 'b c' \"d 'e\"", &["/a", "b c", "d 'e"]),
            (r#"a\ b c\"d \\ \x "\ ""#, &["a b", "c\"d", "\\", "\\x", "\\ "]),
            ("a '' b", &["a", "", "b"]),
            ("", &[]),
        ] {
            assert_eq!(split(line, Hash::Letter).unwrap(), expected, "{line}");
        }
        assert_eq!(split("a 'b", Hash::Letter), None);
    }

    #[test]
    fn a_hash_begins_a_comment_where_there_are_some() {
        assert_eq!(split("a #b c", Hash::Letter).unwrap(), ["a", "#b", "c"]);
        assert_eq!(split("a #b c", Hash::Comment).unwrap(), ["a"]);
        assert_eq!(split("a# b", Hash::Comment).unwrap(), ["a#", "b"]);
    }

    proptest! {
        #[test]
        fn no_line_makes_it_panic(line in ".{0,60}") {
            let _ = (split(&line, Hash::Letter), split(&line, Hash::Comment));
        }
    }
}
