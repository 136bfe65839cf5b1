//! Which of a folder's names does the other end have, too? [`KnownNames`] remembers the names of one end as hashes
//! under a key of this run; where there are too many, a [`NameShare`] at a time, with both ends listed once more for
//! each further share. Two names with one hash count as one, so that something may stay, but nothing is removed by
//! mistake.

use std::collections::HashMap;
use std::hash::{BuildHasher as _, RandomState};

use crate::copy::name::Name;
use crate::sftp::FileKind;

/// Most names remembered at a time, 32 bytes each; a share that is not the first may have twice as many.
const MOST: usize = 1 << 17;

/// A share of all names, by the last bits of their hashes.
#[derive(Debug, Clone, Default)]
pub struct NameShare {
    key: RandomState,
    mask: u64,
    number: u64,
}

impl NameShare {
    /// Whether a name is in the share.
    pub fn holds(&self, name: &Name) -> bool {
        self.key.hash_one(name) & self.mask == self.number
    }

    /// The next share; `None` after the last.
    pub fn next(self) -> Option<NameShare> {
        (self.number < self.mask).then(|| NameShare { number: self.number + 1, ..self })
    }
}

/// The names of one folder that are in a share.
pub struct KnownNames {
    names: HashMap<u64, FileKind>,
    share: NameShare,
}

impl KnownNames {
    /// No names yet; the first share becomes as small as it must be.
    pub fn of(share: NameShare) -> KnownNames {
        KnownNames { names: HashMap::new(), share }
    }

    /// Remembers a name of the share, and what has it; `false` when there are too many.
    pub fn insert(&mut self, name: &Name, kind: FileKind) -> bool {
        if self.share.holds(name) {
            self.names.insert(self.share.key.hash_one(name), kind);
        }
        while self.names.len() > MOST && self.share.number == 0 {
            self.share.mask = self.share.mask << 1 | 1;
            let mask = self.share.mask;
            self.names.retain(|hash, _| hash & mask == 0);
        }
        self.names.len() <= 2 * MOST
    }

    /// What has a name of the share; `None` for a name that was not remembered.
    pub fn get(&self, name: &Name) -> Option<FileKind> {
        self.names.get(&self.share.key.hash_one(name)).copied()
    }

    /// The share of all names that these are.
    pub fn share(&self) -> &NameShare {
        &self.share
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(number: usize) -> Name {
        Name::vet(number.to_string().as_bytes()).unwrap()
    }

    #[test]
    fn a_few_names_are_one_share() {
        let mut known = KnownNames::of(NameShare::default());
        assert!((0..1000).all(|number| known.insert(&name(number), FileKind::File)));
        assert!((0..1000).all(|number| known.get(&name(number)).is_some()) && known.get(&name(1000)).is_none());
        assert!(known.share().clone().next().is_none());
    }

    #[test]
    fn many_names_are_all_in_exactly_one_share() {
        const MANY: usize = 3 * MOST;
        let (mut share, mut shares, mut seen) = (NameShare::default(), 0, 0);
        loop {
            let mut known = KnownNames::of(share);
            assert!((0..MANY).all(|number| known.insert(&name(number), FileKind::File)));
            let held = (0..MANY).filter(|number| known.share().holds(&name(*number)));
            seen += held.inspect(|number| assert!(known.get(&name(*number)) == Some(FileKind::File))).count();
            shares += 1;
            match known.share().clone().next() {
                Some(next) => share = next,
                None => break,
            }
        }
        assert_eq!((shares, seen), (4, MANY));
    }
}
