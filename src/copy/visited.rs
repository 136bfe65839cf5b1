//! Which entries of a folder have been handed out? [`Visited`] remembers, so that a listing that was cut off can begin
//! again without anything being copied twice. Names are kept as hashes under a key of this run, and only so many.

use std::collections::HashSet;
use std::hash::{BuildHasher, RandomState};

use super::place::Place;

/// Names remembered of one folder: a listing without end must not fill the memory.
const MOST: usize = 1 << 17;

/// The entries of one folder that are done with.
#[derive(Default)]
pub struct Visited {
    key: RandomState,
    names: HashSet<u64>,
    is_cut_short: bool,
}

impl Visited {
    /// Remembers an entry.
    pub fn insert(&mut self, entry: &Place) {
        match self.names.len() < MOST {
            true => drop(self.names.insert(self.hash(entry))),
            false => self.is_cut_short = true,
        }
    }

    /// Whether the entry was remembered.
    pub fn contains(&self, entry: &Place) -> bool {
        !self.names.is_empty() && self.names.contains(&self.hash(entry))
    }

    /// Whether every entry was remembered, so that a listing can begin again.
    pub fn is_complete(&self) -> bool {
        !self.is_cut_short
    }

    fn hash(&self, entry: &Place) -> u64 {
        self.key.hash_one(entry.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::copy::name::Name;

    #[test]
    fn what_was_put_in_is_found_until_there_is_too_much() {
        let folder = Place::typed(b"/srv");
        let entry = |number: usize| folder.join(&Name::vet(number.to_string().as_bytes()).unwrap());
        let mut visited = Visited::default();
        (0..MOST).for_each(|number| visited.insert(&entry(number)));
        assert!(visited.contains(&entry(7)) && !visited.contains(&entry(MOST)) && visited.is_complete());
        visited.insert(&entry(MOST));
        assert!(!visited.is_complete());
    }
}
