//! What do `%h`, `${VAR}` and `~` stand for? Pure text expansion, as in OpenSSH's `misc.c`.
//!
//! Main type: [`Tokens`]. Which of them a keyword takes is decided where the keyword is used.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;

use aws_lc_rs::digest;

use crate::config::local_env::LocalEnv;

/// The values of the `%` tokens for one host.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Tokens {
    values: Vec<(char, String)>,
}

/// The connection that tokens describe.
#[derive(Debug, Clone, Copy)]
pub struct ConnectionTokens<'a> {
    /// `%n`: the host as typed.
    pub original: &'a str,
    /// `%h`.
    pub host: &'a str,
    /// `%p`.
    pub port: &'a str,
    /// `%r`.
    pub user: &'a str,
    /// `%k`: `HostKeyAlias`, or the name as typed.
    pub key_alias: &'a str,
    /// `%j`: the host of the last jump, or the empty string.
    pub jump: &'a str,
}

impl Tokens {
    /// The tokens that most keywords take: `%%CdhijklLnpru`. `%C` is computed as in OpenSSH 9.2, without the jump.
    pub fn of_connection(connection: &ConnectionTokens<'_>, local_env: &LocalEnv) -> Tokens {
        let ConnectionTokens { original, host, port, user, key_alias, jump } = *connection;
        let this_host = local_env.hostname.as_str();
        let hashed = [this_host, host, port, user].concat();
        let hash = digest::digest(&digest::SHA1_FOR_LEGACY_USE_ONLY, hashed.as_bytes());
        let hash = hex::encode(hash);
        let short = this_host.split('.').next().unwrap_or(this_host);
        let uid = local_env.uid.to_string();
        let home = local_env.home.to_string_lossy();
        let values: [(char, &str); 12] = [
            ('C', &hash),
            ('d', &home),
            ('h', host),
            ('i', &uid),
            ('j', jump),
            ('k', key_alias),
            ('L', short),
            ('l', this_host),
            ('n', original),
            ('p', port),
            ('r', user),
            ('u', &local_env.user),
        ];
        Tokens { values: values.into_iter().map(|(token, value)| (token, value.to_owned())).collect() }
    }

    /// `%h` alone, as `Hostname` takes it.
    pub fn of_host(host: &str) -> Tokens {
        Tokens { values: vec![('h', host.to_owned())] }
    }

    /// Every token and its value.
    pub fn values(&self) -> Vec<(char, String)> {
        self.values.clone()
    }

    /// With one token more.
    pub fn with(&self, token: char, value: &str) -> Tokens {
        let more = std::iter::once((token, value.to_owned()));
        Tokens { values: self.values.iter().cloned().chain(more).collect() }
    }

    /// Only the tokens in `letters`.
    pub fn only(&self, letters: &str) -> Tokens {
        let values = self.values.iter().filter(|(token, _)| letters.contains(*token));
        Tokens { values: values.cloned().collect() }
    }

    /// Expands `%` tokens.
    pub fn expand(&self, text: &str) -> Result<String, String> {
        expand(text, Some(self), None)
    }

    /// Expands `%` tokens and `${VAR}`.
    pub fn expand_with_env(&self, text: &str, local_env: &LocalEnv) -> Result<String, String> {
        expand(text, Some(self), Some(local_env))
    }

    /// Expands a leading `~`, then `%` tokens and `${VAR}`, as for most file names.
    pub fn expand_path(&self, text: &str, local_env: &LocalEnv) -> Result<String, String> {
        self.expand_with_env(&expand_tilde(text, local_env)?, local_env)
    }
}

/// Expands `${VAR}` alone.
pub fn expand_env(text: &str, local_env: &LocalEnv) -> Result<String, String> {
    expand(text, None, Some(local_env))
}

fn expand(text: &str, tokens: Option<&Tokens>, env: Option<&LocalEnv>) -> Result<String, String> {
    let mut expanded = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find(['%', '$']) {
        expanded.push_str(&rest[..at]);
        let (sign, after) = rest[at..].split_at(1);
        rest = after;
        match (sign, tokens, env) {
            ("%", Some(tokens), _) => {
                let token = after.chars().next().ok_or("a lone `%` at the end")?;
                expanded.push_str(value_of(token, tokens)?);
                rest = &after[token.len_utf8()..];
            }
            ("$", _, Some(local_env)) if after.starts_with('{') => {
                let close = after.find('}').ok_or("`${` without `}`")?;
                expanded.push_str(variable(&after[1..close], local_env)?);
                rest = &after[close + 1..];
            }
            _ => expanded.push_str(sign),
        }
    }
    expanded.push_str(rest);
    Ok(expanded)
}

