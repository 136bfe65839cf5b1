//! Is a terminal asked for? `-t`, `-T` and `RequestTTY`, what is run, and whether there is a terminal here.
//!
//! Main function: [`tty_request`], the rule of OpenSSH's `ssh.c`.

use crate::chain::Task;

/// What `RequestTTY`, `-t` and `-T` ask for.
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

/// What standard input is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Input {
    /// A terminal that will be read.
    Terminal,
    /// Anything else, or nothing (`-n`).
    Other,
}

/// What comes of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TtyRequest {
    /// No terminal.
    None,
    /// No terminal, and whoever asked for one is told that there is none here.
    NoneHere,
    /// A terminal.
    Terminal,
}

/// Whether `task` gets a terminal.
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
