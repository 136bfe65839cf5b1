//! What is said while files move: the JSON objects, the plain lines, the levels.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use hop::cli::output::display::Level;
use hop::cli::output::lines::lines_of;
use hop::cli::output::summary::Summary;
use hop::cli::output::{json, plain};
use hop::error::ExitKind;
use hop::progress::{Event, Stage};

fn events() -> Vec<Event> {
    let path = || b"logs/\xffa\x1b[2J.gz".to_vec();
    vec![
        Event::Stage { hop: "acc-bastion".into(), stage: Stage::Authenticate },
        Event::Banner { hop: "acc-bastion".into(), text: "Welcome\r\n\x1b]0;owned\x07 to acc\n".into() },
        Event::HostKeyAdded {
            host: "[54.0.0.1]:2222".into(),
            algorithm: "ssh-ed25519".into(),
            fingerprint: "SHA256:AAAA".into(),
            file: PathBuf::from("/home/me/.ssh/known_hosts"),
        },
        Event::Route { route: "download".into(), reason: "the source is remote".into() },
        Event::Planned { path: path(), destination: b"here/a.gz".to_vec(), size: Some(2048) },
        Event::Planned { path: b"logs".to_vec(), destination: b"here".to_vec(), size: None },
        Event::FileStarted { id: 1, path: path(), size: 2048, done: Arc::default() },
        Event::FileDone { id: 1, path: path(), destination: b"here/a.gz".to_vec(), size: 2048, kept: 0 },
        Event::FileFailed { id: Some(2), path: b"b".to_vec(), error: "permission denied \u{202e}".into() },
        Event::FileFailed { id: None, path: b"c".to_vec(), error: "no such file".into() },
        Event::Skipped { path: b"s".to_vec(), reason: "a socket".into() },
        Event::Warning("the server has no posix-rename".into()),
        Event::Detail("8 lanes".into()),
    ]
}

fn summary() -> Summary {
    Summary {
        kind: ExitKind::SomeFailed,
        route: Some("download".into()),
        files_done: 3,
        files_failed: 2,
        unchanged: 4,
        skipped: 1,
        kept: 0,
        removed: 0,
        bytes: 5 << 20,
        elapsed: Duration::from_millis(2500),
        dry_run: false,
        error: Some("2 files failed".into()),
        hints: vec!["look at them".into()],
    }
}

#[test]
fn json_objects_keep_their_shape() {
    let mut lines: Vec<String> = events().iter().filter_map(json::object).map(|object| object.to_string()).collect();
    lines.push(json::summary(&summary()).to_string());
    lines.push(json::summary(&Summary::default()).to_string());
    for line in &lines {
        serde_json::from_str::<serde_json::Value>(line).expect("each line is JSON");
        assert!(line.chars().all(|c| !c.is_control()), "{line:?}");
    }
    let text = lines.join("\n");
    insta::assert_snapshot!(text);
}

#[test]
fn each_level_says_what_the_ones_before_it_say() {
    let levels = [Level::Failures, Level::Remarks, Level::Story, Level::Steps];
    let said = levels.map(|level| events().iter().flat_map(|event| lines_of(event, level)).collect::<Vec<_>>());
    for pair in said.windows(2) {
        assert!(pair[0].iter().all(|line| pair[1].contains(line)));
        assert!(pair[0].len() < pair[1].len());
    }
    let text: Vec<String> =
        levels.iter().zip(&said).map(|(level, lines)| format!("{level:?}\n{}\n", lines.join("\n"))).collect();
    let text = text.join("\n");
    insta::assert_snapshot!(text);
}

#[test]
fn the_summary_is_one_line() {
    let some = summary();
    let all = Summary { files_failed: 0, unchanged: 0, skipped: 0, ..summary() };
    let one = Summary { files_done: 1, bytes: 0, elapsed: Duration::ZERO, ..all.clone() };
    let dry = Summary { dry_run: true, ..all.clone() };
    insta::assert_snapshot!([some, all, one, dry].map(|summary| plain::summary(&summary)).join("\n"), @r"
    3 files, 5.0 MiB in 2.5 s (2.0 MiB/s), 2 failed, 4 unchanged, 1 skipped
    3 files, 5.0 MiB in 2.5 s (2.0 MiB/s)
    1 file, 0 B in 0.00 s (0 B/s)
    would copy 3 files, 5.0 MiB; nothing was written
    ");
}
