//! Servers that work, but for one thing: F9, one of many requests is never answered; F18, the part becomes a link just
//! before it is opened again; F20, closing or flushing fails; F23, one byte is changed; F37, a size that is set empties
//! the file; F38, sizes are not told as they are (the tests of that are in `sizes.rs`). A real `sftp-server`, with someone
//! in between who reads the packets.

use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use hop::copy::{Care, Connector, Kind, Opening, Options};
use hop::progress::Event;
use hop::sftp::{Client, Reader, Writer};
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _, DuplexStream, duplex, split};
use tokio::process::{Child, Command};

use crate::copy::ends::{Scene, Way, content};
use crate::sftp::script::{ATTRS, CLOSE, DATA, NAME, OPEN, WRITE, status, u32_at};
use crate::skips::need;

/// What is done to a server's packets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Trick {
    /// The answer to the so-manieth WRITE does not come; for once.
    Unanswered(u32),
    /// A request of this kind fails, after it was carried out.
    Fails(u8),
    /// One byte of the so-manieth packet of this kind is another.
    Changes(u8, u32),
    /// A file whose size is set loses all it has, as with paramiko.
    Empties,
    /// A file that is about to be opened for writing, as it is, becomes a link to one outside; for once.
    Links,
    /// Every regular file is said to have so many bytes more than it has, or fewer.
    Announces(i64),
    /// No listing has lines for people.
    ListsNamesOnly,
    /// What a folder holds is told long after what was asked for later.
    ListsLate,
}

/// Longer than a small file waits for what its folder holds, and shorter than it and the end of its run do.
const LATE: Duration = Duration::from_millis(1100);

/// A host whose server is meddled with.
pub struct Meddler {
    home: PathBuf,
    trick: Trick,
    count: Arc<AtomicU32>,
    servers: std::sync::Mutex<Vec<Child>>,
}

impl Meddler {
    pub fn new(home: &Path, trick: Trick) -> Arc<Meddler> {
        Arc::new(Meddler { home: home.to_owned(), trick, count: Arc::default(), servers: std::sync::Mutex::default() })
    }
}

impl Connector for Meddler {
    fn alias(&self) -> &str {
        "odd"
    }

    fn trail(&self) -> String {
        "laptop > odd".into()
    }

    fn lane(&self, _: usize) -> Opening<'_> {
        Box::pin(async move {
            let mut command = Command::new(need("sftp-server").expect("asked for before"));
            command.current_dir(&self.home).env("HOME", &self.home).stdin(Stdio::piped()).stdout(Stdio::piped());
            let mut server = command.kill_on_drop(true).spawn().expect("sftp-server starts");
            let (output, input) = (server.stdout.take().expect("piped"), server.stdin.take().expect("piped"));
            self.servers.lock().expect("no holder panics").push(server);
            let (near, far): (DuplexStream, DuplexStream) = duplex(1 << 20);
            let (from_client, to_client) = split(far);
            let ids = Arc::new(std::sync::Mutex::new(Vec::new()));
            let meddling = (self.trick, Arc::clone(&self.count), ids, self.home.clone());
            tokio::spawn(pass(from_client, input, meddling.clone()));
            tokio::spawn(pass(output, to_client, meddling));
            let (receive, transmit) = split(near);
            Ok(Client::start(Reader::new(receive), Writer::new(transmit)).await.expect("it greets"))
        })
    }
}

type Meddling = (Trick, Arc<AtomicU32>, Arc<std::sync::Mutex<Vec<u32>>>, PathBuf);

/// Passes packets on, until either side has gone.
async fn pass(mut from: impl AsyncRead + Unpin, to: impl AsyncWrite + Unpin + Send + 'static, meddling: Meddling) {
    let to = Arc::new(tokio::sync::Mutex::new(to));
    loop {
        let Ok(length) = from.read_u32().await else { return };
        let mut packet = vec![0; length as usize];
        if from.read_exact(&mut packet).await.is_err() {
            return;
        }
        let Some(packet) = meddle(packet, &meddling) else { continue };
        let whole = [&(packet.len() as u32).to_be_bytes()[..], &packet].concat();
        if meddling.0 == Trick::ListsLate && packet[0] == NAME && u32_at(&packet, 5) > 1 {
            let to = Arc::clone(&to);
            tokio::spawn(async move {
                tokio::time::sleep(LATE).await;
                // the session may have ended
                let _ = to.lock().await.write_all(&whole).await;
            });
            continue;
        }
        if to.lock().await.write_all(&whole).await.is_err() {
            return;
        }
    }
}

