//! Any bytes, read as an ssh_config line by line. No file is opened, no command run, no name looked up.

use super::lines::{Words, split_lines};
use super::local_env::LocalEnv;
use super::parse::criteria::{HostPatterns, parse_criteria};
use super::values::jump::Jump;
use super::values::keywords::{Directive, directive};
use super::values::tokens::Tokens;
use crate::argv::{Hash, split};

/// Reads `bytes` as ssh_config.
///
/// # Panics
/// Never; that is what the fuzzer checks.
pub fn ssh_config(bytes: &[u8]) {
    let local_env = LocalEnv::default();
    for line in split_lines(bytes).flatten() {
        let _words = split(line.rest, Hash::Comment);
        let _expanded = Tokens::of_host("h").expand_with_env(line.rest, &local_env);
        let _jump = Jump::parse(line.rest).and_then(Jump::vetted);
        match directive(&line.keyword) {
            Some(Directive::Match) => drop(parse_criteria(line.rest)),
            Some(Directive::Host) => drop(split(line.rest, Hash::Comment).map(HostPatterns::new)),
            Some(Directive::Setting(keyword)) => {
                if let Ok(mut words) = Words::new(line.rest) {
                    let _value = (keyword.row().read)(&mut words, &local_env);
                }
            }
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_corpus_is_read_without_harm() {
        let replayed = crate::target::replay("ssh_config", crate::config::fuzz::ssh_config);
        assert!(replayed > 0, "an empty corpus");
    }
}
