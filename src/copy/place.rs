//! Where is a file at one end? [`Place`]: a path the user typed, and vetted names below it. The typed path is trusted,
//! and links in it are followed. What is below it came from a listing; on this machine it is reached through a
//! descriptor of the typed folder, and through no link but those that were followed on purpose. Does no I/O.

use std::os::fd::OwnedFd;
use std::sync::Arc;

use super::name::Name;

/// How a symbolic link in the last component is treated.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Links {
    /// The link is followed.
    Follow,
    /// The link itself is meant.
    Keep,
}

/// A path: a base that the user typed, and names below it.
#[derive(Debug, Clone)]
pub struct Place {
    base: Arc<Base>,
    below: Vec<u8>,
}

/// One step down into a folder.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Step<'a> {
    /// The folder's name.
    pub name: &'a Name,
    /// The name is a link, which is followed.
    pub is_followed: bool,
}

#[derive(Debug)]
struct Base {
    path: Vec<u8>,
    anchor: Anchor,
}

/// How a base is found.
#[derive(Debug)]
pub enum Anchor {
    /// By its path.
    Path,
    /// As an open folder of this machine.
    Folder(OwnedFd),
    /// By its path, if the folder there still has this device and inode.
    Seen(u64, u64),
    /// Through this link, which is below an open folder.
    Link(Place),
}

impl Place {
    /// A path as typed, with `~` expanded.
    pub fn typed(path: &[u8]) -> Place {
        Place::based(path.to_vec(), Anchor::Path)
    }

    /// A typed folder of this machine that is kept open: what is found or created below it really is below it.
    pub fn held(path: &[u8], folder: OwnedFd) -> Place {
        Place::based(path.to_vec(), Anchor::Folder(folder))
    }

    /// A typed folder of this machine, known by its device and inode instead of a descriptor.
    pub fn seen(path: &[u8], device: u64, inode: u64) -> Place {
        Place::based(path.to_vec(), Anchor::Seen(device, inode))
    }

    /// The folder that the link at this place leads to, as the base of what is in it.
    pub fn followed(&self) -> Place {
        match self.base.anchor {
            Anchor::Folder(_) | Anchor::Seen(..) | Anchor::Link(_) if !self.below.is_empty() => {
                Place::based(self.path(), Anchor::Link(self.clone()))
            }
            _ => self.clone(),
        }
    }

    fn based(path: Vec<u8>, anchor: Anchor) -> Place {
        Place { base: Arc::new(Base { path, anchor }), below: Vec::new() }
    }

    /// The entry `name` of this folder.
    pub fn join(&self, name: &Name) -> Place {
        Place { base: Arc::clone(&self.base), below: join(&self.below, name.as_bytes()) }
    }

