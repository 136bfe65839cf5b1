//! A Rust file as tidy sees it: the text, and the same text with comments and literals blanked out, line for line.

use std::fs;
use std::path::Path;

/// One file.
pub struct Source {
    /// Path from the project's root.
    pub name: String,
    /// As written.
    pub text: String,
    /// Comments, strings and characters replaced by blanks.
    code: String,
    /// The same without the test modules; blank in a file that is one.
    production: String,
    is_test: bool,
}

/// A function and how long it is.
pub struct Function {
    pub name: String,
    /// Where `fn` stands, from 1.
    pub line: usize,
    /// From `fn` to the closing brace.
    pub lines: usize,
}

impl Source {
    pub fn read(root: &Path, path: &Path) -> Source {
        let text = fs::read_to_string(path).unwrap_or_else(|problem| panic!("{}: {problem}", path.display()));
        Source::new(path.strip_prefix(root).unwrap_or(path).display().to_string(), text)
    }

    pub fn new(name: String, text: String) -> Source {
        let code = blank(&text);
        let production = without_tests(&code);
        Source { name, text, code, production, is_test: false }
    }

    /// True for a file that is compiled for tests alone.
    pub fn is_test(&self) -> bool {
        self.is_test
    }

    /// Marks the files that others declare as `#[cfg(test)] mod …;`.
    pub fn mark_tests(sources: &mut [Source]) {
        let tests: Vec<String> = sources.iter().flat_map(Source::test_files).collect();
        for source in sources.iter_mut().filter(|source| tests.contains(&source.name)) {
            source.is_test = true;
            source.production = source.code.replace(|letter| letter != '\n', " ");
        }
    }

    fn test_files(&self) -> Vec<String> {
        let folder = self.name.strip_suffix("mod.rs").unwrap_or(self.name.trim_end_matches(".rs"));
        let folder = folder.trim_end_matches('/');
        let declared = test_modules(&self.code).into_iter().map(|(start, end)| &self.code[start..end]);
        let named = declared.filter_map(|item| item.split_once("mod ")?.1.strip_suffix(';'));
        named.map(|name| format!("{folder}/{name}.rs")).collect()
    }

    /// The text outside tests, comments and literals.
    pub fn production(&self) -> &str {
        &self.production
    }

    /// Lines outside tests where `word` stands as a word of its own.
    pub fn lines_with<'a>(&'a self, word: &'a str) -> impl Iterator<Item = usize> + 'a {
        lines_with(&self.production, word)
    }

    /// The same, tests included.
    pub fn lines_with_anywhere<'a>(&'a self, word: &'a str) -> impl Iterator<Item = usize> + 'a {
        lines_with(&self.code, word)
    }

    /// Lines of the file, test modules not counted.
    pub fn lines_without_tests(&self) -> usize {
        let tests: usize =
            test_modules(&self.code).iter().map(|&(start, end)| self.code[start..end].lines().count()).sum();
        self.text.lines().count() - tests
    }

    /// Every function with a body.
    pub fn functions(&self) -> Vec<Function> {
        let word = |at: usize| at == 0 || !is_word(self.code.as_bytes()[at - 1]);
        let starts = self.code.match_indices("fn ").map(|(at, _)| at).filter(|&at| word(at));
        starts.filter_map(|at| function(&self.code, at)).collect()
    }
}

fn lines_with<'a>(code: &'a str, word: &'a str) -> impl Iterator<Item = usize> + 'a {
    code.lines().enumerate().filter(move |(_, line)| has_word(line, word)).map(|(index, _)| index + 1)
}

fn has_word(line: &str, word: &str) -> bool {
    line.match_indices(word).any(|(at, _)| !is_word(word.as_bytes()[0]) || at == 0 || !is_word(line.as_bytes()[at - 1]))
}

pub fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_'
}

fn function(code: &str, at: usize) -> Option<Function> {
    let rest = &code[at + 3..];
    let name: String = rest.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect();
    let open = at + 3 + rest.find(['{', ';']).filter(|&i| rest.as_bytes()[i] == b'{')?;
    let end = closing(code, open)?;
    let line = code[..at].matches('\n').count() + 1;
    Some(Function { name, line, lines: code[at..end].matches('\n').count() + 1 })
}

/// Where the brace opened at `open` is closed.
fn closing(code: &str, open: usize) -> Option<usize> {
    let mut depth = 0usize;
    for (index, byte) in code.bytes().enumerate().skip(open) {
        match byte {
            b'{' => depth += 1,
            b'}' if depth == 1 => return Some(index + 1),
            b'}' => depth -= 1,
            _ => {}
        }
    }
    None
}

