//! Where do the results of a verb go? To standard output, as lines.

use std::io::{self, BufWriter, StdoutLock, Write};
use std::path::PathBuf;

use crate::error::Error;

use super::safe;

/// Prints lines, made safe whatever they quote.
pub fn printed(lines: impl IntoIterator<Item = impl AsRef<str>>) -> Result<(), Error> {
    written(|out| lines.into_iter().try_for_each(|line| writeln!(out, "{}", safe::line(line.as_ref()))))
}

/// Writes to standard output; any failure is an error.
pub fn written(write: impl FnOnce(&mut BufWriter<StdoutLock<'static>>) -> io::Result<()>) -> Result<(), Error> {
    let mut out = BufWriter::new(io::stdout().lock());
    let written = write(&mut out).and_then(|()| out.flush());
    if written.is_err() {
        drop(out.into_parts()); // what could not be written is not tried again
    }
    written.map_err(unwritten)
}

/// The error for standard output that could not be written.
pub fn unwritten(source: io::Error) -> Error {
    Error::Local { path: PathBuf::from("standard output"), source }
}

/// Whether the error means that the reader of standard output has closed it.
pub fn is_closed(error: &Error) -> bool {
    matches!(error, Error::Local { source, .. } if source.kind() == io::ErrorKind::BrokenPipe)
}
