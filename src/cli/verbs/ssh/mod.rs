//! What does `hop ssh` do? It runs a shell, a command or tunnels, with this process's own streams and terminal.
//!
//! The exit status is the command's; as with ssh, every failure of hop's own is 255. A signal before the session begins
//! ends hop like other programs.
//!
//! | floor | what is there |
//! | --- | --- |
//! | `watch` | tunnels without a session |
//! | `lend` `tunnels` `streams` | a login lent, ports, standard streams |
//! | `background` `local_command` | `-f`; what runs here after the login |
//! | `exit_status` | the status to exit with |

mod background;
pub mod exit_status;
mod lend;
mod local_command;
mod streams;
mod tunnels;
mod watch;

use std::fs::OpenOptions;
use std::io::{self, Write as _};
use std::os::fd::{AsFd, OwnedFd};
use std::path::PathBuf;
use std::sync::Arc;

use tokio::sync::mpsc::Receiver;
use tokio::task::JoinSet;

use crate::chain::{self, Program, Session, Task, Way};
use crate::config::host::{IdentityAgent, Matters, NotHonoured};
use crate::config::{Flags, Host, SessionType, Value};
use crate::error::{Error, ExitKind};
use crate::forward::{self, ForwardAddress};
use crate::progress::{Event, Observer};
use crate::shell::{self, Here, Input, RequestTty, Streams, Terminal, TtyRequest};
use crate::target;

use crate::cli::args::settings::{Screen, quiet_screen};
use crate::cli::args::ssh::Ssh;
use crate::cli::env::environment::Environment;
use crate::cli::output::display::{Face, Level};
use crate::cli::output::safe;
use crate::cli::output::stderr::banners_to;
use crate::cli::output::stdout::{is_closed, written};
use crate::cli::run::network::Network;
use crate::cli::run::process;
use crate::cli::run::verb_run::{Run, VerbFailure};
use background::Awaiter;
use exit_status::{OWN_FAILURE, status};
use lend::Lending;

/// The version, in a form that programs look for to find out what an ssh supports.
const VERSION: &str = concat!("OpenSSH_9.2-compatible hop_", env!("CARGO_PKG_VERSION"));

/// Runs the command line, and returns the exit status.
pub fn run(ssh: &Ssh, environment: &Environment) -> u8 {
    if ssh.version {
        crate::cli::output::stderr::say(VERSION);
        return ExitKind::Done.code();
    }
    if let Some(query) = &ssh.query {
        return answer(query);
    }
    let set_up = || {
        let errors = log_to(ssh, io::stderr().as_fd().try_clone_to_owned()?)?;
        let ready = match ssh.taken.in_background {
            true => Awaiter::of_standard_input()?,
            false => Awaiter::Unasked,
        };
        Ok::<_, io::Error>((Arc::new(errors), ready))
    };
    let (errors, ready) = match set_up() {
        Ok(set_up) => set_up,
        Err(error) => return refuse(&error.to_string()),
    };
    let screen = Screen { face: Value::default(Face::Session), ..quiet_screen(&ssh.output, Level::Story) };
    let run = Run::start(&screen);
    let outcome = run.carry_out_to_the_end(async {
        let mut signals = process::endings();
        SshRun::new(ssh, environment, &run, errors)?.carry_out(&mut signals, ready).await
    });
    run.close(outcome.as_ref().err());
    outcome.unwrap_or_else(|failure| match failure.kind {
        // the one failure that must not look like any other
        ExitKind::AgentMisused => ExitKind::AgentMisused.code(),
        _ => OWN_FAILURE,
    })
}

fn refuse(why: &str) -> u8 {
    crate::cli::output::stderr::say(&format!("hop ssh: {why}"));
    OWN_FAILURE
}

/// `-Q`: the names of a list, one a line.
fn answer(query: &str) -> u8 {
    let Some(names) = chain::supported(query) else {
        return refuse(&format!("Unsupported query \"{query}\""));
    };
    match written(|out| names.iter().try_for_each(|name| writeln!(out, "{name}"))) {
        Err(error) if !is_closed(&error) => {
            VerbFailure::of_file(&error).say();
            OWN_FAILURE
        }
        _ => ExitKind::Done.code(),
    }
}

