//! The two ends of a test's copy, and what is seen of it.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use hop::chain::{Cause, ChainError, Trail};
use hop::copy::{Connector, CopyError, Job, Location, Opening, Options, Report, copy};
use hop::progress::{Counters, Event, Observer, Stage};

use crate::pseudorandom::noise;
use crate::skips::need;
use crate::street::pipe::{self, Pipe};
pub use crate::whole::ways::{WAYS, Way};

/// A copy that takes longer has hung.
const PATIENCE: Duration = Duration::from_secs(60);

/// A host whose files are those of a folder here. Its servers end with it.
pub struct Host {
    name: &'static str,
    home: PathBuf,
    arguments: Vec<&'static str>,
    /// Runs its servers as a user that is not root.
    pub is_nobody: bool,
    pipes: Mutex<Vec<Pipe>>,
    /// Lanes it opens before it refuses more.
    pub lanes: usize,
    pub opened: AtomicUsize,
}

impl Host {
    /// `None`, loudly, where there is no `sftp-server`.
    pub fn new(name: &'static str, home: &Path, arguments: &[&'static str]) -> Option<Host> {
        need("sftp-server")?;
        Some(Host {
            name,
            home: home.to_owned(),
            arguments: arguments.to_vec(),
            is_nobody: false,
            pipes: Mutex::default(),
            lanes: usize::MAX,
            opened: AtomicUsize::new(0),
        })
    }
}

impl Host {
    /// Kills every server.
    pub fn kill(&self) {
        for pipe in self.pipes.lock().unwrap().iter_mut() {
            pipe.server.start_kill().unwrap();
        }
    }
}

impl Connector for Host {
    fn alias(&self) -> &str {
        self.name
    }

    fn trail(&self) -> String {
        format!("laptop > bastion > {}", self.name)
    }

    fn lane(&self, lane: usize) -> Opening<'_> {
        Box::pin(async move {
            if lane >= self.lanes {
                let cause = Cause::Refused("no more sessions".into());
                return Err(ChainError { trail: Trail(vec![self.name.into()]), stage: Stage::OpenChannel, cause });
            }
            self.opened.fetch_add(1, Ordering::Relaxed);
            let pipe = match self.is_nobody {
                true => pipe::start_as_nobody(&self.home, &self.arguments).await,
                false => pipe::start(&self.home, &self.arguments).await,
            };
            let pipe = pipe.expect("needed above");
            let client = pipe.client.clone();
            self.pipes.lock().unwrap().push(pipe);
            Ok(client)
        })
    }
}

/// Two folders, one at each end.
pub struct Scene {
    _dir: tempfile::TempDir,
    pub from: PathBuf,
    pub to: PathBuf,
    source: Option<Arc<dyn Connector>>,
    destination: Option<Arc<dyn Connector>>,
    /// Of the last copy.
    counters: Mutex<Arc<Counters>>,
    pub seen: Arc<Seen>,
}

impl Scene {
    pub fn new(way: Way) -> Option<Scene> {
        Scene::with(way, &[])
    }

