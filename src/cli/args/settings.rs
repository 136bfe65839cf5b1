//! What do flags and variables mean? A flag wins over `HOP_*`, that over ssh_config, that over the default; each value
//! is kept with its origin.
//!
//! Main types: [`Screen`], how much is shown and how; [`Spread`], how a copy is spread over connections. Values that
//! have a keyword in ssh_config are in `flags.rs`.

use clap::ValueEnum;

use crate::config::Value;

use super::cp::Copying;
use super::flag_groups::{OutputFlags, ProgressFlags};
use super::values::{Count, DirectAuth, ProgressChoice, RouteChoice, connections, lanes};
use crate::cli::env::environment::Environment;
use crate::cli::output::display::{Data, Face, Level};

/// How much is shown, and how.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Screen {
    /// Bars, plain lines or nothing.
    pub face: Value<Face>,
    /// The use of standard output.
    pub data: Data,
    /// How much is shown.
    pub level: Level,
    /// What decides how much is shown.
    pub loud: Loudness,
}

/// What decides how much is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Loudness {
    /// `-q` or `-v`.
    Flag,
    /// `LogLevel` of the target, if it is set.
    Configuration,
}

/// The route of a copy, and how it is spread over connections.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Spread {
    /// The route between two hosts.
    pub route: Value<RouteChoice>,
    /// The kind of key with which the source of a direct copy logs in.
    pub direct_auth: Value<DirectAuth>,
    /// The number of SFTP sessions.
    pub lanes: Value<Count>,
    /// The number of TCP connections to the first hop.
    pub connections: Value<Count>,
}

/// The screen for verbs that print only if something is wrong.
pub fn quiet_screen(output: &OutputFlags, least: Level) -> Screen {
    Screen {
        face: Value::default(Face::None),
        data: Data::Nothing,
        level: level(output, least),
        loud: loudness(output),
    }
}

/// The screen for `cp`.
pub fn copy_screen(
    environment: &Environment,
    output: &OutputFlags,
    progress: &ProgressFlags,
    copying: &Copying,
) -> anyhow::Result<Screen> {
    let chosen = environment.choose((progress.progress, "--progress"), "HOP_PROGRESS", one_of, ProgressChoice::Auto)?;
    let face = match (chosen.value, environment.terminal) {
        _ if output.quiet => Face::None,
        (ProgressChoice::None, _) => Face::None,
        (ProgressChoice::Bar, true) => Face::Bars,
        (ProgressChoice::Bar, false) | (ProgressChoice::Plain, _) => Face::Plain,
        (ProgressChoice::Auto, _) if progress.json => Face::None,
        (ProgressChoice::Auto, true) => Face::Bars,
        (ProgressChoice::Auto, false) if output.verbose > 0 => Face::Plain,
        (ProgressChoice::Auto, false) => Face::None,
    };
    let data = match (progress.json, copying.dry_run) {
        (true, _) => Data::Json,
        (false, true) => Data::Plan,
        (false, false) => Data::Nothing,
    };
    let least = if face == Face::None && data != Data::Plan { Level::Remarks } else { Level::Story };
    let face = Value { value: face, origin: chosen.origin };
    Ok(Screen { face, data, level: level(output, least), loud: loudness(output) })
}

/// The values of `--route`, `-3`, `-R`, `--direct-auth`, `--lanes`, `--connections` and their variables.
pub fn spread(environment: &Environment, copying: &Copying) -> anyhow::Result<Spread> {
    let route = match (copying.relay, copying.direct) {
        (true, _) => (Some(RouteChoice::Relay), "-3"),
        (_, true) => (Some(RouteChoice::Direct), "-R"),
        _ => (copying.route, "--route"),
    };
    Ok(Spread {
        route: environment.choose(route, "HOP_ROUTE", one_of, RouteChoice::Auto)?,
        direct_auth: environment.choose(
            (copying.direct_auth, "--direct-auth"),
            "HOP_DIRECT_AUTH",
            one_of,
            DirectAuth::Agent,
        )?,
        lanes: environment.choose((copying.lanes, "--lanes"), "HOP_LANES", lanes, Count::Auto)?,
        connections: environment.choose(
            (copying.connections, "--connections"),
            "HOP_CONNECTIONS",
            connections,
            Count::Auto,
        )?,
    })
}

fn level(output: &OutputFlags, least: Level) -> Level {
    match output.verbose {
        _ if output.quiet => Level::Failures,
        0 => least,
        1 => Level::Steps,
        2 => Level::Library,
        _ => Level::Blocks,
    }
}

fn loudness(output: &OutputFlags) -> Loudness {
    if output.quiet || output.verbose > 0 { Loudness::Flag } else { Loudness::Configuration }
}

