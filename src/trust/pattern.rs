//! Does a name match a list of patterns? `*`, `?`, `!` and commas, as the hosts field of known_hosts and OpenSSH's
//! `match.c` have them. Bytes only; takes time linear in name × pattern whatever the pattern.

/// The longest single pattern ssh reads; a line with a longer one matches nothing.
const LONGEST_PATTERN: usize = 1022;

/// True when `name` (already lower case) matches a pattern of the comma-separated `list` and no negated one.
pub(super) fn matches_list(name: &[u8], list: &[u8]) -> bool {
    let mut matched = false;
    for pattern in list.split(|&b| b == b',') {
        let (negated, pattern) = match pattern {
            [b'!', rest @ ..] => (true, rest),
            all => (false, all),
        };
        if pattern.len() > LONGEST_PATTERN {
            return false;
        }
        if matches(name, &pattern.to_ascii_lowercase()) {
            if negated {
                return false;
            }
            matched = true;
        }
    }
    matched
}

/// True when `name` matches `pattern` as a whole.
pub(super) fn matches(name: &[u8], pattern: &[u8]) -> bool {
    let (mut n, mut p) = (0, 0);
    let mut star: Option<(usize, usize)> = None;
    while n < name.len() {
        match pattern.get(p) {
            Some(b'*') => {
                star = Some((p, n));
                p += 1;
            }
            Some(&c) if c == b'?' || c == name[n] => {
                n += 1;
                p += 1;
            }
            _ => match star {
                None => return false,
                Some((at, taken)) => {
                    star = Some((at, taken + 1));
                    p = at + 1;
                    n = taken + 1;
                }
            },
        }
    }
    pattern[p..].iter().all(|&c| c == b'*')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn listed(name: &str, list: &str) -> bool {
        matches_list(name.as_bytes(), list.as_bytes())
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
        assert!(!matches("a".repeat(4096).as_bytes(), pattern.as_bytes()));
    }
}
