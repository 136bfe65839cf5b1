//! The README's examples are run as they stand there.
