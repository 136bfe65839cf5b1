//! Which tunnels does a run have? Ports are opened here and on the host, and served until the run ends.
//!
//! Main type: [`Building`]. A port that cannot be opened is reported; with `ExitOnForwardFailure` it ends the run.

use std::sync::Arc;

use tokio::task::JoinSet;

use crate::chain::{ChainError, Session, Way};
use crate::config::{Host, SessionOptions, Value};
use crate::error::Error;
use crate::forward::{
    self, Forward, ForwardAddress, ForwardTarget, Hold, Listener, Listening, Permitted, TunnelSessions,
};
use crate::progress::{Event, Observer};

/// Tunnels under construction.
pub struct Building<'a> {
    /// The options of the host's configuration.
    pub session_options: &'a SessionOptions,
    /// The way to the host.
    pub way: &'a Way,
    /// The lane of the way whose session listens on the host.
    pub lane: usize,
    /// The state that the tunnels share.
    pub tunnels: forward::Tunnels,
}

impl Building<'_> {
    /// Listens on this machine and serves in `tasks`.
    pub async fn here(&self, tasks: &mut JoinSet<()>) -> Result<(), Error> {
        let listening = Listening {
            gateway_ports: self.session_options.gateway_ports.value,
            mask: self.session_options.stream_local_bind_mask.value,
            unlink: self.session_options.stream_local_bind_unlink.value,
        };
        for forward in parsed(&self.session_options.local_forwards)? {
            match Listener::open(&forward.listen, &listening).await {
                Ok(listener) => {
                    tasks.spawn(forward::local(listener, forward.to, self.tunnels.clone()));
                }
                Err(error) => self.failed(&forward.listen, &crate::words::words_of(&error))?,
            }
        }
        Ok(())
    }

    /// Makes the host listen and serves in `tasks`.
    pub async fn there(&self, tasks: &mut JoinSet<()>) -> Result<(), Error> {
        let forwards = parsed(&self.session_options.remote_forwards)?;
        if forwards.is_empty() {
            return Ok(());
        }
        let session = self.way.session(self.lane).await?;
        for forward in forwards {
            match self.listen_there(&session, &forward).await {
                Ok(served) => drop(tasks.spawn(served)),
                Err(error) => self.failed(&forward.listen, &error.cause.to_string())?,
            }
        }
        Ok(())
    }

    async fn listen_there(
        &self,
        session: &Session,
        forward: &Forward,
    ) -> Result<impl Future<Output = ()> + use<>, ChainError> {
        let listener = forward::listen_there(session, &forward.listen).await?;
        if let ForwardAddress::Port(_, 0) = forward.listen {
            let to = match &forward.to {
                ForwardTarget::Fixed(place) => place.to_string(),
                ForwardTarget::Asked => "SOCKS".to_owned(),
            };
            self.say(format!("Allocated port {} for remote forward to {to}", listener.port()));
        }
        Ok(forward::remote(listener, forward.to.clone(), self.tunnels.clone()))
    }

    fn failed(&self, place: &ForwardAddress, problem: &str) -> Result<(), Error> {
        let text = format!("cannot listen on {place}: {problem}");
        match self.session_options.exit_on_forward_failure.value {
            true => Err(Error::Usage(text)),
            false => {
                self.say(text);
                Ok(())
            }
        }
    }

    fn say(&self, text: String) {
        self.tunnels.observer.event(Event::Warning(text));
    }
}

/// Serves the host's connections to the user's agent in `tasks`.
pub fn agent(session: &Session, socket: &std::path::Path, tunnels: &forward::Tunnels, tasks: &mut JoinSet<()>) {
    tasks.spawn(forward::agent(session.clone(), socket.to_owned(), tunnels.clone()));
}

/// The tunnels of a run that has reached `session` along `way`. The sessions from `lane` on are free for them; the
/// lanes before are used by a program.
pub fn along<'a>(
    host: &'a Host,
    way: &'a Way,
    session: &Session,
    lane: usize,
    observer: Arc<dyn Observer>,
) -> Building<'a> {
    let session_options = &host.session_options;
    let (hold, sessions) = match session.needed_a_person() {
        true => {
            let hold = Arc::new(if lane > 0 { Hold::beside_a_program() } else { Hold::default() });
            (hold.clone(), TunnelSessions::together(way.clone(), lane, hold))
        }
        false => {
            let hold = Arc::new(Hold::default());
            let after_what_listens_there = lane + usize::from(!session_options.remote_forwards.is_empty());
            (hold.clone(), TunnelSessions::of_their_own(way.clone(), after_what_listens_there, &hold))
        }
    };
    let permitted = Permitted::of(session_options.permit_remote_open.iter().map(|word| word.value.as_str()));
    let tunnels = forward::Tunnels { sessions: Arc::new(sessions), hold, permitted, observer };
    Building { session_options, way, lane, tunnels }
}

fn parsed(forwards: &[Value<String>]) -> Result<Vec<Forward>, Error> {
    let read = |text: &Value<String>| {
        Forward::parse(text).ok_or_else(|| Error::Usage(format!("{}: `{}` is no forwarding", text.origin, text.value)))
    };
    forwards.iter().map(read).collect()
}
