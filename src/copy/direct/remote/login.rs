//! One host's login at the other: [`Login`].

use super::remote_helper::RemoteHelper;
use super::script::Far;

/// A login that works.
pub struct Login {
    /// Number of this login in the copy, from 0.
    pub number: u32,
    /// How the far host is given commands.
    pub far: Far,
    /// The program that takes orders.
    pub helper: RemoteHelper,
    /// Path of the folder of links at the source; `None` where no files are packed.
    pub links: Option<Vec<u8>>,
}
