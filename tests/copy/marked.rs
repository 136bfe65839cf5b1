//! What does a folder mean that a run was making when it ended? The same command goes on with it; all else is as it was.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, chown, symlink};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use hop::copy::{CopyError, Job, Mirror, Options, Report, Resume, Unchanged, copy};
use hop::progress::{Counters, Event};
use rustix::fs::inotify;
use tokio::task::JoinHandle;

use super::ends::{Scene, Seen, WAYS, Way, assert_same, content, recursive, tree, whole};
use super::parts::{created, until};

const FILES: usize = 120;
const SIZE: usize = 50_000;

/// With a tree of many files at the source.
fn scene(way: Way) -> Option<Scene> {
    let scene = Scene::new(way)?;
    for number in 0..FILES {
        let folder = scene.from.join(format!("tree/{}", number % 3));
        fs::create_dir_all(&folder).unwrap();
        fs::write(folder.join(format!("f {number}")), content(SIZE, number as u64)).unwrap();
    }
    Some(scene)
}

/// What runs have beside the folder: markers, and folders that small files arrive in.
fn left(scene: &Scene) -> Vec<PathBuf> {
    let entries = fs::read_dir(&scene.to).unwrap().map(|entry| entry.unwrap().path());
    entries.filter(|path| path.file_name().unwrap().to_string_lossy().starts_with(".new.hop-")).collect()
}

fn markers(scene: &Scene) -> Vec<PathBuf> {
    let is_folder = |path: &PathBuf| path.symlink_metadata().is_ok_and(|told| told.is_dir());
    left(scene).into_iter().filter(|path| !is_folder(path)).collect()
}

fn lines(markers: &[PathBuf]) -> usize {
    markers.iter().filter_map(|marker| fs::read_to_string(marker).ok()).map(|text| text.lines().count()).sum()
}

/// So slow that a second and more passes.
fn slow() -> Options {
    Options { rate: Some(1 << 20), ..recursive() }
}

/// Nothing but markers and files is made.
fn alone() -> Options {
    Options { one_by_one: true, ..recursive() }
}

/// A copy of `tree` as `new` in the background.
fn started(scene: &Scene, options: Options) -> JoinHandle<Result<Report, CopyError>> {
    let options = Options { runs: Some(scene.locks()), ..options };
    let job = Job { sources: vec![scene.source("tree")], destination: scene.destination("new"), options };
    tokio::spawn(copy(job, Arc::<Seen>::default(), Arc::<Counters>::default()))
}

/// A copy that ends in the middle, some of its lines written.
async fn cut_off(scene: &Scene, options: Options) {
    let before = lines(&markers(scene));
    let run = started(scene, options);
    until("lines are written", || lines(&markers(scene)) > before + 10).await;
    run.abort();
    assert!(run.await.is_err(), "it had ended before");
    at_rest(scene).await;
    assert!(!markers(scene).is_empty() && scene.to.join("new").is_dir());
}

/// Returns when what servers and disks had still to do for a run that was cut off is done.
async fn at_rest(scene: &Scene) {
    let mut seen = BTreeMap::new();
    loop {
        let now = lengths(&scene.to);
        if now == seen {
            return;
        }
        seen = now;
        tokio::time::sleep(Duration::from_millis(300)).await;
    }
}

/// Every path below a folder, and its length.
fn lengths(folder: &Path) -> BTreeMap<PathBuf, u64> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let below = entries.flat_map(|entry| {
        let length = entry.metadata().map_or(0, |told| told.len());
        let mut all = if entry.path().is_dir() { lengths(&entry.path()) } else { BTreeMap::new() };
        all.insert(entry.path(), length);
        all
    });
    below.collect()
}

/// The same command once more: it makes the folder complete, and nothing is left beside it.
async fn goes_on(scene: &Scene, options: Options) {
    scene.copies("tree", "new", options).await;
    assert_same(&scene.from.join("tree"), &scene.to.join("new"));
    assert_eq!(left(scene), Vec::<PathBuf>::new());
}

fn left_out(scene: &Scene) -> usize {
    scene.seen.0.lock().unwrap().iter().filter(|event| matches!(event, Event::Unchanged { .. })).count()
}

