//! What does the destination mean? scp's rules, and what is refused before anything is written.

use std::fs;
use std::os::unix::fs::symlink;

use hop::copy::{InPlace, Kind, Location, Options};

use super::ends::{Scene, WAYS, Way, content, recursive, tree, whole};

fn names(scene: &Scene) -> Vec<String> {
    tree(&scene.to).keys().map(|path| path.to_string_lossy().into_owned()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_destination_is_a_folder_a_file_or_a_new_name() {
    for way in WAYS {
        let Some(scene) = Scene::new(way) else { return };
        fs::write(scene.from.join("a"), "new").unwrap();
        fs::create_dir(scene.to.join("folder")).unwrap();
        fs::write(scene.to.join("old"), "old").unwrap();
        scene.copies("a", "folder", Options::default()).await;
        scene.copies("a", "folder/", Options::default()).await;
        scene.copies("a", "old", Options::default()).await;
        scene.copies("a", "name", Options::default()).await;
        scene.copies("a", "", Options::default()).await;
        assert_eq!(names(&scene), ["a", "folder", "folder/a", "name", "old"], "{way:?}");
        assert_eq!(fs::read(scene.to.join("old")).unwrap(), b"new");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_folder_goes_into_a_folder_or_becomes_a_new_one() {
    for way in WAYS {
        let Some(scene) = Scene::new(way) else { return };
        fs::create_dir_all(scene.from.join("src/sub")).unwrap();
        fs::write(scene.from.join("src/sub/f"), "f").unwrap();
        scene.copies("src/", "", recursive()).await;
        assert_eq!(names(&scene), ["src", "src/sub", "src/sub/f"], "{way:?}");
        scene.copies("src", "new/", recursive()).await;
        assert_eq!(names(&scene)[..3], ["new", "new/sub", "new/sub/f"], "{way:?}");
        // again, into what is there now
        scene.copies("src", "", recursive()).await;
        scene.copies("src/.", "flat", recursive()).await;
        scene.copies("src/.", "flat", recursive()).await;
        assert_eq!(names(&scene)[..3], ["flat", "flat/sub", "flat/sub/f"], "{way:?}");
        assert_eq!(names(&scene).len(), 9, "{way:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn home_is_where_the_session_starts() {
    let Some(scene) = Scene::new(Way::Up) else { return };
    fs::write(scene.from.join("a"), "a").unwrap();
    fs::create_dir(scene.to.join("sub")).unwrap();
    for destination in ["", ".", "./sub", "sub/."] {
        scene.copies("a", destination, Options::default()).await;
    }
    assert_eq!(names(&scene), ["a", "sub", "sub/a"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tilde_is_home() {
    let Some(scene) = Scene::with(Way::Up, &["-P", "home-directory"]) else { return };
    let absolute = scene.to.join("f");
    fs::write(scene.from.join("f"), "f").unwrap();
    // sftp-server takes home from the password database, so only the form is seen here
    let copied =
        scene.copy("f", &format!("~nobody-of-that-name/../..{}", absolute.display()), Options::default()).await;
    assert_eq!(copied.unwrap_err().kind(), Kind::RemoteFile);
    let home = std::env::temp_dir();
    let inside = format!("~/{}{}", "../".repeat(20), absolute.strip_prefix("/").unwrap().display());
    assert!(home.is_absolute());
    scene.copies("f", &inside, Options::default()).await;
    assert_eq!(names(&scene), ["f"]);
}

async fn refused(scene: &Scene, sources: &[&str], destination: &str) -> String {
    let before = tree(&scene.to);
    let sources: Vec<Location> = sources.iter().map(|source| scene.source(source)).collect();
    let error = scene.copy_ends(sources, scene.destination(destination), recursive()).await.unwrap_err();
    assert_eq!(error.kind(), Kind::Usage, "{error}");
    assert_eq!(before, tree(&scene.to), "nothing is written");
    error.to_string()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_meant_is_refused_before_anything_is_written() {
    for way in WAYS {
        let Some(scene) = Scene::new(way) else { return };
        fs::create_dir_all(scene.from.join("d/x")).unwrap();
        fs::write(scene.from.join("x"), "x").unwrap();
        fs::write(scene.from.join("y"), "y").unwrap();
        fs::write(scene.to.join("file"), "old").unwrap();
        symlink("nowhere", scene.to.join("dangling")).unwrap();
        assert!(refused(&scene, &["x", "y"], "file").await.contains("several sources need a folder"));
        assert!(refused(&scene, &["x", "y"], "new").await.contains("several sources need a folder"));
        assert!(refused(&scene, &["x", "d/x"], "").await.contains("two sources would get this name"));
        assert!(refused(&scene, &["d"], "file").await.contains("cannot take its place"));
        assert!(refused(&scene, &["x"], "new/").await.contains("no such folder"));
        assert!(refused(&scene, &["x"], "file/").await.contains("not a folder"));
        assert!(refused(&scene, &["x"], "dangling").await.contains("leads nowhere"));
        if way == Way::Down {
            assert!(refused(&scene, &["d"], "/dev/null").await.contains("it takes one file"));
            assert!(refused(&scene, &["x", "y"], "/dev/null").await.contains("several sources need a folder"));
        }
        let device = (vec![scene.source("x")], scene.destination("/dev/null"));
        let options = Options { in_place: InPlace::Never, ..Options::default() };
        let error = scene.copy_ends(device.0, device.1, options).await.unwrap_err();
        assert!(error.kind() == Kind::Usage && error.to_string().contains("neither a file nor a folder"), "{error}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_source_that_is_its_own_destination_is_refused() {
    for way in [Way::Up, Way::Down] {
        let Some(scene) = Scene::new(way) else { return };
        fs::create_dir_all(scene.from.join("d/sub")).unwrap();
        fs::write(scene.from.join("f"), "f").unwrap();
        symlink("d", scene.from.join("also-d")).unwrap();
        for (source, destination, why) in [
            ("f", "f", "the same"),
            ("f", "", "the same"),
            ("f", "d/../f", "the same"),
            ("d", "d/sub", "inside the source"),
            ("d", "d", "inside the source"),
            ("also-d", "d/sub/new", "inside the source"),
        ] {
            let ends = (vec![scene.source(source)], scene.source(destination));
            let error = scene.copy_ends(ends.0, ends.1, recursive()).await.unwrap_err();
            assert_eq!(error.kind(), Kind::Usage);
            assert!(error.to_string().contains(why), "{way:?} {source} {destination}: {error}");
        }
        assert_eq!(fs::read(scene.from.join("f")).unwrap(), b"f");
        // to another name of the same host it goes
        whole(scene.copy_ends(vec![scene.source("f")], scene.source("g"), Options::default()).await);
        assert_eq!(fs::read(scene.from.join("g")).unwrap(), b"f");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_folder_without_r_and_a_missing_source_fail_and_the_rest_goes_on() {
    for way in WAYS {
        let Some(scene) = Scene::new(way) else { return };
        fs::create_dir(scene.from.join("d")).unwrap();
        fs::write(scene.from.join("f"), "f").unwrap();
        let sources = ["d", "missing", "f"].map(|name| scene.source(name)).to_vec();
        let report = scene.copy_ends(sources, scene.destination(""), Options::default()).await.unwrap();
        assert_eq!(names(&scene), ["f"], "{way:?}");
        assert_eq!((report.failures, report.files, report.kind()), (2, 1, Some(Kind::Several)));
        let texts: Vec<String> = report.failed.iter().map(|failure| failure.error.to_string()).collect();
        assert!(texts[0].contains("-r was not given") && texts[1].contains("no such file"), "{texts:?}");
        assert_eq!(texts[0].starts_with("acc-pvt: laptop > bastion > acc-pvt: list: d"), way != Way::Up, "{texts:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dry_run_tells_and_writes_nothing() {
    for way in WAYS {
        let Some(scene) = Scene::new(way) else { return };
        fs::create_dir_all(scene.from.join("d/e")).unwrap();
        fs::write(scene.from.join("d/e/f"), content(1000, 1)).unwrap();
        let options = Options { dry_run: true, ..recursive() };
        scene.copies("d", "new", options).await;
        assert!(tree(&scene.to).is_empty(), "{way:?}");
        let mut planned: Vec<String> = scene.seen.planned().into_iter().map(|(_, to)| to).collect();
        planned.sort();
        let base = if way == Way::Down { format!("{}/", scene.to.display()) } else { String::new() };
        assert_eq!(planned, ["new", "new/e", "new/e/f"].map(|name| format!("{base}{name}")));
    }
}
