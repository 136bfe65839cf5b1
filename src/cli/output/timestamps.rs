//! How are times written? As dates in UTC, from seconds since 1970: cron's time zone and a terminal's may differ.
//!
//! Main functions: [`date`], [`instant`].

use std::time::SystemTime;

use chrono::{DateTime, SecondsFormat, Utc};

/// `2024-05-01T12:34:56Z` (RFC 3339).
pub fn date(seconds: i64) -> String {
    utc(seconds).to_rfc3339_opts(SecondsFormat::Secs, true)
}

/// `2024-05-01 12:34`.
pub fn minute(seconds: i64) -> String {
    utc(seconds).format("%Y-%m-%d %H:%M").to_string()
}

/// A time of this machine as `2024-05-01T12:34:56Z`.
pub fn date_of(time: SystemTime) -> String {
    DateTime::<Utc>::from(time).to_rfc3339_opts(SecondsFormat::Secs, true)
}

/// `2024-05-01T12:34:56.789Z`.
pub fn instant(time: SystemTime) -> String {
    DateTime::<Utc>::from(time).to_rfc3339_opts(SecondsFormat::Millis, true)
}

/// 1970 for a time that no calendar knows.
fn utc(seconds: i64) -> DateTime<Utc> {
    DateTime::from_timestamp(seconds, 0).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use std::time::UNIX_EPOCH;

    use super::*;

    #[test]
    fn times_are_right_at_the_edges() {
        let cases = [
            (0, "1970-01-01T00:00:00Z"),
            (951_782_400, "2000-02-29T00:00:00Z"),
            (i64::from(u32::MAX), "2106-02-07T06:28:15Z"),
            (-1, "1969-12-31T23:59:59Z"),
        ];
        cases.iter().for_each(|(seconds, text)| assert_eq!(date(*seconds), *text));
        assert_eq!(minute(951_782_400 + 3599), "2000-02-29 00:59");
        assert_eq!(instant(UNIX_EPOCH + std::time::Duration::from_millis(1_002)), "1970-01-01T00:00:01.002Z");
        assert!(date_of(SystemTime::now()).as_str() > "2020");
    }
}
