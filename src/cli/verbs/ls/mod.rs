//! `hop ls`: what lies on hosts, as lines or as JSON, on standard output.
//!
//! A path that cannot be listed is said on standard error and the next one is tried. What a server names is shown,
//! made safe, and trusted no further: a listing has a largest size, a tree a largest depth and width. A host from which
//! nothing comes for too long is given up.
//!
//! | floor | what is there |
//! | --- | --- |
//! | `remote_listing` | what lies on a host, as rows |
//! | `table` | how it looks |

mod remote_listing;
mod table;

use std::collections::HashMap;
use std::io::Write;
use std::sync::Arc;

use crate::copy::{Cause, CopyError, RemoteFiles};
use crate::error::{Error, ExitKind};
use crate::sftp::FileKind;
use crate::target::{self, HostSpec, Target};

use crate::cli::args::ls::{ListingFlags, Ls};
use crate::cli::args::reliability::idle_limit;
use crate::cli::args::settings::quiet_screen;
use crate::cli::env::environment::Environment;
use crate::cli::output::display::Level;
use crate::cli::output::safe;
use crate::cli::output::stdout::{is_closed, written};
use crate::cli::run::network::Network;
use crate::cli::run::verb_run::Run;
use remote_listing::{LINKS_AT_ONCE, join};
use table::{EntryRow, SizeFormat, widths};

/// The deepest level that is listed: deeper trees are a trap.
const DEEPEST: usize = 256;
/// The most folders of a tree that are listed.
const MOST_FOLDERS: usize = 10_000_000;
/// The most bytes for the folders that wait to be listed.
const MOST_WAITING: usize = 64 << 20;
/// The bytes that each of them takes besides its path.
const BESIDE: usize = 48;
/// The message for a tree that exceeds one of these limits.
const TOO_LARGE: &str =
    "folders below are not listed: they are deeper than 256, or more than 10 million, or 64 MiB of them wait";

/// Lists; the exit code to end with.
pub fn run(ls: &Ls, environment: &Environment) -> u8 {
    let run = Run::start(&quiet_screen(&ls.output, Level::Remarks));
    let outcome = run.carry_out(async {
        match list_all(ls, environment, &run).await {
            Err(error) if is_closed(&error) => Ok(ExitKind::Done),
            outcome => outcome,
        }
    });
    run.close(outcome.as_ref().err());
    outcome.unwrap_or_else(|failure| failure.kind).code()
}

async fn list_all(ls: &Ls, environment: &Environment, run: &Arc<Run>) -> Result<ExitKind, Error> {
    let targets = ls.targets.iter().map(|word| remote(word)).collect::<Result<Vec<_>, _>>()?;
    let idle_limit = idle_limit(ls.timeout, environment).map_err(|wrong| Error::Usage(wrong.to_string()))?;
    let network = Network::read(ls.flags(), environment, run)?;
    let mut hosts: HashMap<HostSpec, RemoteFiles> = HashMap::new();
    let mut found = Vec::new();
    let mut lister = Lister { listing: &ls.listing, run, headed: false, shown: 0, failed: None };
    for (host, path) in targets {
        if !hosts.contains_key(&host) {
            let files = RemoteFiles::open(network.way(&host)?, idle_limit).await?;
            hosts.insert(host.clone(), files);
        }
        let files = &hosts[&host];
        match files.find(&path).await {
            Ok(paths) => found.extend(paths.into_iter().map(|path| ListedPath {
                host: host.to_string(),
                files: files.clone(),
                path,
            })),
            Err(error) => lister.pass_over(error)?,
        }
    }
    lister.headed = found.len() > 1 || ls.listing.recursive;
    for found in &found {
        lister.list(found).await?;
    }
    Ok(lister.failed.unwrap_or(ExitKind::Done))
}

fn remote(word: &std::ffi::OsStr) -> Result<(HostSpec, Vec<u8>), Error> {
    match target::parse(word)? {
        Target::Remote(host, path) => Ok((host, path)),
        Target::Local(path) => Err(Error::Usage(format!(
            "{}: names no host: `hop ls` lists HOST:PATH",
            safe::line(path.as_os_str().as_encoded_bytes())
        ))),
    }
}

/// A path to list.
struct ListedPath {
    host: String,
    files: RemoteFiles,
    path: Vec<u8>,
}

/// Folders that wait to be listed, the next one last, each with its depth.
struct FoldersToList {
    folders: Vec<(Vec<u8>, usize)>,
    bytes: usize,
    /// The number of folders so far.
    count: usize,
}

