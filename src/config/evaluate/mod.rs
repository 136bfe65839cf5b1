//! Which values hold for one host? Those of its lines, then the built-in ones, as `ssh -G` prints them.
//!
//! | floor | what is there |
//! | --- | --- |
//! | `defaults` | values that no line sets, and expansions that need all values |
//! | `pass` | the lines in order, once or twice |
//! | `canonical` | the host's full name |
//! | `settings` `resolver` | the values set so far; the source of names and addresses |

pub mod canonical;
pub mod defaults;
pub mod pass;
pub mod resolver;
pub mod settings;