/// `-E`: from now on hop's messages go to the file. The command's standard error still goes to `errors`, and so do
/// banners and what ProxyCommands say.
fn log_to(ssh: &Ssh, errors: OwnedFd) -> io::Result<OwnedFd> {
    if let Some(path) = &ssh.log_file {
        let named = |error: io::Error| io::Error::new(error.kind(), format!("-E: {error}"));
        let file = OpenOptions::new().append(true).create(true).open(path).map_err(named)?;
        rustix::stdio::dup2_stderr(&file)?;
        banners_to(errors.try_clone()?);
    }
    Ok(errors)
}

/// One run.
struct SshRun<'a> {
    ssh: &'a Ssh,
    environment: &'a Environment,
    run: &'a Arc<Run>,
    /// The descriptor for the command's standard error.
    errors: Arc<OwnedFd>,
    network: Network,
}

/// The task at the host.
enum SshTask {
    Run(Task),
    Stdio(ForwardAddress),
    Tunnels,
}

/// The session that was reached, with its host and way.
struct There {
    session: Session,
    host: Host,
    way: Way,
    lending: Option<Lending>,
}

impl<'a> SshRun<'a> {
    fn new(
        ssh: &'a Ssh,
        environment: &'a Environment,
        run: &'a Arc<Run>,
        errors: Arc<OwnedFd>,
    ) -> Result<SshRun<'a>, Error> {
        let flags = ssh.flags().map_err(|wrong| Error::Usage(wrong.to_string()))?;
        let network = Network::read_for_ssh(flags, environment, run, errors.clone())?;
        Ok(SshRun { ssh, environment, run, errors, network })
    }

    async fn carry_out(self, signals: &mut Receiver<&'static str>, ready: Awaiter) -> Result<u8, Error> {
        let target = target::parse_host(self.ssh.host.as_deref().unwrap_or_default())?;
        if self.ssh.dump {
            return self.dump(&target);
        }
        let way = self.network.way_for_ssh(&target)?;
        let host = way.hops().last().expect("a way has at least its target").clone();
        let purpose = self.purpose(&host)?;
        if host.session_options.fork_after_authentication.value && !self.ssh.taken.in_background {
            return self.in_background(&purpose, signals).await;
        }
        self.say_what_is_missing(&host, &purpose);
        let arriving = async {
            let lending = self.lending(&way).await?;
            let session = match &lending {
                Some(lending) => lending.session().clone(),
                None => way.session(0).await?,
            };
            Ok::<_, Error>((session, lending))
        };
        let (session, lending) = tokio::select! {
            arrived = arriving => arrived?,
            Some(name) = signals.recv() => return Ok(process::code_of(name)),
        };
        if let Some(command) = &host.session_options.local_command {
            local_command::run(command, &self.errors).await;
        }
        match purpose {
            SshTask::Stdio(place) => self.stdio(&session, &place, signals).await,
            SshTask::Tunnels => {
                let building = tunnels::along(&host, &way, &session, 0, self.run.reporter.clone());
                watch::over(building, self.ssh, session, signals, ready).await
            }
            SshTask::Run(task) => self.converse(There { session, host, way, lending }, task, signals, ready).await,
        }
    }

    /// `-f`: what this process exits with, once another has gone to the background or failed.
    async fn in_background(&self, purpose: &SshTask, signals: &mut Receiver<&'static str>) -> Result<u8, Error> {
        if matches!(purpose, SshTask::Run(Task::Shell) | SshTask::Stdio(_)) {
            let text = "-f: there is no command to run in the background, and no -N";
            return Err(Error::Usage(text.to_owned()));
        }
        tokio::select! {
            started = tokio::task::spawn_blocking(background::start) => {
                let started = started.unwrap_or_else(|panic| Err(io::Error::other(panic)));
                started.map_err(|error| Error::Usage(format!("-f: {error}")))
            }
            Some(name) = signals.recv() => Ok(process::code_of(name)),
        }
    }

    /// Tells which settings of the host ask for something that this run will not have.
    fn say_what_is_missing(&self, host: &Host, purpose: &SshTask) {
        let has_display = self.environment.variables.contains_key("DISPLAY");
        for missing in &host.not_honoured {
            let matters = match missing.matters {
                Matters::InSessions => true,
                Matters::WithDisplay => has_display && matches!(purpose, SshTask::Run(_)),
                Matters::AtTerminals => matches!(purpose, SshTask::Run(Task::Shell)),
                Matters::ForLogins | Matters::ForHostKeys | Matters::Little => false,
            };
            if matters {
                let NotHonoured { setting, .. } = missing;
                let text = format!("{}: not in this version: {} ({})", host.alias, setting.value, setting.origin);
                self.run.reporter.event(Event::Warning(text));
            }
        }
    }

    async fn lending(&self, way: &Way) -> Result<Option<Lending>, Error> {
        if self.ssh.lend.lend.is_none() {
            return Ok(None);
        }
        let flags = self.ssh.flags().map_err(|wrong| Error::Usage(wrong.to_string()))?;
        let others = self.network.with(Flags { user: None, port: None, ..flags }, self.environment)?;
        Lending::begin(&self.ssh.lend, way, &others, self.run.reporter.clone()).await
    }

    fn dump(&self, target: &target::HostSpec) -> Result<u8, Error> {
        let lines = self.network.dump(target)?;
        let printed = written(|out| {
            lines.iter().try_for_each(|(keyword, value, origin)| {
                let from = if self.ssh.output.verbose > 0 { format!("  # {origin}") } else { String::new() };
                writeln!(out, "{keyword} {value}{from}")
            })
        });
        match printed {
            Err(error) if !is_closed(&error) => Err(error),
            _ => Ok(ExitKind::Done.code()),
        }
    }

    fn purpose(&self, host: &Host) -> Result<SshTask, Error> {
        if let Some(place) = &self.ssh.tunnels.stdio {
            let place =
                ForwardAddress::parse(place).ok_or_else(|| Error::Usage(format!("-W {place}: give HOST:PORT")))?;
            return Ok(SshTask::Stdio(place));
        }
        let line = self.ssh.line();
        let remote = host.remote_command.as_ref().map(|command| command.value.clone().into_bytes());
        let line = match (line.is_empty(), remote) {
            (false, Some(_)) => return Err(Error::Usage("a command here and a RemoteCommand: which one?".to_owned())),
            (true, Some(remote)) => remote,
            (_, None) => line,
        };
        Ok(match host.session_options.session_type.value {
            SessionType::None => SshTask::Tunnels,
            SessionType::Subsystem if line.is_empty() => {
                return Err(Error::Usage("-s: which subsystem?".to_owned()));
            }
            SessionType::Subsystem => SshTask::Run(Task::Subsystem(String::from_utf8_lossy(&line).into_owned())),
            SessionType::Default if line.is_empty() => SshTask::Run(Task::Shell),
            SessionType::Default => SshTask::Run(Task::Command(line)),
        })
    }

    async fn stdio(
        &self,
        session: &Session,
        place: &ForwardAddress,
        signals: &mut Receiver<&'static str>,
    ) -> Result<u8, Error> {
        let input = streams::reader(io::stdin()).map_err(local("standard input"))?;
        let (output, thread) = streams::writer(io::stdout()).map_err(local("standard output"))?;
        tokio::select! {
            ended = forward::stdio(session, place, input, output) => ended?,
            Some(_) = signals.recv() => return Ok(OWN_FAILURE),
        }
        let _ = tokio::task::spawn_blocking(move || thread.join()).await; // its panic has been reported by the hook
        Ok(ExitKind::Done.code())
    }

    /// Runs a shell or a command, with its tunnels beside it.
    async fn converse(
        &self,
        there: There,
        task: Task,
        signals: &mut Receiver<&'static str>,
        ready: Awaiter,
    ) -> Result<u8, Error> {
        let There { session, host, way, lending } = &there;
        let mut tasks = JoinSet::new();
        let building = tunnels::along(host, way, session, 1, self.run.reporter.clone());
        building.here(&mut tasks).await?;
        building.there(&mut tasks).await?;
        ready.tell();
        let agent = agent_socket(host).filter(|_| lending.is_none());
        if let Some(socket) = &agent {
            tunnels::agent(session, socket, &building.tunnels, &mut tasks);
        }
        let (program, terminal) = self.program(task, host, agent.is_some());
        let program = match lending {
            Some(lending) => lending.program(program),
            None => program,
        };
        let input = match host.session_options.stdin_null.value {
            true => streams::nothing(),
            false => streams::reader(io::stdin()).map_err(local("standard input"))?,
        };
        let (output, output_thread) = streams::writer(io::stdout()).map_err(local("standard output"))?;
        let (error, error_thread) = streams::writer(&*self.errors).map_err(local("standard error"))?;
        let (error, words) = match lending {
            Some(_) => lend::keep_last_words(error),
            None => (error, tokio::spawn(async { Vec::new() })),
        };
        let here = Here {
            streams: Streams { input, output, error },
            terminal,
            escape: host.session_options.escape_char.value,
            signals: std::mem::replace(signals, streams_of_no_signals()),
            observer: self.run.reporter.clone(),
        };
        let armed = lending.as_ref().map(Lending::arm);
        let ended = shell::run(session, &program, here).await;
        drop(armed);
        let words = words.await.unwrap_or_default();
        let _ = tokio::task::spawn_blocking(move || (output_thread.join(), error_thread.join())).await;
        let ended = ended?;
        if program.terminal.is_some() && !self.ssh.output.quiet {
            // with the carriage return that a terminal in raw mode needs, as ssh writes it
            let text = safe::line(format!("Connection to {} closed.", host.hostname.value));
            let _ = write!(io::stderr().lock(), "{text}\r\n"); // there is nowhere left to report it
        }
        self.run.reporter.event(Event::Detail(format!("Exit status {}", status(&ended))));
        match there.lending {
            Some(lending) => lending.settle(status(&ended), &words).await,
            None => Ok(status(&ended)),
        }
    }

    fn program(&self, task: Task, host: &Host, agent: bool) -> (Program, Option<Terminal>) {
        let request = match host.request_tty.as_str() {
            "yes" => RequestTty::Yes,
            "force" => RequestTty::Force,
            "no" => RequestTty::No,
            _ => RequestTty::Auto,
        };
        let local = Terminal::of(io::stdin()).ok().flatten();
        let input = match local.is_some() && !host.session_options.stdin_null.value {
            true => Input::Terminal,
            false => Input::Other,
        };
        let variables = &self.environment.variables;
        let term = || variables.get("TERM").map(|term| term.to_string_lossy().into_owned()).unwrap_or_default();
        let terminal = match shell::tty_request(request, &task, input) {
            TtyRequest::Terminal => {
                Some(local.as_ref().map_or_else(|| shell::without_local(term()), |l| l.remote(term())))
            }
            TtyRequest::NoneHere => {
                let text = "Pseudo-terminal will not be allocated because stdin is not a terminal.";
                self.run.reporter.event(Event::Warning(text.to_owned()));
                None
            }
            TtyRequest::None => None,
        };
        (Program { task, terminal, environment: host.environment(variables), agent }, local)
    }
}

/// The socket of the agent to forward, if one is.
fn agent_socket(host: &Host) -> Option<PathBuf> {
    let own = host.session_options.agent_socket.as_ref().map(|socket| socket.value.clone());
    match &host.identity_agent.value {
        _ if !host.forward_agent.value => None,
        _ if own.is_some() => own,
        IdentityAgent::Socket(socket) => Some(socket.clone()),
        IdentityAgent::None => None,
    }
}

fn local(name: &'static str) -> impl Fn(io::Error) -> Error {
    move |source| Error::Local { path: name.into(), source }
}

/// A queue without signals, since another task takes them all.
fn streams_of_no_signals() -> Receiver<&'static str> {
    tokio::sync::mpsc::channel(1).1
}
