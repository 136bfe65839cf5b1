//! Is a terminal requested? It depends on `-t`, `-T` and `RequestTTY`, on what is run, and on whether there is a
//! terminal here.
//!
//! Main function: [`tty_request`], the rule of OpenSSH's `ssh.c`.

use crate::chain::Task;

/// The setting of `RequestTTY`, `-t` and `-T`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RequestTty {
    /// `no`, `-T`.
    No,
    /// `yes`, `-t`.
    Yes,
    /// `force`, `-tt`.
    Force,
    /// `auto`.
    Auto,
}

/// The kind of standard input.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Input {
    /// A terminal that will be read from.
    Terminal,
    /// Anything else, or nothing (`-n`).
    Other,
}

/// The decision.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TtyRequest {
    /// No terminal.
    None,
    /// No terminal, and a warning that there is none here although one was requested.
    NoneHere,
    /// A terminal.
    Terminal,
}

/// Decides whether `task` gets a terminal.
pub fn tty_request(request: RequestTty, task: &Task, input: Input) -> TtyRequest {
    let asked = match (request, task) {
        (RequestTty::No, _) => false,
        (RequestTty::Yes | RequestTty::Force, _) => true,
        (RequestTty::Auto, task) => *task == Task::Shell,
    };
    match (asked, input) {
        (false, _) => TtyRequest::None,
        (true, Input::Other) if request != RequestTty::Force => TtyRequest::NoneHere,
        (true, _) => TtyRequest::Terminal,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_rule_is_that_of_ssh() {
        let command = Task::Command(b"ls".to_vec());
        assert_eq!(tty_request(RequestTty::Auto, &Task::Shell, Input::Terminal), TtyRequest::Terminal);
        assert_eq!(tty_request(RequestTty::Auto, &Task::Shell, Input::Other), TtyRequest::NoneHere);
        assert_eq!(tty_request(RequestTty::Auto, &command, Input::Terminal), TtyRequest::None);
        assert_eq!(tty_request(RequestTty::Yes, &command, Input::Terminal), TtyRequest::Terminal);
        assert_eq!(tty_request(RequestTty::Yes, &command, Input::Other), TtyRequest::NoneHere);
        assert_eq!(tty_request(RequestTty::Force, &command, Input::Other), TtyRequest::Terminal);
        assert_eq!(tty_request(RequestTty::No, &Task::Shell, Input::Terminal), TtyRequest::None);
    }
}
