//! Compose v2 is a plugin of docker's, v1 a program by itself: `docker/street` takes what is there. No engine is needed
//! for it: `docker` and `docker-compose` are scripts here that write down what they are asked.

use std::fs;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::Path;
use std::process::Command;

use crate::skips::need;
use crate::street::{Outcome, run};

/// `docker/street down` with these programs on PATH, and what they were asked.
fn down(programs: &[(&str, &str)]) -> Option<(Outcome, String)> {
    let folder = tempfile::tempdir().expect("a folder for programs");
    for tool in ["bash", "cat", "dirname"] {
        symlink(need(tool)?, folder.path().join(tool)).expect("a link");
    }
    let asked = folder.path().join("asked");
    for (name, end) in programs {
        let file = folder.path().join(name);
        fs::write(&file, format!("#!/bin/sh\necho {name} \"$@\" >>\"{}\"\n{end}\n", asked.display()))
            .expect("a script");
        fs::set_permissions(&file, fs::Permissions::from_mode(0o755)).expect("chmod");
    }
    let street = Path::new(env!("CARGO_MANIFEST_DIR")).join("docker/street");
    let outcome = run(Command::new(street).arg("down").env("PATH", folder.path()).env("STREET_HOME", folder.path()));
    Some((outcome, fs::read_to_string(&asked).unwrap_or_default()))
}

const WITH_PLUGIN: (&str, &str) = ("docker", "exit 0");
const WITHOUT: (&str, &str) = ("docker", r#"[ "$1" != compose ] || exit 1"#);
const OLD: (&str, &str) = ("docker-compose", "exit 0");

#[test]
fn the_plugin_is_taken_first_then_the_old_program() {
    for (programs, by) in [
        (vec![WITH_PLUGIN, OLD], "docker compose --project-name hop-street "),
        (vec![WITH_PLUGIN], "docker compose --project-name hop-street "),
        (vec![WITHOUT, OLD], "docker-compose --project-name hop-street "),
    ] {
        let Some((outcome, asked)) = down(&programs) else { return };
        let last = asked.lines().last().unwrap_or_default();
        let all_is_said = last.starts_with(by) && last.ends_with("docker/compose.yaml down --remove-orphans");
        assert!(outcome.code == Some(0) && all_is_said, "{programs:?}: {outcome}\n{asked}");
    }
}

#[test]
fn with_neither_it_says_what_is_missing() {
    let Some((outcome, _)) = down(&[WITHOUT]) else { return };
    let is_said = outcome.stderr.contains("neither `docker compose` nor docker-compose is here");
    assert!(outcome.code == Some(1) && is_said, "{outcome}");
}