fn landed(scene: &Scene) -> Vec<PathBuf> {
    let marker = fs::read_to_string(&markers(scene)[0]).unwrap();
    let paths = marker.lines().skip(1).map(|line| line.rsplit(' ').next().unwrap().replace("\\x20", " "));
    paths.map(PathBuf::from).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_command_goes_on_with_the_folder_and_sends_no_landed_file_again() {
    for (way, preserve) in WAYS.into_iter().flat_map(|way| [(way, false), (way, true)]) {
        let Some(scene) = scene(way) else { return };
        cut_off(&scene, Options { preserve, ..slow() }).await;
        let mode = fs::metadata(&markers(&scene)[0]).unwrap().mode() & 0o7777;
        let landed = landed(&scene).len();
        assert_eq!(mode, 0o600, "{way:?}");
        goes_on(&scene, Options { preserve, ..recursive() }).await;
        assert_eq!(left_out(&scene), landed, "{way:?} {preserve}");
        // it is complete now, so the name is that of a folder
        scene.copies("tree", "new", recursive()).await;
        assert_same(&scene.from.join("tree"), &scene.to.join("new/tree"));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn it_goes_on_as_often_as_it_takes() {
    for way in WAYS {
        let Some(scene) = scene(way) else { return };
        cut_off(&scene, slow()).await;
        cut_off(&scene, slow()).await;
        assert_eq!(markers(&scene).len(), 2, "{way:?}");
        goes_on(&scene, recursive()).await;
        assert!(left_out(&scene) > 20, "{way:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_goes_again_where_either_end_has_changed_and_all_do_where_that_is_wanted() {
    for way in WAYS {
        let Some(scene) = scene(way) else { return };
        cut_off(&scene, slow()).await;
        let landed = landed(&scene);
        let (here, there) = (scene.from.join("tree").join(&landed[0]), scene.to.join("new").join(&landed[1]));
        for (file, seed) in [(&here, 1001), (&there, 1002)] {
            fs::write(file, content(SIZE, seed)).unwrap();
            let later = SystemTime::now() + Duration::from_secs(5);
            fs::File::options().write(true).open(file).unwrap().set_modified(later).unwrap();
        }
        fs::remove_file(scene.to.join("new").join(&landed[2])).unwrap();
        goes_on(&scene, recursive()).await;
        assert_eq!(left_out(&scene), landed.len() - 3, "{way:?}");
    }
    for options in [
        Options { resume: Resume::Never, ..recursive() },
        Options { preserve: true, ..recursive() },
        Options { care: hop::copy::Care { verify: true, fsync: false }, ..recursive() },
    ] {
        let Some(scene) = scene(Way::Up) else { return };
        cut_off(&scene, slow()).await;
        goes_on(&scene, options).await;
        assert_eq!(left_out(&scene), 0);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_that_had_not_made_the_folder_yet_is_no_other() {
    for way in WAYS {
        let Some(scene) = scene(way) else { return };
        cut_off(&scene, slow()).await;
        fs::remove_dir_all(scene.to.join("new")).unwrap();
        goes_on(&scene, recursive()).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn another_source_goes_into_the_folder_and_the_marker_stays() {
    for way in WAYS {
        let Some(scene) = scene(way) else { return };
        fs::create_dir(scene.from.join("other")).unwrap();
        fs::write(scene.from.join("other/f"), "other").unwrap();
        cut_off(&scene, slow()).await;
        let (marker, said) = (markers(&scene), lines(&markers(&scene)));
        scene.copies("other", "new", recursive()).await;
        assert_same(&scene.from.join("other"), &scene.to.join("new/other"));
        assert_eq!((markers(&scene), lines(&markers(&scene))), (marker, said), "{way:?}");
        fs::remove_dir_all(scene.to.join("new/other")).unwrap();
        goes_on(&scene, recursive()).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn two_runs_at_once_mean_the_same_folder() {
    for way in WAYS {
        let Some(scene) = scene(way) else { return };
        let first = started(&scene, Options { rate: Some(100 << 10), ..recursive() });
        until("the folder is there", || scene.to.join("new").exists()).await;
        let marker = markers(&scene);
        assert_eq!(marker.len(), 1, "{way:?}");
        let second = started(&scene, recursive());
        scene.copies("tree", "new", recursive()).await;
        whole(second.await.unwrap());
        assert_eq!(markers(&scene), marker, "{way:?}: that of the first, which is at work still");
        assert!(!scene.to.join("new/tree").exists(), "{way:?}");
        first.abort();
        assert!(first.await.is_err(), "{way:?}: it had ended before");
        goes_on(&scene, recursive()).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_has_failed_is_gone_on_with_too() {
    for way in WAYS {
        let Some(scene) = scene(way) else { return };
        let fifo = scene.from.join("tree/fifo");
        rustix::fs::mknodat(
            rustix::fs::CWD,
            &fifo,
            rustix::fs::FileType::Fifo,
            rustix::fs::Mode::from_raw_mode(0o600),
            0,
        )
        .unwrap();
        let report = scene.copy("tree", "new", recursive()).await.unwrap();
        assert_eq!((report.failures, report.files), (1, FILES as u64), "{way:?}");
        assert_eq!((markers(&scene).len(), lines(&markers(&scene))), (1, FILES + 1), "{way:?}");
        fs::remove_file(&fifo).unwrap();
        goes_on(&scene, recursive()).await;
        assert_eq!(left_out(&scene), FILES, "{way:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dry_run_reads_a_marker_and_makes_none() {
    for way in WAYS {
        let Some(scene) = scene(way) else { return };
        cut_off(&scene, slow()).await;
        let landed = landed(&scene).len();
        let watch = watch(&scene.to);
        scene.copies("tree", "new", Options { dry_run: true, ..recursive() }).await;
        assert_eq!(created(&watch), Vec::<String>::new(), "{way:?}");
        let planned = scene.seen.planned();
        let within = |(_, to): &(String, String)| to.contains("new") && !to.contains("new/tree");
        assert!(planned.iter().all(within), "{way:?}: {planned:?}");
        // the folder, and three in it
        assert_eq!(planned.len(), FILES - landed + 4, "{way:?}");
    }
}

fn watch(folder: &Path) -> std::os::fd::OwnedFd {
    let watch = inotify::init(inotify::CreateFlags::NONBLOCK).unwrap();
    inotify::add_watch(&watch, folder, inotify::WatchFlags::CREATE).unwrap();
    watch
}

#[tokio::test(flavor = "multi_thread")]
async fn a_marker_is_made_before_its_folder_and_only_where_the_meaning_changes() {
    for way in WAYS {
        let Some(scene) = scene(way) else { return };
        fs::write(scene.from.join("f"), "file").unwrap();
        let made = watch(&scene.to);
        scene.copies("tree", "new", alone()).await;
        let names = created(&made);
        assert!(names.len() == 2 && names[0].starts_with(".new.hop-") && names[1] == "new", "{way:?}: {names:?}");
        scene.copies("tree/.", "entries", alone()).await;
        scene.copies("tree", "", alone()).await;
        assert_eq!(created(&made), ["entries", "tree"], "{way:?}");
        let mirror = Some(Mirror { delete: None });
        scene.copies("tree", "synced", Options { mirror, preserve: true, ..alone() }).await;
        assert_eq!(created(&made), ["synced"], "{way:?}");
        scene.copies("f", "file", alone()).await;
        assert!(created(&made).iter().all(|name| name.starts_with(".file.hop-")), "{way:?}");
        assert_eq!(markers(&scene), Vec::<PathBuf>::new());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sync_that_deletes_removes_what_an_ended_run_left() {
    for way in WAYS {
        let Some(scene) = scene(way) else { return };
        cut_off(&scene, slow()).await;
        let options = || Options { preserve: true, unchanged: Unchanged::SizeAndTime, ..recursive() };
        scene.copies("tree/.", "new", Options { mirror: Some(Mirror { delete: None }), ..options() }).await;
        assert_eq!(markers(&scene).len(), 1, "{way:?}");
        scene.copies("tree/.", "new", Options { mirror: Some(Mirror { delete: Some(10) }), ..options() }).await;
        assert_eq!(markers(&scene), Vec::<PathBuf>::new(), "{way:?}");
        let (here, there) = (tree(&scene.from.join("tree")), tree(&scene.to.join("new")));
        // parts of the run that ended are those of another pair of files
        assert!(here.iter().all(|(path, content)| there.get(path) == Some(content)), "{way:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn f40_a_marker_that_is_not_surely_ours_means_nothing() {
    for (way, is_link) in WAYS.into_iter().flat_map(|way| [(way, false), (way, true)]) {
        if !is_link && !rustix::process::geteuid().is_root() {
            crate::skips::skip("only root can make another user's files");
            continue;
        }
        let Some(scene) = scene(way) else { return };
        fs::set_permissions(&scene.to, fs::Permissions::from_mode(0o1777)).unwrap();
        cut_off(&scene, slow()).await;
        let marker = markers(&scene).remove(0);
        let said = fs::read(&marker).unwrap();
        match is_link {
            true => {
                let victim = scene.to.join("victim");
                fs::rename(&marker, &victim).unwrap();
                symlink(&victim, &marker).unwrap();
            }
            false => chown(&marker, Some(1234), Some(1234)).unwrap(),
        }
        scene.copies("tree", "new", recursive()).await;
        assert_same(&scene.from.join("tree"), &scene.to.join("new/tree"));
        assert!(markers(&scene) == [marker.clone()] && fs::read(&marker).unwrap() == said, "{way:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn where_no_marker_can_be_made_the_copy_goes_as_ever() {
    let Some(scene) = Scene::with(Way::Up, &["-P", "open"]) else { return };
    fs::create_dir_all(scene.from.join("tree/empty/too")).unwrap();
    scene.copies("tree", "new", recursive()).await;
    assert_same(&scene.from.join("tree"), &scene.to.join("new"));
    assert_eq!(markers(&scene), Vec::<PathBuf>::new());
    let says = |event: &Event| matches!(event, Event::Detail(text) if text.contains("cannot be made, so no later run"));
    assert!(scene.seen.0.lock().unwrap().iter().any(says));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_folder_that_nobody_may_write_is_gone_on_with() {
    for way in WAYS {
        let Some(scene) = scene(way) else { return };
        let mode = |folder: &Path| fs::metadata(folder.join("0")).unwrap().mode() & 0o777;
        let set = |folder: &Path, mode| {
            let set = fs::set_permissions(folder.join("0"), fs::Permissions::from_mode(mode));
            set.unwrap();
        };
        set(&scene.from.join("tree"), 0o555);
        cut_off(&scene, slow()).await;
        // as if it had been finished, and its lines were lost
        markers(&scene).iter().for_each(|marker| fs::write(marker, "").unwrap());
        set(&scene.to.join("new"), 0o555);
        goes_on(&scene, recursive()).await;
        assert_eq!(mode(&scene.to.join("new")), 0o555, "{way:?}");
        set(&scene.from.join("tree"), 0o755);
        set(&scene.to.join("new"), 0o755);
    }
}
