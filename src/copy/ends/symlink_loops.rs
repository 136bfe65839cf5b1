//! Does a link lead back to where the walk came from? [`SymlinkHop`] remembers, for a folder that was entered through a
//! link, its real path and that of the folder the link is in. SFTP tells no inodes, so real paths are compared, at both
//! kinds of end.

use std::sync::Arc;

use super::side::Side;
use crate::copy::error::{Cause, CopyError};
use crate::copy::place::Place;
use crate::progress::Stage;

/// Most links on the path to one folder, as on Linux (path_resolution(7)).
const LINKS: usize = 40;

/// Most bytes of a real path; Linux's `PATH_MAX`.
const PATH_MAX: usize = 4096;

/// A folder entered through a link.
#[derive(Debug)]
pub struct SymlinkHop {
    /// The folder's real path.
    real: Vec<u8>,
    /// The real path of the folder that the link is in.
    from: Vec<u8>,
    /// Length in bytes of the link's own path, as walked.
    walked: usize,
    before: Option<Arc<SymlinkHop>>,
    /// Links on the path, this one included.
    links: usize,
}

impl SymlinkHop {
    /// Enters the link at `link`, which is in the folder `within`; `before` is the last link on the path to that folder.
    ///
    /// # Errors
    /// When the link leads to a folder that the walk is in, or there are too many links on the path.
    pub async fn through(
        side: &Side,
        link: &Place,
        within: &Place,
        before: Option<&Arc<SymlinkHop>>,
    ) -> Result<Arc<SymlinkHop>, CopyError> {
        let real = side.real(link).await?;
        let from = match before {
            Some(jump) => jump.real_path(within),
            None => side.real(within).await?,
        };
        let links = before.map_or(0, |jump| jump.links) + 1;
        let jump = SymlinkHop { real, from, walked: link.path().len(), before: before.cloned(), links };
        match jump.is_bad() {
            Some(why) => Err(side.error(Stage::List, link, Cause::Unfit(why))),
            None => Ok(Arc::new(jump)),
        }
    }

    fn is_bad(&self) -> Option<&'static str> {
        match self {
            _ if self.links > LINKS => Some("more than 40 links lead there"),
            _ if self.real.len().max(self.from.len()) > PATH_MAX => Some("the link leads to a path too long"),
            _ if self.is_circle() => Some("the link leads in a circle"),
            _ => None,
        }
    }

    /// The real path of `place`, which is below this folder with no further link in between.
    fn real_path(&self, place: &Place) -> Vec<u8> {
        [&self.real, place.path().get(self.walked..).unwrap_or_default()].concat()
    }

    fn is_circle(&self) -> bool {
        let mut jump = Some(self);
        while let Some(one) = jump {
            if is_within(&one.from, &self.real) {
                return true;
            }
            jump = one.before.as_deref();
        }
        false
    }
}

/// True when `path` is `folder`, or lies below it; both real.
pub fn is_within(path: &[u8], folder: &[u8]) -> bool {
    let folder = folder.strip_suffix(b"/").unwrap_or(folder);
    path.strip_prefix(folder).is_some_and(|rest| rest.is_empty() || rest.starts_with(b"/"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn within_goes_by_components() {
        assert!(is_within(b"/a/b", b"/a") && is_within(b"/a", b"/a") && is_within(b"/a", b"/"));
        assert!(!is_within(b"/ab", b"/a") && !is_within(b"/", b"/a"));
    }

    #[test]
    fn a_circle_through_two_links_is_seen() {
        let jump = |real: &str, from: &str, before| {
            let (real, from) = (real.into(), from.into());
            SymlinkHop { real, from, walked: 0, before, links: 1 }
        };
        let first = Arc::new(jump("/t/b", "/t/a", None));
        assert!(!first.is_circle());
        assert!(jump("/t/a", "/t/b", Some(Arc::clone(&first))).is_circle());
        assert!(!jump("/t/c", "/t/b", Some(first)).is_circle());
        assert!(jump("/", "/t/a", None).is_circle());
    }

    #[test]
    fn too_many_links_and_too_long_paths_are_refused() {
        let jump = |links, length| {
            let (real, from) = (vec![b'r'; length], b"/t".to_vec());
            SymlinkHop { real, from, walked: 0, before: None, links }
        };
        assert!(jump(LINKS, PATH_MAX).is_bad().is_none());
        assert!(jump(LINKS + 1, 9).is_bad().is_some() && jump(1, PATH_MAX + 1).is_bad().is_some());
    }
}