    /// The place that `steps`, outermost first, lead to from this folder.
    pub fn descend(&self, steps: &[Step<'_>]) -> Place {
        let mut place = self.clone();
        for run in steps.split_inclusive(|step| step.is_followed) {
            let names: Vec<&[u8]> = run.iter().map(|step| step.name.as_bytes()).collect();
            place.below = join(&place.below, &names.join(&b"/"[..]));
            if run.last().is_some_and(|step| step.is_followed) {
                place = place.followed();
            }
        }
        place
    }

    /// The entry `name` of the folder that this place is in; of the place itself when it is a base.
    pub fn sibling(&self, name: &Name) -> Place {
        Place { base: Arc::clone(&self.base), below: join(parent(&self.below), name.as_bytes()) }
    }

    /// The folder that this place is in; a base stays as it is.
    pub fn parent(&self) -> Place {
        Place { base: Arc::clone(&self.base), below: parent(&self.below).to_vec() }
    }

    /// The entry of the base that this place is, or is below; a base stays as it is.
    pub fn top(&self) -> Place {
        let end = self.below.iter().position(|byte| *byte == b'/').unwrap_or(self.below.len());
        Place { base: Arc::clone(&self.base), below: self.below[..end].to_vec() }
    }

    /// Whether both are entries of one folder.
    pub fn is_beside(&self, other: &Place) -> bool {
        let have_names = !self.below.is_empty() && !other.below.is_empty();
        have_names && Arc::ptr_eq(&self.base, &other.base) && parent(&self.below) == parent(&other.below)
    }

    /// The whole path.
    pub fn path(&self) -> Vec<u8> {
        match (&self.base.path[..], &self.below[..]) {
            (base, b"") => base.to_vec(),
            (b".", below) => below.to_vec(),
            (base, below) => join(base, below),
        }
    }

    /// The names below the base, joined by `/`; empty for the base itself.
    pub fn below(&self) -> &[u8] {
        &self.below
    }

    /// The last of the names below the base; `None` for the base itself.
    pub fn name(&self) -> Option<&[u8]> {
        (!self.below.is_empty()).then(|| last(&self.below))
    }

    /// The path of the base.
    pub fn base(&self) -> &[u8] {
        &self.base.path
    }

    /// How the base is found.
    pub fn anchor(&self) -> &Anchor {
        &self.base.anchor
    }
}

/// The last component of a path, trailing slashes aside; empty for `/` and the empty path.
pub fn last(path: &[u8]) -> &[u8] {
    let path = trimmed(path);
    path.rsplit(|byte| *byte == b'/').next().unwrap_or(path)
}

/// A path without its trailing slashes; `/` becomes empty.
pub fn trimmed(path: &[u8]) -> &[u8] {
    let end = path.iter().rposition(|byte| *byte != b'/').map_or(0, |at| at + 1);
    &path[..end]
}

/// The folder part of a typed path: `.` for a bare name, `/` for an entry of the root.
pub fn folder_of(path: &[u8]) -> &[u8] {
    match trimmed(path).iter().rposition(|byte| *byte == b'/') {
        None => b".",
        Some(0) => b"/",
        Some(at) => trimmed_or_root(&path[..at]),
    }
}

fn trimmed_or_root(path: &[u8]) -> &[u8] {
    match trimmed(path) {
        b"" => b"/",
        folder => folder,
    }
}

fn parent(below: &[u8]) -> &[u8] {
    below.iter().rposition(|byte| *byte == b'/').map_or(b"", |at| &below[..at])
}

fn join(folder: &[u8], name: &[u8]) -> Vec<u8> {
    match folder {
        b"" => name.to_vec(),
        folder if folder.ends_with(b"/") => [folder, name].concat(),
        folder => [folder, b"/", name].concat(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(text: &str) -> Name {
        Name::vet(text.as_bytes()).unwrap()
    }

    #[test]
    fn a_place_grows_and_shrinks_below_its_base() {
        let base = Place::typed(b"/srv");
        let file = base.join(&name("a")).join(&name("b"));
        assert_eq!(file.path(), b"/srv/a/b");
        let (a, b) = (name("a"), name("b"));
        let steps = [(&a, false), (&b, false)].map(|(name, is_followed)| Step { name, is_followed });
        assert_eq!(base.descend(&steps).path(), file.path());
        assert_eq!(file.descend(&[]).below(), b"a/b");
        assert_eq!(file.below(), b"a/b");
        assert_eq!(file.name(), Some(&b"b"[..]));
        assert_eq!(file.sibling(&name("c")).path(), b"/srv/a/c");
        assert!(file.is_beside(&file.sibling(&name("c"))) && !file.is_beside(&file.parent()) && !base.is_beside(&base));
        assert_eq!(file.parent().path(), b"/srv/a");
        assert_eq!(file.top().path(), b"/srv/a");
        assert_eq!(file.parent().parent().parent().path(), b"/srv");
        assert_eq!(base.name(), None);
    }

    #[test]
    fn a_link_that_was_followed_is_a_base_where_the_first_one_is_held() {
        let link = |base: Place| base.join(&name("a")).join(&name("link"));
        let typed = link(Place::typed(b"/srv")).followed();
        assert_eq!((typed.below(), typed.path()), (&b"a/link"[..], b"/srv/a/link".to_vec()));
        let folder = std::fs::File::open("/").unwrap().into();
        let held = link(Place::held(b".", folder)).followed();
        assert_eq!((held.below(), held.path()), (&b""[..], b"a/link".to_vec()));
        assert_eq!(held.join(&name("b")).path(), b"a/link/b");
        assert!(matches!(held.anchor(), Anchor::Link(link) if link.below() == b"a/link"));
    }

    #[test]
    fn the_present_folder_is_not_written_out() {
        assert_eq!(Place::typed(b".").join(&name("-x")).path(), b"-x");
        assert_eq!(Place::typed(b".").path(), b".");
        assert_eq!(Place::typed(b"/").join(&name("x")).path(), b"/x");
    }

    #[test]
    fn typed_paths_come_apart() {
        for (path, folder, name) in [
            ("a", ".", "a"),
            ("a/", ".", "a"),
            ("a//b//", "a", "b"),
            ("/a", "/", "a"),
            ("//a", "/", "a"),
            ("/", ".", ""),
            ("../x", "..", "x"),
        ] {
            assert_eq!(folder_of(path.as_bytes()), folder.as_bytes(), "{path}");
            assert_eq!(last(path.as_bytes()), name.as_bytes(), "{path}");
        }
    }
}
