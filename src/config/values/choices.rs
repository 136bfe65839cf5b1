//! Which word of a fixed set is it? The keywords that take such words, each word with its printed form.
//!
//! The tables are those of OpenSSH's `readconf.c` (`multistate_…`).

use super::reading::{Env, ReadResult, one};
use crate::config::lines::Words;

/// Reads a word of a fixed set, ignoring case; the table gives the printed form of each.
fn one_of(words: &mut Words<'_>, table: &[(&str, &str)]) -> ReadResult {
    let word = words.needed()?;
    let row = table.iter().find(|(taken, _)| word.eq_ignore_ascii_case(taken));
    row.map(|(_, printed)| vec![(*printed).to_owned()]).ok_or_else(|| format!("unsupported option `{word}`"))
}

/// `yes` or `no`.
pub fn flag(words: &mut Words<'_>, _: Env<'_>) -> ReadResult {
    one_of(words, &[("true", "yes"), ("false", "no"), ("yes", "yes"), ("no", "no")])
}

/// `Compression`.
pub fn compression(words: &mut Words<'_>, _: Env<'_>) -> ReadResult {
    one_of(words, &[("yes", "yes"), ("no", "no")])
}

/// `yes`, `no` or `ask`.
pub fn yes_no_ask(words: &mut Words<'_>, _: Env<'_>) -> ReadResult {
    one_of(words, &[("true", "true"), ("false", "false"), ("yes", "true"), ("no", "false"), ("ask", "ask")])
}

/// `StrictHostKeyChecking`.
pub fn strict_host_key_checking(words: &mut Words<'_>, _: Env<'_>) -> ReadResult {
    one_of(
        words,
        &[
            ("true", "true"),
            ("false", "false"),
            ("yes", "true"),
            ("no", "false"),
            ("ask", "ask"),
            ("off", "false"),
            ("accept-new", "accept-new"),
        ],
    )
}

/// `AddressFamily`.
pub fn address_family(words: &mut Words<'_>, _: Env<'_>) -> ReadResult {
    one_of(words, &[("inet", "inet"), ("inet6", "inet6"), ("any", "any")])
}

/// `ControlMaster`.
pub fn control_master(words: &mut Words<'_>, _: Env<'_>) -> ReadResult {
    one_of(
        words,
        &[
            ("true", "true"),
            ("yes", "true"),
            ("false", "false"),
            ("no", "false"),
            ("auto", "auto"),
            ("ask", "ask"),
            ("autoask", "autoask"),
        ],
    )
}

/// `Tunnel`.
pub fn tunnel(words: &mut Words<'_>, _: Env<'_>) -> ReadResult {
    one_of(
        words,
        &[
            ("ethernet", "ethernet"),
            ("point-to-point", "point-to-point"),
            ("true", "point-to-point"),
            ("yes", "point-to-point"),
            ("false", "false"),
            ("no", "false"),
        ],
    )
}

/// `RequestTTY`.
pub fn request_tty(words: &mut Words<'_>, _: Env<'_>) -> ReadResult {
    one_of(
        words,
        &[("true", "true"), ("yes", "true"), ("false", "false"), ("no", "false"), ("force", "force"), ("auto", "auto")],
    )
}

/// `SessionType`.
pub fn session_type(words: &mut Words<'_>, _: Env<'_>) -> ReadResult {
    one_of(words, &[("none", "none"), ("subsystem", "subsystem"), ("default", "default")])
}

/// `CanonicalizeHostname`.
pub fn canonicalize(words: &mut Words<'_>, _: Env<'_>) -> ReadResult {
    one_of(words, &[("true", "true"), ("false", "false"), ("yes", "true"), ("no", "false"), ("always", "always")])
}

/// `PubkeyAuthentication`.
pub fn pubkey_authentication(words: &mut Words<'_>, _: Env<'_>) -> ReadResult {
    one_of(
        words,
        &[
            ("true", "true"),
            ("false", "false"),
            ("yes", "true"),
            ("no", "false"),
            ("unbound", "unbound"),
            ("host-bound", "host-bound"),
        ],
    )
}

/// `FingerprintHash`.
pub fn fingerprint_hash(words: &mut Words<'_>, _: Env<'_>) -> ReadResult {
    one_of(words, &[("MD5", "MD5"), ("SHA1", "SHA1"), ("SHA256", "SHA256"), ("SHA384", "SHA384"), ("SHA512", "SHA512")])
}

/// `LogLevel`.
pub fn log_level(words: &mut Words<'_>, _: Env<'_>) -> ReadResult {
    one_of(
        words,
        &[
            ("SILENT", "SILENT"),
            ("QUIET", "SILENT"),
            ("FATAL", "FATAL"),
            ("ERROR", "ERROR"),
            ("INFO", "INFO"),
            ("VERBOSE", "VERBOSE"),
            ("DEBUG", "DEBUG"),
            ("DEBUG1", "DEBUG"),
            ("DEBUG2", "DEBUG2"),
            ("DEBUG3", "DEBUG3"),
        ],
    )
}

/// `WarnWeakCrypto`.
pub fn warn_weak_crypto(words: &mut Words<'_>, _: Env<'_>) -> ReadResult {
    one_of(words, &[("true", "yes"), ("false", "no"), ("yes", "yes"), ("no", "no"), ("no-pq-kex", "no")])
}

/// `SyslogFacility`.
pub fn syslog_facility(words: &mut Words<'_>, _: Env<'_>) -> ReadResult {
    let word = words.needed()?.to_ascii_uppercase();
    let named = matches!(word.as_str(), "DAEMON" | "USER" | "AUTH" | "AUTHPRIV");
    let local = word.strip_prefix("LOCAL").is_some_and(|n| n.len() == 1 && ("0"..="7").contains(&n));
    if named || local { one(word) } else { Err(format!("unsupported log facility `{word}`")) }
}
