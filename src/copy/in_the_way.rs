//! What stands where a file, a folder or a link should get its name? [`InTheWay`], in words for people.

use thiserror::Error;

/// Something of another type that has the name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum InTheWay {
    /// A folder, where a file or a link should be.
    #[error("a folder has that name; `hop sync --delete` removes it")]
    Folder,
    /// A device, a FIFO or a socket, where a file or a link should be.
    #[error("something that is no regular file has that name; `hop sync --delete` removes it")]
    Special,
    /// A symbolic link, where a folder should be.
    #[error("a symbolic link has the folder's name, and nothing is written through it; `hop sync --delete` removes it")]
    Link,
    /// Anything else, where a folder should be.
    #[error("a file has the folder's name; `hop sync --delete` removes it")]
    File,
    /// A folder with something in it that is never removed, where a file or a link should be.
    #[error("a folder has that name, and in it is something excluded, or the part of a run")]
    Kept,
}
