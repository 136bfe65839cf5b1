//! How does a file get its name? All at once, beside what was there, and through no link that was not typed.

use std::fs;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use hop::copy::{Kind, Options};

use super::ends::{Host, Scene, WAYS, Way, assert_same, content, recursive, tree};
use crate::meanwhile::Meanwhile;

fn names(scene: &Scene) -> Vec<String> {
    tree(&scene.to).keys().map(|path| path.to_string_lossy().into_owned()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reader_sees_the_old_content_or_the_new() {
    for way in WAYS {
        let Some(scene) = Scene::new(way) else { return };
        let contents = [content(4 << 20, 1), content(4 << 20, 2)];
        fs::write(scene.to.join("f"), &contents[0]).unwrap();
        let (path, either) = (scene.to.join("f"), contents.clone());
        let reader = Meanwhile::does(move || {
            let seen = fs::read(&path).expect("it is always there");
            assert!(either.contains(&seen), "a torn file of {} bytes", seen.len());
        });
        for round in 0..6 {
            fs::write(scene.from.join("f"), &contents[(round + 1) % 2]).unwrap();
            scene.copies("f", "", Options::default()).await;
        }
        assert!(reader.steps() > 0, "{way:?}");
        drop(reader);
        assert_eq!(names(&scene), ["f"]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_cannot_replace_is_helped() {
    let Some(scene) = Scene::with(Way::Up, &["-P", "posix-rename"]) else { return };
    fs::create_dir(scene.from.join("t")).unwrap();
    for round in 0..3 {
        for (name, size) in [("t/small", 100), ("t/large", 1 << 20)] {
            fs::write(scene.from.join(name), content(size, round)).unwrap();
        }
        // what a run left that was cut off between its two renames
        if round == 2 {
            fs::write(scene.to.join("t/.small.hop-bak"), "stale").unwrap();
        }
        scene.copies("t", "", recursive()).await;
        assert_same(&scene.from, &scene.to);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_typed_link_to_a_file_is_written_through() {
    for way in WAYS {
        let Some(scene) = Scene::new(way) else { return };
        fs::create_dir(scene.to.join("real")).unwrap();
        fs::write(scene.to.join("real/file"), "old").unwrap();
        fs::set_permissions(scene.to.join("real/file"), fs::Permissions::from_mode(0o640)).unwrap();
        symlink("real/file", scene.to.join("link")).unwrap();
        fs::write(scene.from.join("f"), "new").unwrap();
        scene.copies("f", "link", Options::default()).await;
        assert_eq!(fs::read(scene.to.join("real/file")).unwrap(), b"new", "{way:?}");
        assert_eq!(fs::read_link(scene.to.join("link")).unwrap(), PathBuf::from("real/file"));
        assert_eq!(fs::metadata(scene.to.join("link")).unwrap().permissions().mode() & 0o777, 0o640);
        assert_eq!(names(&scene), ["link", "real", "real/file"]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_typed_link_to_a_folder_is_entered() {
    for way in WAYS {
        let Some(scene) = Scene::new(way) else { return };
        fs::create_dir(scene.to.join("real")).unwrap();
        symlink("real", scene.to.join("link")).unwrap();
        fs::write(scene.from.join("f"), "f").unwrap();
        scene.copies("f", "link", Options::default()).await;
        scene.copies("f", "link/g", Options::default()).await;
        assert_eq!(names(&scene), ["link", "real", "real/f", "real/g"], "{way:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn links_inside_the_destination_lead_nowhere() {
    for way in WAYS {
        let Some(scene) = Scene::new(way) else { return };
        let outside = tempfile::tempdir().unwrap();
        fs::write(outside.path().join("secret"), "secret").unwrap();
        fs::create_dir_all(scene.from.join("t/folder")).unwrap();
        fs::write(scene.from.join("t/folder/f"), "new").unwrap();
        fs::write(scene.from.join("t/file"), "new").unwrap();
        fs::create_dir(scene.to.join("t")).unwrap();
        symlink(outside.path(), scene.to.join("t/folder")).unwrap();
        symlink(outside.path().join("secret"), scene.to.join("t/file")).unwrap();
        let report = scene.copy("t", "", recursive()).await.unwrap();
        // the folder is refused, and what is in it is not told one by one
        assert_eq!((report.failed.len(), report.failures, report.files), (1, 2, 1), "{way:?} {:?}", report.failed);
        let text = report.failed[0].error.to_string();
        assert!(text.contains("t/folder") && text.contains("nothing is written through it"), "{text}");
        // the file takes the link's place
        assert!(fs::symlink_metadata(scene.to.join("t/file")).unwrap().is_file());
        assert_eq!(tree(outside.path()).len(), 1, "{way:?}");
        assert_eq!(fs::read(outside.path().join("secret")).unwrap(), b"secret");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn something_else_with_the_files_name_is_left_alone() {
    for way in WAYS {
        let Some(scene) = Scene::new(way) else { return };
        fs::create_dir(scene.from.join("t")).unwrap();
        for name in ["folder", "fifo", "good"] {
            fs::write(scene.from.join("t").join(name), content(300_000, 1)).unwrap();
        }
        fs::create_dir_all(scene.to.join("t/folder")).unwrap();
        rustix::fs::mkfifoat(rustix::fs::CWD, scene.to.join("t/fifo"), rustix::fs::Mode::RWXU).unwrap();
        let report = scene.copy("t", "", recursive()).await.unwrap();
        assert_eq!((report.failures, report.files), (2, 1), "{way:?}");
        let left: Vec<_> = fs::read_dir(scene.to.join("t")).unwrap().collect();
        assert_eq!(left.len(), 3, "{way:?}: no part is left of what never began");
    }
}

/// The parts in a folder.
fn parts(scene: &Scene) -> Vec<PathBuf> {
    let is_part = |path: &PathBuf| path.to_string_lossy().ends_with(".part");
    fs::read_dir(&scene.to).unwrap().map(|entry| entry.unwrap().path()).filter(is_part).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_dies_leaves_the_old_content_and_a_part_that_is_used_again() {
    let Some(mut scene) = Scene::new(Way::Up) else { return };
    let host = Arc::new(Host::new("dell-pvt", &scene.to, &[]).unwrap());
    scene.reach_destination_by(host.clone());
    fs::write(scene.from.join("f"), content(200 << 20, 3)).unwrap();
    fs::write(scene.to.join("f"), "old").unwrap();
    let killer = tokio::spawn({
        let (host, folder) = (host.clone(), scene.to.clone());
        async move {
            let grown = || {
                let sizes =
                    fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().metadata().map_or(0, |m| m.len()));
                sizes.sum::<u64>() > 1 << 20
            };
            while !grown() {
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
            host.kill();
        }
    });
    let error = scene.copy("f", "", Options { retries: Some(0), ..Options::default() }).await.unwrap_err();
    killer.await.unwrap();
    assert_eq!(error.kind(), Kind::Lost, "{error}");
    assert!(error.to_string().contains("laptop > bastion > dell-pvt"), "{error}");
    assert_eq!(fs::read(scene.to.join("f")).unwrap(), b"old");
    let left = parts(&scene);
    assert_eq!(left.len(), 1);
    assert_eq!(fs::metadata(&left[0]).unwrap().permissions().mode() & 0o777, 0o600);

    // longer than it can be: it is not of this version, whatever its name says
    let part = fs::OpenOptions::new().write(true).open(&left[0]).unwrap();
    part.set_len(300 << 20).unwrap();
    let Some(fresh) = Host::new("dell-pvt", &scene.to, &[]) else { return };
    scene.reach_destination_by(Arc::new(fresh));
    scene.copies("f", "", Options::default()).await;
    assert_same(&scene.from, &scene.to);
}
