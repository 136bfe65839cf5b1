//! Does a file arrive byte for byte? Sizes around a block, odd names, several lanes, up, down and through.

use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt as _;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use hop::copy::{Options, Route};
use hop::progress::Counters;

use super::ends::{Host, Scene, WAYS, Way, assert_same, content, tree, whole};

const BLOCK: usize = 255 * 1024;

#[tokio::test(flavor = "multi_thread")]
async fn sizes_around_a_block_arrive() {
    for way in WAYS {
        let Some(scene) = Scene::new(way) else { return };
        let small = 256 * 1024;
        let sizes = [0, 1, BLOCK - 1, BLOCK, BLOCK + 1, small - 1, small, small + 1, 7 * BLOCK + 13];
        let ends = sizes.map(|size| {
            fs::write(scene.from.join(size.to_string()), content(size, size as u64)).unwrap();
            scene.source(size.to_string())
        });
        let report = whole(scene.copy_ends(ends.to_vec(), scene.destination(""), Options::default()).await);
        assert_same(&scene.from, &scene.to);
        let total: usize = sizes.iter().sum();
        let counters = scene.counters();
        assert_eq!((report.files, Counters::get(&counters.bytes_done)), (sizes.len() as u64, total as u64), "{way:?}");
        assert_eq!(Counters::get(&counters.bytes_total), total as u64);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_large_file_goes_over_several_lanes() {
    for way in WAYS {
        let Some(scene) = Scene::new(way) else { return };
        fs::write(scene.from.join("large"), content(100 << 20, 5)).unwrap();
        let report = scene.copies("large", "", Options { lanes: Some(3), ..Options::default() }).await;
        assert!(fs::read(scene.to.join("large")).unwrap() == content(100 << 20, 5), "{way:?}");
        assert_eq!(Counters::get(&scene.counters().bytes_done), 100 << 20);
        assert_eq!(Counters::get(&scene.counters().lanes), 3, "{way:?}");
        assert_eq!(report.route, [Route::Upload, Route::Download, Route::Relay][way as usize]);
        assert_eq!(tree(&scene.to).len(), 1, "nothing else is left");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn lanes_that_cannot_be_opened_are_no_error() {
    let Some(mut scene) = Scene::new(Way::Up) else { return };
    let Some(mut host) = Host::new("dell-pvt", &scene.to, &[]) else { return };
    host.lanes = 2;
    let host = Arc::new(host);
    scene.reach_destination_by(host.clone());
    fs::write(scene.from.join("large"), content(80 << 20, 6)).unwrap();
    scene.copies("large", "", Options::default()).await;
    assert_same(&scene.from, &scene.to);
    assert_eq!(host.opened.load(Ordering::Relaxed), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_small_copy_opens_one_lane() {
    let Some(mut scene) = Scene::new(Way::Up) else { return };
    let Some(host) = Host::new("dell-pvt", &scene.to, &[]) else { return };
    let host = Arc::new(host);
    scene.reach_destination_by(host.clone());
    fs::write(scene.from.join("f"), content(3 << 20, 6)).unwrap();
    scene.copies("f", "", Options::default()).await;
    assert_eq!(host.opened.load(Ordering::Relaxed), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn odd_names_stay_as_they_are() {
    let long = "n".repeat(255);
    let names: [&[u8]; 12] = [
        b"a b",
        b"-rf",
        b"it's",
        b"\"quoted\"",
        b"new\nline",
        b"\xff\xfe not utf-8",
        b"$(reboot)",
        b"star*",
        b"back\\slash",
        b"[x]",
        long.as_bytes(),
        "gr\u{fc}n \u{202e}".as_bytes(),
    ];
    for way in WAYS {
        let Some(scene) = Scene::new(way) else { return };
        let ends = names.map(|name| {
            fs::write(scene.from.join(OsStr::from_bytes(name)), name).unwrap();
            scene.source(OsStr::from_bytes(name))
        });
        whole(scene.copy_ends(ends.to_vec(), scene.destination(""), Options::default()).await);
        assert_same(&scene.from, &scene.to);
        assert_eq!(tree(&scene.to).len(), names.len(), "{way:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_old_server_without_extensions_does() {
    // what is refused by -P is not announced either
    let refused = "limits,posix-rename,statvfs,fstatvfs,expand-path,fsync,hardlink,lsetstat,home-directory,copy-data";
    let Some(scene) = Scene::with(Way::Up, &["-P", refused]) else { return };
    for size in [0, 100, BLOCK, 5 * BLOCK] {
        fs::write(scene.from.join("f"), content(size, 1)).unwrap();
        scene.copies("f", "~/f", Options::default()).await;
        assert_same(&scene.from, &scene.to);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn files_that_the_system_makes_up_are_read_to_their_end() {
    let Some(scene) = Scene::new(Way::Down) else { return };
    let sources = vec![scene.source("/proc/version"), scene.source("/proc/filesystems")];
    whole(scene.copy_ends(sources, scene.destination(""), Options::default()).await);
    assert_eq!(fs::read("/proc/version").unwrap(), fs::read(scene.to.join("version")).unwrap());
    assert!(!fs::read(scene.to.join("filesystems")).unwrap().is_empty());
}
