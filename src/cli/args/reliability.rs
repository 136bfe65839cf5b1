//! How does a copy survive bad networks, how long may it take, how careful and how fast is it? The flags, their
//! variables, and what they mean.
//!
//! Main type: [`ReliabilityFlags`], as typed; [`ReliabilityFlags::apply`] turns it into options.

use std::path::PathBuf;
use std::time::Duration;

use clap::builder::TypedValueParser as _;

use crate::copy::{Care, InPlace, Options, Resume, Unchanged};

use super::units;
use crate::cli::env::environment::Environment;
use crate::cli::env::host_env;

/// How it lasts.
#[derive(clap::Args, Debug, Default)]
#[command(next_help_heading = "Reliability")]
pub struct ReliabilityFlags {
    /// Send everything again, though an earlier try left a part [default: go on from what it left]
    #[arg(long)]
    pub no_resume: bool,
    /// Send small files one by one [default: many together, where the host has a shell and tar]
    #[arg(long)]
    pub no_pack: bool,
    /// Connect again so often in a row after a lost connection, and go on; 0 for never [env: HOP_RETRIES] [default: 3]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u8).range(..=100).map(u32::from))]
    pub retries: Option<u32>,
    /// A connection on which nothing moves for so long is lost: 90s, 5m; when nothing moves for 15s more, whatever is
    /// tried, the run ends [env: HOP_TIMEOUT] [default: 60s]
    #[arg(long, value_name = "TIME", value_parser = units::duration)]
    pub timeout: Option<Duration>,
    /// The whole run may take so long: 90s, 2h; then it ends with exit code 30 [env: HOP_DEADLINE] [default: no limit]
    #[arg(long, value_name = "TIME", value_parser = units::duration)]
    pub deadline: Option<Duration>,
    /// Compare SHA-256 of both ends before a file gets its name, with the servers' own tools, or by reading back where
    /// there is no shell [default: sizes, and an unchanged source]
    #[arg(long)]
    pub verify: bool,
    /// Copy what a file had when it was found, though it grows while it is read [default: a source that changes is given
    /// up, exit code 24]
    #[arg(long)]
    pub growing: bool,
    /// Leave out files that are there with equal size and time; with --verify, and equal content. Times are only kept
    /// under -p [default: copy all]
    #[arg(long)]
    pub update: bool,
    /// Times so many seconds apart count as equal. Contents are compared in any case where times tell nothing: up to 2 s
    /// apart, before 1970, from 2106 on [default: 0]
    #[arg(long, value_name = "N", default_value_t = 0, hide_default_value = true)]
    pub modify_window: u32,
    /// Write into the file that has the name, not into a new one that takes its place: until its end it is neither the old
    /// file nor the new one [default: only over a device, or where a folder takes no new name, with a warning]
    #[arg(long, conflicts_with = "no_inplace")]
    pub inplace: bool,
    /// Fail rather than write in place
    #[arg(long)]
    pub no_inplace: bool,
    /// Flush each file to the destination's disk before it gets its name [default: when the system sees fit]
    #[arg(long)]
    pub fsync: bool,
    /// Bytes a second at most, all files together: 500K, 10M [env: HOP_BWLIMIT] [default: no limit]
    #[arg(long, value_name = "RATE", value_parser = units::rate, conflicts_with = "kilobits")]
    pub bwlimit: Option<u64>,
    /// The same in kilobits a second, as scp has it
    #[arg(short = 'l', value_name = "KBIT", value_parser = units::kilobits)]
    pub kilobits: Option<u64>,
}

impl ReliabilityFlags {
    /// `options`, changed by the flags and variables that are set.
    pub fn apply(&self, environment: &Environment, options: Options) -> anyhow::Result<Options> {
        let time = |text: &str| units::duration(text).map(Some);
        let timeout = idle_limit(self.timeout, environment)?;
        let number = |text: &str| match text.parse::<u32>() {
            Ok(number) if number <= 100 => Ok(Some(number)),
            _ => Err("give a number from 0 to 100".to_owned()),
        };
        let rate = |text: &str| units::rate(text).map(Some);
        let limit = self.bwlimit.or(self.kilobits).map(Some);
        Ok(Options {
            care: Care { verify: self.verify, fsync: self.fsync },
            unchanged: match (self.update, self.verify) {
                (false, _) => Unchanged::Never,
                (true, false) => Unchanged::SizeAndTime,
                (true, true) => Unchanged::TimeAndContent,
            },
            in_place: match (self.inplace, self.no_inplace) {
                (true, _) => InPlace::Always,
                (false, true) => InPlace::Never,
                (false, false) => InPlace::IfNeeded,
            },
            modify_window: self.modify_window,
            growing: self.growing,
            rate: environment.choose((limit, "--bwlimit"), "HOP_BWLIMIT", rate, None)?.value,
            runs: Some(host_env::locks(&environment.variables)),
            resume: if self.no_resume { Resume::Never } else { Resume::Trusted },
            one_by_one: self.no_pack,
            retries: environment.choose((self.retries.map(Some), "--retries"), "HOP_RETRIES", number, None)?.value,
            timeout,
            scratch: environment.variables.get("TMPDIR").map(PathBuf::from).filter(|folder| folder.is_absolute()),
            deadline: environment.choose((self.deadline.map(Some), "--deadline"), "HOP_DEADLINE", time, None)?.value,
            ..options
        })
    }
}

/// How long nothing may move before a connection counts as lost; `None` if it is not set.
pub fn idle_limit(typed: Option<Duration>, environment: &Environment) -> anyhow::Result<Option<Duration>> {
    let time = |text: &str| units::duration(text).map(Some);
    Ok(environment.choose((typed.map(Some), "--timeout"), "HOP_TIMEOUT", time, None)?.value)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn surrounded(variables: &[(&str, &str)]) -> Environment {
        let variables = variables.iter().map(|(name, value)| (name.to_string(), value.into())).collect();
        Environment { variables, terminal: false }
    }

    #[test]
    fn flags_win_over_variables_and_nothing_is_nothing() {
        let nothing = ReliabilityFlags::default().apply(&surrounded(&[]), Options::default()).unwrap();
        assert_eq!((nothing.retries, nothing.timeout, nothing.deadline), (None, None, None));
        let set = surrounded(&[("HOP_RETRIES", "7"), ("HOP_TIMEOUT", "2m")]);
        let typed = ReliabilityFlags { retries: Some(0), ..ReliabilityFlags::default() };
        let options = typed.apply(&set, Options::default()).unwrap();
        assert_eq!((options.retries, options.timeout), (Some(0), Some(Duration::from_secs(120))));
        let wrong =
            ReliabilityFlags::default().apply(&surrounded(&[("HOP_RETRIES", "-1")]), Options::default()).unwrap_err();
        assert_eq!(wrong.to_string(), "HOP_RETRIES: `-1`: give a number from 0 to 100");
    }
}
