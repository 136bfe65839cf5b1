//! Which type names are there twice, and which parameters have no name? Counted in production code.

use std::collections::BTreeMap;

use super::source::{Source, is_word};

/// Each type name that more than one place defines, with the places.
pub fn doubled(sources: &[Source]) -> BTreeMap<String, Vec<String>> {
    let mut places: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for source in sources {
        for (number, line) in source.production().lines().enumerate() {
            let place = format!("{}:{}", source.name, number + 1);
            if let Some(name) = type_defined(line) {
                places.entry(name.to_owned()).or_default().push(place);
            }
        }
    }
    places.retain(|_, places| places.len() > 1);
    places
}

/// The type that the line begins to define. A `type` further in is one of a trait's.
fn type_defined(line: &str) -> Option<&str> {
    let words = line.trim_start();
    let words = match words.strip_prefix("pub") {
        Some(rest) if rest.starts_with('(') => rest.split_once(')')?.1.trim_start(),
        Some(rest) => rest.trim_start(),
        None => words,
    };
    let (keyword, rest) = words.split_once(' ')?;
    let defines =
        ["struct", "enum", "trait", "union"].contains(&keyword) || (keyword == "type" && !line.starts_with(' '));
    let name = &rest[..rest.bytes().take_while(|&byte| is_word(byte)).count()];
    (defines && !name.is_empty()).then_some(name)
}

/// Each `(a, b): (A, B)` among the parameters of a function, as its file and line.
pub fn tuple_parameters(source: &Source) -> Vec<String> {
    let code = source.production();
    let mut found = Vec::new();
    for (at, _) in code.match_indices("fn ").filter(|&(at, _)| at == 0 || !is_word(code.as_bytes()[at - 1])) {
        let tuples =
            parameters(&code[at..]).into_iter().filter(|parameter| parameter.trim_start_matches('&').starts_with('('));
        let line = code[..at].matches('\n').count() + 1;
        found.extend(tuples.map(|parameter| format!("{}:{line}: {parameter}", source.name)));
    }
    found
}

/// The parameters of the function that begins here.
fn parameters(function: &str) -> Vec<String> {
    let Some(open) = opening(function) else { return Vec::new() };
    let mut depth = 0usize;
    let mut found = vec![String::new()];
    for (at, letter) in function[open + 1..].char_indices() {
        let arrow = letter == '>' && function[open + 1..][..at].ends_with(['-', '=']);
        match letter {
            ')' if depth == 0 => break,
            ',' if depth == 0 => {
                found.push(String::new());
                continue;
            }
            '(' | '[' | '{' | '<' => depth += 1,
            ')' | ']' | '}' | '>' if !arrow => depth -= 1,
            _ => {}
        }
        found.last_mut().expect("never empty").push(letter);
    }
    let found = found.iter().map(|parameter| parameter.split_whitespace().collect::<Vec<_>>().join(" "));
    found.filter(|parameter| !parameter.is_empty()).collect()
}

/// Where the list of parameters opens, behind the generic ones.
fn opening(function: &str) -> Option<usize> {
    let mut depth = 0usize;
    for (at, letter) in function.char_indices() {
        match letter {
            '<' => depth += 1,
            '>' if !function[..at].ends_with('-') => depth -= 1,
            '(' if depth == 0 => return Some(at),
            '{' | ';' => return None,
            _ => {}
        }
    }
    None
}

#[test]
fn tuples_and_doubled_types_are_found() {
    let text = "pub struct A<'a>;\nimpl A<'_> {\n    type Error = ();\n    enum B { X }\n}\npub(crate) enum A {}\ntype B = u8;\n\
                fn f<F: Fn(u8) -> (u8, u8)>(f: F, (a, b): (u8, Option<&u8>), &(c, _): &(u8, u8)) {}\nfn g(pair: (u8, u8)) {}";
    let source = Source::new("a.rs".into(), text.into());
    let tuples = tuple_parameters(&source);
    assert_eq!(tuples, ["a.rs:8: (a, b): (u8, Option<&u8>)", "a.rs:8: &(c, _): &(u8, u8)"]);
    let doubled: Vec<_> = doubled(&[source]).into_iter().map(|(name, places)| (name, places.len())).collect();
    assert_eq!(doubled, [("A".to_owned(), 2), ("B".to_owned(), 2)]);
}
