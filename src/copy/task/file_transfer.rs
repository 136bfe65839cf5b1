//! One version of one file under way: [`FileTransfer`], which every way of copying it is given.

use std::sync::Arc;

use super::item::Item;
use super::ledger::FileProgress;
use super::run_context::RunContext;
use crate::copy::place::Links;
use crate::sftp::Attributes;

/// What is copied, and with what.
#[derive(Clone, Copy)]
pub struct FileTransfer<'a> {
    /// What all items of the run share.
    pub context: &'a Arc<RunContext>,
    /// The item: source and target.
    pub item: &'a Item,
    /// Whether the source is opened through a link.
    pub links: Links,
    /// The source's attributes as listed; they must be the same at the beginning and at the end.
    pub version: &'a Attributes,
    /// Counts what has moved.
    pub started: &'a Arc<FileProgress>,
}

impl FileTransfer<'_> {
    /// Bytes the source announces.
    pub fn size(&self) -> u64 {
        self.version.size.unwrap_or(0)
    }
}
