//! How does a private server show its files? SFTP (draft-ietf-secsh-filexfer-02) of one folder and what is below it.
//!
//! | floor | what is there |
//! | --- | --- |
//! | `files` | one session |
//! | `jail` `status` | a path stays below that folder; attributes and errors |

pub mod files;
pub mod jail;
pub mod status;
