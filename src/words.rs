//! What did the system say? [`words_of`] its errors, in the house's style. Says nothing of its own.

use std::io;

/// The system's words: lowercase, without the number behind them.
pub fn words_of(error: &io::Error) -> String {
    let text = error.to_string();
    let words = text.split(" (os error").next().unwrap_or(&text);
    let mut letters = words.chars();
    letters.next().map_or_else(String::new, |first| first.to_lowercase().chain(letters).collect())
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
}
