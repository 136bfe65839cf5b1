//! Is a terminal asked for? `-t`, `-T` and `RequestTTY`, what is run, and whether there is a terminal here.
//!
//! Main function: [`wanted`], the rule of OpenSSH's `ssh.c`.

use crate::chain::Task;

/// What `RequestTTY`, `-t` and `-T` ask for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Request {
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
pub enum Wanted {
    /// No terminal.
    None,
    /// No terminal, and whoever asked for one is told that there is none here.
    NoneHere,
    /// A terminal.
    Terminal,
}

/// Whether `task` gets a terminal.
pub fn wanted(request: Request, task: &Task, input: Input) -> Wanted {
    let asked = match (request, task) {
        (Request::No, _) => false,
        (Request::Yes | Request::Force, _) => true,
        (Request::Auto, task) => *task == Task::Shell,
    };
    match (asked, input) {
        (false, _) => Wanted::None,
        (true, Input::Other) if request != Request::Force => Wanted::NoneHere,
        (true, _) => Wanted::Terminal,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_rule_is_that_of_ssh() {
        let command = Task::Command(b"ls".to_vec());
        assert_eq!(wanted(Request::Auto, &Task::Shell, Input::Terminal), Wanted::Terminal);
        assert_eq!(wanted(Request::Auto, &Task::Shell, Input::Other), Wanted::NoneHere);
        assert_eq!(wanted(Request::Auto, &command, Input::Terminal), Wanted::None);
        assert_eq!(wanted(Request::Yes, &command, Input::Terminal), Wanted::Terminal);
        assert_eq!(wanted(Request::Yes, &command, Input::Other), Wanted::NoneHere);
        assert_eq!(wanted(Request::Force, &command, Input::Other), Wanted::Terminal);
        assert_eq!(wanted(Request::No, &Task::Shell, Input::Terminal), Wanted::None);
    }
}
