//! What does `hop sync` do? It makes a folder the same as another one, like `hop cp -rp`, with rsync's meaning of a
//! slash at the end.
//!
//! Main function: [`run`].

use std::ffi::OsString;
use std::os::unix::ffi::{OsStrExt, OsStringExt};

use anyhow::bail;

use crate::copy::filter::{Filter, Say};
use crate::copy::{Mirror, Options, Unchanged};

use super::cp;
use crate::cli::args::sync::{Sync, Syncing};
use crate::cli::env::environment::Environment;
use crate::cli::output::safe;
use crate::cli::run::verb_run::VerbFailure;

/// Syncs, and returns the exit code.
pub fn run(sync: Sync, environment: &Environment) -> u8 {
    let Sync { syncing, mut cp } = sync;
    let filter = match syncing.filter() {
        Ok(filter) => filter,
        Err(wrong) => return VerbFailure::usage(&wrong).say_and_exit_code(),
    };
    (cp.copying.recursive, cp.copying.preserve) = (true, true);
    cp.sources.iter_mut().for_each(entries_of);
    let mirror = Mirror { delete: syncing.delete.then_some(syncing.max_delete) };
    cp::carry_out(&cp, environment, |options| syncing.apply(Options { filter, mirror: Some(mirror), ..options }))
}

impl Syncing {
    fn filter(&self) -> anyhow::Result<Filter> {
        let mut filter = Filter::default();
        let excluded = self.exclude.iter().map(|pattern| (Say::Exclude, "--exclude", pattern));
        let included = self.include.iter().map(|pattern| (Say::Include, "--include", pattern));
        for (say, flag, pattern) in excluded.chain(included) {
            if !filter.add(say, pattern.as_bytes()) {
                bail!("{flag} `{}`: there is no name in the pattern", safe::line(pattern.as_bytes()));
            }
        }
        Ok(filter)
    }

    fn apply(&self, options: Options) -> Options {
        let unchanged = if self.checksum { Unchanged::Content } else { Unchanged::SizeAndTime };
        Options { unchanged, ..options }
    }
}

/// Turns `folder/`, which means the contents of the folder, into `folder/.` for `cp`.
fn entries_of(source: &mut OsString) {
    if source.as_bytes().ends_with(b"/") {
        let path = [source.as_bytes(), b"."].concat();
        *source = OsString::from_vec(path);
    }
}
