//! What if a rename is refused halfway? A server without posix-rename, in memory, that refuses what the test says.

use std::collections::BTreeMap;
use std::fs;
use std::sync::{Arc, Mutex};

use hop::copy::{Connector, Kind, Opening, Options};

use super::ends::{Scene, Way};
use crate::sftp::script::{self, ATTRS, CLOSE, NAME, Request, Script, WRITE, packet, status, string, u32_at};

/// True for a rename that is refused, by its old and new name.
type Refuses = fn(&str, &str) -> bool;

/// One folder of files, and what is refused there.
struct Server {
    files: Arc<Mutex<BTreeMap<String, Vec<u8>>>>,
    refuses: Refuses,
    announced: &'static [(&'static str, &'static str)],
}

impl Connector for Server {
    fn alias(&self) -> &str {
        "old"
    }

    fn trail(&self) -> String {
        "laptop > old".into()
    }

    fn lane(&self, _: usize) -> Opening<'_> {
        let (files, refuses, announced) = (Arc::clone(&self.files), self.refuses, self.announced);
        Box::pin(async move {
            let (client, mut script) = Script::greet(announced).await;
            tokio::spawn(async move {
                while let Some(request) = script.request().await {
                    let answer = answer(&request, &mut files.lock().unwrap(), refuses);
                    script.send(&answer).await;
                }
            });
            Ok(client)
        })
    }
}

fn answer(request: &Request, files: &mut BTreeMap<String, Vec<u8>>, refuses: Refuses) -> Vec<u8> {
    let (id, body) = (request.id, &request.body);
    let text = |at: usize| String::from_utf8(body[at + 4..at + 4 + u32_at(body, at) as usize].to_vec()).unwrap();
    let subject = text(0);
    let rest = 4 + subject.len();
    match request.kind {
        // OPEN with CREAT and EXCL
        3 if files.contains_key(&subject) => status(id, 4, "Failure"),
        3 => {
            files.insert(subject.clone(), Vec::new());
            script::handle(id, subject.as_bytes())
        }
        WRITE => {
            assert_eq!(&body[rest..rest + 8], [0; 8], "from the beginning");
            files.insert(subject, body[rest + 12..].to_vec());
            status(id, 0, "")
        }
        // LSTAT, FSTAT, STAT
        7 | 8 | 17 if subject == "." => packet(ATTRS, id, &mode(0o040_755)),
        7 | 8 | 17 if files.contains_key(&subject) => packet(ATTRS, id, &mode(0o100_644)),
        7 | 8 | 17 => status(id, 2, "No such file"),
        // SETSTAT and FSETSTAT of a server that knows no modes
        9 | 10 => status(id, 8, "no modes here"),
        13 => status(id, if files.remove(&subject).is_some() { 0 } else { 2 }, ""),
        18 => rename(id, (&subject, &text(rest)), files, refuses),
        16 => {
            packet(NAME, id, &[&1_u32.to_be_bytes()[..], &string(subject.as_bytes()), &string(b""), &[0; 4]].concat())
        }
        CLOSE => status(id, 0, ""),
        // what was announced
        200 => status(id, 8, "not really"),
        // OPENDIR
        11 => status(id, 8, "no listings here"),
        kind => panic!("request {kind}"),
    }
}

fn rename(id: u32, (from, to): (&str, &str), files: &mut BTreeMap<String, Vec<u8>>, refuses: Refuses) -> Vec<u8> {
    if files.contains_key(to) || refuses(from, to) {
        return status(id, 4, "Failure");
    }
    match files.remove(from) {
        Some(content) => {
            files.insert(to.to_owned(), content);
            status(id, 0, "")
        }
        None => status(id, 2, "No such file"),
    }
}

fn mode(mode: u32) -> Vec<u8> {
    [&4_u32.to_be_bytes()[..], &mode.to_be_bytes()].concat()
}

/// What is there after `new` was copied to `f`, where `before` was; and what it came to.
async fn after(before: &[(&str, &str)], refuses: Refuses) -> (Vec<(String, String)>, Option<Kind>) {
    after_by(&[], before, refuses).await
}

/// The same at a server that announces this.
async fn after_by(
    announced: &'static [(&'static str, &'static str)],
    before: &[(&str, &str)],
    refuses: Refuses,
) -> (Vec<(String, String)>, Option<Kind>) {
    let mut scene = Scene::new(Way::Up).expect("asked for by the caller");
    let files = before.iter().map(|(name, content)| (name.to_string(), content.as_bytes().to_vec()));
    let files = Arc::new(Mutex::new(files.collect::<BTreeMap<_, _>>()));
    scene.reach_destination_by(Arc::new(Server { files: Arc::clone(&files), refuses, announced }));
    fs::write(scene.from.join("f"), "new").unwrap();
    let report = scene.copy("f", "", Options::default()).await.unwrap();
    let left = std::mem::take(&mut *files.lock().unwrap()).into_iter();
    let name = |name: String| if name.ends_with(".part") { "part".to_owned() } else { name };
    (left.map(|(path, content)| (name(path), String::from_utf8(content).unwrap())).collect(), report.kind())
}

fn pairs(expected: &[(&str, &str)]) -> Vec<(String, String)> {
    expected.iter().map(|(name, content)| (name.to_string(), content.to_string())).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_old_content_stays_until_the_new_one_stands() {
    if Scene::new(Way::Up).is_none() {
        return;
    }
    let never: Refuses = |_, _| false;
    assert_eq!(after(&[], never).await, (pairs(&[("f", "new")]), None));
    assert_eq!(after(&[("f", "old")], never).await, (pairs(&[("f", "new")]), None));
    // a run before was cut off between its two renames, or just after
    let stale = [("f", "old"), (".f.hop-bak", "older")];
    assert_eq!(after(&stale, never).await, (pairs(&[("f", "new")]), None));

    let failed = Some(Kind::RemoteFile);
    let kept = pairs(&[("part", "new"), ("f", "old")]);
    // the old content cannot be moved aside
    assert_eq!(after(&[("f", "old")], |_, to| to.ends_with(".hop-bak")).await, (kept.clone(), failed));
    // the new one cannot take its place: the old one comes back
    assert_eq!(after(&[("f", "old")], |from, _| from.ends_with(".part")).await, (kept, failed));
    // nor can the old one come back: it is still there
    let lost = pairs(&[(".f.hop-bak", "old"), ("part", "new")]);
    let mut found = after(&[("f", "old")], |_, to| to == "f").await;
    found.0.sort();
    assert_eq!(found, (lost, failed));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rename_that_is_announced_and_refused_is_done_without() {
    if Scene::new(Way::Up).is_none() {
        return;
    }
    let announced = &[("posix-rename@openssh.com", "1")];
    let never: Refuses = |_, _| false;
    assert_eq!(after_by(announced, &[], never).await, (pairs(&[("f", "new")]), None));
    assert_eq!(after_by(announced, &[("f", "old")], never).await, (pairs(&[("f", "new")]), None));
    let kept = pairs(&[("part", "new"), ("f", "old")]);
    let refused = after_by(announced, &[("f", "old")], |_, to| to.ends_with(".hop-bak")).await;
    assert_eq!(refused, (kept, Some(Kind::RemoteFile)));
}
