//! By what is the person asked: the terminal or a program? [`PersonPrompt`] decides it for each question as ssh does, from
//! `SSH_ASKPASS`, `SSH_ASKPASS_REQUIRE`, and whether there is a display.
//!
//! | `SSH_ASKPASS_REQUIRE` | who asks |
//! | --- | --- |
//! | unset | the terminal; where there is none, the program, if there is a display |
//! | `never` | the terminal |
//! | `prefer` | the program, if there is a display; else the terminal |
//! | `force` | the program |

use std::collections::HashMap;
use std::ffi::OsString;
use std::path::Path;
use std::sync::Arc;

use zeroize::Zeroizing;

use crate::prompt::{NoAnswer, Prompt};

use super::askpass::{self, Askpass};
use super::reporter::Reporter;
use super::terminal::{self, TerminalPrompt};

/// Where distributions install a program that asks; the first that exists is used unless `SSH_ASKPASS` names one.
const USUAL: [&str; 4] = [
    "/usr/bin/ssh-askpass",
    "/usr/libexec/openssh/ssh-askpass",
    "/usr/lib/ssh/ssh-askpass",
    "/usr/X11R6/bin/ssh-askpass",
];

/// Who asks first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum First {
    Terminal,
    Program,
}

/// The person who uses this machine.
pub struct PersonPrompt {
    terminal: TerminalPrompt,
    askpass: Option<Askpass>,
    first: First,
}

impl PersonPrompt {
    /// The person, by the environment's `variables`; `reporter` keeps the screen clear while a question is open.
    pub fn of(variables: &HashMap<String, OsString>, reporter: &Arc<Reporter>) -> PersonPrompt {
        let (first, program) = rule(variables);
        PersonPrompt {
            terminal: TerminalPrompt::new(reporter.clone()),
            askpass: program.map(|program| Askpass::new(program, reporter.clone())),
            first,
        }
    }

    fn asked(&self) -> &dyn Prompt {
        match &self.askpass {
            Some(askpass) if self.first == First::Program || !self.terminal.is_there() => askpass,
            _ => &self.terminal,
        }
    }
}

impl Prompt for PersonPrompt {
    fn secret(&self, question: &str) -> Result<Zeroizing<String>, NoAnswer> {
        self.asked().secret(question)
    }

    fn answer(&self, question: &str) -> Result<String, NoAnswer> {
        self.asked().answer(question)
    }

    fn agrees(&self, what: &str) -> Result<bool, NoAnswer> {
        self.asked().agrees(what)
    }

    fn is_there(&self) -> bool {
        self.asked().is_there()
    }
}

/// Takes an open question back, and gives the terminal its echo again.
pub fn withdraw_question() {
    askpass::withdraw();
    terminal::restore_terminal();
}

/// Who asks first, and the program, if it may ask at all.
fn rule(variables: &HashMap<String, OsString>) -> (First, Option<OsString>) {
    let set = |name: &str| variables.get(name).filter(|value| !value.is_empty());
    let display = set("DISPLAY").or(set("WAYLAND_DISPLAY")).is_some();
    let require = set("SSH_ASKPASS_REQUIRE").map(|word| word.to_string_lossy().to_ascii_lowercase());
    let (first, may_ask) = match require.as_deref() {
        Some("force") => (First::Program, true),
        Some("prefer") => (First::Program, display),
        Some("never") => (First::Terminal, false),
        _ => (First::Terminal, display),
    };
    (first, may_ask.then(|| program(variables)).flatten())
}

/// What `SSH_ASKPASS` names, else one that is installed.
fn program(variables: &HashMap<String, OsString>) -> Option<OsString> {
    match variables.get("SSH_ASKPASS") {
        Some(named) => Some(named.clone()).filter(|named| !named.is_empty()),
        None => USUAL.iter().find(|program| Path::new(program).exists()).map(OsString::from),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(words: &str) -> (First, Option<OsString>) {
        let pairs = words.split(' ').filter_map(|word| word.split_once('='));
        rule(&pairs.map(|(name, value)| (name.to_owned(), OsString::from(value))).collect())
    }

    #[test]
    fn the_rule_is_sshs() {
        let program = Some(OsString::from("/ask"));
        for (words, expected) in [
            ("SSH_ASKPASS=/ask", (First::Terminal, None)),
            ("SSH_ASKPASS=/ask DISPLAY=", (First::Terminal, None)),
            ("SSH_ASKPASS=/ask DISPLAY=:0", (First::Terminal, program.clone())),
            ("SSH_ASKPASS=/ask WAYLAND_DISPLAY=w", (First::Terminal, program.clone())),
            ("SSH_ASKPASS=/ask SSH_ASKPASS_REQUIRE=prefer", (First::Program, None)),
            ("SSH_ASKPASS=/ask SSH_ASKPASS_REQUIRE=prefer DISPLAY=:0", (First::Program, program.clone())),
            ("SSH_ASKPASS=/ask SSH_ASKPASS_REQUIRE=FORCE", (First::Program, program)),
            ("SSH_ASKPASS=/ask SSH_ASKPASS_REQUIRE=never DISPLAY=:0", (First::Terminal, None)),
            ("SSH_ASKPASS= SSH_ASKPASS_REQUIRE=force", (First::Program, None)),
        ] {
            assert_eq!(asked(words), expected, "{words}");
        }
    }
}
