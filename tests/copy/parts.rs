//! Whose is a part? Each run's own: two runs of one file never share one, a run that has ended is gone on from, and what
//! another user or another pair of files left is not touched.

use std::collections::BTreeSet;
use std::fs;
use std::os::fd::OwnedFd;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, chown, symlink};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use hop::copy::{Job, Options, Report, Resume, copy};
use hop::progress::{Counters, Event};
use rustix::fs::inotify;
use tokio::task::JoinHandle;

use super::ends::{Scene, Seen, WAYS, Way, assert_same, content, recursive, whole};

const MIB: usize = 1 << 20;

fn parts(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    entries.filter(|path| path.to_string_lossy().ends_with(".part")).collect()
}

fn length(parts: &[PathBuf]) -> u64 {
    parts.iter().filter_map(|part| fs::metadata(part).ok()).map(|part| part.len()).sum()
}

pub async fn until(what: &str, mut is_so: impl FnMut() -> bool) {
    for _ in 0..20_000 {
        if is_so() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
    panic!("never: {what}");
}

/// So slow that something can happen meanwhile.
fn slow() -> Options {
    Options { rate: Some(24 << 20), ..Options::default() }
}

/// A copy of `f` in the background.
fn started(scene: &Scene, options: Options) -> JoinHandle<Result<Report, hop::copy::CopyError>> {
    let runs = options.runs.clone().or_else(|| Some(scene.locks()));
    let options = Options { runs, ..options };
    let job = Job { sources: vec![scene.source("f")], destination: scene.destination(""), options };
    let (seen, counters): (Arc<Seen>, Arc<Counters>) = (scene.seen.clone(), Arc::default());
    tokio::spawn(copy(job, seen, counters))
}

/// Leaves the part of a run that was given up once `bytes` of `f` had arrived.
async fn leave(scene: &Scene, bytes: usize) {
    let run = started(scene, slow());
    until("bytes arrive", || length(&parts(&scene.to)) > bytes as u64).await;
    run.abort();
    assert!(run.await.is_err(), "it had ended before");
}

#[tokio::test(flavor = "multi_thread")]
async fn f36_a_run_beside_another_has_a_part_of_its_own() {
    for way in WAYS {
        for resume in [Resume::Never, Resume::Trusted] {
            let Some(scene) = Scene::new(way) else { return };
            fs::write(scene.from.join("f"), content(24 * MIB, 1)).unwrap();
            let first = started(&scene, slow());
            until("bytes arrive", || length(&parts(&scene.to)) > 4 << 20).await;
            scene.copies("f", "", Options { resume, ..Options::default() }).await;
            assert_same_file(&scene);
            let second = started(&scene, Options { resume, ..slow() });
            until("two are at work", || parts(&scene.to).len() == 2).await;
            second.abort();
            whole(first.await.unwrap());
            assert_same_file(&scene);
        }
    }
}

fn assert_same_file(scene: &Scene) {
    let (one, other) = (fs::read(scene.from.join("f")).unwrap(), fs::read(scene.to.join("f")).unwrap());
    assert!(one == other, "torn: {} of {} bytes", other.len(), one.len());
}

#[tokio::test(flavor = "multi_thread")]
async fn f36_twenty_copies_of_one_file_all_end_well() {
    for way in [Way::Up, Way::Down] {
        let Some(scene) = Scene::new(way) else { return };
        fs::write(scene.from.join("f"), content(2 * MIB, 1)).unwrap();
        let runs: Vec<_> = (0..20).map(|_| started(&scene, Options::default())).collect();
        for run in runs {
            whole(run.await.unwrap());
        }
        assert_same(&scene.from, &scene.to);
    }
}

/// The same size and time of modification, to the second: all that SFTP tells.
#[tokio::test(flavor = "multi_thread")]
async fn a_part_of_another_version_is_not_gone_on_from() {
    const SIZE: usize = 72 * MIB;
    let an_hour_ago = SystemTime::UNIX_EPOCH + Duration::from_secs(1_700_000_000);
    for way in [Way::Up, Way::Relay] {
        let Some(scene) = Scene::new(way) else { return };
        let source = scene.from.join("f");
        let put = |content: &[u8]| {
            fs::write(&source, content).unwrap();
            fs::File::options().write(true).open(&source).unwrap().set_modified(an_hour_ago).unwrap();
        };
        let mut bytes = content(SIZE, 1);
        put(&bytes);
        let run = started(&scene, Options { rate: Some(80 << 20), ..Options::default() });
        until("bytes arrive", || length(&parts(&scene.to)) > 70 << 20).await;
        run.abort();
        assert!(run.await.is_err(), "{way:?}: it had ended before");
        bytes[MIB] ^= 1;
        put(&bytes);
        scene.copies("f", "", Options::default()).await;
        assert!(fs::read(scene.to.join("f")).unwrap() == bytes, "{way:?}: it is neither the one nor the other");
        assert_eq!(parts(&scene.to), Vec::<PathBuf>::new(), "{way:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn parts_of_older_versions_go_with_the_next_whole_run() {
    for (way, resume) in WAYS.into_iter().flat_map(|way| [(way, Resume::Trusted), (way, Resume::Never)]) {
        let Some(scene) = Scene::new(way) else { return };
        for round in 0..3 {
            fs::write(scene.from.join("f"), content((8 + round) * MIB, round as u64)).unwrap();
            let before = parts(&scene.to).len() as u64;
            let run = started(&scene, slow());
            until("bytes arrive", || parts(&scene.to).len() as u64 > before && length(&parts(&scene.to)) > 1 << 20)
                .await;
            run.abort();
            assert!(run.await.is_err());
        }
        fs::write(scene.from.join("f"), content(12 * MIB, 9)).unwrap();
        // whose part belongs to another pair, or to a run that may be at work elsewhere
        let others = [".g.hop-00112233445566770011223344556677.part", ".f.hop-00112233445566770011223344556677.part"];
        others.iter().for_each(|other| fs::write(scene.to.join(other), "theirs").unwrap());
        scene.copies("f", "", Options { resume, ..Options::default() }).await;
        assert_same_file(&scene);
        let left: BTreeSet<_> = parts(&scene.to).into_iter().collect();
        assert_eq!(left, others.iter().map(|other| scene.to.join(other)).collect(), "{way:?} {resume:?}");
    }
}

/// Another machine's runs hold their locks there.
#[tokio::test(flavor = "multi_thread")]
async fn the_part_of_a_run_that_nobody_here_knows_is_taken_when_it_rests() {
    for way in [Way::Up, Way::Down] {
        let Some(scene) = Scene::new(way) else { return };
        fs::write(scene.from.join("f"), content(16 * MIB, 1)).unwrap();
        let elsewhere = || Some(scene.locks().join("elsewhere"));
        let first = started(&scene, Options { rate: Some(2 << 20), ..Options::default() });
        until("bytes arrive", || length(&parts(&scene.to)) > 4 << 20).await;
        // it moves, so it is left alone
        scene.copies("f", "", Options { runs: elsewhere(), ..Options::default() }).await;
        assert_eq!(parts(&scene.to).len(), 1, "{way:?}");
        first.abort();
        assert!(first.await.is_err(), "{way:?}: it had ended before");
        scene.copies("f", "", Options { runs: elsewhere(), ..Options::default() }).await;
        let resumed = |event: &Event| matches!(event, Event::Resumed { .. });
        assert!(scene.seen.0.lock().unwrap().iter().any(resumed), "{way:?}");
        assert_same(&scene.from, &scene.to);
    }
}

/// A run of another machine that goes on writing while this one copies: its part was last written to long before this one
/// looked, and again since.
#[tokio::test(flavor = "multi_thread")]
async fn a_part_that_another_machine_has_written_to_since_it_was_listed_stays() {
    for way in WAYS {
        let Some(scene) = Scene::new(way) else { return };
        fs::write(scene.from.join("f"), content(8 * MIB, 1)).unwrap();
        let [_, other] = anothers(&scene).await;
        // of another version, so that it is not gone on from
        let name = other.file_name().unwrap().to_str().unwrap();
        let other = scene.to.join([&name[..name.len() - 29], "00000000", &name[name.len() - 21..]].concat());
        fs::write(&other, "theirs").unwrap();
        let written = |ago| {
            let then = SystemTime::now() - Duration::from_secs(ago);
            fs::File::options().write(true).open(&other).unwrap().set_modified(then).unwrap();
        };
        written(1000);
        let run = started(&scene, Options { rate: Some(8 << 20), ..Options::default() });
        until("bytes arrive", || length(&parts(&scene.to)) > 4 << 20).await;
        written(0);
        whole(run.await.unwrap());
        assert_same_file(&scene);
        assert_eq!(parts(&scene.to), std::slice::from_ref(&other), "{way:?}");
        written(1000);
        scene.copies("f", "", Options::default()).await;
        assert_eq!(parts(&scene.to), Vec::<PathBuf>::new(), "{way:?}");
    }
}

/// The names that parts of `f` have, as they are made: of a first run, which ends.
async fn names_made(scene: &Scene) -> Vec<String> {
    let watch = inotify::init(inotify::CreateFlags::NONBLOCK).unwrap();
    inotify::add_watch(&watch, &scene.to, inotify::WatchFlags::CREATE).unwrap();
    scene.copies("f", "", Options::default()).await;
    created(&watch)
}

pub fn created(watch: &OwnedFd) -> Vec<String> {
    let mut buffer = [const { std::mem::MaybeUninit::uninit() }; 1 << 16];
    let mut events = inotify::Reader::new(watch, &mut buffer);
    let mut names = Vec::new();
    while let Ok(event) = events.next() {
        names.push(event.file_name().unwrap().to_str().unwrap().to_owned());
    }
    names
}

/// The name a part of the same version would have in another run.
async fn anothers(scene: &Scene) -> [PathBuf; 2] {
    let made = names_made(scene).await.pop().unwrap();
    fs::remove_file(scene.to.join("f")).unwrap();
    let other = made.replace(&made[made.len() - 21..made.len() - 5], "0123456789abcdef");
    [scene.to.join(made), scene.to.join(other)]
}

#[tokio::test(flavor = "multi_thread")]
async fn f40_what_another_user_made_beforehand_is_not_taken() {
    if !rustix::process::geteuid().is_root() {
        crate::skips::skip("only root can make another user's files");
        return;
    }
    for (way, mode) in [(Way::Up, 0o1777), (Way::Down, 0o1777), (Way::Relay, 0o777), (Way::Up, 0o755)] {
        let Some(scene) = Scene::new(way) else { return };
        fs::set_permissions(&scene.to, fs::Permissions::from_mode(mode)).unwrap();
        fs::write(scene.from.join("f"), content(4 * MIB, 1)).unwrap();
        let names = anothers(&scene).await;
        for name in &names {
            fs::write(name, content(3 * MIB, 1)).unwrap();
            fs::set_permissions(name, fs::Permissions::from_mode(0o600)).unwrap();
            let long_ago = SystemTime::now() - Duration::from_secs(1000);
            fs::File::options().write(true).open(name).unwrap().set_modified(long_ago).unwrap();
            chown(name, Some(1234), Some(1234)).unwrap();
        }
        let inodes: Vec<u64> = names.iter().map(|name| fs::metadata(name).unwrap().ino()).collect();
        scene.copies("f", "", Options::default()).await;
        let landed = fs::metadata(scene.to.join("f")).unwrap();
        assert_eq!(landed.uid(), 0, "{way:?} {mode:o}: it is his");
        assert!(!inodes.contains(&landed.ino()), "{way:?} {mode:o}: it landed");
        assert_same_file(&scene);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn f40_a_part_with_a_second_name_or_a_link_is_not_written_to() {
    for (way, size) in WAYS.into_iter().flat_map(|way| [(way, 10), (way, MIB)]) {
        let Some(scene) = Scene::new(way) else { return };
        fs::set_permissions(&scene.to, fs::Permissions::from_mode(0o1777)).unwrap();
        let outside = tempfile::tempdir_in(scene.to.parent().unwrap()).unwrap();
        let victim = outside.path().join("victim");
        fs::write(scene.from.join("f"), content(size, 1)).unwrap();
        let [one, other] = anothers(&scene).await;
        fs::write(&victim, "victim").unwrap();
        fs::set_permissions(&victim, fs::Permissions::from_mode(0o600)).unwrap();
        symlink(&victim, &one).unwrap();
        fs::hard_link(&victim, &other).unwrap();
        let long_ago = SystemTime::now() - Duration::from_secs(1000);
        fs::File::options().write(true).open(&victim).unwrap().set_modified(long_ago).unwrap();
        scene.copies("f", "", Options::default()).await;
        assert_eq!(fs::read(&victim).unwrap(), b"victim", "{way:?}");
        assert_same_file(&scene);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_but_parts_is_made_and_they_are_private() {
    for way in WAYS {
        let Some(scene) = Scene::new(way) else { return };
        for name in ["f", "t/g"] {
            fs::create_dir_all(scene.from.join(name).parent().unwrap()).unwrap();
            fs::write(scene.from.join(name), content(10, 1)).unwrap();
        }
        let made = names_made(&scene).await;
        assert!(made.len() == 1 && made[0].starts_with(".f.hop-"), "{way:?}: {made:?}");
        fs::create_dir(scene.to.join("t")).unwrap();
        let watch = inotify::init(inotify::CreateFlags::NONBLOCK).unwrap();
        inotify::add_watch(&watch, scene.to.join("t"), inotify::WatchFlags::CREATE).unwrap();
        scene.copies("t", "", recursive()).await;
        let made = created(&watch);
        assert!(made.len() == 1 && made[0].starts_with(".g.hop-"), "{way:?}: {made:?}");
        for name in ["f", "t/g"] {
            let mode = |folder: &Path| fs::metadata(folder.join(name)).unwrap().mode() & 0o777;
            assert_eq!(mode(&scene.to), mode(&scene.from), "{way:?} {name}");
        }
        fs::write(scene.from.join("f"), content(8 * MIB, 1)).unwrap();
        leave(&scene, MIB).await;
        let modes: Vec<u32> = parts(&scene.to).iter().map(|part| fs::metadata(part).unwrap().mode() & 0o777).collect();
        assert_eq!(modes, [0o600], "{way:?}");
    }
}
