//! Errors and the advice that comes with them, one of each kind: the words, the hints, the exit code.

use std::io;
use std::path::PathBuf;
use std::time::Duration;

use hop::auth::{AuthError, KeyProblem, UnusedKey};
use hop::chain::{Cause, ChainError, Trail};
use hop::cli::advice::hints;
use hop::config::{Configuration, Flags, Host, LocalEnv};
use hop::error::Error;
use hop::progress::Stage;
use hop::sftp::SftpError;
use hop::target::HostSpec;
use hop::trust::{KnownAt, NotAccepted, Revoker, TrustError};

/// `acc-pvt` behind `acc-bastion`, nothing configured.
fn hosts() -> Vec<Host> {
    let flags = Flags {
        config_file: Some(PathBuf::from("none")),
        options: vec!["ProxyJump=acc-bastion:2222".into()],
        ..Flags::default()
    };
    let configuration = Configuration::load(flags, LocalEnv::default()).expect("a configuration");
    let target = HostSpec { user: None, host: "acc-pvt".into(), port: None };
    configuration.resolve(&target).expect("two hosts")
}

fn at(trail: &[&str], stage: Stage, cause: impl Into<Cause>) -> Error {
    let trail = Trail(trail.iter().map(|hop| (*hop).to_owned()).collect());
    ChainError { trail, stage, cause: cause.into() }.into()
}

fn near(stage: Stage, cause: impl Into<Cause>) -> Error {
    at(&["acc-bastion"], stage, cause)
}

fn far(stage: Stage, cause: impl Into<Cause>) -> Error {
    at(&["acc-bastion", "acc-pvt"], stage, cause)
}

/// What a person sees, and the exit code.
fn told(error: &Error) -> String {
    let hints: String = hints(error, &[hosts()]).iter().map(|hint| format!("hint: {hint}\n")).collect();
    format!("hop: {error}\n{hints}exit {}\n", error.kind().code())
}

fn all(errors: impl IntoIterator<Item = Error>) -> String {
    errors.into_iter().map(|error| told(&error)).collect::<Vec<_>>().join("\n")
}

fn unknown(because: NotAccepted) -> TrustError {
    TrustError::Unknown {
        host: "10.10.2.20".into(),
        algorithm: "ssh-ed25519".into(),
        fingerprint: "SHA256:AAAA".into(),
        because,
    }
}

fn known(line: usize) -> KnownAt {
    KnownAt {
        file: "/home/me/.ssh/known hosts".into(),
        line,
        algorithm: "ssh-ed25519".into(),
        fingerprint: "SHA256:BBBB".into(),
    }
}

#[test]
fn host_keys() {
    let (host, algorithm, fingerprint) =
        (String::from("10.10.2.20"), String::from("ssh-ed25519"), String::from("SHA256:AAAA"));
    let text = all([
        near(Stage::VerifyHost, unknown(NotAccepted::NobodyToAsk)),
        far(Stage::VerifyHost, unknown(NotAccepted::NobodyToAsk)),
        near(Stage::VerifyHost, unknown(NotAccepted::Strict)),
        far(Stage::VerifyHost, unknown(NotAccepted::Declined)),
        far(Stage::VerifyHost, unknown(NotAccepted::NowhereToRecord)),
        far(
            Stage::VerifyHost,
            TrustError::Changed {
                host: "[10.10.2.20]:2222".into(),
                algorithm: algorithm.clone(),
                fingerprint: fingerprint.clone(),
                known: vec![known(7), known(9)],
            },
        ),
        far(
            Stage::VerifyHost,
            TrustError::Revoked { host, algorithm, fingerprint, by: Revoker::Line(Box::new(known(3))) },
        ),
        near(
            Stage::VerifyHost,
            TrustError::Record {
                file: "/home/me/.ssh/known_hosts".into(),
                source: io::ErrorKind::PermissionDenied.into(),
            },
        ),
    ]);
    insta::assert_snapshot!(text);
}

#[test]
fn logins() {
    let refused = |tried: &[&str], unused| AuthError::Refused {
        user: "nobody".into(),
        tried: tried.iter().map(|key| (*key).to_owned()).collect(),
        offered: vec!["publickey".into(), "password".into()],
        unused,
        doubtful: vec![],
    };
    let open = UnusedKey { file: "/home/me/my acc.pem".into(), problem: KeyProblem::TooOpen(0o644) };
    let text = all([
        far(Stage::Authenticate, refused(&["/home/me/acc.pem"], vec![])),
        far(Stage::Authenticate, refused(&[], vec![])),
        far(Stage::Authenticate, refused(&["agent: me@laptop"], vec![open])),
        far(Stage::Authenticate, AuthError::Permissions { file: "/home/me/acc.pem".into(), mode: 0o644 }),
        far(
            Stage::Authenticate,
            AuthError::Disconnected { reason: "Too many authentication failures".into(), tried: vec!["a".into()] },
        ),
        near(
            Stage::Authenticate,
            AuthError::NeedsPerson { user: "me".into(), method: "password".into(), tried: vec![] },
        ),
    ]);
    insta::assert_snapshot!(text);
}

#[test]
fn ways() {
    let refused = |reason: &str| Cause::ForwardRefused {
        by: "acc-bastion".into(),
        to: "10.10.2.20:22".into(),
        reason: reason.into(),
    };
    let io = |kind| Cause::Io { what: "connect to 54.0.0.1:22".into(), source: io::Error::from(kind) };
    let text = all([
        far(Stage::Dial, refused("administratively prohibited (open failed)")),
        far(Stage::Dial, refused("connect failed (Connection refused)")),
        far(Stage::Dial, refused("connect failed (Connection timed out)")),
        far(Stage::Dial, refused("connect failed")),
        far(Stage::Dial, Cause::TimedOut(Duration::from_secs(30))),
        near(Stage::Dial, Cause::TimedOut(Duration::from_secs(10))),
        near(Stage::Dial, io(io::ErrorKind::ConnectionRefused)),
        near(Stage::Dial, io(io::ErrorKind::HostUnreachable)),
        near(Stage::Resolve, Cause::Resolve { name: "acc-bastoin".into(), problem: "not known".into() }),
        far(Stage::Resolve, Cause::Resolve { name: "db.internal".into(), problem: "not known".into() }),
        near(Stage::Greet, Cause::TimedOut(Duration::from_secs(20))),
        near(Stage::Greet, Cause::Protocol("the other side does not speak SSH 2".into())),
        far(Stage::StartSftp, Cause::Refused("the server has no sftp subsystem".into())),
        far(Stage::StartSftp, Cause::Sftp(SftpError::Protocol("a packet of 1819043144 bytes".into()))),
    ]);
    insta::assert_snapshot!(text);
}
