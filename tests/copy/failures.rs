//! What if a file cannot be read or written? It is told, the rest goes on, and nothing lands by halves.

use std::fs;
use std::io::Write as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::Command;
use std::sync::Arc;

use hop::copy::{Kind, Options};

use super::ends::{Host, Scene, WAYS, Way, content, recursive, tree};
use crate::meanwhile::Meanwhile;
use crate::skips::{need, need_root};

fn open_to_all(folder: &Path) {
    for path in [folder, folder.parent().unwrap()] {
        fs::set_permissions(path, fs::Permissions::from_mode(0o777)).unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn one_unreadable_file_of_many_fails_alone() {
    if !need_root("root can make a file that another user may not read") {
        return;
    }
    let (Some(mut scene), Some(_)) = (Scene::new(Way::Down), need("setpriv")) else { return };
    let Some(mut host) = Host::new("acc-pvt", &scene.from, &[]) else { return };
    host.is_nobody = true;
    open_to_all(&scene.from);
    scene.reach_source_by(Arc::new(host));
    for number in 0..300 {
        fs::create_dir_all(scene.from.join(format!("t/{}", number % 5))).unwrap();
        fs::write(scene.from.join(format!("t/{}/{number}", number % 5)), content(number, 1)).unwrap();
    }
    let secret = scene.from.join("t/2/7");
    fs::set_permissions(&secret, fs::Permissions::from_mode(0o600)).unwrap();
    fs::set_permissions(scene.from.join("t/4"), fs::Permissions::from_mode(0o700)).unwrap();
    let report = scene.copy("t", "", recursive()).await.unwrap();
    assert_eq!((report.files, report.failures, report.kind()), (239, 2, Some(Kind::Several)));
    let mut texts: Vec<String> = report.failed.iter().map(|failure| failure.error.to_string()).collect();
    texts.sort();
    let trail = "acc-pvt: laptop > bastion > acc-pvt";
    assert_eq!(
        texts,
        [format!("{trail}: list: t/4: permission denied"), format!("{trail}: transfer: t/2/7: permission denied"),]
    );
    assert!(!tree(&scene.to).keys().any(|path| path.to_string_lossy().contains(".part")));
}

#[tokio::test(flavor = "multi_thread")]
async fn one_unwritable_folder_of_many_fails_alone() {
    if !need_root("root can make a folder that another user may not write") {
        return;
    }
    let (Some(mut scene), Some(_)) = (Scene::new(Way::Up), need("setpriv")) else { return };
    let Some(mut host) = Host::new("dell-pvt", &scene.to, &[]) else { return };
    host.is_nobody = true;
    open_to_all(&scene.to);
    scene.reach_destination_by(Arc::new(host));
    for number in 0..50 {
        fs::create_dir_all(scene.from.join(format!("t/{}", number % 5))).unwrap();
        fs::write(scene.from.join(format!("t/{}/{number}", number % 5)), content(number, 1)).unwrap();
    }
    fs::create_dir_all(scene.to.join("t/3")).unwrap();
    fs::set_permissions(scene.to.join("t"), fs::Permissions::from_mode(0o777)).unwrap();
    let report = scene.copy("t", "", recursive()).await.unwrap();
    assert_eq!((report.files, report.failures), (40, 10));
    assert!(report.failed.iter().all(|failure| failure.error.to_string().contains("permission denied")));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_source_that_keeps_changing_is_given_up() {
    for way in WAYS {
        let Some(scene) = Scene::new(way) else { return };
        let path = scene.from.join("log");
        fs::write(&path, content(20 << 20, 1)).unwrap();
        fs::write(scene.to.join("log"), "old").unwrap();
        let mut log = fs::OpenOptions::new().append(true).open(path).unwrap();
        let writer = Meanwhile::does(move || log.write_all(b"x").unwrap());
        let report = scene.copy("log", "", Options::default()).await.unwrap();
        drop(writer);
        assert_eq!(report.kind(), Some(Kind::SourceChanged), "{way:?} {:?}", report.failed);
        assert_eq!(fs::read(scene.to.join("log")).unwrap(), b"old");
        assert_eq!(tree(&scene.to).len(), 1, "no part is left of a version that is no more");
        // at rest it goes
        scene.copies("log", "", Options::default()).await;
    }
}

/// A small file system of its own, gone when dropped.
struct Small(std::path::PathBuf);

impl Small {
    fn mount(folder: &Path, options: &str) -> Option<Small> {
        let mount = need("mount")?;
        let done = Command::new(mount).args(["-t", "tmpfs", "-o", options, "tmpfs"]).arg(folder).status().unwrap();
        assert!(done.success(), "root can mount a tmpfs");
        Some(Small(folder.to_owned()))
    }
}

impl Drop for Small {
    fn drop(&mut self) {
        let done = Command::new("umount").arg("-l").arg(&self.0).status();
        assert!(done.is_ok_and(|status| status.success()) || std::thread::panicking());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_disk_is_said_and_the_old_content_stays() {
    if !need_root("a small file system is mounted") {
        return;
    }
    for (way, size) in WAYS.into_iter().flat_map(|way| [(way, 8 << 20), (way, 200_000)]) {
        let Some(scene) = Scene::new(way) else { return };
        let Some(_disk) = Small::mount(&scene.to, "size=1m") else { return };
        fs::write(scene.to.join("f"), content(900_000, 1)).unwrap();
        fs::write(scene.from.join("f"), content(size, 2)).unwrap();
        let report = scene.copy("f", "", Options::default()).await.unwrap();
        assert_eq!(report.kind(), Some(Kind::NoSpace), "{way:?} {size} {:?}", report.failed);
        let text = report.failed[0].error.to_string();
        assert!(text.contains("no space left") && text.contains("; what arrived is kept in"), "{text}");
        assert_eq!(text.contains("laptop > bastion > dell-pvt"), way != Way::Down, "{text}");
        assert!(fs::read(scene.to.join("f")).unwrap() == content(900_000, 1), "{way:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_disk_without_inodes_is_full_too() {
    if !need_root("a small file system is mounted") {
        return;
    }
    for way in WAYS {
        let Some(scene) = Scene::new(way) else { return };
        let Some(_disk) = Small::mount(&scene.to, "size=4m,nr_inodes=4") else { return };
        fs::create_dir(scene.from.join("t")).unwrap();
        for number in 0..9 {
            fs::write(scene.from.join(format!("t/{number}")), "x").unwrap();
        }
        let report = scene.copy("t", "", recursive()).await.unwrap();
        assert_eq!(report.kind(), Some(Kind::NoSpace), "{way:?} {}", report.failed[0].error);
        assert_eq!(report.files + report.failures, 9, "{way:?}");
    }
}
