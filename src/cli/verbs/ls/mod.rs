//! `hop ls`: what lies on hosts, as lines or as JSON, on standard output.
//!
//! A path that cannot be listed is said on standard error and the next one is tried. What a server names is shown,
//! made safe, and trusted no further: a listing has a largest size, a tree a largest depth and width. A host from which
//! nothing comes for too long is given up.
//!
//! | floor | what is there |
//! | --- | --- |
//! | `to_list` | folders that wait |
//! | `remote_listing` | what lies on a host, as rows |
//! | `folder_rows` | the rows of one folder |
//! | `table` | how it looks |

mod folder_rows;
mod remote_listing;
mod table;
mod to_list;

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
use folder_rows::Owners;
use remote_listing::{LINKS_AT_ONCE, join};
use table::{EntryRow, SizeFormat, widths};
use to_list::{FoldersToList, TOO_LARGE};

/// Rows shown at once.
const AT_ONCE: usize = 1024;

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
        let host: Arc<str> = host.to_string().into();
        match files.find(&path).await {
            Ok(paths) => found.extend(paths.into_iter().map(|path| ListedPath {
                host: Arc::clone(&host),
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
    host: Arc<str>,
    files: RemoteFiles,
    path: Vec<u8>,
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
                    let row = EntryRow::alone(found.path.clone(), attributes);
                    self.print(found, b"", std::iter::once(row)).await
                }
                Err(error) => self.pass_over(followed.err().unwrap_or(error)),
            },
        }
    }

    /// A folder, and with `-R` the folders below it, each before its own.
    async fn list_tree(&mut self, found: &ListedPath) -> Result<(), Error> {
        let mut waiting = FoldersToList::with(&found.path);
        let owners = if self.listing.long { Owners::Named } else { Owners::NotShown };
        while let Some((folder, depth)) = waiting.pop() {
            let mut rows = match remote_listing::rows(&found.files, &folder, owners).await {
                Ok(rows) => rows,
                Err(error) => {
                    self.pass_over(error)?;
                    continue;
                }
            };
            rows.keep_if(|name| self.listing.all || !name.starts_with(b"."));
            self.head(found, &folder)?;
            self.print(found, &folder, rows.iter()).await?;
            let below = rows.iter().rev().filter(|row| self.listing.recursive && row.is_folder_below());
            if !waiting.add(&folder, depth + 1, below.map(|row| row.name)) {
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
        written(|out| writeln!(out, "{gap}{}:{}:", safe::line(&*found.host), safe::line(folder)))
    }

    async fn print(
        &self,
        found: &ListedPath,
        folder: &[u8],
        mut left: impl Iterator<Item = EntryRow> + Clone,
    ) -> Result<(), Error> {
        let ListingFlags { long, human, json, .. } = *self.listing;
        let sizes = if human { SizeFormat::Human } else { SizeFormat::Exact };
        let widths = widths(left.clone(), sizes);
        let at_once = if long || json { LINKS_AT_ONCE } else { AT_ONCE };
        loop {
            let mut rows: Vec<EntryRow> = left.by_ref().take(at_once).collect();
            if rows.is_empty() {
                return Ok(());
            }
            if long || json {
                remote_listing::read_links(&found.files, folder, &mut rows).await;
            }
            written(|out| {
                rows.iter().try_for_each(|row| match (json, long) {
                    (true, _) => writeln!(out, "{}", row.json(&found.host, &join(folder, &row.name))),
                    (false, true) => writeln!(out, "{}", row.long(&widths, sizes)),
                    (false, false) => writeln!(out, "{}", safe::line(&row.name)),
                })
            })?;
        }
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
