//! What if a server does not do what it is asked for? Some lack a request, and some forbid it (`sftp-server -P`). [`lstat`] and
//! [`stat`] find out by the others what a name stands for. They open nothing: whoever opens a FIFO waits.

use crate::sftp::{Attributes, Client, FileKind, SftpError, StatusCode};

/// What a link says of itself.
const LINK: u32 = 0o120_777;

/// Whether it may be the request that is refused, and not the file.
pub fn is_denied(error: &SftpError) -> bool {
    matches!(error.code(), Some(StatusCode::PERMISSION_DENIED | StatusCode::OP_UNSUPPORTED))
}

/// What has the name `path`, where LSTAT is denied.
///
/// # Errors
/// Why nothing else tells it either.
pub async fn lstat(client: &Client, path: &[u8]) -> Result<Attributes, SftpError> {
    match client.readlink(path).await {
        Ok(_) => Ok(Attributes::with_permissions(LINK)),
        Err(error) if error.ends_session() => Err(error),
        Err(_) => client.stat(path).await,
    }
}

/// What `path` leads to, where STAT is denied.
///
/// # Errors
/// Why nothing else tells it either.
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