/// The packet as it goes on; `None` for one that does not.
fn meddle(mut packet: Vec<u8>, (trick, count, ids, home): &Meddling) -> Option<Vec<u8>> {
    let (kind, id) = (packet[0], if packet.len() >= 5 { u32_at(&packet, 1) } else { 0 });
    let mut ids = ids.lock().expect("no holder panics");
    match *trick {
        Trick::Unanswered(number) if kind == WRITE && count.fetch_add(1, Ordering::Relaxed) == number => ids.push(id),
        Trick::Unanswered(_) if kind > 100 && ids.contains(&id) => return None,
        Trick::Fails(which) if kind == which => ids.push(id),
        Trick::Fails(_) if kind > 100 && ids.contains(&id) => {
            ids.retain(|other| *other != id);
            return Some(status(id, 4, "Failure")[4..].to_vec());
        }
        Trick::Changes(which, number) if kind == which && count.fetch_add(1, Ordering::Relaxed) == number => {
            *packet.last_mut().expect("it has data") ^= 0x20;
        }
        Trick::Links if kind == OPEN && count.load(Ordering::Relaxed) == 0 => {
            let length = u32_at(&packet, 5) as usize;
            if u32_at(&packet, 9 + length) == OPEN_WRITE {
                count.store(1, Ordering::Relaxed);
                let part = home.join(OsStr::from_bytes(&packet[9..9 + length]));
                fs::remove_file(&part).expect("remove the part");
                symlink("../outside", part).expect("make a link");
            }
        }
        Trick::Empties if kind == FSETSTAT && sets_size(&packet) => {
            let names = fs::read_dir(home).expect("list").map(|entry| entry.expect("list").path());
            for part in names.filter(|name| name.extension().is_some_and(|ending| ending == "part")) {
                fs::OpenOptions::new().write(true).truncate(true).open(part).expect("empty it");
            }
        }
        Trick::Announces(more) if kind == ATTRS => drop(resize(&mut packet, 5, more)),
        Trick::Announces(more) if kind == NAME => {
            let mut at = 9;
            for _ in 0..u32_at(&packet, 5) {
                // name and long name
                at += 4 + u32_at(&packet, at) as usize;
                at += 4 + u32_at(&packet, at) as usize;
                at = resize(&mut packet, at, more);
            }
        }
        Trick::ListsNamesOnly if kind == NAME => {
            let mut at = 9;
            for _ in 0..u32_at(&packet, 5) {
                at += 4 + u32_at(&packet, at) as usize;
                let long = 4 + u32_at(&packet, at) as usize;
                packet.splice(at..at + long, [0; 4]);
                at = resize(&mut packet, at + 4, 0);
            }
        }
        _ => {}
    }
    Some(packet)
}

/// Changes the size in the attributes at `at`, if they are a regular file's; where they end.
fn resize(packet: &mut [u8], at: usize, more: i64) -> usize {
    let flags = u32_at(packet, at);
    let length = |bit: u32, bytes: usize| if flags & bit == 0 { 0 } else { bytes };
    // size, owner, permissions, times
    let (size, permissions) = (at + 4, at + 4 + length(1, 8) + length(2, 8));
    if flags & 5 == 5 && u32_at(packet, permissions) & 0o170_000 == 0o100_000 {
        let told = u64::from_be_bytes(packet[size..size + 8].try_into().expect("eight bytes"));
        packet[size..size + 8].copy_from_slice(&told.saturating_add_signed(more).to_be_bytes());
    }
    permissions + length(4, 4) + length(8, 8)
}

/// An upload to such a server; what it came to.
async fn up(trick: Trick, size: usize, options: Options) -> Option<(Scene, Option<Kind>, String)> {
    let mut scene = Scene::new(Way::Up)?;
    let server = Meddler::new(&scene.to, trick);
    scene.reach_destination_by(server);
    fs::write(scene.from.join("f"), content(size, 5)).unwrap();
    fs::write(scene.to.join("f"), "old").unwrap();
    let report = scene.copy("f", "", options).await.unwrap();
    let told = report.failed.first().map_or(String::new(), |failed| failed.error.to_string());
    let kind = report.kind();
    Some((scene, kind, told))
}

fn lands_whole(scene: &Scene, size: usize) {
    assert!(fs::read(scene.to.join("f")).unwrap() == content(size, 5));
    assert_eq!(fs::read_dir(&scene.to).unwrap().count(), 1);
}

fn stays_old(scene: &Scene) {
    assert_eq!(fs::read(scene.to.join("f")).unwrap(), b"old");
}

