//! How large, how long, which port? Numbers, times, sizes, and classes of service.
//!
//! Main functions: [`duration`], [`port_number`]. The forms are those of OpenSSH's `misc.c` (`convtime`, `a2port`,
//! `parse_ipqos`) and `fmt_scaled.c`.

use super::reading::{Env, ReadResult, one};
use crate::config::lines::Words;

/// A number from 0 to 2³¹ − 1.
pub fn number(words: &mut Words<'_>, _: Env<'_>) -> ReadResult {
    let word = words.needed()?;
    match whole_number(&word, i32::MAX.into()) {
        Some(number) => one(number.to_string()),
        None => Err(format!("`{word}` is not a number")),
    }
}

/// Parses a number as `strtonum` does: blanks and a sign may precede the digits.
pub fn whole_number(text: &str, most: i64) -> Option<i64> {
    let number: i64 = text.trim_start().parse().ok()?;
    (0..=most).contains(&number).then_some(number)
}

/// A port number from 1, or the name of a service.
pub fn port(words: &mut Words<'_>, _: Env<'_>) -> ReadResult {
    let word = words.needed()?;
    match port_number(&word) {
        Some(port) if port > 0 => one(port.to_string()),
        _ => Err(format!("bad port `{word}`")),
    }
}

/// A port number from 0, or the name of a TCP service (`/etc/services`).
pub fn port_number(text: &str) -> Option<u16> {
    match whole_number(text, u16::MAX.into()) {
        Some(port) => u16::try_from(port).ok(),
        None => service(text),
    }
}

fn service(name: &str) -> Option<u16> {
    let services = std::fs::read_to_string("/etc/services").ok()?;
    services.lines().find_map(|line| {
        let mut words = line.split('#').next().unwrap_or(line).split_whitespace();
        let (first, port) = (words.next()?, words.next()?.strip_suffix("/tcp")?);
        let named = first == name || words.any(|alias| alias == name);
        named.then(|| port.parse().ok()).flatten()
    })
}

/// A time in seconds; `none` sets no value.
pub fn seconds(words: &mut Words<'_>, _: Env<'_>) -> ReadResult {
    let word = words.needed()?;
    match (word.as_str(), duration(&word)) {
        ("none", _) => Ok(Vec::new()),
        (_, Some(seconds)) => one(seconds.to_string()),
        _ => Err(format!("invalid time `{word}`")),
    }
}

/// Reads `90`, `1h30m`, `2w` into seconds (`convtime` in misc.c).
pub fn duration(text: &str) -> Option<i32> {
    let mut total = 0i32;
    let mut rest = text;
    while !rest.is_empty() {
        let number = rest.trim_start_matches([' ', '\t', '\r', '\n', '\x0b', '\x0c']);
        let signed = number.strip_prefix(['+', '-']).unwrap_or(number);
        let digits = signed.len() - signed.trim_start_matches(|c: char| c.is_ascii_digit()).len();
        let length = number.len() - signed.len() + digits;
        let count: i32 = number[..length].parse().ok().filter(|&count| count >= 0)?;
        let mut unit = number[length..].chars();
        let scale = match unit.next().map(|unit| unit.to_ascii_lowercase()) {
            None | Some('s') => 1,
            Some('m') => 60,
            Some('h') => 60 * 60,
            Some('d') => 24 * 60 * 60,
            Some('w') => 7 * 24 * 60 * 60,
            Some(_) => return None,
        };
        total = total.checked_add(count.checked_mul(scale)?)?;
        rest = unit.as_str();
    }
    (!text.is_empty()).then_some(total)
}

/// `RekeyLimit`: a number of bytes, then optionally seconds.
pub fn rekey_limit(words: &mut Words<'_>, env: Env<'_>) -> ReadResult {
    let word = words.needed()?;
    let bytes = match word.as_str() {
        "default" => 0,
        word => scaled(word).ok_or_else(|| format!("bad number `{word}`"))?,
    };
    if bytes != 0 && bytes < 16 {
        return Err("RekeyLimit too small".to_owned());
    }
    let mut limit = vec![bytes.to_string()];
    if words.left() > 0 {
        limit.extend(seconds(words, env)?);
    }
    Ok(limit)
}

