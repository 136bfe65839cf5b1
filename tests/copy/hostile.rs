//! What may a server's listing say without harm? Names that leave their folder, folders without end, listings without end.

use std::fs;
use std::path::PathBuf;
use std::sync::Arc;

use hop::copy::{Connector, Kind, Opening};

use super::ends::{Scene, Way, recursive, tree};
use crate::sftp::script::{self, ATTRS, NAME, Request, Script, packet, status, string};

const FOLDER: u32 = 0o040_755;
const FILE: u32 = 0o100_644;

/// What a server lists in a folder; `None` at the end. The number counts the parts of the listing.
type Lists = fn(&[u8], usize) -> Option<Vec<(Vec<u8>, u32)>>;

/// A host whose listings are made up. Every file holds `evil`.
struct Liar(Lists);

impl Connector for Liar {
    fn alias(&self) -> &str {
        "liar"
    }

    fn trail(&self) -> String {
        "laptop > liar".into()
    }

    fn lane(&self, _: usize) -> Opening<'_> {
        let lists = self.0;
        Box::pin(async move {
            let (client, script) = Script::greet(&[]).await;
            tokio::spawn(serve(script, lists));
            Ok(client)
        })
    }
}

async fn serve(mut script: Script, lists: Lists) {
    let mut opened = Vec::new();
    while let Some(request) = script.request().await {
        let answer = answer(&request, lists, &mut opened);
        script.send(&answer).await;
    }
}

/// What was opened, and the parts of its listing that were given; a handle is its place here.
type Opened = Vec<(Vec<u8>, usize)>;

fn answer(request: &Request, lists: Lists, opened: &mut Opened) -> Vec<u8> {
    let (id, length) = (request.id, script::u32_at(&request.body, 0) as usize);
    let subject = &request.body[4..4 + length];
    let handle = std::str::from_utf8(subject).ok().and_then(|text| text.parse::<usize>().ok());
    match request.kind {
        // OPEN, OPENDIR
        3 | 11 => {
            opened.push((subject.to_vec(), 0));
            script::handle(id, (opened.len() - 1).to_string().as_bytes())
        }
        script::READ => match request.range().0 {
            0 => script::data(id, b"evil"),
            _ => status(id, 1, "end"),
        },
        // LSTAT, STAT
        7 | 17 => attributes(id, if subject.ends_with(b"good") { FILE } else { FOLDER }, 0),
        // FSTAT
        8 => attributes(id, FILE, u8::from(opened[handle.unwrap()].0.ends_with(b"restless good"))),
        // READDIR
        12 => {
            let (path, parts) = &mut opened[handle.unwrap()];
            *parts += 1;
            match lists(path, *parts - 1) {
                Some(entries) => listing(id, &entries),
                None => status(id, 1, "end"),
            }
        }
        // REALPATH
        16 => listing(id, &[(subject.to_vec(), FOLDER)]),
        _ => status(id, 0, ""),
    }
}

fn attributes(id: u32, mode: u32, mtime: u8) -> Vec<u8> {
    packet(ATTRS, id, &described(mode, mtime))
}

/// Size, permissions and times.
fn described(mode: u32, mtime: u8) -> Vec<u8> {
    [&0xd_u32.to_be_bytes()[..], &4_u64.to_be_bytes(), &mode.to_be_bytes(), &[0; 7], &[mtime]].concat()
}

fn listing(id: u32, entries: &[(Vec<u8>, u32)]) -> Vec<u8> {
    let mut body = (entries.len() as u32).to_be_bytes().to_vec();
    for (name, mode) in entries {
        body.extend([string(name), string(b""), described(*mode, 0)].concat());
    }
    packet(NAME, id, &body)
}

fn scene(lists: Lists) -> Scene {
    let mut scene = Scene::new(Way::Down).expect("needs nothing");
    scene.reach_source_by(Arc::new(Liar(lists)));
    scene
}

/// What is there around the destination, but for where runs show that they live.
fn around(scene: &Scene) -> Vec<PathBuf> {
    tree(scene.to.parent().unwrap()).into_keys().filter(|path| !path.starts_with("locks")).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn names_that_leave_their_folder_are_refused() {
    let scene = scene(|_, part| {
        let names: [&[u8]; 9] =
            [b".", b"..", b"", b"../escaped", b"/tmp/escaped", b"a/b", b"a\0b", b"../../escaped", b"good"];
        (part == 0).then(|| names.map(|name| (name.to_vec(), FILE)).to_vec())
    });
    let report = scene.copy("t", "", recursive()).await.unwrap();
    assert_eq!((report.files, report.failures), (1, 6));
    assert!(report.failed.iter().all(|failure| failure.error.kind() == Kind::Protocol));
    let names = around(&scene);
    let expected = ["from", "to", "to/t", "to/t/good"];
    assert!(names.iter().map(|path| path.to_str().unwrap()).eq(expected), "{names:?}");
    assert_eq!(fs::read(scene.to.join("t/good")).unwrap(), b"evil");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pattern_does_not_match_names_that_leave_their_folder() {
    let scene = scene(|_, part| {
        let names: [&[u8]; 3] = [b"../x.good", b"/x.good", b"x.good"];
        (part == 0).then(|| names.map(|name| (name.to_vec(), FILE)).to_vec())
    });
    // the server says that any path is there, a pattern too, unless it ends in an odd way
    let report = scene.copy("t/*.good", "", recursive()).await.unwrap();
    assert_eq!(report.files, 1);
    let names = around(&scene);
    assert_eq!(names.len(), 3, "{names:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_folder_ten_thousand_deep_ends() {
    let scene = scene(|_, part| (part == 0).then(|| vec![(b"d".to_vec(), FOLDER), (b"good".to_vec(), FILE)]));
    let report = scene.copy("t", "", recursive()).await.unwrap();
    assert_eq!((report.files, report.failures), (1025, 1));
    assert!(report.failed[0].error.to_string().contains("folders too deep"));
    remove_deep(&scene);
}

/// A tree whose paths are too long for one call.
fn remove_deep(scene: &Scene) {
    assert!(std::process::Command::new("rm").arg("-rf").arg(scene.to.join("t")).status().unwrap().success());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_listing_of_nothing_useful_without_end_ends_the_run() {
    for lists in
        [(|_, _| Some(vec![(b"..".to_vec(), FILE); 1000])) as Lists, |_, _| Some(vec![(b"a/b".to_vec(), FILE); 100])]
    {
        let scene = scene(lists);
        let error = scene.copy("t", "", recursive()).await.unwrap_err();
        assert_eq!(error.kind(), Kind::Protocol, "{error}");
        assert!(error.to_string().starts_with("liar: laptop > liar: list: t: "), "{error}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_small_file_that_is_another_version_when_it_was_read_does_not_land() {
    let scene = scene(|_, part| (part == 0).then(|| vec![(b"restless good".to_vec(), FILE), (b"good".to_vec(), FILE)]));
    let report = scene.copy("t", "", recursive()).await.unwrap();
    assert_eq!((report.files, report.kind()), (1, Some(Kind::SourceChanged)), "{:?}", report.failed);
    let names: Vec<_> = tree(&scene.to).into_keys().collect();
    assert_eq!(names.len(), 2, "{names:?}");
}
