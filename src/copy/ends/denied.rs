//! What if a server denies a request? Some lack one, and some forbid it (`sftp-server -P`). [`lstat`] and [`stat`] find
//! out by other requests what a name stands for. They open nothing: opening a FIFO would block.

use crate::sftp::{Attributes, Client, FileKind, SftpError, StatusCode};

/// Mode of a symbolic link.
const LINK: u32 = 0o120_777;

/// Whether `error` may mean that the request is denied, and not that there is something wrong with the file.
pub fn is_denied(error: &SftpError) -> bool {
    matches!(error.code(), Some(StatusCode::PERMISSION_DENIED | StatusCode::OP_UNSUPPORTED))
}

/// The attributes of what has the name `path`, where LSTAT is denied.
///
/// # Errors
/// Why no other request tells them either.
pub async fn lstat(client: &Client, path: &[u8]) -> Result<Attributes, SftpError> {
    match client.readlink(path).await {
        Ok(_) => Ok(Attributes::with_permissions(LINK)),
        Err(error) if error.ends_session() => Err(error),
        Err(_) => client.stat(path).await,
    }
}

/// The attributes of what `path` leads to, where STAT is denied.
///
/// # Errors
/// Why no other request tells them either.
pub async fn stat(client: &Client, path: &[u8]) -> Result<Attributes, SftpError> {
    let real = client.realpath(path).await?;
    let told = client.lstat(&real).await?;
    match told.kind() {
        FileKind::Symlink => {
            let message = "a link that leads nowhere".to_owned();
            Err(SftpError::Status { code: StatusCode::NO_SUCH_FILE, message })
        }
        _ => Ok(told),
    }
}
