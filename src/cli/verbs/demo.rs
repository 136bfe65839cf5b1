//! What does `hop demo` do? It shows the practice street and its story on standard output.

use std::io::{self, Write};
use std::path::PathBuf;

use crate::demo::{After, StoryOutcome, visit};
use crate::error::{Error, ExitKind};

use crate::cli::args::demo::Demo;
use crate::cli::run::process;
use crate::cli::run::verb_run::VerbFailure;

/// Tells the story, and returns the exit code.
pub fn run(demo: &Demo) -> u8 {
    let after = if demo.keep { After::Keep } else { After::Leave };
    match tell(after) {
        Ok(StoryOutcome::Held) => ExitKind::Done.code(),
        Ok(StoryOutcome::Failed(_)) => ExitKind::SomeFailed.code(),
        Ok(StoryOutcome::Interrupted(signal)) => u8::try_from(128 + signal).unwrap_or(ExitKind::Internal.code()),
        Err(source) => {
            let error = Error::Local { path: PathBuf::from("the practice street"), source };
            VerbFailure::of_file(&error).say_and_exit_code()
        }
    }
}

/// Standard output; if its reader closes it, the story goes on.
struct StoryOutput;

impl Write for StoryOutput {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match io::stdout().write(bytes) {
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(bytes.len()),
            written => written,
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match io::stdout().flush() {
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
            flushed => flushed,
        }
    }
}

/// Runs the visit, which handles signals itself because it has a street to take down.
fn tell(after: After) -> io::Result<StoryOutcome> {
    let runtime = process::runtime()?;
    runtime.block_on(async { visit(&std::env::current_exe()?, after, &mut StoryOutput).await })
}
