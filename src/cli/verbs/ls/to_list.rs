//! Which folders wait to be listed? [`FoldersToList`], as their names: what those of one folder have in common is kept once.
//! Pure.

use super::remote_listing::join;

/// Deeper trees than this are a trap.
const DEEPEST: usize = 256;
/// So are trees of more folders.
const MOST_FOLDERS: usize = 10_000_000;
/// Bytes that the names of the folders which wait may take.
const MOST_WAITING: usize = 12 << 20;
/// What each of them takes beside its name: its length.
const BESIDE: usize = 4;
/// A tree that goes beyond one of these is not listed further.
pub const TOO_LARGE: &str =
    "folders below are not listed: they are deeper than 256, or more than 10 million, or 12 MiB of their names wait";

/// Folders that wait to be listed, the next one last, each with its depth.
pub struct FoldersToList {
    waiting: Vec<NamesToList>,
    bytes: usize,
    /// How many there have been.
    count: usize,
}

/// Those of one folder.
struct NamesToList {
    folder: Vec<u8>,
    depth: usize,
    /// The next one last, each followed by its length.
    names: Vec<u8>,
    bytes: usize,
}

impl FoldersToList {
    /// This one.
    pub fn with(folder: &[u8]) -> FoldersToList {
        let mut waiting = FoldersToList { waiting: Vec::new(), bytes: 0, count: 0 };
        waiting.add(b"", 0, std::iter::once(folder));
        waiting
    }

    /// Adds those with these `names` in the folder, which are so deep, the last one to be listed first. False when there is no
    /// room for one.
    pub fn add<N: AsRef<[u8]>>(&mut self, folder: &[u8], depth: usize, names: impl Iterator<Item = N> + Clone) -> bool {
        let mut left = MOST_WAITING.saturating_sub(self.bytes + folder.len());
        let most = if depth > DEEPEST { 0 } else { MOST_FOLDERS - self.count };
        let takes = |name: &N| {
            let fits = left.checked_sub(name.as_ref().len() + BESIDE);
            left = fits.unwrap_or(left);
            fits.is_some()
        };
        // counted first, so that no more is asked for than they take
        let count = names.clone().take(most).take_while(takes).count();
        if count == 0 {
            return names.clone().next().is_none();
        }
        let length = names.clone().take(count).map(|name| name.as_ref().len() + BESIDE).sum();
        let mut text = Vec::with_capacity(length);
        for name in names.clone().take(count) {
            text.extend_from_slice(name.as_ref());
            // it fits into less than 12 MiB
            text.extend_from_slice(&(name.as_ref().len() as u32).to_be_bytes());
        }
        let bytes = folder.len() + length;
        self.waiting.push(NamesToList { folder: folder.to_vec(), depth, names: text, bytes });
        (self.bytes, self.count) = (self.bytes + bytes, self.count + count);
        names.clone().nth(count).is_none()
    }

    /// The next one.
    pub fn pop(&mut self) -> Option<(Vec<u8>, usize)> {
        let siblings = self.waiting.last_mut()?;
        let (rest, length) = siblings.names.split_last_chunk::<BESIDE>().expect("none wait who have no name");
        let name = &rest[rest.len() - u32::from_be_bytes(*length) as usize..];
        let (path, depth, left) = (join(&siblings.folder, name), siblings.depth, rest.len() - name.len());
        siblings.names.truncate(left);
        if left == 0 {
            self.bytes -= siblings.bytes;
            self.waiting.pop();
        }
        Some((path, depth))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_deepest_come_first_and_the_last_of_them() {
        let mut waiting = FoldersToList::with(b".");
        assert_eq!(waiting.pop(), Some((b".".to_vec(), 0)));
        assert!(waiting.add(b".", 1, [&b"b"[..], b"a"].into_iter()));
        assert_eq!(waiting.pop(), Some((b"a".to_vec(), 1)));
        assert!(waiting.add(b"a", 2, [&b"d"[..], b""].into_iter()) && waiting.add(b"a", 2, [&b""[..]; 0].into_iter()));
        let rest: Vec<_> = std::iter::from_fn(|| waiting.pop()).collect();
        assert_eq!(rest, [(b"a/".to_vec(), 2), (b"a/d".to_vec(), 2), (b"b".to_vec(), 1)]);
        assert_eq!(waiting.bytes, 0);
    }

    #[test]
    fn what_is_too_much_does_not_wait() {
        let mut waiting = FoldersToList::with(b"/");
        let name = [b'n'; 1000];
        assert!(!waiting.add(b"/", 1, std::iter::repeat_n(name, 20_000)));
        assert!(waiting.bytes <= MOST_WAITING && waiting.count > 10_000);
        assert!(!waiting.add(b"/", DEEPEST + 1, std::iter::once(name)));
        while waiting.pop().is_some() {}
        assert!(waiting.add(b"/", DEEPEST, std::iter::once(name)));
    }
}
