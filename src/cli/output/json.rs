//! What happens, as JSON? One object per line on standard output, with keys always in the order given here.
//!
//! Each object begins with `"event"`. Sizes are bytes. Later versions may add objects and keys, but change none.
//!
//! | `event` | keys that follow | when |
//! | --- | --- | --- |
//! | `connected` | `way`, `user`, `algorithm`, `fingerprint` | a host was logged in to, once per connection |
//! | `route` | `route` (`upload` `download` `relay` `direct`), `reason` | once, before any file |
//! | `planned` | `path`, `destination`, `size` (null for a folder or link) | a dry run, once per file |
//! | `file_started` | `id`, `path`, `size` | data begins to move |
//! | `resumed` | `id`, `path`, `kept`, `because` | an earlier attempt left a part: `kept` bytes need not be sent again |
//! | `hashed` | `id`, `sha256_source`, `sha256_destination` | both ends were read, before `file_done` |
//! | `file_done` | `id`, `path`, `destination`, `size`, `kept` | the file is complete under its final name |
//! | `file_failed` | `id` (null if it never started), `path`, `error` | a file failed; the others continue |
//! | `reconnecting` | `error`, `attempt`, `of`, `wait` (seconds) | a connection was lost, and is made again after the wait |
//! | `unchanged` | `path` | the destination already has the file (`--update`) |
//! | `removed`, `planned_removal` | `path` at the destination | `--delete`: the source does not have it |
//! | `skipped` | `path`, `reason` | left out on purpose |
//! | `host_key_added` | `host`, `algorithm`, `fingerprint`, `file` | a line was added to known_hosts |
//! | `agent` | `user`, `host`, `tier` (`A` `B` `C`), `fingerprint`, `signatures`, `refused` | a login was lent; the loan has ended |
//! | `waiting`, `warning` | `text` | |
//! | `summary` | `exit_code`, `result`, `route`, `files_done`, `files_failed`, `files_unchanged`, `bytes`, `bytes_kept`, `seconds`, `error`, `hints` | last, always |
//!
//! A log (`--log`) has the same objects with `time` and `process` before `event`, and begins each run with `run`:
//! `version`, `sources`, `destination`. A receipt (`--receipt`) is one document of its own: see `receipt.rs`.
//!
//! `result` names the exit code (`done`, `usage`, `connect`, `host_key`, `authentication`, `some_failed`, …); `route` and
//! `error` may be null; `error` and `hints` have the text printed on standard error.
//!
//! `hop ls --json` prints an object per entry, without `event`: `host` (as typed), `path`, `type` (`file` `directory`
//! `symlink` `fifo` `socket` `device` `unknown`), `size`, `mode` (octal, as text), `uid`, `gid`, `mtime` (seconds since
//! 1970), `target` (of a link); values that the server does not send are null.
//!
//! `hop key check --json` prints an object per key: `file`, `holds` (`private_key` `public_key` `certificate` `nothing`),
//! `type`, `bits`, `fingerprint`, `comment`, `encrypted`, `owner`, `mode`, `hosts` (that use it), `problem`, `hint`;
//! values that are not known, and the problem if there is none, are null. `hop hosts --json` prints an object per host:
//! `host`, `hostname`, `port`, `user`, `jumps`, `keys` (that the configuration names), `origin`.
//!
//! `hop doctor --json` prints a `check` for each row: `host`, `check` (`resolve` `dial` `greet` `host key` `authenticate`
//! `sftp` `shell` `disk` `clock` `agent` `tools` `reach` `line` `route`), `outcome` (`good` `remark` `failed`), `about`,
//! `seconds`, `meaning`, `causes` (each with `cause` and `todo`, the likeliest first); then one `diagnosis`: `exit_code`,
//! `result`, and the `host` and `check` that failed first, or null.
//!
//! Names and texts are made safe for a terminal: control bytes and invalid UTF-8 read `\xNN`. Where that changed a
//! name, `path_hex` (`destination_hex`, `name_hex`, …) follows it with its exact bytes; without one, the name is exact.

use std::time::Duration;

use serde_json::{Map, Value};

use super::safe;
use crate::progress::{Change, Event};

use super::summary::Summary;

/// A JSON object that keeps the order of its keys.
#[derive(Debug, Default)]
pub struct Object(Map<String, Value>);

impl Object {
    /// An object whose first key is `event`.
    pub fn event(name: &str) -> Object {
        Object::default().with("event", name)
    }

    /// Adds a value of hop's own: a number, a word.
    pub fn with(mut self, key: &str, value: impl Into<Value>) -> Object {
        self.0.insert(key.to_owned(), value.into());
        self
    }

    /// Adds all keys of another object.
    pub fn and(mut self, other: Object) -> Object {
        self.0.extend(other.0);
        self
    }

