//! Which entries of a folder have been handed out? [`Visited`] remembers them, so that a listing that was cut off can
//! begin again without anything being copied twice. Names are kept as hashes under a key of this run, up to a limit for
//! all listings of a walk together.

use std::collections::HashSet;
use std::hash::{BuildHasher, RandomState};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use crate::copy::name::Name;

/// Most names remembered at a time, of all folders being listed: 16 bytes each.
const MOST: usize = 1 << 17;

/// Room for the names that the listings under way remember.
pub struct Room(AtomicUsize);

impl Default for Room {
    fn default() -> Room {
        Room(AtomicUsize::new(MOST))
    }
}

/// The entries of one folder that have been handed out. Their room is returned when this is dropped.
pub struct Visited {
    key: RandomState,
    names: HashSet<u64>,
    room: Arc<Room>,
    is_cut_short: bool,
}

impl Visited {
    /// No entries yet.
    pub fn within(room: &Arc<Room>) -> Visited {
        Visited { key: RandomState::new(), names: HashSet::new(), room: Arc::clone(room), is_cut_short: false }
    }

    /// Remembers an entry.
    pub fn insert(&mut self, entry: &Name) {
        let hash = self.key.hash_one(entry);
        if self.names.contains(&hash) {
            return;
        }
        match self.room.0.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| left.checked_sub(1)) {
            Ok(_) => drop(self.names.insert(hash)),
            Err(_) => self.is_cut_short = true,
        }
    }

    /// Whether the entry was remembered.
    pub fn contains(&self, entry: &Name) -> bool {
        !self.names.is_empty() && self.names.contains(&self.key.hash_one(entry))
    }

    /// Whether every entry was remembered, so that a listing can begin again.
    pub fn is_complete(&self) -> bool {
        !self.is_cut_short
    }
}

impl Drop for Visited {
    fn drop(&mut self) {
        self.room.0.fetch_add(self.names.len(), Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_put_in_is_found_until_there_is_too_much() {
        let entry = |number: usize| Name::vet(number.to_string().as_bytes()).unwrap();
        let room = Arc::default();
        let (mut one, mut other) = (Visited::within(&room), Visited::within(&room));
        (0..MOST).for_each(|number| one.insert(&entry(number)));
        one.insert(&entry(7));
        assert!(one.contains(&entry(7)) && !one.contains(&entry(MOST)) && one.is_complete());
        other.insert(&entry(MOST));
        assert!(!other.is_complete());
        drop(one);
        let mut another = Visited::within(&room);
        another.insert(&entry(MOST));
        assert!(another.is_complete() && another.contains(&entry(MOST)));
    }
}
