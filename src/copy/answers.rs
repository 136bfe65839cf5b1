//! What does the answer of an end mean? Version 3 of SFTP has a few codes for all errors, and servers use them in their own
//! ways; this machine has errno(3).

use std::io;

use super::error::{Cause, CopyError, is_missing};
use crate::sftp::{SftpError, StatusCode};

impl CopyError {
    /// True when there is nothing under that path.
    pub(super) fn is_missing(&self) -> bool {
        match &self.cause {
            Cause::Io(error) => is_missing(error),
            Cause::Sftp(SftpError::Status { code, .. }) => *code == StatusCode::NO_SUCH_FILE,
            _ => false,
        }
    }

    /// True for the answer that servers give for all errors without a code: a full disk, an existing file, …
    pub(super) fn is_bare_failure(&self) -> bool {
        matches!(&self.cause, Cause::Sftp(SftpError::Status { code, .. }) if *code == StatusCode::FAILURE)
    }

    /// True when the end forbids it.
    pub(super) fn is_denied(&self) -> bool {
        match &self.cause {
            Cause::Io(error) => error.kind() == io::ErrorKind::PermissionDenied,
            Cause::Sftp(SftpError::Status { code, .. }) => *code == StatusCode::PERMISSION_DENIED,
            _ => false,
        }
    }

    /// True for the answer that OpenSSH gives for names that are too long, among others.
    pub(super) fn is_bad_message(&self) -> bool {
        matches!(&self.cause, Cause::Sftp(SftpError::Status { code, .. }) if *code == StatusCode::BAD_MESSAGE)
    }

    /// True when the end does not support the operation.
    pub(super) fn is_unsupported(&self) -> bool {
        matches!(&self.cause, Cause::Sftp(SftpError::Status { code, .. }) if *code == StatusCode::OP_UNSUPPORTED)
    }

    /// True when the name to be created may exist, as far as the end says.
    pub(super) fn may_exist(&self) -> bool {
        match &self.cause {
            Cause::Io(error) => error.kind() == io::ErrorKind::AlreadyExists,
            // version 3 has no code of its own for it; servers of later drafts send 11 (FILE_ALREADY_EXISTS)
            Cause::Sftp(SftpError::Status { code, .. }) => *code == StatusCode::FAILURE || code.0 == 11,
            _ => false,
        }
    }
}
