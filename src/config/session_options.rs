//! Which options does a shell or a tunnel need beyond those of the connection? Copies ignore them.
//!
//! Main type: [`SessionOptions`].

use std::path::PathBuf;

use super::origin::Value;

/// Options for the terminal, escapes and forwardings, as in ssh_config.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SessionOptions {
    /// `SessionType`.
    pub session_type: Value<SessionType>,
    /// `LocalCommand`, if `PermitLocalCommand` lets it run.
    pub local_command: Option<LocalCommand>,
    /// `StdinNull`.
    pub stdin_null: Value<bool>,
    /// `ForkAfterAuthentication` (`-f`), which implies `StdinNull`.
    pub fork_after_authentication: Value<bool>,
    /// `EscapeChar`, as a byte; `None` for `none`.
    pub escape_char: Value<Option<u8>>,
    /// The path in `ForwardAgent`, expanded; `ForwardAgent yes` forwards the agent used for the login.
    pub agent_socket: Option<Value<PathBuf>>,
    /// `LocalForward` as `LISTEN CONNECT` and `DynamicForward` as `LISTEN`; each end is a path, a port or
    /// `[ADDRESS]:PORT`.
    pub local_forwards: Vec<Value<String>>,
    /// `RemoteForward`, in the same form; `LISTEN [socks]:0` if each connection names its own destination.
    pub remote_forwards: Vec<Value<String>>,
    /// `PermitRemoteOpen`: where a remote forwarding without a destination may lead; `any`, `none`, or `HOST:PORT` words.
    pub permit_remote_open: Vec<Value<String>>,
    /// `GatewayPorts`.
    pub gateway_ports: Value<bool>,
    /// `ExitOnForwardFailure`.
    pub exit_on_forward_failure: Value<bool>,
    /// `StreamLocalBindMask`.
    pub stream_local_bind_mask: Value<u32>,
    /// `StreamLocalBindUnlink`.
    pub stream_local_bind_unlink: Value<bool>,
}

/// `LocalCommand`: what runs on this machine once the login is done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LocalCommand {
    /// The user's shell.
    pub shell: PathBuf,
    /// The line for it, its tokens expanded.
    pub line: String,
}

/// `SessionType`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SessionType {
    /// A shell or a command.
    Default,
    /// No session (`-N`).
    None,
    /// A subsystem (`-s`).
    Subsystem,
}

impl Default for SessionOptions {
    /// The defaults of ssh.
    fn default() -> SessionOptions {
        SessionOptions {
            session_type: Value::default(SessionType::Default),
            local_command: None,
            stdin_null: Value::default(false),
            fork_after_authentication: Value::default(false),
            escape_char: Value::default(Some(b'~')),
            agent_socket: None,
            local_forwards: Vec::new(),
            remote_forwards: Vec::new(),
            permit_remote_open: vec![Value::default("any".to_owned())],
            gateway_ports: Value::default(false),
            exit_on_forward_failure: Value::default(false),
            stream_local_bind_mask: Value::default(0o177),
            stream_local_bind_unlink: Value::default(false),
        }
    }
}

/// `EscapeChar` as a byte, from the form that `ssh -G` prints.
pub fn escape_char(printed: &str) -> Option<u8> {
    match printed.as_bytes() {
        b"none" | b"" => None,
        br"\040" => Some(b' '),
        br"\\" => Some(b'\\'),
        br"\^?" => Some(0x7f),
        [b'\\', b'^', letter] => Some(letter & 31),
        [letter, ..] => Some(*letter),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_escape_character_is_read_as_it_is_printed() {
        let cases =
            [("~", Some(b'~')), ("none", None), (r"\^]", Some(0x1d)), (r"\\", Some(b'\\')), (r"\^?", Some(0x7f))];
        for (printed, byte) in cases {
            assert_eq!(escape_char(printed), byte, "{printed}");
        }
    }
}
