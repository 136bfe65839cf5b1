//! What runs at the host that has logged in? A script ([`script`]) that takes orders, and [`courier`], which gives them and hears
//! how each ended.
//!
//! | floor | what is there |
//! | --- | --- |
//! | `login` | one login |
//! | `courier` `batch` | who gives orders; orders for sftp |
//! | `script` | the program, and its orders |

pub mod batch;
pub mod courier;
pub mod login;
pub mod script;
