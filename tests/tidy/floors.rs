//! In which order do the files of a folder stand? The table in its `mod.rs`, held against every path they name.
//!
//! Main type: [`Floors`]. The table has a row a floor, the highest first:
//!
//! ```text
//! //! | floor | what is there |
//! //! | --- | --- |
//! //! | `evaluate` | which lines hold for a host |
//! //! | `parse` `values` | lines; what their words mean |
//! ```
//!
//! A floor may use those below it. What shares a row does not know of each other, `mod.rs` may use all, nobody may use
//! what is defined in `mod.rs`. A name is that of a folder or a file beside the `mod.rs`; each has its row.

use std::collections::BTreeSet;

use super::imports::Arrow;
use super::source::Source;

/// The floors of one folder.
pub struct Floors {
    /// `src/config/`.
    folder: String,
    /// The names of each row, the highest first; none where there is no table.
    rows: Vec<Vec<String>>,
    /// The files and folders beside the `mod.rs`.
    names: BTreeSet<String>,
}

impl Floors {
    /// The floors of every folder that has a `mod.rs`.
    pub fn all(sources: &[Source]) -> Vec<Floors> {
        let fronts = sources.iter().filter_map(|source| Some((source.name.strip_suffix("mod.rs")?, source)));
        fronts.map(|(folder, front)| Floors::of(folder, front, sources)).collect()
    }

    fn of(folder: &str, front: &Source, sources: &[Source]) -> Floors {
        let shipped = sources.iter().filter(|source| !source.is_test()).map(|source| source.name.as_str());
        let names = shipped.filter_map(|name| beside(folder, name)).filter(|name| *name != "mod").map(str::to_owned);
        Floors { folder: folder.to_owned(), rows: rows(&front.text), names: names.collect() }
    }

    /// `src/config`.
    pub fn folder(&self) -> &str {
        self.folder.trim_end_matches('/')
    }

    pub fn is_told(&self) -> bool {
        !self.rows.is_empty()
    }

    pub fn count(&self) -> usize {
        self.rows.len()
    }

    /// The arrows between two names of this folder.
    pub fn arrows<'a>(&self, arrows: &'a [Arrow]) -> Vec<&'a Arrow> {
        let inside = |arrow: &&Arrow| {
            let ends = (beside(&self.folder, &arrow.from), beside(&self.folder, &arrow.to));
            matches!(ends, (Some(from), Some(to)) if from != to)
        };
        arrows.iter().filter(inside).collect()
    }

    /// One line an arrow that leads up or sideways, a name without a row, a row without a file.
    pub fn broken(&self, arrows: &[Arrow]) -> Vec<String> {
        let against = self.arrows(arrows).into_iter().filter(|arrow| !self.may(&arrow.from, &arrow.to));
        let mut broken: Vec<_> = against.map(|a| format!("{}:{}: up to {}", a.from, a.line, a.to)).collect();
        let told: BTreeSet<String> = self.rows.iter().flatten().cloned().collect();
        broken.extend(self.names.difference(&told).map(|name| format!("{}mod.rs: no floor for {name}", self.folder)));
        broken.extend(told.difference(&self.names).map(|name| format!("{}mod.rs: there is no {name}", self.folder)));
        broken
    }

    fn may(&self, from: &str, to: &str) -> bool {
        let floor = |file: &str| {
            let name = beside(&self.folder, file)?;
            self.rows.iter().position(|row| row.iter().any(|known| known == name))
        };
        match (beside(&self.folder, from), floor(from), floor(to)) {
            (Some("mod"), _, _) => true,
            (_, Some(from), Some(to)) => from < to,
            _ => false,
        }
    }
}

/// `src/config/` and `src/config/parse/lines.rs` → parse.
fn beside<'a>(folder: &str, file: &'a str) -> Option<&'a str> {
    let inside = file.strip_prefix(folder)?;
    Some(inside.split_once('/').map_or(inside.trim_end_matches(".rs"), |(below, _)| below))
}

fn rows(text: &str) -> Vec<Vec<String>> {
    let docs = text.lines().take_while(|line| line.starts_with("//!"));
    let table = docs.skip_while(|line| !line.starts_with("//! | floor |")).skip(2);
    let rows = table.take_while(|line| line.starts_with("//! | "));
    let names = |row: &str| {
        row.split('|').nth(1).unwrap_or_default().split('`').skip(1).step_by(2).map(str::to_owned).collect()
    };
    rows.map(names).collect()
}

#[test]
fn what_leads_up_is_found() {
    let source = |name: &str, text: &str| Source::new(format!("src/r/{name}.rs"), text.to_owned());
    let table =
        "//! What?\n//!\n//! | floor | |\n//! | --- | --- |\n//! | `top` | |\n//! | `a` `b` | |\n//! | `gone` | |\n";
    let sources = [source("mod", table), source("top", ""), source("a", ""), source("b/mod", ""), source("new", "")];
    let floors = Floors::of("src/r/", &sources[0], &sources);
    let arrow =
        |from: &str, to: &str| Arrow { from: format!("src/r/{from}.rs"), line: 1, to: format!("src/r/{to}.rs") };
    let fine = [("mod", "b/mod"), ("top", "a"), ("top", "b/x"), ("b/x", "b/y")].map(|(from, to)| arrow(from, to));
    let told = ["src/r/mod.rs: no floor for new", "src/r/mod.rs: there is no gone"];
    assert_eq!(floors.broken(&fine), told);
    let wrong = [("a", "b/x"), ("a", "top"), ("a", "mod"), ("top", "new")].map(|(from, to)| arrow(from, to));
    assert_eq!(floors.broken(&wrong).len(), wrong.len() + told.len());
}
