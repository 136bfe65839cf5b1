//! Which lines are there? Files become trees of lines, checked once; nothing is evaluated.
//!
//! | floor | what is there |
//! | --- | --- |
//! | `files` | files, `Include`, owner and mode |
//! | `criteria` `glob` | `Host` patterns and `Match` criteria; the files a pattern names |

pub mod criteria;
pub mod files;
pub mod glob;
