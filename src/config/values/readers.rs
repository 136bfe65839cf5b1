//! What do the words after a keyword mean? There is one reader per kind of value; each returns the words that `ssh -G`
//! prints, or says what is wrong.
//!
//! The readers follow `process_config_line` in OpenSSH's `readconf.c`. A reader that finds nothing to set (`none` for a
//! time) returns no words. Nothing is looked up or run here.

use super::algorithms::Family;
use super::jump;
use super::numbers::{duration, port_number, whole_number};
use super::reading::{Env, ReadResult, one};
use super::tokens::expand_env;
use crate::config::lines::Words;

/// One word.
pub fn text(words: &mut Words<'_>, _: Env<'_>) -> ReadResult {
    one(words.needed()?)
}

/// The rest of the line.
pub fn command(words: &mut Words<'_>, _: Env<'_>) -> ReadResult {
    one(words.whole_rest())
}

/// `ChannelTimeout`: `TYPE=TIME` pairs, or `none`.
pub fn channel_timeouts(words: &mut Words<'_>, _: Env<'_>) -> ReadResult {
    let fits =
        |pair: &String| pair.rsplit_once('=').is_some_and(|(kind, time)| !kind.is_empty() && duration(time).is_some());
    let alone = words.left() == 1;
    let all: Vec<String> = std::iter::once(words.needed()?).chain(words.all()).collect();
    let is_none = |word: &String| alone && word.eq_ignore_ascii_case("none");
    match all.iter().find(|word| !(fits(word) || is_none(word))) {
        Some(bad) => Err(format!("invalid channel timeout `{bad}`")),
        None => Ok(all),
    }
}

/// `ObscureKeystrokeTiming`: yes, no, or an interval of up to a second.
pub fn keystroke_timing(words: &mut Words<'_>, _: Env<'_>) -> ReadResult {
    let word = words.needed()?;
    let interval = word.strip_prefix("interval:").and_then(|text| whole_number(text, 1000));
    match (word.as_str(), interval) {
        ("yes" | "true", _) => one("yes"),
        ("no" | "false", _) => one("no"),
        (_, Some(1..)) => one(word),
        _ => Err(format!("unsupported argument `{word}`")),
    }
}

/// `VersionAddendum`: the rest of the line, but for a comment.
pub fn version_addendum(words: &mut Words<'_>, _: Env<'_>) -> ReadResult {
    let text = words.whole_rest().split('#').next().unwrap_or_default().trim_end();
    match text.chars().any(char::is_control) {
        true => Err("a version has no control characters".to_owned()),
        false => one(text),
    }
}

/// A list of algorithms, as typed.
pub fn algorithms(words: &mut Words<'_>, family: Family) -> ReadResult {
    let list = words.needed()?;
    family.check(&list)?;
    one(list)
}

/// File names, at most 32; `none` must be the only word.
pub fn names(words: &mut Words<'_>, _: Env<'_>) -> ReadResult {
    let alone = words.left() == 1;
    let mut all = Vec::new();
    while let Some(word) = words.optional() {
        match word.as_str() {
            "" => return Err("an empty argument".to_owned()),
            none if none.eq_ignore_ascii_case("none") && !alone => return Err("`none` must stand alone".to_owned()),
            _ => all.push(word),
        }
    }
    if all.len() > 32 { Err("too many entries (at most 32)".to_owned()) } else { Ok(all) }
}

/// `LogVerbose`: read like `names`, but OpenSSH 9.2 keeps only the first word.
pub fn log_verbose(words: &mut Words<'_>, env: Env<'_>) -> ReadResult {
    names(words, env).map(|words| words.into_iter().take(1).collect())
}

/// `SendEnv`.
pub fn send_env(words: &mut Words<'_>, _: Env<'_>) -> ReadResult {
    let all = words.all();
    match all.iter().find(|name| name.is_empty() || name.contains('=')) {
        Some(bad) => Err(format!("invalid environment name `{bad}`")),
        None => Ok(all),
    }
}

