//! Does a name match a pattern? One matcher on bytes serves both kinds of pattern:
//!
//! - those of OpenSSH's `match.c`: `*` and `?`, alone ([`match_pattern`]) or in a list with commas and `!`
//!   ([`match_list`]);
//! - those of the shell, for one component of a path ([`ShellPattern`]): `*`, `?`, `[…]`, and `\\` to quote the next
//!   byte.
//!
//! Matching takes time linear in name × pattern, whatever the pattern. Pure; no folder is listed here.

/// The longest single pattern that OpenSSH reads in a list, in bytes; nothing matches a list with a longer one.
const LONGEST_PATTERN: usize = 1022;

/// One item of a pattern.
trait PatternItem {
    /// Whether it matches any number of bytes.
    fn is_star(&self) -> bool;
    /// Whether it matches this one byte; a star does not.
    fn takes(&self, byte: u8) -> bool;
}

/// Whether `pattern` matches the whole of `name`. Goes back only to the last star, which is enough: an earlier one
/// could not match more.
fn matches<I: PatternItem>(name: &[u8], pattern: &[I]) -> bool {
    let (mut at, mut seen) = (0, 0);
    let mut star: Option<(usize, usize)> = None;
    while seen < name.len() {
        match pattern.get(at) {
            Some(item) if item.is_star() => {
                star = Some((at, seen));
                at += 1;
            }
            Some(item) if item.takes(name[seen]) => {
                at += 1;
                seen += 1;
            }
            _ => {
                let Some((star_at, taken)) = star else { return false };
                star = Some((star_at, taken + 1));
                (at, seen) = (star_at + 1, taken + 1);
            }
        }
    }
    pattern[at..].iter().all(PatternItem::is_star)
}

/// A byte of an OpenSSH pattern.
impl PatternItem for u8 {
    fn is_star(&self) -> bool {
        *self == b'*'
    }

    fn takes(&self, byte: u8) -> bool {
        *self == b'?' || *self == byte
    }
}

/// Whether `pattern`, with `*` and `?`, matches the whole of `name`.
pub fn match_pattern(name: impl AsRef<[u8]>, pattern: impl AsRef<[u8]>) -> bool {
    matches(name.as_ref(), pattern.as_ref())
}

/// The result of comparing a name with a list of patterns.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ListMatch {
    /// A pattern matches, and no negated one does.
    Match,
    /// A negated pattern matches.
    Negated,
    /// Nothing matches.
    NoMatch,
}

/// Compares a name with a comma-separated list of patterns, some negated by `!`.
pub fn match_list(name: impl AsRef<[u8]>, list: impl AsRef<[u8]>) -> ListMatch {
    let (name, list) = (name.as_ref(), list.as_ref());
    let mut outcome = ListMatch::NoMatch;
    let patterns = list.strip_suffix(b",").unwrap_or(list).split(|&byte| byte == b',');
    for pattern in patterns.filter(|_| !list.is_empty()) {
        let (negated, pattern) = pattern.strip_prefix(b"!").map_or((false, pattern), |pattern| (true, pattern));
        match matches(name, pattern) {
            _ if pattern.len() > LONGEST_PATTERN => return ListMatch::NoMatch,
            true if negated => return ListMatch::Negated,
            true => outcome = ListMatch::Match,
            false => {}
        }
    }
    outcome
}

/// Compares like [`match_list`], ignoring the case of ASCII letters.
pub fn match_list_ignoring_case(name: impl AsRef<[u8]>, list: impl AsRef<[u8]>) -> ListMatch {
    match_list(name.as_ref().to_ascii_lowercase(), list.as_ref().to_ascii_lowercase())
}

/// One component of a path, with or without wildcards.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ShellPattern(Vec<Token>);

#[derive(Debug, Clone, PartialEq, Eq)]
enum Token {
    Byte(u8),
    Any,
    Star,
    Class { negated: bool, ranges: Vec<(u8, u8)> },
}

/// Whether `path` has characters of a pattern, so that its literal reading and its reading as a pattern may differ.
pub fn is_pattern(path: &[u8]) -> bool {
    path.iter().any(|byte| matches!(byte, b'*' | b'?' | b'[' | b'\\'))
}

impl ShellPattern {
    /// Parses one component. A `[` without its `]` and a `\` at the end stand for themselves, as in the shell.
    pub fn parse(component: &[u8]) -> ShellPattern {
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
            // several stars count as one, which keeps matching quadratic at worst
            if token != Token::Star || tokens.last() != Some(&Token::Star) {
                tokens.push(token);
            }
        }
        ShellPattern(tokens)
    }

    /// The only name that matches, if there are no wildcards.
    pub fn literal(&self) -> Option<Vec<u8>> {
        let byte = |token: &Token| match token {
            Token::Byte(byte) => Some(*byte),
            _ => None,
        };
        self.0.iter().map(byte).collect()
    }

    /// Whether `name` matches; a leading dot is only matched by a literal dot.
    pub fn matches(&self, name: &[u8]) -> bool {
        let hidden = name.first() == Some(&b'.');
        if hidden && self.0.first() != Some(&Token::Byte(b'.')) {
            return false;
        }
        matches(name, &self.0)
    }
}

impl PatternItem for Token {
    fn is_star(&self) -> bool {
        *self == Token::Star
    }

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

/// Parses the inside of `[…]`, and returns it with the rest; `None` if there is no closing `]`.
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
mod tests;
