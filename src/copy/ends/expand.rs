//! Which files does a typed source mean? [`expand`] reads it as it stands first; only when nothing has that name, and it
//! can be read as a pattern, folders are listed on its host and matched here. No match is an error, as in scp.

use crate::copy::ends::side::Side;
use crate::copy::error::{Cause, CopyError};
use crate::copy::place::{Links, Place};
use crate::progress::Stage;
use crate::wildcard::{self, ShellPattern};

/// Most paths a pattern may stand for; each is a source of its own, of half a KiB.
const MATCHES: usize = 1 << 16;

/// Most bytes of these paths.
const BYTES: usize = 8 << 20;

/// The paths that `typed` stands for on `side`, in order; at least one.
///
/// # Errors
/// When nothing matches, or a folder cannot be listed.
pub async fn expand(side: &Side, typed: &[u8]) -> Result<Vec<Vec<u8>>, CopyError> {
    let is_literal = matches!(side, Side::Local) || !wildcard::is_pattern(typed);
    if is_literal || side.look(&Place::typed(typed), Links::Keep).await?.is_some() {
        return Ok(vec![typed.to_vec()]);
    }
    let (start, components) = split(typed);
    let mut paths = Paths::default();
    paths.push(start);
    for (at, component) in components.iter().enumerate() {
        let is_last = at + 1 == components.len();
        paths = step(side, paths, &ShellPattern::parse(component), is_last).await?;
        if paths.are_too_many() {
            return Err(side.error(Stage::List, &Place::typed(typed), Cause::Refused("matches too many files")));
        }
    }
    match paths.all.is_empty() {
        true => Err(side.error(Stage::List, &Place::typed(typed), Cause::Unfit("no file matches this pattern"))),
        false => {
            paths.all.sort();
            Ok(paths.all)
        }
    }
}

/// The paths that a pattern stands for so far.
#[derive(Default)]
struct Paths {
    all: Vec<Vec<u8>>,
    bytes: usize,
}

impl Paths {
    fn push(&mut self, path: Vec<u8>) {
        self.bytes += path.len();
        self.all.push(path);
    }

    fn are_too_many(&self) -> bool {
        self.all.len() > MATCHES || self.bytes > BYTES
    }
}

/// The folder to start from, and the components to match below it; slashes at the end are dropped.
fn split(typed: &[u8]) -> (Vec<u8>, Vec<&[u8]>) {
    let start = if typed.starts_with(b"/") { b"/".to_vec() } else { Vec::new() };
    (start, typed.split(|byte| *byte == b'/').filter(|part| !part.is_empty()).collect())
}

/// Matches one more component; a name without wildcards is only looked up at the end.
async fn step(side: &Side, folders: Paths, pattern: &ShellPattern, is_last: bool) -> Result<Paths, CopyError> {
    let mut found = Paths::default();
    for folder in folders.all {
        match pattern.literal() {
            Some(name) => {
                let path = joined(&folder, &name);
                if !is_last || side.look(&Place::typed(&path), Links::Keep).await?.is_some() {
                    found.push(path);
                }
            }
            None => add_matches(&mut found, side, &folder, pattern).await?,
        }
        if found.are_too_many() {
            break;
        }
    }
    Ok(found)
}

/// Adds the matching entries of one folder. What is not a folder, or may not be listed, has none, as in the shell.
async fn add_matches(found: &mut Paths, side: &Side, folder: &[u8], pattern: &ShellPattern) -> Result<(), CopyError> {
    let place = Place::typed(if folder.is_empty() { b"." } else { folder });
    let mut listing = match side.list(&place).await {
        Err(error) if !error.ends_the_run() => return Ok(()),
        answer => answer?,
    };
    while let Some(entries) = listing.next().await?
        && !found.are_too_many()
    {
        let names = entries.iter().filter_map(|entry| entry.as_ref().ok()).map(|(name, _)| name.as_bytes());
        names.filter(|name| pattern.matches(name)).for_each(|name| found.push(joined(folder, name)));
    }
    Ok(())
}

fn joined(folder: &[u8], name: &[u8]) -> Vec<u8> {
    match folder {
        b"" => name.to_vec(),
        b"/" => [b"/", name].concat(),
        _ => [folder, b"/", name].concat(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pattern_is_walked_from_the_root_or_from_home() {
        assert_eq!(split(b"/a//*.gz/"), (b"/".to_vec(), vec![&b"a"[..], b"*.gz"]));
        assert_eq!(split(b"a/*"), (Vec::new(), vec![&b"a"[..], b"*"]));
        assert_eq!(joined(b"", b"a"), b"a");
        assert_eq!(joined(b"/", b"a"), b"/a");
        assert_eq!(joined(b"x", b"a"), b"x/a");
    }
}
