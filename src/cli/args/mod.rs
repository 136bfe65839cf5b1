//! What may be typed? The verbs and their flags, what each means, and what a person reads about them.
//!
//! Main functions: [`parse::parse`], [`settings::copy_screen`]. Nothing here connects or prints.
//!
//! | floor | what is there |
//! | --- | --- |
//! | `parse` | the command line, or why it is refused |
//! | `command_line` | the verbs |
//! | `sync` `settings` `flags` | a copy with more flags; what flags and variables mean; those that `config` resolves |
//! | `cp` `ls` `doctor` `hosts` `key` `ssh` `demo` | a verb each |
//! | `flag_groups` `reliability` `unattended` | flags that several verbs share |
//! | `values` `units` `help` | values, units, help texts |

pub mod command_line;
pub mod cp;
#[cfg(feature = "demo")]
pub mod demo;
pub mod doctor;
pub mod flag_groups;
pub mod flags;
pub mod help;
pub mod hosts;
pub mod key;
pub mod ls;
pub mod parse;
pub mod reliability;
pub mod settings;
pub mod ssh;
pub mod sync;
pub mod unattended;
pub mod units;
pub mod values;
