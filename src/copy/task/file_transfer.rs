//! One version of one file, on its way: [`FileTransfer`], what every way of carrying it is handed.

use std::sync::Arc;

use super::item::Item;
use super::ledger::FileProgress;
use super::run_context::RunContext;
use crate::copy::place::Links;
use crate::sftp::Attributes;

/// What is carried, and with what.
#[derive(Clone, Copy)]
pub struct FileTransfer<'a> {
    /// What the run has.
    pub context: &'a Arc<RunContext>,
    /// From where, to where.
    pub item: &'a Item,
    /// Whether the source is opened through a link.
    pub links: Links,
    /// What was seen of it: it must be that at the beginning and at the end.
    pub version: &'a Attributes,
    /// Who counts what has moved.
    pub started: &'a Arc<FileProgress>,
}

impl FileTransfer<'_> {
    /// Bytes it should have.
    pub fn size(&self) -> u64 {
        self.version.size.unwrap_or(0)
    }
}
