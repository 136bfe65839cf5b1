//! How does a path stand in an error? [`Shown`]: raw bytes as text.

use std::fmt;

/// Raw bytes as text, with `\xNN` for what is not UTF-8. Control characters are handled by `cli`.
pub struct Shown<'a>(pub &'a [u8]);

impl fmt::Display for Shown<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for chunk in self.0.utf8_chunks() {
            f.write_str(chunk.valid())?;
            chunk.invalid().iter().try_for_each(|byte| write!(f, "\\x{byte:02x}"))?;
        }
        Ok(())
    }
}
