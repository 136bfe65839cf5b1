//! What does `ssh -G` print? The values of one host as lines, in the order and form of OpenSSH 9.2.
//!
//! Main function: [`Configuration::dump`].

use crate::config::configuration::Configuration;
use crate::config::error::ConfigError;
use crate::config::evaluate::defaults::CompleteSettings;
use crate::config::evaluate::settings::Setting;
use crate::config::jump_chain;
use crate::config::origin::Origin;
use crate::config::values::jump::Jump;
use crate::config::values::keywords::{Keyword, KeywordRow, ROWS, Show};
use crate::target::HostSpec;

/// A line: keyword, value, and the origin of the value.
pub type DumpLine = (String, String, Origin);

impl Configuration {
    /// The lines that `ssh -G` would print, each with its origin.
    ///
    /// # Errors
    /// Those of [`Configuration::resolve`], for the target alone.
    pub fn dump(&self, target: &HostSpec) -> Result<Vec<DumpLine>, ConfigError> {
        jump_chain::target(self, target).map(|complete| lines(&complete))
    }
}

/// The lines for all keywords.
fn lines(complete: &CompleteSettings) -> Vec<DumpLine> {
    let mut lines = vec![("host".to_owned(), complete.alias.clone(), Origin::Default)];
    for row in ROWS {
        let settings = complete.settings.all(row.keyword);
        match row.show {
            Show::Line if settings.is_empty() => {}
            Show::Line | Show::LineOrNone => lines.push(one_line(row, settings)),
            Show::Each => lines.extend(settings.iter().map(|setting| line(row, setting.word.clone(), setting))),
            Show::Apart => lines.extend(apart(row, complete)),
        }
    }
    lines
}

fn line(row: &KeywordRow, value: String, setting: &Setting) -> DumpLine {
    (row.name.to_owned(), value, setting.origin.clone())
}

fn one_line(row: &KeywordRow, settings: &[Setting]) -> DumpLine {
    match settings {
        [] => (row.name.to_owned(), "none".to_owned(), Origin::Default),
        [first, ..] => line(row, joined(settings, " "), first),
    }
}

fn joined(settings: &[Setting], separator: &str) -> String {
    settings.iter().map(|setting| setting.word.as_str()).collect::<Vec<_>>().join(separator)
}

fn apart(row: &KeywordRow, complete: &CompleteSettings) -> Vec<DumpLine> {
    let settings = &complete.settings;
    let all = settings.all(row.keyword);
    match (row.keyword, all.first()) {
        (Keyword::DynamicForward, _) => {
            let forwards = settings.all(Keyword::LocalForward).iter();
            forwards.filter_map(|forward| Some(line(row, dynamic_listener(&forward.word)?, forward))).collect()
        }
        (Keyword::LocalForward, _) => {
            let with_target = all.iter().filter(|forward| forward.word.contains(' '));
            with_target.map(|forward| line(row, forward.word.clone(), forward)).collect()
        }
        (Keyword::RemoteForward, _) => all.iter().map(|forward| line(row, forward.word.clone(), forward)).collect(),
        (Keyword::ForwardAgent, Some(flag)) => {
            let shown = settings.first(Keyword::ForwardAgentSocket).unwrap_or(flag);
            vec![line(row, shown.word.clone(), shown)]
        }
        (Keyword::RekeyLimit, Some(bytes)) => {
            vec![line(row, format!("{} {}", bytes.word, settings.word(Keyword::RekeyInterval)), bytes)]
        }
        (Keyword::ProxyCommand, Some(command)) => vec![line(row, command.word.clone(), command)],
        (Keyword::ProxyJump, Some(first)) => vec![line(row, jumps(all), first)],
        _ => Vec::new(),
    }
}

/// The listener of a forwarding, if it is dynamic; `ssh -G` also lists a local forwarding to a socket among those.
fn dynamic_listener(forward: &str) -> Option<String> {
    match forward.split_once(' ') {
        None => Some(forward.to_owned()),
        Some((listen, target)) => target.contains('/').then(|| listen.to_owned()),
    }
}

/// All jumps but the last as written; the last in the form that ssh prints.
fn jumps(all: &[Setting]) -> String {
    let Some((last, before)) = all.split_last() else { return String::new() };
    let last = Jump::parse(&last.word).map_or_else(|_| last.word.clone(), |jump| jump.printed());
    if before.is_empty() { last } else { format!("{},{last}", joined(before, ",")) }
}
