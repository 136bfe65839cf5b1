//! How is a file opened that is there, to be written in place? For parts there is [`Side::create`].

use super::blocking::blocking;
use super::file::OpenFile;
use super::local;
use super::side::Side;
use crate::copy::error::{Cause, CopyError};
use crate::copy::place::Place;
use crate::progress::Stage;
use crate::sftp::{Attributes, FileKind, OpenFlags};

/// Of `st_mode`: what the file is, and the permissions that are copied.
const KIND_AND_MODE: u32 = 0o170_777;

impl Side {
    /// Opens for writing, without cutting it, the file or device that was `seen` at `place`; refuses a link.
    ///
    /// # Errors
    /// When it cannot be opened, or something else has the name now.
    pub async fn open_over(&self, place: &Place, seen: &Attributes) -> Result<OpenFile, CopyError> {
        let file = match self {
            Side::Local => OpenFile::local(place, blocking(Stage::Transfer, place, local::open_over).await?),
            Side::Remote(remote) => {
                OpenFile::remote(place, remote.clone(), remote.open_over(place, OpenFlags::WRITE).await?)
            }
        };
        let opened = file.identity().await?.0;
        let marks = |told: &Attributes| (told.owner, told.permissions.map(|mode| mode & KIND_AND_MODE));
        // a device has no size, and others write to it
        let is_same = seen.kind() == FileKind::Device || (opened.size, opened.mtime()) == (seen.size, seen.mtime());
        match is_same && marks(&opened) == marks(seen) {
            true => Ok(file),
            false => {
                file.let_go().await;
                Err(self.error(Stage::Transfer, place, Cause::Unfit("something else has that name now")))
            }
        }
    }

    /// Opens a file for writing, and cuts it to nothing.
    ///
    /// # Errors
    /// When it cannot be opened.
    pub async fn cut(&self, place: &Place) -> Result<OpenFile, CopyError> {
        match self {
            Side::Local => {
                let cut = |place: &Place| {
                    let file = local::open_over(place)?;
                    file.set_len(0)?;
                    Ok(file)
                };
                Ok(OpenFile::local(place, blocking(Stage::Transfer, place, cut).await?))
            }
            Side::Remote(remote) => {
                let handle = remote.open_over(place, OpenFlags::WRITE | OpenFlags::TRUNCATE).await?;
                Ok(OpenFile::remote(place, remote.clone(), handle))
            }
        }
    }
}
