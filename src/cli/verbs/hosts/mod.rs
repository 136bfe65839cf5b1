//! What does `hop hosts` do? It shows the hosts of the configuration as a tree of bastions and the hosts behind each;
//! `add` appends one.
//!
//! Main function: [`run`].
//!
//! | floor | what is there |
//! | --- | --- |
//! | `tree` | how it is drawn |

mod tree;

use std::path::{Path, PathBuf};

use anyhow::Context as _;

use crate::auth::inspect;
use crate::config::host::Proxy;
use crate::config::{Configuration, Flags, Host, HostBlock, HostBlockError, LocalEnv, Origin};
use crate::error::{Error, ExitKind};

use crate::cli::advice;
use crate::cli::args::flag_groups::OutputFlags;
use crate::cli::args::hosts::{Add, Hosts, HostsTask};
use crate::cli::args::settings::quiet_screen;
use crate::cli::env::environment::Environment;
use crate::cli::env::host_env;
use crate::cli::output::display::Level;
use crate::cli::output::json::Object;
use crate::cli::output::safe;
use crate::cli::output::stdout::{is_closed, printed};
use crate::cli::run::verb_run::{Run, VerbFailure};
use tree::{Leaf, drawn};

/// Runs the command line, and returns the exit code.
pub fn run(hosts: &Hosts, environment: &Environment) -> u8 {
    let run = Run::start(&quiet_screen(&OutputFlags { quiet: false, verbose: 0 }, Level::Remarks));
    let here = host_env::of_this_process(environment.variables.clone());
    let outcome = match &hosts.task {
        None => show(hosts, here),
        Some(HostsTask::Add(add)) => match added(add, hosts.config_file.as_deref(), &here) {
            Ok(file) => printed([format!("added {} to {}", add.name, file.display())]),
            Err(failure) => {
                run.close(Some(&failure));
                return failure.kind.code();
            }
        },
    };
    let failure = outcome.err().filter(|error| !is_closed(error)).map(|error| run.failure(&error));
    run.close(failure.as_ref());
    failure.map_or(ExitKind::Done, |failure| failure.kind).code()
}

fn show(hosts: &Hosts, here: LocalEnv) -> Result<(), Error> {
    let home = here.home.clone();
    let flags = Flags { config_file: hosts.config_file.clone(), ..Flags::default() };
    let configuration = Configuration::load(flags, here)?;
    let names = configuration.named().into_iter().filter(|named| !named.is_pattern());
    let ways = names.map(|named| configuration.resolve(&named.host())).collect::<Result<Vec<_>, _>>()?;
    if hosts.json {
        return printed(ways.iter().filter_map(|way| json(way)).map(|object| object.to_string()));
    }
    match ways.is_empty() {
        true => printed(["no hosts: `hop hosts add NAME --address ADDRESS --user USER --key FILE` adds one"]),
        false => printed(drawn(&leaves(&ways, &home))),
    }
}

/// Every hop of every way, each once.
fn leaves(ways: &[Vec<Host>], home: &Path) -> Vec<Leaf> {
    let mut leaves: Vec<Leaf> = Vec::new();
    for hops in ways {
        for depth in 1..=hops.len() {
            let way: Vec<String> = hops[..depth].iter().map(|hop| hop.alias.clone()).collect();
            if !leaves.iter().any(|leaf| leaf.way == way) {
                leaves.push(Leaf { way, notes: notes(&hops[depth - 1], home) });
            }
        }
    }
    leaves
}

fn notes(host: &Host, home: &Path) -> Vec<String> {
    let port = if host.port.value == 22 { String::new() } else { format!(" port {}", host.port.value) };
    let by = if matches!(host.proxy.value, Proxy::Command { .. }) { " (ProxyCommand)" } else { "" };
    let keys: Vec<String> = keys(host).map(|file| at_home(file, home)).collect();
    let keys = if keys.is_empty() { "agent or default keys".to_owned() } else { keys.join(", ") };
    vec![format!("{}@{}{port}{by}", host.user.value, host.hostname.value), keys]
}

fn keys(host: &Host) -> impl Iterator<Item = &Path> {
    let named = host.identity_files.iter().filter(|file| file.origin != Origin::Default);
    named.map(|file| file.value.as_path())
}

fn at_home(file: &Path, home: &Path) -> String {
    file.strip_prefix(home).map_or(file.to_owned(), |inside| Path::new("~").join(inside)).display().to_string()
}

fn json(way: &[Host]) -> Option<Object> {
    let (host, jumps) = way.split_last()?;
    let jumps: Vec<_> = jumps.iter().map(|hop| safe::line(&hop.alias)).collect();
    let keys: Vec<_> = keys(host).map(|file| safe::line(file.as_os_str().as_encoded_bytes())).collect();
    let object = Object::default().text("host", &host.alias).text("hostname", &host.hostname.value);
    let object = object.with("port", host.port.value).text("user", &host.user.value);
    Some(object.with("jumps", jumps).with("keys", keys).text("origin", &host.hostname.origin.to_string()))
}

/// Checks the key, then appends the host; returns the changed file.
fn added(add: &Add, file: Option<&Path>, here: &LocalEnv) -> Result<PathBuf, VerbFailure> {
    let key =
        add.key.as_ref().map(|key| whole(key, &here.home)).transpose().map_err(|error| VerbFailure::usage(&error))?;
    if let Some(found) = key.as_deref().map(inspect)
        && let Some(problem) = &found.problem
    {
        let hints = advice::of_key(&found.file, problem).into_iter().map(safe::line).collect();
        let error = Some(safe::line(format!("{}: {problem}", found.file.display())));
        return Err(VerbFailure { kind: ExitKind::Permissions, error, hints });
    }
    let block = HostBlock {
        name: add.name.clone(),
        address: add.address.clone(),
        port: add.port,
        user: add.user.clone(),
        key,
        via: add.via.clone(),
    };
    block.append(file, here).map_err(|error| refused(error, &block, &here.home))
}

fn refused(error: HostBlockError, block: &HostBlock, home: &Path) -> VerbFailure {
    let hints = advice::of_host_block(&error, block, home).into_iter().map(safe::line).collect();
    let text = Some(safe::line(error.to_string()));
    match error {
        HostBlockError::Config(error) => {
            let error = Error::from(error);
            VerbFailure { kind: error.kind(), error: text, hints: advice::hints(&error, &[]) }
        }
        HostBlockError::Write { .. } => VerbFailure { kind: ExitKind::LocalFile, error: text, hints },
        _ => VerbFailure { kind: ExitKind::Usage, error: text, hints },
    }
}

/// The absolute path, so that it means the same from every folder.
fn whole(key: &Path, home: &Path) -> anyhow::Result<PathBuf> {
    let key = key.strip_prefix("~").map_or(key.to_owned(), |inside| home.join(inside));
    std::path::absolute(&key).with_context(|| key.display().to_string())
}
