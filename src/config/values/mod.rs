//! What do the words after a keyword mean? A table of keywords, and one reader for each kind of value.
//!
//! | floor | what is there |
//! | --- | --- |
//! | `support` | what hop does for each keyword |
//! | `keywords` | one row per keyword |
//! | `readers` `choices` `forwards` | text, lists and special cases; words of a fixed set; forwardings |
//! | `algorithms` `jump` `tokens` | `+`, `-` and `^`; one jump; `%` tokens and `~` |
//! | `numbers` | numbers, times, sizes, ports |
//! | `reading` | what a reader takes and returns |

pub mod algorithms;
pub mod choices;
pub mod forwards;
pub mod jump;
pub mod keywords;
pub mod numbers;
pub mod readers;
pub mod reading;
pub mod support;
pub mod tokens;