fn value_of(token: char, tokens: &Tokens) -> Result<&str, String> {
    if token == '%' {
        return Ok("%");
    }
    let found = tokens.values.iter().find(|(known, _)| *known == token);
    found.map(|(_, value)| value.as_str()).ok_or_else(|| format!("unknown token %{token}"))
}

fn variable<'a>(name: &str, local_env: &'a LocalEnv) -> Result<&'a str, String> {
    if name.is_empty() {
        return Err("`${}` names no variable".to_owned());
    }
    let value = local_env.env.get(name).ok_or_else(|| format!("the variable ${{{name}}} is not set"))?;
    value.to_str().ok_or_else(|| format!("the variable ${{{name}}} is not UTF-8"))
}

/// Expands a leading `~` or `~user`; the home of `user` comes from the password database.
pub fn expand_tilde(text: &str, local_env: &LocalEnv) -> Result<String, String> {
    let Some(rest) = text.strip_prefix('~') else { return Ok(text.to_owned()) };
    let (user, path) = rest.split_once('/').unwrap_or((rest, ""));
    let home = match user {
        "" => local_env.home.to_string_lossy().into_owned(),
        user => home_of(user).ok_or_else(|| format!("no such user `{user}`"))?,
    };
    let slash = if home.ends_with('/') { "" } else { "/" };
    Ok([home.as_str(), slash, path.trim_start_matches('/')].concat())
}

fn home_of(user: &str) -> Option<String> {
    let table = std::fs::read("/etc/passwd").ok()?;
    table.split(|&b| b == b'\n').find_map(|line| {
        let fields: Vec<&[u8]> = line.split(|&b| b == b':').collect();
        let home = fields.get(5).filter(|_| fields.first() == Some(&user.as_bytes()))?;
        Some(OsStr::from_bytes(home).to_string_lossy().into_owned())
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn local_env() -> LocalEnv {
        LocalEnv {
            home: "/home/me".into(),
            user: "me".into(),
            uid: 1000,
            hostname: "laptop.lan".into(),
            env: [("KEYS".to_owned(), "/keys".into())].into(),
            ..LocalEnv::default()
        }
    }

    fn tokens() -> Tokens {
        let connection = ConnectionTokens {
            original: "pvt",
            host: "10.0.0.1",
            port: "22",
            user: "ec2-user",
            key_alias: "alias",
            jump: "bastion",
        };
        Tokens::of_connection(&connection, &local_env())
    }

    #[test]
    fn tokens_are_those_of_the_connection() {
        assert_eq!(
            tokens().expand("%n %h %p %r %k %u %i %d %L %l %j %%").unwrap(),
            "pvt 10.0.0.1 22 ec2-user alias me 1000 /home/me laptop laptop.lan bastion %"
        );
        // `printf laptop.lan10.0.0.122ec2-user | sha1sum`
        assert_eq!(tokens().expand("%C").unwrap(), "e3e41958538d8fa3e467c6364de5f46dcebf6375");
    }

    #[test]
    fn what_is_unknown_is_refused() {
        for bad in ["%q", "%", "${NOWHERE}", "${}", "${KEYS"] {
            assert!(tokens().expand_with_env(bad, &local_env()).is_err(), "{bad}");
        }
        assert!(tokens().only("hn").expand("%p").is_err());
        assert_eq!(tokens().expand("${KEYS}").unwrap(), "${KEYS}");
    }

    #[test]
    fn paths_begin_at_home() {
        let path = |text| tokens().expand_path(text, &local_env()).unwrap();
        assert_eq!(path("~/.ssh/%h"), "/home/me/.ssh/10.0.0.1");
        assert_eq!(path("~"), "/home/me/");
        assert_eq!(path("${KEYS}/a~b"), "/keys/a~b");
        assert_eq!(path("~root/x"), "/root/x");
        assert!(expand_tilde("~nobody-here/x", &local_env()).is_err());
    }

    proptest! {
        #[test]
        fn no_text_makes_the_expansion_panic(text in "[%${}a-zé~/]{0,30}") {
            let _ = tokens().expand_path(&text, &local_env());
        }

        #[test]
        fn doubled_percents_come_back(text in "[a-z%$]{0,20}") {
            prop_assert_eq!(tokens().expand(&text.replace('%', "%%")).unwrap(), text);
        }
    }
}
