//! One host's login at the other: [`Login`].

use super::remote_helper::RemoteHelper;
use super::script::Far;

/// A login that works.
pub struct Login {
    /// Which of the copy's, from 0.
    pub number: u32,
    /// How the other host is told what to do.
    pub far: Far,
    /// Who takes orders.
    pub helper: RemoteHelper,
    /// The folder at the source where links to files are made; `None` where there is none.
    pub links: Option<Vec<u8>>,
}
