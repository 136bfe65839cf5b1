//! How do people type amounts? A length of time (`90s`, `10m`, `1h30m`), bytes per second (`10M`), and scp's kilobits.
//!
//! Main functions: [`duration`], [`rate`], [`kilobits`]. Each parses a whole word, or says what is accepted.

use std::time::Duration;

const TIME: &str = "give a time as 90s, 10m, 2h, 1h30m or 7d; a bare number is seconds";
const RATE: &str = "give bytes a second as 500K, 10M or 1.5G (1K is 1024); at least 1K";
const KILOBITS: &str = "give kilobits a second, a number from 9 up";

/// The longest time that is accepted, in seconds: ten years.
const LONGEST: u64 = 10 * 365 * 86_400;

/// The slowest rate that is accepted, in bytes per second: a slower copy is as good as broken.
const SLOWEST: u64 = 1024;

/// Parses a time as in ssh_config(5), TIME FORMATS: numbers with `s`, `m`, `h`, `d` or `w`, one after another; without
/// a letter, seconds. More than zero and at most ten years.
pub fn duration(text: &str) -> Result<Duration, String> {
    seconds(text).filter(|seconds| (1..=LONGEST).contains(seconds)).map(Duration::from_secs).ok_or_else(|| TIME.into())
}

/// Parses a rate in bytes per second: a number, with a fraction if it has a letter, then `K`, `M` or `G` (powers of
/// 1024), in either case.
pub fn rate(text: &str) -> Result<u64, String> {
    bytes(text).filter(|rate| *rate >= SLOWEST).ok_or_else(|| RATE.into())
}

/// Parses kilobits per second as in scp's `-l` (there 1 Kbit is 1000 bits); returns bytes per second.
pub fn kilobits(text: &str) -> Result<u64, String> {
    let rate = digits(text).and_then(|kilobits| kilobits.checked_mul(125));
    rate.filter(|rate| *rate >= SLOWEST).ok_or_else(|| KILOBITS.into())
}

fn seconds(text: &str) -> Option<u64> {
    let mut rest = text;
    let mut sum = 0u64;
    while !rest.is_empty() {
        let end = rest.find(|letter: char| !letter.is_ascii_digit()).unwrap_or(rest.len());
        let number = digits(&rest[..end])?;
        let unit = rest[end..].chars().next();
        let scale = match unit.map(|letter| letter.to_ascii_lowercase()) {
            None | Some('s') => 1,
            Some('m') => 60,
            Some('h') => 3600,
            Some('d') => 86_400,
            Some('w') => 7 * 86_400,
            Some(_) => return None,
        };
        sum = sum.checked_add(number.checked_mul(scale)?)?;
        rest = &rest[end + unit.map_or(0, char::len_utf8)..];
    }
    Some(sum).filter(|_| !text.is_empty())
}

fn bytes(text: &str) -> Option<u64> {
    let scale = match text.bytes().last()?.to_ascii_lowercase() {
        b'k' => 1u64 << 10,
        b'm' => 1 << 20,
        b'g' => 1 << 30,
        _ => return digits(text),
    };
    let number = &text[..text.len() - 1];
    let (whole, fraction) = number.split_once('.').unwrap_or((number, "0"));
    let whole = digits(whole)?.checked_mul(scale)?;
    // six digits of a fraction are more precise than any rate that can be kept
    let fraction = (fraction.len() <= 6).then(|| Some((digits(fraction)?, 10u64.pow(fraction.len() as u32))))??;
    whole.checked_add(fraction.0 * scale / fraction.1)
}

/// Parses a number that consists of digits only: no sign, no blank.
fn digits(text: &str) -> Option<u64> {
    text.bytes().all(|byte| byte.is_ascii_digit()).then(|| text.parse().ok())?
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn times_are_ssh_configs() {
        let of = |text| duration(text).map(|time| time.as_secs()).ok();
        let times =
            [("90s", 90), ("90", 90), ("10m", 600), ("2h", 7200), ("1h30m", 5400), ("7d", 604_800), ("1W", 604_800)];
        times.iter().for_each(|(text, seconds)| assert_eq!(of(text), Some(*seconds), "{text}"));
        for wrong in [
            "",
            "s",
            "0",
            "0s",
            "-1s",
            "+1s",
            "1.5h",
            "10 m",
            "10x",
            "1é",
            "soon",
            "20000000000w",
            "99999999999999999999",
        ] {
            assert_eq!(of(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn rates_are_powers_of_1024() {
        let rates = [("10M", 10 << 20), ("500k", 500 << 10), ("1.5G", 3 << 29), ("2048", 2048), ("0.5M", 1 << 19)];
        rates.iter().for_each(|(text, bytes)| assert_eq!(rate(text), Ok(*bytes), "{text}"));
        for wrong in [
            "",
            "M",
            ".5M",
            "1.M",
            "0",
            "1",
            "-1M",
            "1.5",
            "10MB",
            "10 M",
            "1e6",
            "fast",
            "99999999999G",
            "1.0000000001M",
        ] {
            assert!(rate(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn kilobits_are_a_thousand_bits() {
        assert_eq!(kilobits("8000"), Ok(1_000_000));
        ["", "0", "8", "8M", "-1", "1.5"].iter().for_each(|wrong| assert!(kilobits(wrong).is_err(), "{wrong}"));
    }

    proptest! {
        #[test]
        fn no_word_is_too_odd(text in "\\PC{0,12}|[0-9.]{0,24}[smhdwkMGé]{0,2}") {
            let _ = (duration(&text), rate(&text), kilobits(&text));
        }

        #[test]
        fn what_is_meant_is_what_is_read(days in 0u64..3000, hours in 0u64..24, seconds in 1u64..60) {
            let text = format!("{days}d{hours}h{seconds}s");
            prop_assert_eq!(duration(&text), Ok(Duration::from_secs(days * 86_400 + hours * 3600 + seconds)));
        }
    }
}