/// `SetEnv`: `NAME=VALUE` pairs; the first pair for a name counts.
pub fn set_env(words: &mut Words<'_>, _: Env<'_>) -> ReadResult {
    let mut pairs: Vec<String> = Vec::new();
    while let Some(pair) = words.optional() {
        let (name, _) = pair.split_once('=').ok_or_else(|| format!("`{pair}` is not NAME=VALUE"))?;
        if !pairs.iter().any(|known| known.split('=').next() == Some(name)) {
            pairs.push(pair);
        }
    }
    Ok(pairs)
}

/// `IdentityAgent`: a path; variables in it must be set.
pub fn agent(words: &mut Words<'_>, env: Env<'_>) -> ReadResult {
    let path = words.needed()?;
    expand_env(&path, env)?;
    match path.strip_prefix('$') {
        Some(name) if !name.starts_with('{') && !is_variable_name(name) => {
            Err(format!("invalid environment name `{path}`"))
        }
        _ => one(path),
    }
}

/// Whether the name consists only of letters, digits and `_`.
pub fn is_variable_name(name: &str) -> bool {
    !name.is_empty() && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_')
}

/// `ForwardAgent`: yes or no, or the path of the agent to forward.
pub fn forward_agent(words: &mut Words<'_>, env: Env<'_>) -> ReadResult {
    let path = agent(words, env)?.remove(0);
    Ok(match path.to_ascii_lowercase().as_str() {
        "yes" | "true" => vec!["yes".to_owned()],
        "no" | "false" => vec!["no".to_owned()],
        _ => vec!["yes".to_owned(), path],
    })
}

/// `AddKeysToAgent`.
pub fn add_keys_to_agent(words: &mut Words<'_>, _: Env<'_>) -> ReadResult {
    let word = words.needed()?.to_ascii_lowercase();
    let second = words.optional();
    let lifetime = |text: &str| duration(text).ok_or_else(|| format!("invalid time `{text}`"));
    let (printed, seconds) = match (word.as_str(), second) {
        ("confirm", Some(time)) => ("confirm", lifetime(&time)?),
        (_, Some(extra)) => return Err(format!("unsupported option `{extra}`")),
        ("yes" | "true", None) => ("true", 0),
        ("no" | "false", None) => ("false", 0),
        ("ask", None) => ("ask", 0),
        ("confirm", None) => ("confirm", 0),
        (time, None) => ("true", lifetime(time)?),
    };
    Ok(match (printed, seconds) {
        (printed, 0) => vec![printed.to_owned()],
        ("true", seconds) => vec![seconds.to_string()],
        (printed, seconds) => vec![printed.to_owned(), seconds.to_string()],
    })
}

/// `ControlPersist`.
pub fn control_persist(words: &mut Words<'_>, _: Env<'_>) -> ReadResult {
    let word = words.needed()?;
    match (word.as_str(), duration(&word)) {
        ("no" | "false", _) => one("no"),
        ("yes" | "true", _) | (_, Some(0)) => one("yes"),
        (_, Some(seconds)) => one(seconds.to_string()),
        _ => Err(format!("bad ControlPersist argument `{word}`")),
    }
}

/// `TunnelDevice`.
pub fn tunnel_device(words: &mut Words<'_>, _: Env<'_>) -> ReadResult {
    let word = words.needed()?;
    let device = |text: &str| match whole_number(text, i64::from(i32::MAX) - 2) {
        Some(number) => Ok(number.to_string()),
        None if text.eq_ignore_ascii_case("any") => Ok("any".to_owned()),
        None => Err(format!("bad tun device `{text}`")),
    };
    let (local, remote) = word.split_once(':').unwrap_or((&word, "any"));
    one(format!("{}:{}", device(local)?, device(remote)?))
}

/// `CanonicalDomains`: in lowercase, without a final dot.
pub fn canonical_domains(words: &mut Words<'_>, env: Env<'_>) -> ReadResult {
    let domain = |name: String| match is_domain(&name) {
        true => Ok(name.strip_suffix('.').unwrap_or(&name).to_ascii_lowercase()),
        false => Err(format!("`{name}` is no domain name")),
    };
    names(words, env)?.into_iter().map(domain).collect()
}