const LARGE: usize = 9 << 20;

const SIZES: [usize; 2] = [60_000, LARGE];

/// No flag but SSH_FXF_WRITE.
const OPEN_WRITE: u32 = 2;

const FSETSTAT: u8 = 10;

/// Whether a FSETSTAT has SSH_FILEXFER_ATTR_SIZE.
fn sets_size(packet: &[u8]) -> bool {
    u32_at(packet, 9 + u32_at(packet, 5) as usize) & 1 != 0
}

/// A part is gone on from where a size attribute empties the file: none is sent.
#[tokio::test(flavor = "multi_thread")]
async fn f37_a_server_that_empties_a_file_whose_size_is_set() {
    for preserve in [false, true] {
        let Some(mut scene) = Scene::new(Way::Up) else { return };
        fs::write(scene.from.join("f"), content(LARGE, 5)).unwrap();
        scene.reach_destination_by(Meddler::new(&scene.to, Trick::Fails(WRITE)));
        let options = Options { preserve, ..Options::default() };
        let report = scene.copy("f", "", options.clone()).await.unwrap();
        assert_eq!((report.kind(), fs::read_dir(&scene.to).unwrap().count()), (Some(Kind::RemoteFile), 1));
        scene.reach_destination_by(Meddler::new(&scene.to, Trick::Empties));
        let report = scene.copy("f", "", options).await.unwrap();
        assert_eq!(report.kind(), None, "{:?}", report.failed);
        let kept = scene.seen.0.lock().unwrap().iter().any(|event| matches!(event, Event::Resumed { kept: 1.., .. }));
        assert!(kept, "it never came to that");
        lands_whole(&scene, LARGE);
    }
}

/// The name was a file's when it was looked at, and is a link's when it is opened: by a further lane, or by a run that goes
/// on from a part.
#[tokio::test(flavor = "multi_thread")]
async fn f18_a_part_that_becomes_a_link_is_not_written_through() {
    for is_resumed in [false, true] {
        let Some(mut scene) = Scene::new(Way::Up) else { return };
        let outside = scene.to.with_file_name("outside");
        fs::write(scene.from.join("f"), content(40 << 20, 5)).unwrap();
        fs::write(scene.to.join("f"), "old").unwrap();
        fs::write(&outside, "outside").unwrap();
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions();
        let before = mode(&outside);
        if is_resumed {
            scene.reach_destination_by(Meddler::new(&scene.to, Trick::Fails(WRITE)));
            let report = scene.copy("f", "", Options::default()).await.unwrap();
            assert_eq!((report.kind(), fs::read_dir(&scene.to).unwrap().count()), (Some(Kind::RemoteFile), 2));
        }
        let server = Meddler::new(&scene.to, Trick::Links);
        scene.reach_destination_by(Arc::clone(&server) as Arc<dyn Connector>);
        let report = scene.copy("f", "", Options::default()).await.unwrap();
        assert_eq!(server.count.load(Ordering::Relaxed), 1, "it was never opened again");
        assert!(fs::read(&outside).unwrap() == b"outside", "resumed {is_resumed}: written through a link");
        assert_eq!(mode(&outside), before, "resumed {is_resumed}: its mode was set through a link");
        if is_resumed {
            // what another run left is not needed
            assert_eq!(report.kind(), None, "{:?}", report.failed);
            lands_whole(&scene, 40 << 20);
            continue;
        }
        assert_eq!(report.kind(), Some(Kind::Taken));
        let told = report.failed[0].error.to_string();
        assert!(told.contains(".part: it was taken away or replaced while it was written"), "{told}");
        stays_old(&scene);
    }
}

