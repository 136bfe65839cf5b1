//! Where may a connection from the host lead that names its own destination? `PermitRemoteOpen` says it.
//!
//! Main type: [`Permitted`]. As with ssh, names are compared as they are written, and `*` stands for any.

/// The destinations that are permitted.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Permitted(Option<Vec<String>>);

impl Permitted {
    /// From the words of `PermitRemoteOpen`: `any`, `none`, or `HOST:PORT` each.
    pub fn of<'a>(words: impl IntoIterator<Item = &'a str>) -> Permitted {
        let words: Vec<String> = words.into_iter().map(str::to_owned).collect();
        match words.as_slice() {
            [] => Permitted(None),
            [any] if any.eq_ignore_ascii_case("any") => Permitted(None),
            _ => Permitted(Some(words)),
        }
    }

    /// Whether a connection may lead there.
    pub fn permits(&self, host: &str, port: u16) -> bool {
        let fits = |word: &String| {
            let Some((allowed, allowed_port)) = word.rsplit_once(':') else { return false };
            let allowed = allowed.strip_prefix('[').and_then(|inner| inner.strip_suffix(']')).unwrap_or(allowed);
            (allowed == "*" || allowed == host) && (allowed_port == "*" || allowed_port.parse() == Ok(port))
        };
        self.0.as_ref().is_none_or(|words| words.iter().any(fits))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_listed_is_permitted() {
        let permits = |words: &str, host, port| Permitted::of(words.split(' ')).permits(host, port);
        assert!(permits("any", "db", 1) && Permitted::of([]).permits("db", 1));
        assert!(!permits("none", "db", 1) && !permits("none", "none", 1));
        let list = "db:5432 [::1]:80 www:* *:443";
        assert!(permits(list, "db", 5432) && permits(list, "::1", 80) && permits(list, "www", 9));
        assert!(permits(list, "anything", 443));
        assert!(!permits(list, "db", 5433) && !permits(list, "db.internal", 5432) && !permits(list, "::2", 80));
    }
}
