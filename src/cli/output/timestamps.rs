//! How are times written? As dates in UTC, from seconds since 1970: cron's time zone and a terminal's may differ.
//!
//! Main functions: [`date`], [`instant`].

use std::time::{SystemTime, UNIX_EPOCH};

/// `2024-05-01T12:34:56Z` (RFC 3339).
pub fn date(seconds: i64) -> String {
    let [year, month, day] = day(seconds.div_euclid(86_400));
    let second = seconds.rem_euclid(86_400);
    format!("{year:04}-{month:02}-{day:02}T{:02}:{:02}:{:02}Z", second / 3600, second / 60 % 60, second % 60)
}

/// `2024-05-01 12:34`.
pub fn minute(seconds: i64) -> String {
    let date = date(seconds);
    let (day, time) = date.split_once('T').unwrap_or((&date, ""));
    format!("{day} {}", time.get(..5).unwrap_or(""))
}

/// A time of this machine as `2024-05-01T12:34:56Z`.
pub fn date_of(time: SystemTime) -> String {
    date(time.duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs() as i64))
}

/// `2024-05-01T12:34:56.789Z`.
pub fn instant(time: SystemTime) -> String {
    let since = time.duration_since(UNIX_EPOCH).unwrap_or_default();
    let date = date(since.as_secs() as i64);
    format!("{}.{:03}Z", date.trim_end_matches('Z'), since.subsec_millis())
}

/// Year, month and day of a day since 1970 (after Howard Hinnant's `civil_from_days`).
fn day(days: i64) -> [i64; 3] {
    let shifted = days + 719_468;
    let (era, day_of_era) = (shifted.div_euclid(146_097), shifted.rem_euclid(146_097));
    let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_from_march = (5 * day_of_year + 2) / 153;
    let month = if month_from_march < 10 { month_from_march + 3 } else { month_from_march - 9 };
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    [year, month, day_of_year - (153 * month_from_march + 2) / 5 + 1]
}

#[cfg(test)]
mod tests {
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