/// Whether the name is a domain, as in `valid_domain` of misc.c.
pub fn is_domain(name: &str) -> bool {
    name.starts_with(|c: char| c.is_ascii_alphanumeric())
        && !name.contains("..")
        && name.bytes().all(|b| b.is_ascii_alphanumeric() || b"._-".contains(&b))
}

/// `CanonicalizePermittedCNAMEs`: `SOURCES:TARGETS` pairs.
pub fn permitted_cnames(words: &mut Words<'_>, env: Env<'_>) -> ReadResult {
    let rule = |word: String| match word.split_once(':') {
        None if word == "*" => Ok("*:*".to_owned()),
        None if word.eq_ignore_ascii_case("none") => Ok("none".to_owned()),
        Some((_, targets)) if !targets.is_empty() => Ok(word.to_ascii_lowercase()),
        _ => Err(format!("invalid permitted CNAME `{word}`")),
    };
    names(words, env)?.into_iter().map(rule).collect()
}

/// `PermitRemoteOpen`: `any`, `none` or `HOST:PORT` pairs.
pub fn permit_remote_open(words: &mut Words<'_>, _: Env<'_>) -> ReadResult {
    let alone = words.left() == 1;
    let mut all = vec![words.needed()?];
    all.extend(words.all());
    let fits = |word: &String| {
        let keyword = ["any", "none"].iter().any(|any| word.eq_ignore_ascii_case(any));
        let port = jump::split_host(word).and_then(|(_, port)| port);
        (keyword && alone) || port.is_some_and(|port| port == "*" || port_number(port).is_some_and(|port| port > 0))
    };
    match all.iter().find(|word| !fits(word)) {
        Some(bad) => Err(format!("`{bad}` is not HOST:PORT")),
        None => Ok(all),
    }
}

/// `StreamLocalBindMask`: octal.
pub fn bind_mask(words: &mut Words<'_>, _: Env<'_>) -> ReadResult {
    let word = words.needed()?;
    let digits: String = word.trim_start().chars().take_while(|c| ('0'..='7').contains(c)).collect();
    match u32::from_str_radix(&digits, 8) {
        Ok(mask) if mask <= 0o777 => one(format!("0{mask:o}")),
        _ => Err(format!("bad mask `{word}`")),
    }
}

/// `EscapeChar`: `none`, one character, or `^` and a letter.
pub fn escape_char(words: &mut Words<'_>, _: Env<'_>) -> ReadResult {
    let word = words.needed()?;
    let letter = match word.as_bytes() {
        b"none" => return one("none"),
        &[letter] => letter,
        &[b'^', letter @ 64..128] => letter & 31,
        _ => return Err(format!("bad escape character `{word}`")),
    };
    one(match letter {
        b' ' => "\\040".to_owned(),
        b'\\' => "\\\\".to_owned(),
        0x7f => "\\^?".to_owned(),
        0..0x20 => format!("\\^{}", char::from(letter + b'@')),
        _ => char::from(letter).to_string(),
    })
}

/// `ProxyJump`: the jumps from first to last, or `none`.
pub fn proxy_jump(words: &mut Words<'_>, _: Env<'_>) -> ReadResult {
    let text = words.whole_rest();
    let text = text.split('#').next().unwrap_or(text).trim_end_matches([' ', '\t', '\r', '\n']);
    if text.eq_ignore_ascii_case("none") {
        return one("none");
    }
    text.split(',').map(|jump| jump::check(jump).map(|()| jump.to_owned())).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::local_env::LocalEnv;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn no_text_makes_a_reader_panic(text in "[ -~é]{0,24}") {
            let local_env = LocalEnv::default();
            for row in crate::config::values::keywords::ROWS {
                if let Ok(mut words) = Words::new(&text) {
                    let _ = (row.read)(&mut words, &local_env);
                }
            }
        }
    }
}