/// Parses `1.5G` and the like (`scan_scaled` in fmt_scaled.c): units are powers of 1024, and a fraction counts only
/// with a unit.
fn scaled(text: &str) -> Option<i64> {
    let text = text.trim_start();
    let (sign, number) = match text.strip_prefix('-') {
        Some(number) => (-1, number),
        None => (1, text.strip_prefix('+').unwrap_or(text)),
    };
    let unit_at = number.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(number.len());
    let (digits, unit) = number.split_at(unit_at);
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    let whole: i64 = if whole.is_empty() { 0 } else { whole.parse().ok()? };
    if fraction.contains('.') || unit.chars().nth(1).is_some_and(|c| c.is_ascii_alphanumeric()) {
        return None;
    }
    let Some(unit) = unit.chars().next() else { return whole.checked_mul(sign) };
    let power = "BKMGTPE".find(unit.to_ascii_uppercase())?;
    let scale = 1i64.checked_shl(u32::try_from(power * 10).ok()?)?;
    let fraction: String = fraction.chars().take(9).collect();
    let parts = 10i64.checked_pow(u32::try_from(fraction.len()).ok()?)?;
    let fraction: i64 = if fraction.is_empty() { 0 } else { fraction.parse().ok()? };
    let part = i128::from(fraction) * i128::from(scale) / i128::from(parts);
    whole.checked_mul(scale)?.checked_add(i64::try_from(part).ok()?)?.checked_mul(sign)
}

const QOS: &[(&str, i64)] = &[
    ("af11", 0x28),
    ("af12", 0x30),
    ("af13", 0x38),
    ("af21", 0x48),
    ("af22", 0x50),
    ("af23", 0x58),
    ("af31", 0x68),
    ("af32", 0x70),
    ("af33", 0x78),
    ("af41", 0x88),
    ("af42", 0x90),
    ("af43", 0x98),
    ("cs0", 0x00),
    ("cs1", 0x20),
    ("cs2", 0x40),
    ("cs3", 0x60),
    ("cs4", 0x80),
    ("cs5", 0xa0),
    ("cs6", 0xc0),
    ("cs7", 0xe0),
    ("ef", 0xb8),
    ("le", 0x04),
    ("lowdelay", 0x10),
    ("throughput", 0x08),
    ("reliability", 0x04),
];

/// `IPQoS`: one class for both kinds of traffic, or one for interactive and one for bulk.
pub fn ip_qos(words: &mut Words<'_>, _: Env<'_>) -> ReadResult {
    let interactive = qos(&words.needed()?)?;
    let bulk = words.optional().map_or_else(|| Ok(interactive.clone()), |word| qos(&word))?;
    Ok(vec![interactive, bulk])
}

fn qos(word: &str) -> Result<String, String> {
    if word.eq_ignore_ascii_case("none") {
        return Ok("none".to_owned());
    }
    let named = QOS.iter().find(|(name, _)| word.eq_ignore_ascii_case(name)).map(|&(_, value)| value);
    let value = named.or_else(|| c_number(word)).filter(|value| (0..256).contains(value));
    let value = value.ok_or_else(|| format!("bad IPQoS value `{word}`"))?;
    let name = QOS.iter().find(|&&(_, known)| known == value);
    Ok(name.map_or_else(|| format!("0x{value:02x}"), |(name, _)| (*name).to_owned()))
}

/// A number as C writes it: `0x…` hexadecimal, `0…` octal.
fn c_number(text: &str) -> Option<i64> {
    let lower = text.trim_start().to_ascii_lowercase();
    match (lower.strip_prefix("0x"), lower.strip_prefix('0')) {
        (Some(digits), _) => i64::from_str_radix(digits, 16).ok(),
        (_, Some(digits)) if !digits.is_empty() => i64::from_str_radix(digits, 8).ok(),
        _ => lower.parse().ok(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn times_and_sizes_have_units() {
        assert_eq!(duration("1h30m"), Some(5400));
        assert_eq!(duration("2W1d"), Some(1_296_000));
        assert_eq!(duration("90"), Some(90));
        for bad in ["", "m", "1x", "-1", "99999999999", "1h 2q"] {
            assert_eq!(duration(bad), None, "{bad}");
        }
        assert_eq!(scaled("1.5G"), Some(1_610_612_736));
        assert_eq!(scaled("16"), Some(16));
        assert_eq!(scaled("1kb"), None);
        assert_eq!(scaled("9999999E"), None);
    }

    #[test]
    fn ports_may_be_names_of_services() {
        assert_eq!(port_number("2222"), Some(2222));
        assert_eq!(port_number("65536"), None);
        assert_eq!(port_number("no-such-service"), None);
    }

    proptest! {
        #[test]
        fn no_text_panics(text in "[ -~é]{0,24}") {
            let _ = (duration(&text), scaled(&text), c_number(&text), port_number(&text));
        }
    }
}