/// The spans of `#[cfg(test)] mod … { … }`.
fn test_modules(code: &str) -> Vec<(usize, usize)> {
    let mut spans: Vec<(usize, usize)> = Vec::new();
    for (start, _) in code.match_indices("#[cfg(test)]") {
        let inside = spans.last().is_some_and(|&(_, end)| start < end);
        let Some(open) = code[start..].find(['{', ';']).map(|i| start + i) else { continue };
        let end = if code.as_bytes()[open] == b'{' { closing(code, open) } else { Some(open + 1) };
        if let (false, Some(end)) = (inside, end) {
            spans.push((start, end));
        }
    }
    spans
}

fn without_tests(code: &str) -> String {
    let mut bytes = code.as_bytes().to_vec();
    for (start, end) in test_modules(code) {
        bytes[start..end].iter_mut().filter(|byte| **byte != b'\n').for_each(|byte| *byte = b' ');
    }
    String::from_utf8(bytes).expect("blanks for whole items")
}

/// Replaces comments, strings and characters by blanks; keeps every line and every byte offset.
pub fn blank(text: &str) -> String {
    let bytes = text.as_bytes();
    let mut out = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while at < bytes.len() {
        let end = at + literal_length(&bytes[at..], at > 0 && is_word(bytes[at - 1]));
        match end > at {
            true => out.extend(bytes[at..end].iter().map(|&byte| if byte == b'\n' { b'\n' } else { b' ' })),
            false => out.push(bytes[at]),
        }
        at = end.max(at + 1);
    }
    String::from_utf8(out).expect("literals begin and end at character boundaries")
}

/// Length of the comment or literal that starts here, zero when none does.
fn literal_length(rest: &[u8], in_word: bool) -> usize {
    match rest {
        [b'/', b'/', ..] => rest.iter().position(|&byte| byte == b'\n').unwrap_or(rest.len()),
        [b'/', b'*', ..] => block_comment(rest),
        [b'"', ..] => quoted(rest, b'"'),
        [b'r', b'"' | b'#', ..] if !in_word => raw_string(rest, 1),
        [b'b', b'r', b'"' | b'#', ..] if !in_word => raw_string(rest, 2),
        [b'\'', b'\\', ..] => quoted(rest, b'\''),
        [b'\'', ..] => character(rest),
        _ => 0,
    }
}

fn block_comment(rest: &[u8]) -> usize {
    let (mut depth, mut at) = (0usize, 0);
    while at < rest.len() {
        match rest[at..] {
            [b'/', b'*', ..] => (depth, at) = (depth + 1, at + 2),
            [b'*', b'/', ..] if depth == 1 => return at + 2,
            [b'*', b'/', ..] => (depth, at) = (depth - 1, at + 2),
            _ => at += 1,
        }
    }
    rest.len()
}

fn quoted(rest: &[u8], quote: u8) -> usize {
    let mut at = 1;
    while at < rest.len() && rest[at] != quote {
        at += if rest[at] == b'\\' { 2 } else { 1 };
    }
    (at + 1).min(rest.len())
}

fn raw_string(rest: &[u8], prefix: usize) -> usize {
    let hashes = rest[prefix..].iter().take_while(|&&byte| byte == b'#').count();
    if rest.get(prefix + hashes) != Some(&b'"') {
        return 0;
    }
    let end = [b"\"".as_slice(), &b"#".repeat(hashes)].concat();
    let body = prefix + hashes + 1;
    let close = rest[body..].windows(end.len()).position(|window| window == end);
    close.map_or(rest.len(), |found| body + found + end.len())
}

/// `'x'` is a character, `'x` a lifetime.
fn character(rest: &[u8]) -> usize {
    let width = match rest.get(1) {
        Some(byte) if *byte < 0x80 => 1,
        Some(byte) => byte.leading_ones() as usize,
        None => return 0,
    };
    if rest.get(1 + width) == Some(&b'\'') { width + 2 } else { 0 }
}

#[test]
fn literals_and_comments_are_blanked_byte_for_byte() {
    let text = "fn a<'x>() { /* { */ let s = \"}\\\"\"; let c = '{'; let r = r#\"}\"}\"#; } // }\nb'\\'' 'é'";
    let code = blank(text);
    assert_eq!(code.len(), text.len());
    assert_eq!(code.matches(['{', '}']).count(), 2);
    assert!(code.contains("fn a<'x>()") && !code.contains('é'));
}

#[test]
fn functions_are_measured_and_tests_left_out() {
    let text = "fn one() {\n let x = '{';\n}\nfn decl();\n#[cfg(test)]\nmod tests {\n fn two() { x.unwrap() }\n}\n";
    let source = Source::new("a.rs".into(), text.into());
    let functions = source.functions();
    assert_eq!(
        functions.iter().map(|f| (f.name.as_str(), f.line, f.lines)).collect::<Vec<_>>(),
        [("one", 1, 3), ("two", 7, 1)]
    );
    assert_eq!(source.lines_with(".unwrap()").count(), 0);
    assert_eq!(source.lines_with_anywhere(".unwrap()").collect::<Vec<_>>(), [7]);
    assert_eq!(source.lines_without_tests(), 4);
}
