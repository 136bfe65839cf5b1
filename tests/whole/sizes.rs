//! F38: the announced size is smaller or larger than the data, and nothing moves. What lands is all that the source has, to
//! its true end, or nothing; files that grow are taken as they were found with `--growing`.

use std::fs;
use std::io::Write as _;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use hop::copy::{Care, Connector, Kind, Opening, Options};
use hop::progress::Counters;

use super::meddlers::{Meddler, Trick};
use crate::copy::ends::{Scene, WAYS, Way, assert_same, content, recursive, tree};
use crate::meanwhile::Meanwhile;
use crate::sftp::script::{self, ATTRS, READ, Request, Script, packet, status};
use crate::skips::skip;
use crate::street::until;

/// Small, at the edge of small, and large enough for several lanes.
const SIZES: [usize; 5] = [1, 60_000, 262_144, 300_000, 17 << 20];

fn verify() -> Options {
    Options { care: Care { verify: true, ..Care::default() }, ..recursive() }
}

/// A scene whose source announces so many bytes more than it has, or fewer.
fn announcing(way: Way, more: i64) -> Option<Scene> {
    let mut scene = Scene::new(way)?;
    let server = Meddler::new(&scene.from, Trick::Announces(more));
    scene.reach_source_by(server);
    Some(scene)
}

