//! Which values hold for one host? Its lines, then the built-in values, as `ssh -G` prints them.
//!
//! | floor | what is there |
//! | --- | --- |
//! | `defaults` | values for which nothing was said, and expansions that need the whole picture |
//! | `pass` | the lines in order, once or twice |
//! | `canonical` | the host's full name |
//! | `settings` `resolver` | the values said so far; who knows names and addresses |

pub mod canonical;
pub mod defaults;
pub mod pass;
pub mod resolver;
pub mod settings;
