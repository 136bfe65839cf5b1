//! How are the system's errors and times put into words? [`words_of`] an error, in hop's style; [`span`], a length of
//! time. There are no texts of hop's own here.

use std::io;
use std::time::Duration;

/// The system's text for an error, in lowercase and without the number at its end.
pub fn words_of(error: &io::Error) -> String {
    let text = error.to_string();
    let words = text.split(" (os error").next().unwrap_or(&text);
    let mut letters = words.chars();
    letters.next().map_or_else(String::new, |first| first.to_lowercase().chain(letters).collect())
}

/// A length of time as people say it, rounded down: `90 seconds`, `3 hours`, `12 days`.
pub fn span(time: Duration) -> String {
    match time.as_secs() {
        1 => "1 second".to_owned(),
        seconds @ ..120 => format!("{seconds} seconds"),
        seconds @ 120..7200 => format!("{} minutes", seconds / 60),
        seconds @ 7200..172_800 => format!("{} hours", seconds / 3600),
        seconds => format!("{} days", seconds / 86_400),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn capital_and_number_go() {
        assert_eq!(words_of(&io::Error::from_raw_os_error(111)), "connection refused");
        assert_eq!(words_of(&io::Error::other("Ends early")), "ends early");
        assert_eq!(words_of(&io::Error::other("")), "");
    }

    #[test]
    fn a_span_has_one_unit() {
        let said = [1, 119, 120, 7199, 7200, 172_799, 172_800, 400 * 86_400].map(|s| span(Duration::from_secs(s)));
        let want = ["1 second", "119 seconds", "2 minutes", "119 minutes", "2 hours", "47 hours", "2 days", "400 days"];
        assert_eq!(said, want);
    }
}