impl FoldersToList {
    fn with(folder: Vec<u8>) -> FoldersToList {
        FoldersToList { bytes: folder.len() + BESIDE, folders: vec![(folder, 0)], count: 1 }
    }

    /// Adds a folder, unless there is no room for it.
    fn add(&mut self, folder: Vec<u8>, depth: usize) -> bool {
        let bytes = self.bytes + folder.len() + BESIDE;
        let fits = depth <= DEEPEST && self.count < MOST_FOLDERS && bytes <= MOST_WAITING;
        if fits {
            (self.bytes, self.count) = (bytes, self.count + 1);
            self.folders.push((folder, depth));
        }
        fits
    }

    fn pop(&mut self) -> Option<(Vec<u8>, usize)> {
        let next = self.folders.pop()?;
        self.bytes -= next.0.len() + BESIDE;
        Some(next)
    }
}

struct Lister<'a> {
    listing: &'a ListingFlags,
    run: &'a Run,
    headed: bool,
    shown: usize,
    failed: Option<ExitKind>,
}

impl Lister<'_> {
    async fn list(&mut self, found: &ListedPath) -> Result<(), Error> {
        match found.files.stat(&found.path).await {
            Ok(attributes) if attributes.kind() == FileKind::Dir => self.list_tree(found).await,
            Err(error) if error.ends_the_run() => Err(error.into()),
            // a link that leads nowhere can still be listed
            followed => match found.files.lstat(&found.path).await {
                Ok(attributes) => {
                    let mut rows = [EntryRow::alone(found.path.clone(), attributes)];
                    self.print(found, b"", &mut rows).await
                }
                Err(error) => self.pass_over(followed.err().unwrap_or(error)),
            },
        }
    }

    /// A folder, and with `-R` the folders below it, each before its own.
    async fn list_tree(&mut self, found: &ListedPath) -> Result<(), Error> {
        let mut waiting = FoldersToList::with(found.path.clone());
        while let Some((folder, depth)) = waiting.pop() {
            let mut rows = match remote_listing::rows(&found.files, &folder).await {
                Ok(rows) => rows,
                Err(error) => {
                    self.pass_over(error)?;
                    continue;
                }
            };
            rows.retain(|row| self.listing.all || !row.name.starts_with(b"."));
            self.head(found, &folder)?;
            self.print(found, &folder, &mut rows).await?;
            let mut below = rows.iter().rev().filter(|row| self.listing.recursive && row.is_folder_below());
            if !below.all(|row| waiting.add(join(&folder, &row.name), depth + 1)) {
                self.pass_over(found.files.error(&folder, Cause::Unfit(TOO_LARGE)))?;
            }
        }
        Ok(())
    }

    fn head(&mut self, found: &ListedPath, folder: &[u8]) -> Result<(), Error> {
        if !self.headed || self.listing.json {
            return Ok(());
        }
        let gap = if self.shown > 0 { "\n" } else { "" };
        self.shown += 1;
        written(|out| writeln!(out, "{gap}{}:{}:", safe::line(&found.host), safe::line(folder)))
    }

    async fn print(&self, found: &ListedPath, folder: &[u8], rows: &mut [EntryRow]) -> Result<(), Error> {
        let ListingFlags { long, human, json, .. } = *self.listing;
        let sizes = if human { SizeFormat::Human } else { SizeFormat::Exact };
        let widths = widths(rows, sizes);
        let at_once = if long || json { LINKS_AT_ONCE } else { rows.len().max(1) };
        for rows in rows.chunks_mut(at_once) {
            if long || json {
                remote_listing::read_links(&found.files, folder, rows).await;
            }
            written(|out| {
                rows.iter().try_for_each(|row| match (json, long) {
                    (true, _) => writeln!(out, "{}", row.json(&found.host, &join(folder, &row.name))),
                    (false, true) => writeln!(out, "{}", row.long(&widths, sizes)),
                    (false, false) => writeln!(out, "{}", safe::line(&row.name)),
                })
            })?;
            // where they point has been said, and may be long
            rows.iter_mut().for_each(|row| row.link = None);
        }
        Ok(())
    }

    /// A path that cannot be listed does not keep the others from being listed.
    fn pass_over(&mut self, error: CopyError) -> Result<(), Error> {
        let ends_the_run = error.ends_the_run();
        let error = Error::from(error);
        if ends_the_run {
            return Err(error);
        }
        self.run.failure(&error).say();
        self.failed = Some(ExitKind::SomeFailed);
        Ok(())
    }
}
