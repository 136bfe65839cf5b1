//! Which folders wait to be listed? [`Pending`] holds those that were found and not listed yet. The deepest come first,
//! so few wait in an ordinary tree. Each is kept as its name and the attributes that are needed, [`HELD`] bytes in
//! memory and the rest in a [`Spill`]; what the folders of one parent share is kept once. Does no I/O but the spill's.
//!
//! Where at most `n` folders are listed at a time, at most `n` folders per level have entries that wait: a folder is
//! only begun when nothing deeper waits.

use std::io;
use std::path::PathBuf;
use std::sync::Arc;

use super::spill::{SLOT, Slot, Spill};
use crate::copy::name::Name;
use crate::copy::place::Links;
use crate::sftp::Attributes;

/// Most bytes kept in memory; their buffers may be twice as long.
const HELD: usize = 3 << 20;

/// Bytes up to which a buffer is not worth shrinking.
const SMALL: usize = 1024;

/// Bytes of an entry besides its name: permissions, times, which of them are known, and the entry's length.
const AROUND: usize = 4 + 8 + 1 + 2;

const HAS_PERMISSIONS: u8 = 1;
const HAS_TIMES: u8 = 2;
const IS_FOLLOWED: u8 = 4;

/// Folders that wait, each with the folder it was found in, a `P`.
pub struct Pending<P> {
    /// The waiting folders, by the depth of their parent.
    levels: Vec<Vec<Siblings<P>>>,
    held: usize,
    spill: Spill,
}

struct Siblings<P> {
    parent: Arc<P>,
    entries: Vec<u8>,
    slots: Vec<Slot>,
}

/// A folder in another one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Child {
    /// Its name in its parent.
    pub name: Name,
    /// Its permissions and times; nothing else is remembered.
    pub attributes: Attributes,
    /// Whether it is reached through a link.
    pub links: Links,
}

/// The folder that comes next.
pub struct Next<P> {
    /// The parent folder.
    pub parent: Arc<P>,
    /// The folder; an error where it could not be read back, and then others of the same parent are lost with it.
    pub child: io::Result<Child>,
}

impl<P> Pending<P> {
    /// No folders yet. The spill file goes into `folder`, or into the system's folder for such files.
    pub fn new(folder: Option<PathBuf>) -> Pending<P> {
        Pending { levels: Vec::new(), held: 0, spill: Spill::within(folder) }
    }

    /// Adds a folder that was found in `parent`, which is `depth` folders deep.
    ///
    /// # Errors
    /// When memory is full and the spill file takes no more; the folder is not added then.
    pub fn push(&mut self, parent: &Arc<P>, depth: usize, child: &Child) -> io::Result<()> {
        let length = child.name.as_bytes().len() + AROUND;
        if self.held + length > HELD {
            self.make_room()?;
        }
        if self.levels.len() <= depth {
            self.levels.resize_with(depth + 1, Vec::new);
        }
        let groups = &mut self.levels[depth];
        let at = groups.iter().position(|group| Arc::ptr_eq(&group.parent, parent)).unwrap_or_else(|| {
            groups.push(Siblings { parent: Arc::clone(parent), entries: Vec::new(), slots: Vec::new() });
            groups.len() - 1
        });
        child.write(&mut groups[at].entries);
        self.held += length;
        Ok(())
    }

    /// Takes the folder that comes next.
    pub fn pop(&mut self) -> Option<Next<P>> {
        while self.levels.last()?.is_empty() {
            self.levels.pop();
        }
        let groups = self.levels.last_mut()?;
        let group = groups.last_mut()?;
        let parent = Arc::clone(&group.parent);
        let child = group.pop(&mut self.spill, &mut self.held);
        if child.is_err() || group.is_empty() {
            self.held -= group.entries.len();
            groups.pop();
        }
        Some(Next { parent, child })
    }

    /// Writes some of the waiting folders that take most room to the spill file.
    fn make_room(&mut self) -> io::Result<()> {
        let Some(group) = self.levels.iter_mut().flatten().max_by_key(|group| group.entries.len()) else {
            return Ok(());
        };
        let from = group.start_of_last(SLOT);
        group.slots.push(self.spill.put(&group.entries[from..])?);
        self.held -= group.entries.len() - from;
        group.shorten(from);
        Ok(())
    }
}

impl<P> Siblings<P> {
    fn is_empty(&self) -> bool {
        self.entries.is_empty() && self.slots.is_empty()
    }

    fn pop(&mut self, spill: &mut Spill, held: &mut usize) -> io::Result<Child> {
        if self.entries.is_empty()
            && let Some(slot) = self.slots.pop()
        {
            self.entries = spill.take(&slot)?;
            *held += self.entries.len();
        }
        let start = self.start_of_last(1);
        let child = Child::read(&self.entries[start..])?;
        *held -= self.entries.len() - start;
        self.shorten(start);
        Ok(child)
    }

