//! Lines for standard output: what a verb was asked to show.

use std::io::{self, Write};
use std::path::PathBuf;

use crate::error::Error;

use super::safe;

/// Prints lines, made safe whatever they quote.
pub fn printed(lines: impl IntoIterator<Item = impl AsRef<str>>) -> Result<(), Error> {
    let mut out = io::stdout().lock();
    let write = || {
        lines.into_iter().try_for_each(|line| writeln!(out, "{}", safe::line(line.as_ref())))?;
        out.flush()
    };
    write().map_err(|source| Error::Local { path: PathBuf::from("standard output"), source })
}

/// Whoever read standard output has seen enough.
pub fn is_closed(error: &Error) -> bool {
    matches!(error, Error::Local { source, .. } if source.kind() == io::ErrorKind::BrokenPipe)
}