/// `LogLevel` as a level; `None` for ssh's default, which leaves the verb's own level.
pub fn log_level(word: &str) -> Option<Level> {
    match word {
        "QUIET" | "FATAL" | "ERROR" => Some(Level::Failures),
        "VERBOSE" | "DEBUG" => Some(Level::Steps),
        "DEBUG2" => Some(Level::Library),
        "DEBUG3" => Some(Level::Blocks),
        _ => None,
    }
}

/// Parses a variable, which takes the same words as its flag.
fn one_of<T: ValueEnum>(text: &str) -> Result<T, String> {
    T::from_str(text, false).map_err(|_| {
        let names = T::value_variants().iter().filter_map(ValueEnum::to_possible_value);
        format!("give one of {}", names.map(|name| name.get_name().to_owned()).collect::<Vec<_>>().join(", "))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::args::command_line::{Args, Verb};
    use crate::cli::args::cp::Cp;
    use crate::cli::args::parse::parse;
    use crate::config::Origin;
    use std::ffi::OsString;

    fn cp(line: &str) -> Cp {
        let words: Vec<OsString> =
            "hop cp a h:".split(' ').chain(line.split_whitespace()).map(OsString::from).collect();
        match parse(&words) {
            Ok(Args { verb: Verb::Cp(cp) }) => *cp,
            other => panic!("`{line}` gave {other:?}"),
        }
    }

    fn surrounded(variables: &[(&str, &str)], terminal: bool) -> Environment {
        let variables = variables.iter().map(|(name, value)| (name.to_string(), OsString::from(value))).collect();
        Environment { variables, terminal }
    }

    fn screen(line: &str, environment: &Environment) -> Screen {
        let cp = cp(line);
        copy_screen(environment, &cp.output, &cp.progress, &cp.copying).unwrap()
    }

    #[test]
    fn a_flag_wins_over_a_variable_and_that_over_the_default() {
        let set = surrounded(&[("HOP_LANES", "3"), ("HOP_ROUTE", "relay"), ("HOP_CONNECTIONS", "")], false);
        let spread_of = |line: &str| spread(&set, &cp(line).copying).unwrap();
        let lanes = spread_of("--lanes 5").lanes;
        assert_eq!((lanes.value, lanes.origin), (Count::Exactly(5), Origin::Flag("--lanes".into())));
        let variable = spread_of("");
        assert_eq!(variable.lanes, Value { value: Count::Exactly(3), origin: Origin::Env("HOP_LANES".into()) });
        assert_eq!(variable.route.value, RouteChoice::Relay);
        assert_eq!(variable.connections, Value::default(Count::Auto));
        assert_eq!(spread_of("--route auto").route.value, RouteChoice::Auto);
        assert_eq!(spread_of("-R").route.value, RouteChoice::Direct);
        assert_eq!(spread_of("-3").route.origin, Origin::Flag("-3".into()));
    }

    #[test]
    fn a_wrong_variable_is_named() {
        let said = |name, text| spread(&surrounded(&[(name, text)], false), &cp("").copying).unwrap_err().to_string();
        assert_eq!(said("HOP_LANES", "many"), "HOP_LANES: `many`: give a number from 1 to 64, or auto");
        assert_eq!(said("HOP_ROUTE", "best"), "HOP_ROUTE: `best`: give one of auto, direct, relay");
        assert_eq!(said("HOP_DIRECT_AUTH", "key"), "HOP_DIRECT_AUTH: `key`: give one of agent, ephemeral");
    }

    #[test]
    fn bars_are_for_terminals_and_silence_for_the_rest() {
        let (here, cron) = (surrounded(&[], true), surrounded(&[], false));
        let faces = [
            ("", Face::Bars, Face::None),
            ("-v", Face::Bars, Face::Plain),
            ("-q", Face::None, Face::None),
            ("-q --progress bar", Face::None, Face::None),
            ("--json", Face::None, Face::None),
            ("--json --progress plain", Face::Plain, Face::Plain),
            ("--progress bar", Face::Bars, Face::Plain),
            ("--progress none", Face::None, Face::None),
        ];
        for (line, on_terminal, elsewhere) in faces {
            assert_eq!(screen(line, &here).face.value, on_terminal, "`{line}` on a terminal");
            assert_eq!(screen(line, &cron).face.value, elsewhere, "`{line}` elsewhere");
        }
    }

    #[test]
    fn the_level_follows_the_face_and_the_flags() {
        let (here, cron) = (surrounded(&[], true), surrounded(&[("HOP_PROGRESS", "plain")], false));
        assert_eq!(screen("", &here).level, Level::Story);
        assert_eq!(screen("--json", &here).level, Level::Remarks);
        assert_eq!(screen("", &surrounded(&[], false)).level, Level::Remarks);
        assert_eq!(screen("", &cron).level, Level::Story);
        assert_eq!(screen("-v", &cron).level, Level::Steps);
        assert_eq!(screen("-vv", &cron).level, Level::Library);
        assert_eq!(screen("-q -v", &cron).level, Level::Failures);
    }
}