    /// Removes a key.
    pub fn without(mut self, key: &str) -> Object {
        self.0.shift_remove(key);
        self
    }

    /// Adds a text that may come from a stranger, made safe.
    pub fn text(self, key: &str, text: &str) -> Object {
        self.with(key, safe::line(text))
    }

    /// Adds a name given in bytes, and under `KEY_hex` its exact bytes in hexadecimal if it had to be changed.
    pub fn name(self, key: &str, bytes: &[u8]) -> Object {
        let safe = safe::line(bytes);
        let exact = safe.as_bytes() == bytes;
        let object = self.with(key, safe);
        if exact { object } else { object.with(&format!("{key}_hex"), hex::encode(bytes)) }
    }
}

impl std::fmt::Display for Object {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&serde_json::to_string(&self.0).map_err(|_| std::fmt::Error)?)
    }
}

/// The object for an event; `None` for events that are only for people.
pub fn object(event: &Event) -> Option<Object> {
    Some(match event {
        Event::Connected { way, user, algorithm, fingerprint } => Object::event("connected")
            .text("way", way)
            .text("user", user)
            .text("algorithm", algorithm)
            .text("fingerprint", fingerprint),
        Event::Hashed { id, source, destination } => Object::event("hashed")
            .with("id", *id)
            .text("sha256_source", source)
            .text("sha256_destination", destination),
        Event::Route { route, reason } => Object::event("route").text("route", route).text("reason", reason),
        Event::Planned { path, destination, size } => {
            Object::event("planned").name("path", path).name("destination", destination).with("size", *size)
        }
        Event::FileStarted { id, path, size, .. } => {
            Object::event("file_started").with("id", *id).name("path", path).with("size", *size)
        }
        Event::FileDone { id, path, destination, size, kept } => Object::event("file_done")
            .with("id", *id)
            .name("path", path)
            .name("destination", destination)
            .with("size", *size)
            .with("kept", *kept),
        Event::InPlace { id, destination, reason } => {
            Object::event("in_place").with("id", *id).name("destination", destination).with("reason", *reason)
        }
        Event::Resumed { id, path, kept, because } => {
            Object::event("resumed").with("id", *id).name("path", path).with("kept", *kept).with("because", *because)
        }
        Event::Reconnecting { error, attempt, of, wait } => Object::event("reconnecting")
            .text("error", error)
            .with("attempt", *attempt)
            .with("of", *of)
            .with("wait", seconds(*wait)),
        Event::FileFailed { id, path, error } => {
            Object::event("file_failed").with("id", *id).name("path", path).text("error", error)
        }
        Event::Unchanged { path } => Object::event("unchanged").name("path", path),
        Event::Removed { path } => Object::event("removed").name("path", path),
        Event::PlannedChange { change, path } => Object::event(planned(*change)).name("path", path),
        Event::Skipped { path, reason } => Object::event("skipped").name("path", path).text("reason", reason),
        Event::HostKeyAdded { host, algorithm, fingerprint, file } => Object::event("host_key_added")
            .text("host", host)
            .text("algorithm", algorithm)
            .text("fingerprint", fingerprint)
            .name("file", file.as_os_str().as_encoded_bytes()),
        Event::Lent { user, host, tier, fingerprint, is_ephemeral, signatures, refused } => Object::event("agent")
            .text("user", user)
            .text("host", host)
            .with("auth", if *is_ephemeral { "ephemeral" } else { "agent" })
            .text("tier", tier)
            .text("fingerprint", fingerprint)
            .with("signatures", *signatures)
            .with("refused", *refused),
        Event::Waiting(text) => Object::event("waiting").text("text", text),
        Event::Warning(text) => Object::event("warning").text("text", text),
        _ => return None,
    })
}

fn planned(change: Change) -> &'static str {
    match change {
        Change::Removal => "planned_removal",
        Change::Repair => "planned_repair",
    }
}

/// A time in seconds, rounded to milliseconds.
pub fn seconds(time: Duration) -> f64 {
    (time.as_secs_f64() * 1000.0).round() / 1000.0
}

/// The last object of a run.
pub fn summary(summary: &Summary) -> Object {
    let hints: Vec<String> = summary.hints.iter().map(safe::line).collect();
    Object::event("summary")
        .with("exit_code", summary.kind.code())
        .with("result", summary.kind.name())
        .with("route", summary.route.as_deref().map(safe::line))
        .with("files_done", summary.files_done)
        .with("files_failed", summary.files_failed)
        .with("files_unchanged", summary.unchanged)
        .with("bytes", summary.bytes)
        .with("bytes_kept", summary.kept)
        .with("seconds", seconds(summary.elapsed))
        .with("error", summary.error.as_deref().map(safe::line))
        .with("hints", hints)
}
