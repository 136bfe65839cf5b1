//! Does a whole tree arrive? Folders, many small files, modes, times, links.

use std::fs;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, symlink};
use std::path::Path;
use std::time::{Duration, SystemTime};

use hop::copy::{Kind, Options, Symlinks};
use hop::progress::{Counters, Event};

use super::ends::{Scene, WAYS, Way, assert_same, content, recursive, tree};

fn set(path: &Path, mode: u32, seconds: u64) {
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
    let time = SystemTime::UNIX_EPOCH + Duration::from_secs(seconds);
    let times = fs::FileTimes::new().set_accessed(time).set_modified(time);
    fs::File::open(path).unwrap().set_times(times).unwrap();
}

fn mode(path: &Path) -> u32 {
    fs::symlink_metadata(path).unwrap().mode() & 0o7777
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tree_of_many_small_files_arrives() {
    for way in WAYS {
        let Some(scene) = Scene::new(way) else { return };
        for number in 0..600 {
            let folder = scene.from.join(format!("tree/{}/{}", number % 7, number % 13));
            fs::create_dir_all(&folder).unwrap();
            fs::write(folder.join(format!("f{number}")), content(number * 37, number as u64)).unwrap();
        }
        fs::create_dir_all(scene.from.join("tree/empty/too")).unwrap();
        let report = scene.copies("tree", "", recursive()).await;
        assert_same(&scene.from, &scene.to);
        assert_eq!(report.files, 600, "{way:?}");
        // again over what is there
        scene.copies("tree", "", recursive()).await;
        assert_same(&scene.from, &scene.to);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deep_tree_arrives() {
    for way in WAYS {
        let Some(scene) = Scene::new(way) else { return };
        let deep: std::path::PathBuf = std::iter::repeat_n("d", 200).collect();
        fs::create_dir_all(scene.from.join("t").join(&deep)).unwrap();
        fs::write(scene.from.join("t").join(&deep).join("f"), "deep").unwrap();
        scene.copies("t", "", recursive()).await;
        assert_same(&scene.from, &scene.to);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn p_keeps_modes_and_times() {
    for way in WAYS {
        let Some(scene) = Scene::new(way) else { return };
        fs::create_dir_all(scene.from.join("t/sub")).unwrap();
        for (name, size) in [("t/small", 10), ("t/sub/large", 3 << 20), ("t/sub/empty", 0)] {
            fs::write(scene.from.join(name), content(size, 1)).unwrap();
        }
        let wanted = [
            ("t/small", 0o640, 1_000_000_000),
            ("t/sub/large", 0o4755, 2_000_000_000),
            ("t/sub/empty", 0o400, 0),
            ("t/sub", 0o550, 1_234_567_890),
            ("t", 0o2751, 1_111_111_111),
        ];
        for (name, mode, seconds) in wanted {
            set(&scene.from.join(name), mode, seconds);
        }
        scene.copies("t", "", Options { preserve: true, ..recursive() }).await;
        for (name, wanted, seconds) in wanted {
            let there = scene.to.join(name);
            assert_eq!(mode(&there), wanted & 0o777, "{way:?} {name}: no set-id bits");
            assert_eq!(fs::metadata(&there).unwrap().mtime(), seconds as i64, "{way:?} {name}");
        }
        set(&scene.from.join("t/sub"), 0o755, 1);
        set(&scene.to.join("t/sub"), 0o755, 1);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn without_p_the_destination_decides() {
    for way in WAYS {
        let Some(scene) = Scene::with(way, &["-u", "027"]) else { return };
        fs::create_dir(scene.from.join("t")).unwrap();
        for (name, mode) in [("t/plain", 0o666), ("t/tool", 0o777), ("t/secret", 0o600), ("t/old", 0o777)] {
            fs::write(scene.from.join(name), "x").unwrap();
            set(&scene.from.join(name), mode, 1_000_000_000);
        }
        fs::create_dir(scene.from.join("t/closed")).unwrap();
        set(&scene.from.join("t/closed"), 0o500, 1_000_000_000);
        fs::create_dir(scene.to.join("t")).unwrap();
        fs::write(scene.to.join("t/old"), "old").unwrap();
        set(&scene.to.join("t/old"), 0o604, 1);
        scene.copies("t", "", recursive()).await;
        let umask = if way == Way::Down { rustix_umask() } else { 0o027 };
        let got = |name: &str| mode(&scene.to.join("t").join(name));
        assert_eq!(got("plain"), 0o666 & !umask, "{way:?}");
        assert_eq!(got("tool"), 0o777 & !umask, "{way:?}");
        assert_eq!(got("secret"), 0o600, "{way:?}");
        assert_eq!(got("old"), 0o604, "{way:?}: a file that is replaced keeps its mode");
        assert_eq!(got("closed"), 0o500 & !umask, "{way:?}");
        assert!(fs::metadata(scene.to.join("t/plain")).unwrap().mtime() > 1_500_000_000, "{way:?}");
    }
}

/// This process's umask, seen in a new file.
fn rustix_umask() -> u32 {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("probe");
    use std::os::unix::fs::OpenOptionsExt as _;
    fs::OpenOptions::new().write(true).create_new(true).mode(0o777).open(&path).unwrap();
    0o777 & !mode(&path)
}

fn linked(scene: &Scene) {
    fs::create_dir_all(scene.from.join("t/real")).unwrap();
    fs::write(scene.from.join("t/real/f"), "f").unwrap();
    symlink("real", scene.from.join("t/folder-link")).unwrap();
    symlink("real/f", scene.from.join("t/file-link")).unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn links_are_followed_kept_or_skipped() {
    for way in WAYS {
        for (symlinks, expected) in [
            (Symlinks::Follow, &["t", "t/file-link", "t/folder-link", "t/folder-link/f", "t/real", "t/real/f"][..]),
            (Symlinks::Keep, &["t", "t/file-link", "t/folder-link", "t/real", "t/real/f"]),
            (Symlinks::Skip, &["t", "t/real", "t/real/f"]),
        ] {
            let Some(scene) = Scene::new(way) else { return };
            linked(&scene);
            scene.copies("t", "", Options { symlinks, ..recursive() }).await;
            let names: Vec<_> = tree(&scene.to).into_keys().map(|path| path.to_string_lossy().into_owned()).collect();
            assert_eq!(names, expected, "{way:?} {symlinks:?}");
            let skipped = Counters::get(&scene.counters().skipped);
            assert_eq!(skipped, if symlinks == Symlinks::Skip { 2 } else { 0 });
            if symlinks == Symlinks::Keep {
                scene.copies("t", "", Options { symlinks, ..recursive() }).await;
                assert_same(&scene.from, &scene.to);
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn circles_of_links_end() {
    for way in WAYS {
        let Some(scene) = Scene::new(way) else { return };
        fs::create_dir_all(scene.from.join("t/a")).unwrap();
        fs::create_dir_all(scene.from.join("t/b")).unwrap();
        fs::write(scene.from.join("t/a/f"), "f").unwrap();
        symlink(".", scene.from.join("t/self")).unwrap();
        symlink("../b", scene.from.join("t/a/to-b")).unwrap();
        symlink("../a", scene.from.join("t/b/to-a")).unwrap();
        symlink("gone", scene.from.join("t/dead")).unwrap();
        let report = scene.copy("t", "", recursive()).await.unwrap();
        let texts: Vec<String> = report.failed.iter().map(|failure| failure.error.to_string()).collect();
        assert_eq!(texts.iter().filter(|text| text.contains("in a circle")).count(), 3, "{way:?} {texts:?}");
        assert_eq!(texts.iter().filter(|text| text.contains("no such file")).count(), 1, "{way:?} {texts:?}");
        assert_eq!(report.kind(), Some(Kind::Several));
        // a and b are each there twice, once by themselves and once through the other's link
        assert_eq!(fs::read(scene.to.join("t/b/to-a/f")).unwrap(), b"f");
        assert!(scene.to.join("t/a/to-b").is_dir());
        assert_eq!(tree(&scene.to).len(), 7);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_fifo_and_a_socket_are_told_and_nothing_waits_for_them() {
    for way in WAYS {
        let Some(scene) = Scene::new(way) else { return };
        fs::create_dir(scene.from.join("t")).unwrap();
        rustix::fs::mkfifoat(rustix::fs::CWD, scene.from.join("t/fifo"), rustix::fs::Mode::RWXU).unwrap();
        let _socket = std::os::unix::net::UnixListener::bind(scene.from.join("t/socket")).unwrap();
        fs::write(scene.from.join("t/f"), "f").unwrap();
        let report = scene.copy("t", "", recursive()).await.unwrap();
        assert_eq!((report.files, report.failures), (1, 2), "{way:?}");
        assert!(report.failed.iter().all(|failure| failure.error.to_string().contains("not a regular file")));
        let told = scene.seen.0.lock().unwrap();
        assert_eq!(told.iter().filter(|event| matches!(event, Event::FileFailed { .. })).count(), 2);
    }
}