#[tokio::test(flavor = "multi_thread")]
async fn f38_a_source_that_announces_too_little_or_too_much_arrives_whole() {
    for way in [Way::Down, Way::Relay] {
        for more in [-1, 1, -50_000, 5_000_000] {
            let Some(scene) = announcing(way, more) else { return };
            for (options, name) in [(Options::default(), "f"), (verify(), "g")] {
                for size in SIZES {
                    fs::write(scene.from.join(name), content(size, 7)).unwrap();
                    scene.copies(name, "", options.clone()).await;
                    let there = fs::read(scene.to.join(name)).unwrap();
                    let length = there.len();
                    assert!(there == content(size, 7), "{way:?} {size} announced {more}: {length} bytes, {options:?}");
                    assert_eq!(tree(&scene.to).len(), 1 + usize::from(name == "g"), "a part is left");
                }
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn f38_a_tree_that_announces_wrong_sizes_arrives_whole() {
    for way in [Way::Down, Way::Relay] {
        for more in [-100, 100] {
            let Some(scene) = announcing(way, more) else { return };
            for number in 0..200 {
                let folder = scene.from.join(format!("t/{}", number % 7));
                fs::create_dir_all(&folder).unwrap();
                fs::write(folder.join(number.to_string()), content(number * 3, 1)).unwrap();
            }
            let report = scene.copies("t", "", verify()).await;
            assert_eq!(report.files, 200, "{way:?} {more}");
            assert_same(&scene.from.join("t"), &scene.to.join("t"));
        }
    }
}

/// Files that the system makes up as they are read: they announce 0 or 4096 bytes.
fn made_up() -> Vec<&'static str> {
    let all =
        ["/proc/version", "/proc/kallsyms", "/proc/cpuinfo", "/sys/devices/system/cpu/online", "/sys/kernel/notes"];
    let there: Vec<_> =
        all.into_iter().filter(|path| fs::read(path).is_ok_and(|content| !content.is_empty())).collect();
    if there.is_empty() {
        skip("there is no file here that the system makes up");
    }
    there
}

#[tokio::test(flavor = "multi_thread")]
async fn f38_files_that_the_system_makes_up_arrive_whole() {
    for way in WAYS {
        for path in made_up() {
            for options in [Options::default(), verify()] {
                let Some(scene) = Scene::new(way) else { return };
                let source = match scene.source("") {
                    hop::copy::Location::Local(_) => hop::copy::Location::Local(path.into()),
                    hop::copy::Location::Remote(connector, _) => hop::copy::Location::Remote(connector, path.into()),
                };
                let copied = scene.copy_ends(vec![source], scene.destination("f"), options).await;
                crate::copy::ends::whole(copied);
                let (here, there) = (fs::read(path).unwrap(), fs::read(scene.to.join("f")).unwrap());
                assert!(here == there, "{way:?} {path}: {} bytes of {}", there.len(), here.len());
            }
        }
    }
}

/// A host of one file, which announces so many bytes and goes on for ever.
struct Endless(u64);

impl Connector for Endless {
    fn alias(&self) -> &str {
        "endless"
    }

    fn trail(&self) -> String {
        "laptop > endless".into()
    }

    fn lane(&self, _: usize) -> Opening<'_> {
        let announced = self.0;
        Box::pin(async move {
            let (client, mut script) = Script::greet(&[]).await;
            tokio::spawn(async move {
                while let Some(request) = script.request().await {
                    script.send(&without_end(&request, announced)).await;
                }
            });
            Ok(client)
        })
    }
}

fn without_end(request: &Request, announced: u64) -> Vec<u8> {
    match request.kind {
        script::OPEN => script::handle(request.id, b"h"),
        READ => script::data(request.id, &vec![7; request.range().1]),
        // LSTAT, FSTAT, STAT: size, permissions and times
        7 | 8 | 17 => {
            let told = [&13_u32.to_be_bytes()[..], &announced.to_be_bytes(), &0o100_644_u32.to_be_bytes(), &[0; 8]];
            packet(ATTRS, request.id, &told.concat())
        }
        _ => status(request.id, 0, ""),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn f38_a_file_without_end_is_given_up() {
    for announced in [0, 4, 300_000] {
        let mut scene = Scene::new(Way::Down).expect("needs nothing");
        scene.reach_source_by(Arc::new(Endless(announced)));
        fs::write(scene.to.join("f"), "old").unwrap();
        let bounded = Options { surplus: Some(3 << 20), ..Options::default() };
        let report = scene.copy("f", "", bounded).await.unwrap();
        assert_eq!(report.kind(), Some(Kind::Protocol), "{announced}");
        let told = report.failed[0].error.to_string();
        let says = format!("its size is said to be {announced} bytes, and 3145728 bytes further on it has not ended");
        assert!(told.starts_with("endless: laptop > endless: transfer: f: ") && told.ends_with(&says), "{told}");
        assert_eq!(fs::read(scene.to.join("f")).unwrap(), b"old");
        assert_eq!(tree(&scene.to).len(), 1, "{announced}: a part is left that nothing can go on from");
        // a run that ends by itself needs no bound, and one of a file that may grow has none
        let deadline = Options { surplus: Some(0), deadline: Some(Duration::from_millis(300)), ..Options::default() };
        let error = scene.copy("f", "", deadline).await.unwrap_err();
        assert_eq!(error.kind(), Kind::TimedOut, "{error}");
    }
}

/// Appends to a file for as long as it lives.
fn writer(path: &Path) -> Meanwhile {
    let mut log = fs::OpenOptions::new().append(true).open(path).unwrap();
    Meanwhile::does(move || log.write_all(b"one line more\n").unwrap())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_grows_is_taken_as_it_was_found_where_that_is_allowed() {
    for way in WAYS {
        for (size, is_verified) in [(0, false), (100, true), (20 << 20, false), (20 << 20, true)] {
            let Some(scene) = Scene::new(way) else { return };
            let path = scene.from.join("log");
            fs::write(&path, content(size, 1)).unwrap();
            let writer = writer(&path);
            until("it grows", || path.metadata().unwrap().len() > size as u64);
            let care = Care { verify: is_verified, ..Care::default() };
            let options = Options { growing: true, care, ..Options::default() };
            scene.copies("log", "", options).await;
            let there = fs::read(scene.to.join("log")).unwrap();
            until("it grows still", || path.metadata().unwrap().len() > there.len() as u64);
            drop(writer);
            let whole = fs::read(&path).unwrap();
            assert!(there.len() >= size && whole.starts_with(&there), "{way:?} {size}: {} bytes", there.len());
            assert_eq!(Counters::get(&scene.counters().bytes_done), there.len() as u64, "{way:?} {size}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_shrinks_is_no_growing_one() {
    for way in WAYS {
        let Some(scene) = Scene::new(way) else { return };
        let path = scene.from.join("log");
        fs::write(&path, content(20 << 20, 1)).unwrap();
        fs::write(scene.to.join("log"), "old").unwrap();
        let log = fs::OpenOptions::new().write(true).open(&path).unwrap();
        let mut sizes = (0_u64..20 << 20).rev().step_by(100);
        let shrinking = Meanwhile::does(move || sizes.next().into_iter().for_each(|size| log.set_len(size).unwrap()));
        let report = scene.copy("log", "", Options { growing: true, ..Options::default() }).await.unwrap();
        drop(shrinking);
        assert_eq!(report.kind(), Some(Kind::SourceChanged), "{way:?} {:?}", report.failed);
        assert_eq!(fs::read(scene.to.join("log")).unwrap(), b"old", "{way:?}");
    }
}
