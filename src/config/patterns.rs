//! Does a name match? `*` and `?`, and lists of such patterns, as OpenSSH's `match.c` has them.
//!
//! Main functions: [`match_pattern`], [`match_list`]. A list is one word with commas; the words of a `Host` line are in
//! `parse/criteria.rs`.

/// What a pattern list says of a name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ListMatch {
    /// A pattern matches, no negated one does.
    Match,
    /// A negated pattern matches.
    Negated,
    /// Nothing matches.
    NoMatch,
}

/// `*` and `?` against the whole of `text`, without backtracking more than one star deep.
pub fn match_pattern(text: &str, pattern: &str) -> bool {
    let (text, pattern) = (text.as_bytes(), pattern.as_bytes());
    let (mut at, mut in_pattern) = (0, 0);
    let mut star: Option<(usize, usize)> = None;
    while at < text.len() {
        match pattern.get(in_pattern) {
            Some(b'*') => {
                star = Some((at, in_pattern + 1));
                in_pattern += 1;
            }
            Some(&wanted) if wanted == b'?' || wanted == text[at] => {
                at += 1;
                in_pattern += 1;
            }
            _ => {
                let Some((from, after_star)) = star else { return false };
                star = Some((from + 1, after_star));
                (at, in_pattern) = (from + 1, after_star);
            }
        }
    }
    pattern[in_pattern..].iter().all(|&b| b == b'*')
}

/// A comma-separated list of patterns, some negated by `!`.
pub fn match_list(text: &str, list: &str) -> ListMatch {
    let mut verdict = ListMatch::NoMatch;
    for pattern in list.split_terminator(',') {
        match pattern.strip_prefix('!') {
            Some(negated) if match_pattern(text, negated) => return ListMatch::Negated,
            None if match_pattern(text, pattern) => verdict = ListMatch::Match,
            _ => {}
        }
    }
    verdict
}

/// A list of patterns that are compared without regard to case; `text` is lowercased here.
pub fn match_list_ignoring_case(text: &str, list: &str) -> ListMatch {
    match_list(&text.to_ascii_lowercase(), &list.to_ascii_lowercase())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn stars_and_question_marks() {
        for (text, pattern) in [("acc-pvt", "acc-*"), ("abc", "a?c"), ("", "*"), ("aXbXc", "a*b*c"), ("x", "**?")] {
            assert!(match_pattern(text, pattern), "{text} {pattern}");
        }
        for (text, pattern) in [("acc", "acc-*"), ("abc", "ab"), ("", "?"), ("ABC", "abc")] {
            assert!(!match_pattern(text, pattern), "{text} {pattern}");
        }
    }

    #[test]
    fn a_negated_pattern_wins() {
        assert_eq!(match_list("a.b", "*.b,!a.*"), ListMatch::Negated);
        assert_eq!(match_list("c.b", "*.b,!a.*"), ListMatch::Match);
        assert_eq!(match_list("c", "*.b,!a.*"), ListMatch::NoMatch);
    }

    proptest! {
        #[test]
        fn a_text_matches_itself_and_a_star(text in "[a-z.?*]{0,12}") {
            prop_assert!(match_pattern(&text, &text.replace(|c: char| c.is_ascii_lowercase(), "?")) || text.contains('*'));
            prop_assert!(match_pattern(&text, "*"));
        }
    }
}
