//! What runs at the host that has logged in? A script ([`script`]) that takes orders; [`remote_helper`] gives the
//! orders and hears how each ended.
//!
//! | floor | what is there |
//! | --- | --- |
//! | `login` | one login |
//! | `remote_helper` `batch` | who gives orders; orders for sftp |
//! | `script` | the program, and its orders |

pub mod batch;
pub mod login;
pub mod remote_helper;
pub mod script;