    /// The index at which the last entries begin that together have at most `most` bytes, but at least one entry.
    fn start_of_last(&self, most: usize) -> usize {
        let (end, mut start) = (self.entries.len(), self.entries.len());
        while let Some((_, length)) = self.entries[..start].split_last_chunk() {
            let before = start.saturating_sub(usize::from(u16::from_le_bytes(*length)));
            if start < end && end - before > most {
                break;
            }
            start = before;
        }
        start
    }

    fn shorten(&mut self, length: usize) {
        self.entries.truncate(length);
        if self.entries.capacity() > SMALL.max(4 * length) {
            self.entries.shrink_to(2 * length);
        }
    }
}

impl Child {
    fn write(&self, out: &mut Vec<u8>) {
        let Attributes { permissions, times, .. } = self.attributes;
        let known = permissions.map_or(0, |_| HAS_PERMISSIONS) | times.map_or(0, |_| HAS_TIMES);
        let followed = if self.links == Links::Follow { IS_FOLLOWED } else { 0 };
        let (accessed, modified) = times.unwrap_or_default();
        out.extend_from_slice(self.name.as_bytes());
        [permissions.unwrap_or_default(), accessed, modified].iter().for_each(|word| out.extend(word.to_le_bytes()));
        out.push(known | followed);
        // a name has at most 1,024 bytes
        out.extend(((self.name.as_bytes().len() + AROUND) as u16).to_le_bytes());
    }

    fn read(entry: &[u8]) -> io::Result<Child> {
        let broken = || io::Error::from(io::ErrorKind::InvalidData);
        let (name, rest) = entry.split_at_checked(entry.len().wrapping_sub(AROUND)).ok_or_else(broken)?;
        let word = |at: usize| rest[at..at + 4].iter().rev().fold(0, |word, byte| word << 8 | u32::from(*byte));
        let known = rest[12];
        let attributes = Attributes {
            permissions: (known & HAS_PERMISSIONS != 0).then(|| word(0)),
            times: (known & HAS_TIMES != 0).then(|| (word(4), word(8))),
            ..Attributes::default()
        };
        let links = if known & IS_FOLLOWED != 0 { Links::Follow } else { Links::Keep };
        Ok(Child { name: Name::vet(name).map_err(|_| broken())?, attributes, links })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn child(name: &str) -> Child {
        let attributes = Attributes { permissions: Some(0o040_755), times: Some((1, 2)), ..Attributes::default() };
        Child { name: Name::vet(name.as_bytes()).unwrap(), attributes, links: Links::Keep }
    }

    fn name_of<P>(next: Option<Next<P>>) -> Option<String> {
        next.map(|next| String::from_utf8(next.child.unwrap().name.as_bytes().to_vec()).unwrap())
    }

    #[test]
    fn what_is_known_of_a_folder_comes_back() {
        let mut pending = Pending::new(None);
        let root = Arc::new("root");
        let bare = Child { attributes: Attributes::default(), links: Links::Follow, ..child("bare") };
        for one in [child("a"), bare] {
            pending.push(&root, 0, &one).unwrap();
            let next = pending.pop().unwrap();
            assert_eq!((*next.parent, next.child.unwrap()), ("root", one));
        }
        assert!(pending.pop().is_none() && pending.held == 0);
    }

    #[test]
    fn the_deepest_come_first() {
        let mut pending = Pending::new(None);
        let (root, below) = (Arc::new(0), Arc::new(1));
        pending.push(&root, 0, &child("a")).unwrap();
        pending.push(&below, 3, &child("deep")).unwrap();
        pending.push(&root, 0, &child("b")).unwrap();
        let names: Vec<_> = std::iter::from_fn(|| name_of(pending.pop())).collect();
        assert_eq!(names, ["deep", "b", "a"]);
    }

    #[test]
    fn those_that_do_not_fit_wait_in_a_file_and_none_is_lost() {
        const MANY: usize = 300_000;
        let dir = tempfile::tempdir().unwrap();
        let mut pending = Pending::new(Some(dir.path().to_owned()));
        let parents = [0, 1, 2].map(Arc::new);
        for number in 0..MANY {
            let parent = &parents[number % 3];
            pending.push(parent, **parent, &child(&format!("{number}"))).unwrap();
            assert!(pending.held <= HELD);
        }
        let groups = || pending.levels.iter().flatten();
        assert!(groups().any(|group| !group.slots.is_empty()));
        assert!(groups().map(|group| group.entries.capacity()).sum::<usize>() <= 2 * HELD + 3 * SMALL);
        let mut seen: Vec<usize> =
            std::iter::from_fn(|| name_of(pending.pop())).map(|name| name.parse().unwrap()).collect();
        seen.sort_unstable();
        assert!(seen.into_iter().eq(0..MANY) && pending.held == 0);
    }

    #[test]
    fn a_file_that_cannot_be_made_is_told() {
        let mut pending = Pending::new(Some("/nowhere/at/all".into()));
        let root = Arc::new(());
        let refused = (0..).find_map(|number| pending.push(&root, 0, &child(&number.to_string())).err());
        assert_eq!(refused.unwrap().kind(), io::ErrorKind::NotFound);
    }
}