    /// With arguments for the destination's `sftp-server`.
    pub fn with(way: Way, arguments: &[&'static str]) -> Option<Scene> {
        let dir = tempfile::tempdir().unwrap();
        let (from, to) = (dir.path().join("from"), dir.path().join("to"));
        fs::create_dir(&from).unwrap();
        fs::create_dir(&to).unwrap();
        let source: Option<Arc<dyn Connector>> = match way {
            Way::Up => None,
            Way::Down | Way::Relay => Some(Arc::new(Host::new("acc-pvt", &from, &[])?)),
            Way::Direct => unreachable!("no host here lends a login"),
        };
        let destination: Option<Arc<dyn Connector>> = match way {
            Way::Down => None,
            Way::Up | Way::Relay | Way::Direct => Some(Arc::new(Host::new("dell-pvt", &to, arguments)?)),
        };
        let (counters, seen) = (Mutex::default(), Arc::default());
        Some(Scene { _dir: dir, from, to, source, destination, counters, seen })
    }

    /// The other way of reaching an end, for a test that needs its own.
    pub fn reach_destination_by(&mut self, connector: Arc<dyn Connector>) {
        self.destination = Some(connector);
    }

    pub fn reach_source_by(&mut self, connector: Arc<dyn Connector>) {
        self.source = Some(connector);
    }

    /// Where the runs of this machine show that they live.
    pub fn locks(&self) -> PathBuf {
        self._dir.path().join("locks")
    }

    /// A path at the source: below the folder, as that end is asked for it.
    pub fn source(&self, path: impl AsRef<OsStr>) -> Location {
        end(self.source.as_ref(), &self.from, path.as_ref())
    }

    pub fn destination(&self, path: impl AsRef<OsStr>) -> Location {
        end(self.destination.as_ref(), &self.to, path.as_ref())
    }

    pub async fn copy(&self, source: &str, destination: &str, options: Options) -> Result<Report, CopyError> {
        self.copy_ends(vec![self.source(source)], self.destination(destination), options).await
    }

    pub async fn copy_ends(
        &self,
        sources: Vec<Location>,
        destination: Location,
        options: Options,
    ) -> Result<Report, CopyError> {
        let runs = options.runs.clone().or_else(|| Some(self.locks()));
        let job = Job { sources, destination, options: Options { runs, ..options } };
        let seen: Arc<dyn Observer> = self.seen.clone();
        let counters = Arc::<Counters>::default();
        *self.counters.lock().unwrap() = Arc::clone(&counters);
        let copied = copy(job, seen, counters);
        tokio::time::timeout(PATIENCE, copied).await.expect("the copy hangs")
    }

    /// What the last copy has counted.
    pub fn counters(&self) -> Arc<Counters> {
        Arc::clone(&self.counters.lock().unwrap())
    }

    /// Copies, and expects that everything arrives.
    pub async fn copies(&self, source: &str, destination: &str, options: Options) -> Report {
        whole(self.copy(source, destination, options).await)
    }
}

/// A report without failures.
pub fn whole(report: Result<Report, CopyError>) -> Report {
    let report = report.unwrap_or_else(|error| panic!("{error}"));
    let failed: Vec<String> = report.failed.iter().map(|failure| failure.error.to_string()).collect();
    assert!(failed.is_empty() && report.failures == 0 && report.kind().is_none(), "{failed:?}");
    report
}

fn end(connector: Option<&Arc<dyn Connector>>, folder: &Path, path: &OsStr) -> Location {
    match connector {
        // the server's home is the folder
        Some(connector) => Location::Remote(Arc::clone(connector), path.as_bytes().to_vec()),
        None => Location::Local(folder.join(path)),
    }
}

/// What the observer was told.
#[derive(Default)]
pub struct Seen(pub Mutex<Vec<Event>>);

impl Observer for Seen {
    fn event(&self, event: Event) {
        self.0.lock().unwrap().push(event);
    }
}

impl Seen {
    pub fn planned(&self) -> Vec<(String, String)> {
        let text = |path: &[u8]| String::from_utf8_lossy(path).into_owned();
        let events = self.0.lock().unwrap();
        let planned = events.iter().filter_map(|event| match event {
            Event::Planned { path, destination, .. } => Some((text(path), text(destination))),
            _ => None,
        });
        planned.collect()
    }
}

pub fn recursive() -> Options {
    Options { recursive: true, ..Options::default() }
}

/// One of many contents of this size.
pub fn content(size: usize, seed: u64) -> Vec<u8> {
    noise(seed, size)
}

/// Everything below a folder: paths, and contents or what stands for them.
pub fn tree(folder: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut found = BTreeMap::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(next) = folders.pop() {
        for entry in fs::read_dir(&next).unwrap() {
            let path = entry.unwrap().path();
            let name = path.strip_prefix(folder).unwrap().to_owned();
            let kind = fs::symlink_metadata(&path).unwrap().file_type();
            let stands = match () {
                () if kind.is_dir() => {
                    folders.push(path.clone());
                    b"folder".to_vec()
                }
                () if kind.is_symlink() => [b"link to ", fs::read_link(&path).unwrap().as_os_str().as_bytes()].concat(),
                () => fs::read(&path).unwrap(),
            };
            found.insert(name, stands);
        }
    }
    found
}

/// Expects two folders to hold the same.
pub fn assert_same(one: &Path, two: &Path) {
    let (one, two) = (tree(one), tree(two));
    let names = |tree: &BTreeMap<PathBuf, Vec<u8>>| tree.keys().cloned().collect::<Vec<_>>();
    assert_eq!(names(&one), names(&two));
    for (path, content) in &one {
        assert!(two[path] == *content, "{} differs", path.display());
    }
}
