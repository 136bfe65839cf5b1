//! What lies on a host, for `hop ls`: patterns become paths, paths become rows.
//!
//! Main type: [`RemoteFiles`]. Nothing a server says is used but for looking and showing, so hostile names do no harm; counts
//! are bounded.

use std::sync::Arc;

use tokio::task::JoinSet;

use crate::chain::Session;
use crate::copy::{Cause, CopyError};
use crate::error::Error;
use crate::progress::Stage;
use crate::sftp::{Attributes, Client, FileKind, SftpError, StatusCode};
use crate::wildcard::{ShellPattern, is_pattern};

use super::folder_rows::{FolderRows, MOST_BYTES, Owners};
use super::table::EntryRow;

/// Paths one pattern may stand for, and bytes of them.
const MOST_MATCHES: usize = 100_000;
const MOST_MATCHED: usize = 8 << 20;
/// Links read at once.
pub const LINKS_AT_ONCE: usize = 64;

/// The files of one host.
#[derive(Clone)]
pub struct RemoteFiles {
    session: Session,
    client: Client,
    trail: Arc<str>,
}

impl RemoteFiles {
    /// Over an SFTP client of `session`.
    pub fn new(session: Session, client: Client) -> RemoteFiles {
        let trail = session.trail().to_string().into();
        RemoteFiles { session, client, trail }
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
    pub async fn row(&self, path: &[u8]) -> Result<EntryRow, Error> {
        let attributes = self.client.lstat(path).await.map_err(|error| self.error(path, error))?;
        Ok(EntryRow::alone(path.to_vec(), attributes))
    }

    /// The entries of a folder by name, `.` and `..` among them if the server lists them.
    pub async fn rows(&self, folder: &[u8], owners: Owners) -> Result<FolderRows, Error> {
        let failed = |error| self.error(folder, error);
        let mut listing = self.client.list(folder).await.map_err(failed)?;
        let mut rows = FolderRows::new(owners);
        while let Some(mut entries) = listing.next().await.map_err(failed)? {
            if !entries.all(|entry| rows.add(entry)) {
                let most = format!("a folder with more than {} MiB of names", MOST_BYTES >> 20);
                return Err(failed(SftpError::Protocol(most)));
            }
        }
        rows.sort();
        Ok(rows)
    }

    /// Fills in where symbolic links point, all at once: at most [`LINKS_AT_ONCE`] rows. One that cannot be read stays
    /// empty.
    pub async fn read_links(&self, folder: &[u8], rows: &mut [EntryRow]) {
        let mut reads = JoinSet::new();
        for (at, row) in rows.iter().enumerate().filter(|(_, row)| row.attributes.kind() == FileKind::Symlink) {
            let (client, path) = (self.client.clone(), join(folder, &row.name));
            reads.spawn(async move { (at, client.readlink(&path).await.ok()) });
        }
        while let Some(Ok((at, target))) = reads.join_next().await {
            rows[at].link = target;
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
        let too_many = SftpError::Unfit("the pattern matches more than 100000 names, or 8 MiB of them");
        for component in path.split(|byte| *byte == b'/').filter(|component| !component.is_empty()) {
            let pattern = ShellPattern::parse(component);
            let (mut next, mut bytes) = (Vec::new(), 0);
            for base in &found {
                let matches = match pattern.literal() {
                    Some(name) => vec![join(base, &name)],
                    None => self.matches_in(base, &pattern).await?,
                };
                bytes += matches.iter().map(Vec::len).sum::<usize>();
                next.extend(matches);
                if next.len() > MOST_MATCHES || bytes > MOST_MATCHED {
                    return Err(self.error(path, too_many));
                }
            }
            found = next;
        }
        Ok(found)
    }

    /// A base that is no folder, or cannot be listed, has no matches: as in the shell.
    async fn matches_in(&self, base: &[u8], pattern: &ShellPattern) -> Result<Vec<Vec<u8>>, Error> {
        let folder = if base.is_empty() { b"." } else { base };
        let rows = match self.rows(folder, Owners::NotShown).await {
            Err(error) if is_about_one_path(&error) => return Ok(Vec::new()),
            rows => rows?,
        };
        let names = rows.names().filter(|name| *name != b"." && *name != b"..");
        Ok(names.filter(|name| pattern.matches(name)).map(|name| join(base, name)).collect())
    }

    /// Folders below `folder` are not listed.
    pub fn beyond(&self, folder: &[u8], why: &'static str) -> Error {
        self.failed(folder, Cause::Unfit(why))
    }

    fn error(&self, path: &[u8], error: SftpError) -> Error {
        self.failed(path, Cause::Sftp(error))
    }

    fn failed(&self, path: &[u8], cause: Cause) -> Error {
        if let Some(change) = self.session.host_key_change() {
            return change.into();
        }
        let host = Some(self.trail.clone());
        CopyError { host, stage: Stage::List, path: path.to_vec(), cause, part: None }.into()
    }
}

/// True when only this path failed, not the session.
pub fn is_about_one_path(error: &Error) -> bool {
    let Error::Copy(error) = error else { return false };
    match &error.cause {
        Cause::Sftp(SftpError::Status { code, .. }) => *code != StatusCode::BAD_MESSAGE,
        cause => matches!(cause, Cause::Unfit(_)),
    }
}

/// `name` in `folder`; the home folder is `.` or empty and not spelled out.
pub fn join(folder: &[u8], name: &[u8]) -> Vec<u8> {
    match folder {
        b"" | b"." => name.to_vec(),
        [.., b'/'] => [folder, name].concat(),
        _ => [folder, b"/", name].concat(),
    }
}
