//! Do both kinds of pattern match what OpenSSH and the shell match, and in bounded time?

use proptest::prelude::*;

use super::*;

fn listed(name: &str, list: &str) -> bool {
    match_list_ignoring_case(name, list) == ListMatch::Match
}

#[test]
fn wildcards_stand_for_any_bytes_and_for_one() {
    assert!(listed("a.example.com", "*.example.com"));
    assert!(!listed("example.com", "*.example.com"));
    assert!(listed("host1", "host?"));
    assert!(!listed("host", "host?"));
    assert!(listed("aXbXc".to_lowercase().as_str(), "a*b*c"));
    assert!(listed("", "*"));
    assert!(!listed("abc", "a*bd"));
}

#[test]
fn a_negated_pattern_wins_wherever_it_stands() {
    assert!(!listed("bad.example.com", "*.example.com,!bad.example.com"));
    assert!(!listed("bad.example.com", "!bad.example.com,*.example.com"));
    assert!(!listed("other", "!bad"));
}

#[test]
fn patterns_are_read_in_lower_case() {
    assert!(listed("host", "HOST"));
}

#[test]
fn a_pattern_longer_than_ssh_reads_spoils_its_line() {
    assert!(!listed("host", &format!("host,{}", "x".repeat(1023))));
    assert!(listed("host", &format!("host,{}", "x".repeat(1022))));
}

#[test]
fn many_stars_take_no_time() {
    let pattern = "*a".repeat(200) + "b";
    assert!(!match_pattern("a".repeat(4096), pattern));
}

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
fn a_negated_pattern_is_told_from_none() {
    assert_eq!(match_list("a.b", "*.b,!a.*"), ListMatch::Negated);
    assert_eq!(match_list("c.b", "*.b,!a.*"), ListMatch::Match);
    assert_eq!(match_list("c", "*.b,!a.*"), ListMatch::NoMatch);
}

proptest! {
    #[test]
    fn a_text_matches_itself_and_a_star(text in "[a-z.?*]{0,12}") {
        prop_assert!(match_pattern(&text, text.replace(|c: char| c.is_ascii_lowercase(), "?")) || text.contains('*'));
        prop_assert!(match_pattern(&text, "*"));
    }
}

fn shell_matches(pattern: &str, name: &str) -> bool {
    ShellPattern::parse(pattern.as_bytes()).matches(name.as_bytes())
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
        assert!(shell_matches(pattern, name), "{pattern} should match {name}");
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
        assert!(!shell_matches(pattern, name), "{pattern} should not match {name}");
    }
}

#[test]
fn a_literal_is_its_only_name() {
    assert_eq!(ShellPattern::parse(b"a\\*b").literal().unwrap(), b"a*b");
    assert_eq!(ShellPattern::parse(b"a*b").literal(), None);
    assert!(is_pattern(b"a\\b") && is_pattern(b"[") && !is_pattern(b"-r 'x'"));
}

#[test]
fn many_stars_are_not_exponential() {
    let pattern = "a*".repeat(60) + "b";
    assert!(!shell_matches(&pattern, &"a".repeat(250)));
}

proptest! {
    #[test]
    fn an_escaped_name_matches_itself_only(
        name in proptest::collection::vec(1u8.., 1..20), other in proptest::collection::vec(1u8.., 1..20),
    ) {
        let escaped: Vec<u8> = name.iter().flat_map(|byte| [b'\\', *byte]).collect();
        let pattern = ShellPattern::parse(&escaped);
        prop_assert_eq!(pattern.literal(), Some(name.clone()));
        prop_assert!(pattern.matches(&name));
        prop_assert_eq!(pattern.matches(&other), name == other);
    }

    #[test]
    fn any_bytes_are_a_pattern(
        pattern in proptest::collection::vec(any::<u8>(), 0..40), name in proptest::collection::vec(any::<u8>(), 0..40),
    ) {
        let _ = ShellPattern::parse(&pattern).matches(&name);
    }
}
