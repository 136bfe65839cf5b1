//! Does a name match a pattern? The shell's `*`, `?` and `[…]` on raw bytes, `\` taking the next byte as it stands:
//! [`Pattern`], one component of a path. Pure; which folders are listed is the plan's business (`expand.rs`).

/// One component of a path, with or without wildcards.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pattern(Vec<Token>);

#[derive(Debug, Clone, PartialEq, Eq)]
enum Token {
    Byte(u8),
    Any,
    Star,
    Class { negated: bool, ranges: Vec<(u8, u8)> },
}

/// True when `path` can be read as a pattern: when its literal reading and its pattern reading may differ.
pub fn is_pattern(path: &[u8]) -> bool {
    path.iter().any(|byte| matches!(byte, b'*' | b'?' | b'[' | b'\\'))
}

impl Pattern {
    /// Reads one component. A `[` without its `]` and a `\` at the end stand for themselves, as in the shell.
    pub fn parse(component: &[u8]) -> Pattern {
        let mut tokens = Vec::new();
        let mut rest = component;
        while let [first, after @ ..] = rest {
            let (token, left) = match (first, after) {
                (b'*', _) => (Token::Star, after),
                (b'?', _) => (Token::Any, after),
                (b'\\', [escaped, left @ ..]) => (Token::Byte(*escaped), left),
                (b'[', _) => class(after).unwrap_or((Token::Byte(b'['), after)),
                (byte, _) => (Token::Byte(*byte), after),
            };
            rest = left;
            // several stars are one: keeps matching quadratic at worst
            if token != Token::Star || tokens.last() != Some(&Token::Star) {
                tokens.push(token);
            }
        }
        Pattern(tokens)
    }

    /// The only name that matches, when there are no wildcards.
    pub fn literal(&self) -> Option<Vec<u8>> {
        let byte = |token: &Token| match token {
            Token::Byte(byte) => Some(*byte),
            _ => None,
        };
        self.0.iter().map(byte).collect()
    }

    /// True when `name` matches; a leading dot only matches a dot that is written out.
    pub fn matches(&self, name: &[u8]) -> bool {
        let hidden = name.first() == Some(&b'.');
        if hidden && self.0.first() != Some(&Token::Byte(b'.')) {
            return false;
        }
        self.matches_all(name)
    }

    /// Goes back to the last star only, which is enough: an earlier one could not match more.
    fn matches_all(&self, name: &[u8]) -> bool {
        let tokens = &self.0;
        let (mut at, mut seen) = (0, 0);
        let mut star: Option<(usize, usize)> = None;
        while seen < name.len() {
            match tokens.get(at) {
                Some(Token::Star) => {
                    star = Some((at, seen));
                    at += 1;
                }
                Some(token) if token.takes(name[seen]) => {
                    at += 1;
                    seen += 1;
                }
                _ => match star {
                    None => return false,
                    Some((star_at, taken)) => {
                        star = Some((star_at, taken + 1));
                        at = star_at + 1;
                        seen = taken + 1;
                    }
                },
            }
        }
        tokens[at..].iter().all(|token| *token == Token::Star)
    }
}

impl Token {
    fn takes(&self, byte: u8) -> bool {
        match self {
            Token::Byte(wanted) => *wanted == byte,
            Token::Any => true,
            Token::Star => false,
            Token::Class { negated, ranges } => {
                ranges.iter().any(|(low, high)| (*low..=*high).contains(&byte)) != *negated
            }
        }
    }
}

/// Reads the inside of `[…]` and what follows; `None` when there is no closing `]`.
fn class(inside: &[u8]) -> Option<(Token, &[u8])> {
    let negated = matches!(inside.first(), Some(b'!' | b'^'));
    let mut rest = if negated { &inside[1..] } else { inside };
    let mut ranges = Vec::new();
    loop {
        // a `]` in the first place is a member
        if let ([b']', left @ ..], false) = (rest, ranges.is_empty()) {
            return Some((Token::Class { negated, ranges }, left));
        }
        let (low, left) = member(rest)?;
        let (high, left) = match left {
            [b'-', after @ ..] if after.first().is_some_and(|byte| *byte != b']') => member(after)?,
            _ => (low, left),
        };
        ranges.push((low, high));
        rest = left;
    }
}

fn member(rest: &[u8]) -> Option<(u8, &[u8])> {
    match rest {
        [b'\\', byte, left @ ..] | [byte, left @ ..] => Some((*byte, left)),
        [] => None,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn matches(pattern: &str, name: &str) -> bool {
        Pattern::parse(pattern.as_bytes()).matches(name.as_bytes())
    }

    #[test]
    fn matches_as_the_shell_does() {
        for (pattern, name) in [
            ("*", "a"),
            ("*.gz", "a.gz"),
            ("*.gz", ".gz.gz".trim_start_matches('.')),
            ("a*b*c", "aXbYbZc"),
            ("?", "x"),
            ("[abc]", "b"),
            ("[a-c]x", "bx"),
            ("[!a-c]", "d"),
            ("[^a-c]", "d"),
            ("[]a]", "]"),
            ("[a-]", "-"),
            ("[\\]]", "]"),
            (".*", ".x"),
            ("\\*", "*"),
            ("a\\ b", "a b"),
            ("[", "["),
            ("a[b", "a[b"),
            ("x\\", "x\\"),
        ] {
            assert!(matches(pattern, name), "{pattern} should match {name}");
        }
    }

    #[test]
    fn does_not_match_more() {
        for (pattern, name) in [
            ("*", ".hidden"),
            ("?hidden", ".hidden"),
            ("[.]hidden", ".hidden"),
            ("*.gz", "a.gzip"),
            ("a*b", "a"),
            ("[a-c]", "d"),
            ("[!a-c]", "b"),
            ("\\*", "x"),
            ("?", "xy"),
            ("?", ""),
        ] {
            assert!(!matches(pattern, name), "{pattern} should not match {name}");
        }
    }

    #[test]
    fn a_literal_is_its_only_name() {
        assert_eq!(Pattern::parse(b"a\\*b").literal().unwrap(), b"a*b");
        assert_eq!(Pattern::parse(b"a*b").literal(), None);
        assert!(is_pattern(b"a\\b") && is_pattern(b"[") && !is_pattern(b"-r 'x'"));
    }

    #[test]
    fn many_stars_are_not_exponential() {
        let pattern = "a*".repeat(60) + "b";
        assert!(!matches(&pattern, &"a".repeat(250)));
    }

    proptest! {
        #[test]
        fn an_escaped_name_matches_itself_only(
            name in proptest::collection::vec(1u8.., 1..20), other in proptest::collection::vec(1u8.., 1..20),
        ) {
            let escaped: Vec<u8> = name.iter().flat_map(|byte| [b'\\', *byte]).collect();
            let pattern = Pattern::parse(&escaped);
            prop_assert_eq!(pattern.literal(), Some(name.clone()));
            prop_assert!(pattern.matches(&name));
            prop_assert_eq!(pattern.matches(&other), name == other);
        }

        #[test]
        fn any_bytes_are_a_pattern(
            pattern in proptest::collection::vec(any::<u8>(), 0..40), name in proptest::collection::vec(any::<u8>(), 0..40),
        ) {
            let _ = Pattern::parse(&pattern).matches(&name);
        }
    }
}
