//! What lies on a host, for `hop ls`: patterns become paths, paths become rows.
//!
//! Main type: [`Shelf`]. Nothing a server says is used but for looking and showing, so hostile names do no harm; counts
//! are bounded.

use std::sync::Arc;

use tokio::task::JoinSet;

use crate::copy::glob::{Pattern, is_pattern};
use crate::copy::{Cause, CopyError};
use crate::error::Error;
use crate::progress::Stage;
use crate::sftp::{Attributes, Client, FileKind, SftpError, StatusCode};

use super::table::Row;

/// Rows of one folder that fit in memory beside everything else.
const MOST_ROWS: usize = 500_000;
/// Paths one pattern may stand for.
const MOST_MATCHES: usize = 100_000;
/// Links read at once.
const LINKS_AT_ONCE: usize = 64;

/// The files of one host.
#[derive(Clone)]
pub struct Shelf {
    client: Client,
    trail: Arc<str>,
}

impl Shelf {
    /// Over an SFTP session; errors name `trail`.
    pub fn new(client: Client, trail: &str) -> Shelf {
        Shelf { client, trail: trail.into() }
    }

    /// The paths a typed word stands for: `~` is expanded, patterns are matched; a pattern without a match is taken
    /// as a name.
    pub async fn find(&self, typed: &[u8]) -> Result<Vec<Vec<u8>>, Error> {
        let path = self.expand_home(typed).await?;
        if !is_pattern(&path) {
            return Ok(vec![path]);
        }
        let matches = self.matches(&path).await?;
        Ok(if matches.is_empty() { vec![path] } else { matches })
    }

    /// What is at `path`, links followed.
    pub async fn look(&self, path: &[u8]) -> Result<Attributes, Error> {
        self.client.stat(path).await.map_err(|error| self.error(path, error))
    }

    /// The row of one path itself.
    pub async fn row(&self, path: &[u8]) -> Result<Row, Error> {
        let attributes = self.client.lstat(path).await.map_err(|error| self.error(path, error))?;
        Ok(Row::alone(path.to_vec(), attributes))
    }

    /// The entries of a folder by name, `.` and `..` among them if the server lists them.
    pub async fn rows(&self, folder: &[u8]) -> Result<Vec<Row>, Error> {
        let failed = |error| self.error(folder, error);
        let mut listing = self.client.list(folder).await.map_err(failed)?;
        let mut rows = Vec::new();
        while let Some(entries) = listing.next().await.map_err(failed)? {
            rows.extend(entries.into_iter().map(Row::of));
            if rows.len() > MOST_ROWS {
                return Err(failed(SftpError::Protocol(format!("a folder of more than {MOST_ROWS} entries"))));
            }
        }
        rows.sort_by(|one, other| one.name.cmp(&other.name));
        Ok(rows)
    }

    /// Fills in where symbolic links point; one that cannot be read stays empty.
    pub async fn read_links(&self, folder: &[u8], rows: &mut [Row]) {
        let links = rows.iter_mut().filter(|row| row.attributes.kind() == FileKind::Symlink);
        let mut links: Vec<&mut Row> = links.collect();
        for some in links.chunks_mut(LINKS_AT_ONCE) {
            let mut reads = JoinSet::new();
            for (at, row) in some.iter().enumerate() {
                let (client, path) = (self.client.clone(), join(folder, &row.name));
                reads.spawn(async move { (at, client.readlink(&path).await.ok()) });
            }
            while let Some(Ok((at, target))) = reads.join_next().await {
                some[at].link = target;
            }
        }
    }

    async fn expand_home(&self, typed: &[u8]) -> Result<Vec<u8>, Error> {
        match typed {
            b"" | b"~" | b"~/" => Ok(b".".to_vec()),
            [b'~', b'/', rest @ ..] => Ok(rest.to_vec()), // a session starts in the home folder
            [b'~', ..] => self.client.expand_path(typed).await.map_err(|error| self.error(typed, error)),
            _ => Ok(typed.to_vec()),
        }
    }

    async fn matches(&self, path: &[u8]) -> Result<Vec<Vec<u8>>, Error> {
        let root = if path.starts_with(b"/") { b"/".to_vec() } else { Vec::new() };
        let mut found = vec![root];
        for component in path.split(|byte| *byte == b'/').filter(|component| !component.is_empty()) {
            let pattern = Pattern::parse(component);
            let mut next = Vec::new();
            for base in &found {
                match pattern.literal() {
                    Some(name) => next.push(join(base, &name)),
                    None => next.extend(self.matches_in(base, &pattern).await),
                }
                if next.len() > MOST_MATCHES {
                    let error = SftpError::Unfit("the pattern matches more than 100000 names");
                    return Err(self.error(path, error));
                }
            }
            found = next;
        }
        Ok(found)
    }

    /// A base that is no folder, or cannot be listed, has no matches: as in the shell.
    async fn matches_in(&self, base: &[u8], pattern: &Pattern) -> Vec<Vec<u8>> {
        let folder = if base.is_empty() { b"." } else { base };
        let rows = self.rows(folder).await.unwrap_or_default();
        let names = rows.into_iter().map(|row| row.name).filter(|name| name != b"." && name != b"..");
        names.filter(|name| pattern.matches(name)).map(|name| join(base, &name)).collect()
    }

    fn error(&self, path: &[u8], error: SftpError) -> Error {
        let host = Some(self.trail.clone());
        let cause = Cause::Sftp(error);
        CopyError { host, stage: Stage::List, path: path.to_vec(), cause, part: None }.into()
    }
}

/// True when only this path failed, not the session.
pub fn is_about_one_path(error: &Error) -> bool {
    let Error::Copy(error) = error else { return false };
    matches!(&error.cause, Cause::Sftp(SftpError::Status { code, .. }) if *code != StatusCode::BAD_MESSAGE)
}

/// `name` in `folder`; the home folder is `.` or empty and not spelled out.
pub fn join(folder: &[u8], name: &[u8]) -> Vec<u8> {
    match folder {
        b"" | b"." => name.to_vec(),
        [.., b'/'] => [folder, name].concat(),
        _ => [folder, b"/", name].concat(),
    }
}
