//! Which values are set so far? While the lines of one host are read, the first value of most keywords wins.
//!
//! Main type: [`Settings`]. Each keyword's row says what a second line does ([`OnRepeat`]); which lines apply is not
//! known here.

use crate::config::origin::{Origin, Scope, SetBy};
use crate::config::values::jump::Jump;
use crate::config::values::keywords::{Keyword, OnRepeat, ROWS};
use crate::wildcard::match_pattern;

/// The largest number of `IdentityFile` or `CertificateFile` lines for one host.
const MOST_FILES: usize = 100;

/// One word of a value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Setting {
    /// The word as `ssh -G` prints it.
    pub word: String,
    /// Where it came from.
    pub origin: Origin,
    /// Whose file that was.
    pub scope: Scope,
}

/// Whether a line is in a block that applies to the host.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Applies {
    /// It is.
    Yes,
    /// It is not.
    No,
}

/// The values of one host, by keyword.
#[derive(Debug, Clone)]
pub struct Settings {
    slots: Vec<Vec<Setting>>,
}

impl Default for Settings {
    fn default() -> Settings {
        Settings { slots: vec![Vec::new(); ROWS.len()] }
    }
}

impl Settings {
    /// The host of the last jump, or the empty string (`%j`).
    pub fn last_jump(&self) -> String {
        let last = self.all(Keyword::ProxyJump).last().and_then(|jump| Jump::parse(&jump.word).ok());
        last.map(|jump| jump.host().to_owned()).filter(|host| host != "none").unwrap_or_default()
    }

    /// All words of a keyword.
    pub fn all(&self, keyword: Keyword) -> &[Setting] {
        &self.slots[keyword as usize]
    }

    /// The first word of a keyword.
    pub fn first(&self, keyword: Keyword) -> Option<&Setting> {
        self.all(keyword).first()
    }

    /// The first word of a keyword, or the empty string.
    pub fn word(&self, keyword: Keyword) -> &str {
        self.first(keyword).map_or("", |setting| &setting.word)
    }

    /// Applies a line to the values.
    pub fn take(
        &mut self,
        keyword: Keyword,
        words: &[String],
        set_by: SetBy<'_>,
        applies: Applies,
    ) -> Result<(), String> {
        let rule = keyword.row().rule;
        match rule {
            OnRepeat::LastEverywhere => self.replace(keyword, words, set_by),
            OnRepeat::FirstEverywhere => self.fill(keyword, words, set_by),
            _ if applies == Applies::No => {}
            OnRepeat::First => self.fill(keyword, words, set_by),
            OnRepeat::Proxy => {
                if self.proxy_is_open(keyword, words) {
                    self.fill(keyword, words, set_by);
                }
            }
            OnRepeat::Two(second) => {
                let (own, other) = words.split_at(words.len().min(1));
                self.fill(keyword, own, set_by);
                self.fill(second, other, set_by);
            }
            OnRepeat::AddNew => return self.add_new(keyword, words, set_by),
            OnRepeat::AddNewTo(other) => return self.add_new(other, words, set_by),
            OnRepeat::AddOrTakeAway => words.iter().for_each(|word| self.add_or_take_away(keyword, word, set_by)),
        }
        Ok(())
    }

    /// Sets the value of a keyword that has none yet.
    pub fn fill(&mut self, keyword: Keyword, words: &[String], set_by: SetBy<'_>) {
        if self.all(keyword).is_empty() {
            self.replace(keyword, words, set_by);
        }
    }

    /// Sets the value of a keyword, replacing what was there.
    pub fn replace(&mut self, keyword: Keyword, words: &[String], set_by: SetBy<'_>) {
        self.slots[keyword as usize] = words.iter().map(|word| setting(word, set_by)).collect();
    }

    /// Sets the origin of a keyword's value.
    pub fn set_origin(&mut self, keyword: Keyword, origin: &Origin) {
        self.slots[keyword as usize].iter_mut().for_each(|setting| setting.origin = origin.clone());
    }

    /// Removes the value of a keyword.
    pub fn clear(&mut self, keyword: Keyword) {
        self.slots[keyword as usize].clear();
    }

    /// Rewrites each word of a keyword; the origins stay.
    pub fn rewrite<E>(
        &mut self,
        keyword: Keyword,
        mut change: impl FnMut(&Setting) -> Result<String, E>,
    ) -> Result<(), E> {
        for setting in &mut self.slots[keyword as usize] {
            setting.word = change(setting)?;
        }
        Ok(())
    }

    /// Whether the keyword may still be set: `ProxyJump` excludes `ProxyCommand` and the other way round; `ProxyJump
    /// none` only excludes later jumps.
    fn proxy_is_open(&self, keyword: Keyword, words: &[String]) -> bool {
        let says_none = |word: &str| word == "none";
        let (jump, command) = (self.first(Keyword::ProxyJump), self.first(Keyword::ProxyCommand));
        match keyword {
            Keyword::ProxyCommand => jump.is_none_or(|jump| says_none(&jump.word)),
            _ => command.is_none() || words.first().is_some_and(|word| says_none(word)),
        }
    }

    fn add_new(&mut self, keyword: Keyword, words: &[String], set_by: SetBy<'_>) -> Result<(), String> {
        for word in words {
            let slot = &mut self.slots[keyword as usize];
            let limited = matches!(keyword, Keyword::IdentityFile | Keyword::CertificateFile);
            if limited && slot.len() >= MOST_FILES {
                return Err(format!("too many files (at most {MOST_FILES})"));
            }
            if !slot.iter().any(|known| known.word == *word && known.scope == set_by.scope()) {
                slot.push(setting(word, set_by));
            }
        }
        Ok(())
    }

    fn add_or_take_away(&mut self, keyword: Keyword, word: &str, set_by: SetBy<'_>) {
        let slot = &mut self.slots[keyword as usize];
        match word.strip_prefix('-') {
            Some(pattern) => slot.retain(|known| !match_pattern(&known.word, pattern)),
            None => slot.push(setting(word, set_by)),
        }
    }
}

fn setting(word: &str, set_by: SetBy<'_>) -> Setting {
    Setting { word: word.to_owned(), origin: set_by.origin(), scope: set_by.scope() }
}
