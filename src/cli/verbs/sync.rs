//! `hop sync`: a folder becomes what another one is. As `hop cp -rp`, with rsync's meaning of a slash at the end.
//!
//! Main types: [`Sync`], as typed; [`Syncing`], what it has beyond `cp`.

use std::ffi::OsString;
use std::os::unix::ffi::{OsStrExt, OsStringExt};

use crate::copy::filter::{Filter, Say};
use crate::copy::{Mirror, Options, Unchanged};

use super::cp;
use crate::cli::args::flag_groups::Cp;
use crate::cli::args::help;
use crate::cli::args::settings::Environment;
use crate::cli::output::safe;
use crate::cli::run::verb_run::Failure;

/// Make a folder what another one is: what is unchanged stays, what is too much can go
#[derive(clap::Args, Debug)]
#[command(args_override_self = true, after_help = help::SYNC)]
#[command(mut_arg("recursive", |arg| arg.hide(true)), mut_arg("preserve", |arg| arg.hide(true)))]
pub struct Sync {
    #[command(flatten)]
    pub syncing: Syncing,
    #[command(flatten)]
    pub cp: Cp,
}

/// What is left out, and what goes.
#[derive(clap::Args, Debug)]
#[command(next_help_heading = "Syncing")]
pub struct Syncing {
    /// Remove what the source has not, once everything has arrived [default: leave it]
    #[arg(long)]
    pub delete: bool,
    /// Remove nothing at all when it would be more than N entries
    #[arg(long, value_name = "N", requires = "delete", default_value_t = 1000)]
    pub max_delete: u64,
    /// Leave out entries that match, at both ends: a name (*.tmp), a path (target/debug), from the root of SRC (/build), a
    /// folder (cache/). May be repeated
    #[arg(long, value_name = "PATTERN")]
    pub exclude: Vec<OsString>,
    /// Keep entries that match, though --exclude would leave them out. May be repeated
    #[arg(long, value_name = "PATTERN")]
    pub include: Vec<OsString>,
    /// Compare contents (SHA-256), not times
    #[arg(long)]
    pub checksum: bool,
}

/// Syncs; the exit code to end with.
pub fn run(sync: Sync, environment: &Environment) -> u8 {
    let Sync { syncing, mut cp } = sync;
    let filter = match syncing.filter() {
        Ok(filter) => filter,
        Err(wrong) => return Failure::usage(&wrong).say_and_exit_code(),
    };
    (cp.copying.recursive, cp.copying.preserve) = (true, true);
    cp.sources.iter_mut().for_each(entries_of);
    let mirror = Mirror { delete: syncing.delete.then_some(syncing.max_delete) };
    cp::carry_out(&cp, environment, |options| syncing.apply(Options { filter, mirror: Some(mirror), ..options }))
}

impl Syncing {
    fn filter(&self) -> Result<Filter, String> {
        let mut filter = Filter::default();
        let excluded = self.exclude.iter().map(|pattern| (Say::Exclude, "--exclude", pattern));
        let included = self.include.iter().map(|pattern| (Say::Include, "--include", pattern));
        for (say, flag, pattern) in excluded.chain(included) {
            if !filter.add(say, pattern.as_bytes()) {
                return Err(format!("{flag} `{}`: there is no name in the pattern", safe::line(pattern.as_bytes())));
            }
        }
        Ok(filter)
    }

    fn apply(&self, options: Options) -> Options {
        let unchanged = if self.checksum { Unchanged::Content } else { Unchanged::SizeAndTime };
        Options { unchanged, ..options }
    }
}

/// `folder/` means what is in the folder, for `cp` that is `folder/.`.
fn entries_of(source: &mut OsString) {
    if source.as_bytes().ends_with(b"/") {
        let path = [source.as_bytes(), b"."].concat();
        *source = OsString::from_vec(path);
    }
}