/// Where others may write, a part could be a second name of another file; SFTP tells that in the lines for people only.
#[tokio::test(flavor = "multi_thread")]
async fn f40_a_part_whose_count_of_names_is_not_told_is_not_gone_on_from() {
    let tricks = [(Trick::ListsNamesOnly, 0o1777, false), (Trick::Announces(0), 0o1777, true)];
    for (trick, mode, goes_on) in tricks.into_iter().chain([(Trick::ListsNamesOnly, 0o755, true)]) {
        let Some(mut scene) = Scene::new(Way::Up) else { return };
        fs::set_permissions(&scene.to, fs::Permissions::from_mode(mode)).unwrap();
        fs::write(scene.from.join("f"), content(LARGE, 5)).unwrap();
        scene.reach_destination_by(Meddler::new(&scene.to, Trick::Fails(WRITE)));
        let report = scene.copy("f", "", Options::default()).await.unwrap();
        assert_eq!((report.kind(), fs::read_dir(&scene.to).unwrap().count()), (Some(Kind::RemoteFile), 1));
        scene.reach_destination_by(Meddler::new(&scene.to, trick));
        scene.copies("f", "", Options::default()).await;
        let kept = scene.seen.0.lock().unwrap().iter().any(|event| matches!(event, Event::Resumed { kept: 1.., .. }));
        assert_eq!(kept, goes_on, "{trick:?} {mode:o}");
        lands_whole(&scene, LARGE);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_part_goes_at_the_end_of_the_run_where_its_folder_is_listed_late() {
    let Some(mut scene) = Scene::new(Way::Up) else { return };
    fs::write(scene.from.join("f"), content(LARGE, 5)).unwrap();
    scene.reach_destination_by(Meddler::new(&scene.to, Trick::Fails(WRITE)));
    scene.copy("f", "", Options::default()).await.unwrap();
    assert_eq!(fs::read_dir(&scene.to).unwrap().count(), 1, "no part was left");
    fs::write(scene.from.join("f"), content(1000, 6)).unwrap();
    scene.reach_destination_by(Meddler::new(&scene.to, Trick::ListsLate));
    scene.copies("f", "", Options::default()).await;
    assert_eq!(fs::read(scene.to.join("f")).unwrap(), content(1000, 6));
    assert_eq!(fs::read_dir(&scene.to).unwrap().count(), 1, "the part is left");
}

#[tokio::test(flavor = "multi_thread")]
async fn f9_one_answer_of_many_that_never_comes_is_a_stall() {
    let options = Options { timeout: Some(Duration::from_secs(1)), ..Options::default() };
    for size in SIZES {
        let Some((scene, kind, told)) = up(Trick::Unanswered(0), size, options.clone()).await else { return };
        assert_eq!(kind, None, "{told}");
        lands_whole(&scene, size);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn f20_an_error_on_closing_is_no_success() {
    for size in SIZES {
        let Some((scene, kind, told)) = up(Trick::Fails(CLOSE), size, Options::default()).await else { return };
        assert_eq!(kind, Some(Kind::RemoteFile), "{told}");
        assert!(told.contains("laptop > odd") && told.contains("failure") && told.contains("kept in"), "{told}");
        stays_old(&scene);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn f20_an_error_on_flushing_is_no_success() {
    // EXTENDED
    let options = Options { care: Care { fsync: true, ..Care::default() }, ..Options::default() };
    for size in SIZES {
        let Some((scene, kind, told)) = up(Trick::Fails(200), size, options.clone()).await else { return };
        assert_eq!(kind, Some(Kind::RemoteFile), "{told}");
        assert!(told.contains("laptop > odd") && told.contains("kept in"), "{told}");
        stays_old(&scene);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn files_are_flushed_where_that_can_be_done() {
    let options = Options { care: Care { fsync: true, ..Care::default() }, ..Options::default() };
    for way in crate::copy::ends::WAYS {
        let Some(scene) = Scene::new(way) else { return };
        for size in SIZES {
            fs::write(scene.from.join("f"), content(size, 5)).unwrap();
            scene.copies("f", "", options.clone()).await;
            lands_whole(&scene, size);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn f23_a_changed_byte_is_caught_by_verify() {
    let verify = Options { care: Care { verify: true, ..Care::default() }, ..Options::default() };
    for size in SIZES {
        let Some((scene, kind, told)) = up(Trick::Changes(WRITE, 0), size, verify.clone()).await else { return };
        assert_eq!(kind, Some(Kind::Differs), "{told}");
        assert!(told.contains("laptop > odd: verify") && told.contains("SHA-256"), "{told}");
        stays_old(&scene);
        // nothing could go on from it
        assert_eq!(fs::read_dir(&scene.to).unwrap().count(), 1);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn f23_a_byte_changed_on_the_way_down_is_caught_by_verify() {
    let verify = Options { care: Care { verify: true, ..Care::default() }, ..Options::default() };
    let Some(mut scene) = Scene::new(Way::Down) else { return };
    let server = Meddler::new(&scene.from, Trick::Changes(DATA, 0));
    scene.reach_source_by(server);
    fs::write(scene.from.join("f"), content(9 << 20, 5)).unwrap();
    fs::write(scene.to.join("f"), "old").unwrap();
    let report = scene.copy("f", "", verify).await.unwrap();
    assert_eq!(report.kind(), Some(Kind::Differs), "{:?}", report.failed);
    stays_old(&scene);
}
