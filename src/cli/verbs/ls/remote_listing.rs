//! What lies on a host, as rows. What words mean there, and how errors are worded, is as for `hop cp` ([`RemoteFiles`]).
//!
//! Nothing a server says is used but for looking and showing, so hostile names do no harm; counts are bounded.

use tokio::task::JoinSet;

use crate::copy::{Cause, CopyError, RemoteFiles};
use crate::sftp::{FileKind, SftpError};

use super::folder_rows::{FolderRows, MOST_BYTES, Owners};
use super::table::EntryRow;

/// Links read at once.
pub const LINKS_AT_ONCE: usize = 64;

/// The entries of a folder by name, `.` and `..` among them if the server lists them.
pub async fn rows(files: &RemoteFiles, folder: &[u8], owners: Owners) -> Result<FolderRows, CopyError> {
    let mut listing = files.list(folder).await?;
    let mut rows = FolderRows::new(owners);
    while let Some(mut entries) = files.told(folder, listing.next().await)? {
        if !entries.all(|entry| rows.add(entry)) {
            let most = format!("a folder with more than {} MiB of names", MOST_BYTES >> 20);
            return Err(files.error(folder, Cause::Sftp(SftpError::Protocol(most))));
        }
    }
    rows.sort();
    Ok(rows)
}

/// Fills in where symbolic links point, all at once: at most [`LINKS_AT_ONCE`] rows. One that cannot be read stays empty.
pub async fn read_links(files: &RemoteFiles, folder: &[u8], rows: &mut [EntryRow]) {
    let mut reads = JoinSet::new();
    for (at, row) in rows.iter().enumerate().filter(|(_, row)| row.attributes.kind() == FileKind::Symlink) {
        let (files, path) = (files.clone(), join(folder, &row.name));
        reads.spawn(async move { (at, files.read_link(&path).await.ok()) });
    }
    while let Some(Ok((at, target))) = reads.join_next().await {
        rows[at].link = target;
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
