//! Where does an SFTP path lead? Every server has its own folder, which it shows as `/`, with the home in
//! `/home/ec2-user`. Symlinks are followed inside that folder as if it were the root, so none leads out of it.
//!
//! This keeps guests from straying, not from attacking: a command on the same server can reach whatever the user who
//! started the street can reach.

use std::ffi::OsString;
use std::io;
use std::path::{Component, Path, PathBuf};

use crate::demo::map::USER;

/// The most symlinks in one path, as on Linux; more count as a loop.
const MAX_SYMLINKS: usize = 40;

/// What to do with a symlink at the end of a path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Last {
    Follow,
    Keep,
}

/// A folder that is shown as `/`.
pub struct Jail {
    root: PathBuf,
}

impl Jail {
    pub fn new(root: PathBuf) -> Jail {
        Jail { root }
    }

    /// The real path of the home.
    pub fn home(&self) -> PathBuf {
        self.root.join("home").join(USER)
    }

    /// The real path of `path`, free of symlinks (except for the last name under [`Last::Keep`]). The last name need
    /// not exist, everything before it must.
    pub fn real(&self, path: &str, last: Last) -> io::Result<PathBuf> {
        Ok(self.root.join(self.walk(Path::new(path), last)?))
    }

    /// `path` as the guest sees it: absolute and free of symlinks.
    pub fn canonical(&self, path: &str) -> io::Result<String> {
        let below = self.walk(Path::new(path), Last::Follow)?;
        Ok(format!("/{}", below.to_string_lossy()))
    }

    /// The path below the root to which `path` leads, starting in the home.
    fn walk(&self, path: &Path, last: Last) -> io::Result<PathBuf> {
        let mut here = PathBuf::from_iter(["home", USER]);
        let mut ahead = names(path);
        let mut symlinks = 0;
        while let Some(name) = ahead.pop() {
            match name {
                PathStep::Root => here.clear(),
                PathStep::Parent => drop(here.pop()),
                PathStep::Child(name) => {
                    let next = here.join(name);
                    match self.symlink(&next, ahead.is_empty())? {
                        Some(target) if last == Last::Follow || !ahead.is_empty() => {
                            symlinks += 1;
                            if symlinks > MAX_SYMLINKS {
                                return Err(rustix::io::Errno::LOOP.into());
                            }
                            ahead.extend(names(&target));
                        }
                        _ => here = next,
                    }
                }
            }
        }
        Ok(here)
    }

    /// The target of a symlink; `None` for anything else. Only the last name of a path may be missing.
    fn symlink(&self, below: &Path, is_last: bool) -> io::Result<Option<PathBuf>> {
        let real = self.root.join(below);
        match real.symlink_metadata() {
            Ok(found) if found.is_symlink() => real.read_link().map(Some),
            Ok(found) if found.is_dir() || is_last => Ok(None),
            Ok(_) => Err(io::ErrorKind::NotADirectory.into()),
            Err(error) if is_last && error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }
}

/// One step of a path.
enum PathStep {
    Root,
    Parent,
    Child(OsString),
}

/// The steps of a path in reverse order.
fn names(path: &Path) -> Vec<PathStep> {
    let mut names: Vec<PathStep> = path
        .components()
        .filter_map(|component| match component {
            Component::RootDir => Some(PathStep::Root),
            Component::ParentDir => Some(PathStep::Parent),
            Component::Normal(name) => Some(PathStep::Child(name.to_owned())),
            Component::CurDir | Component::Prefix(_) => None,
        })
        .collect();
    names.reverse();
    names
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::symlink;

    use super::*;

    fn jail() -> (tempfile::TempDir, Jail) {
        let folder = tempfile::tempdir().unwrap();
        let jail = Jail::new(folder.path().join("root"));
        fs::create_dir_all(jail.home().join("logs")).unwrap();
        fs::write(folder.path().join("secret"), "outside").unwrap();
        fs::write(jail.home().join("logs/a.log"), "").unwrap();
        (folder, jail)
    }

    #[test]
    fn relative_paths_begin_at_home_and_the_last_name_may_be_new() {
        let (_folder, jail) = jail();
        assert_eq!(jail.canonical(".").unwrap(), "/home/ec2-user");
        assert_eq!(jail.canonical("new").unwrap(), "/home/ec2-user/new");
        assert_eq!(jail.canonical("/").unwrap(), "/");
        assert_eq!(jail.real("logs/../x", Last::Follow).unwrap(), jail.home().join("x"));
        assert_eq!(jail.canonical("missing/x").unwrap_err().kind(), io::ErrorKind::NotFound);
        assert_eq!(jail.canonical("logs/a.log/x").unwrap_err().kind(), io::ErrorKind::NotADirectory);
    }

    #[test]
    fn neither_dots_nor_symlinks_lead_out() {
        let (folder, jail) = jail();
        let outside = folder.path().join("secret");
        symlink(&outside, jail.home().join("absolute")).unwrap();
        symlink("../../../secret", jail.home().join("relative")).unwrap();
        symlink("/", jail.home().join("top")).unwrap();
        symlink("../../..", jail.home().join("up")).unwrap();
        for path in ["../../../secret", "/../secret", "relative", "top/../secret", "up/secret", "up/../../secret"] {
            assert_eq!(jail.real(path, Last::Follow).unwrap(), jail.root.join("secret"), "{path}");
        }
        assert!(jail.real("absolute", Last::Follow).is_err(), "its folders do not exist inside");
        assert_eq!(
            jail.real("absolute", Last::Keep).unwrap(),
            jail.home().join("absolute"),
            "the link itself is inside"
        );
    }

    #[test]
    fn a_loop_of_symlinks_ends() {
        let (_folder, jail) = jail();
        symlink("b", jail.home().join("a")).unwrap();
        symlink("a", jail.home().join("b")).unwrap();
        assert!(jail.real("a", Last::Follow).is_err());
        assert!(jail.real("a", Last::Keep).is_ok());
    }
}
