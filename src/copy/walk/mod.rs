//! What is there to copy? [`Walk`] goes through the sources, several folders at once, and hands out [`Item`]s as it finds
//! them: a folder before its entries, nothing twice, never in a circle. It never calls itself, however deep a tree is.
//!
//! | floor | what is there |
//! | --- | --- |
//! | `look` `unchanged` | what is behind a name; what need not go |
//! | `pending` | folders that wait |
//! | `spill` `visited` | what memory has no room for; where the walk was |
//!
//! # Memory
//!
//! A tree of any width and depth takes a few MiB, and one that a server makes up 48 MiB at most: [`QUEUE`] items with paths of
//! 4 KiB each way, [`LISTINGS`] listings of four answers (257 KiB) each, the names that [`Visited`] remembers, the folders that
//! wait ([`Pending`]: 6 MiB here, then 1 GiB in a file without a name), and those whose entries wait: [`LISTINGS`] a level,
//! [`DEPTH`] levels, each with no more than its own name. What a server makes up without end ends with the run's deadline
//! or the user; a folder ends after 16,777,216 entries.

pub mod look;
pub mod pending;
pub mod spill;
pub mod unchanged;
pub mod visited;

use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::{Notify, mpsc};
use tokio::task::JoinSet;

use super::ends::lanes::Lane;
use super::ends::side::Side;
use super::ends::symlink_loops::SymlinkHop;
use super::error::{Cause, CopyError};
use super::filter::Filter;
use super::name::Name;
use super::options::Symlinks;
use super::place::{Links, Place};
use super::task::folder::{Finish, Folder, Within};
use super::task::item::{Item, What};
use super::task::ledger::Ledger;
use super::task::planned_copy::PlannedCopy;
use super::task::standing::Standing;
use crate::progress::Stage;
use crate::sftp::{Attributes, FileKind};
use look::Look;
use pending::{Child, Next, Pending};
use visited::{Room, Visited};

/// Most items found and not taken yet.
const QUEUE: usize = 1024;

/// Folders listed at a time; an SFTP session's budget has room for twice as many answers. At a distance, round trips are most
/// of the time of a listing.
const LISTINGS: usize = 16;

/// Most folders within each other.
const DEPTH: usize = 1024;

/// Most bytes of a path below a source or destination; Linux's `PATH_MAX`.
const PATH_MAX: usize = 4096;

/// How the sources are walked.
pub struct WalkTerms {
    /// How symbolic links are treated.
    pub symlinks: Symlinks,
    /// Which entries of folders are copied.
    pub filter: Filter,
    /// Folder of this machine for the spill file; `None` for the system's own.
    pub scratch: Option<PathBuf>,
}

/// A walk under way; it ends when dropped.
pub struct Walk {
    items: mpsc::Receiver<Item>,
    task: JoinSet<Result<(), CopyError>>,
}

impl Walk {
    /// Starts to walk.
    pub fn start(
        copies: Vec<PlannedCopy>,
        terms: WalkTerms,
        ledger: Arc<Ledger>,
        standing: Arc<Standing>,
        finish: mpsc::UnboundedSender<Finish>,
    ) -> Walk {
        let (found, items) = mpsc::channel(QUEUE);
        let WalkTerms { symlinks, filter, scratch } = terms;
        let pending = Mutex::new(Pending::new(scratch));
        let (room, news) = (Arc::default(), Notify::new());
        let walker = Walker { symlinks, filter, ledger, standing, finish, found, pending, room, news };
        let mut task = JoinSet::new();
        task.spawn(Arc::new(walker).walk(copies));
        Walk { items, task }
    }

    /// The next item; `None` at the end.
    ///
    /// # Errors
    /// Why the walk ended early: a lost session. Errors of single folders are in the ledger.
    pub async fn next(&mut self) -> Result<Option<Item>, CopyError> {
        if let Some(item) = self.items.recv().await {
            return Ok(Some(item));
        }
        match self.task.join_next().await {
            Some(Ok(ended)) => ended.map(|()| None),
            Some(Err(panicked)) => std::panic::resume_unwind(panicked.into_panic()),
            None => Ok(None),
        }
    }
}

struct Walker {
    symlinks: Symlinks,
    filter: Filter,
    ledger: Arc<Ledger>,
    /// What stands at the destination, listed ahead.
    standing: Arc<Standing>,
    finish: mpsc::UnboundedSender<Finish>,
    found: mpsc::Sender<Item>,
    pending: Mutex<Pending<Node>>,
    room: Arc<Room>,
    news: Notify,
}

/// A folder that was entered.
struct Node {
    folder: Arc<Folder>,
    depth: usize,
    jump: Option<Arc<SymlinkHop>>,
}

/// A folder that is being listed, with the paths its entries share.
struct ListedFolder {
    node: Arc<Node>,
    source: Place,
    target: Place,
    /// Its path relative to the root of the tree, as filters see it.
    below_root: Vec<u8>,
}

type Listings = JoinSet<Result<(), CopyError>>;

impl Walker {
    /// Lists folders until none is left; the next source begins when no folder of those before it waits.
    async fn walk(self: Arc<Self>, copies: Vec<PlannedCopy>) -> Result<(), CopyError> {
        let (mut copies, mut listings) = (copies.into_iter(), Listings::new());
        loop {
            while listings.len() < LISTINGS {
                if let Some(next) = self.pending().pop() {
                    listings.spawn(Arc::clone(&self).enter(next));
                } else if let Some(planned) = copies.next() {
                    self.begin(planned, &mut listings).await;
                } else {
                    break;
                }
            }
            if listings.is_empty() {
                self.ledger.walked();
                return Ok(());
            }
            tokio::select! {
                ended = listings.join_next() => match ended {
                    Some(Ok(listed)) => listed?,
                    Some(Err(panicked)) => std::panic::resume_unwind(panicked.into_panic()),
                    None => {}
                },
                () = self.news.notified(), if listings.len() < LISTINGS => {}
            }
        }
    }

    fn pending(&self) -> MutexGuard<'_, Pending<Node>> {
        self.pending.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Hands out a source; one that is a folder is listed.
    async fn begin(self: &Arc<Self>, planned: PlannedCopy, listings: &mut Listings) {
        let (source, target, attributes) = (planned.source.clone(), planned.target.clone(), planned.attributes);
        let (lanes, what) = (Arc::clone(&planned.lanes), What::File(Links::Follow));
        let mut item = Item { source, target, attributes, lanes, folder: None, what };
        if attributes.kind() != FileKind::Dir {
            return self.sort(item).await;
        }
        let folder = Folder::of(planned, &self.finish);
        let node = Arc::new(Node { folder: Arc::clone(&folder), depth: 0, jump: None });
        item.what = What::Folder(folder);
        self.hand_out(item).await;
        listings.spawn(Arc::clone(self).list(node));
    }

    /// Hands out a folder, and lists it.
    async fn enter(self: Arc<Self>, next: Next<Node>) -> Result<(), CopyError> {
        let Next { parent, child } = next;
        let within = parent.folder.source();
        let child = match child {
            Ok(child) => child,
            Err(error) => return self.tell(&within, CopyError::local(Stage::List, within.path(), error)).await,
        };
        let Child { name, attributes, links } = child;
        let source = within.join(&name);
        let jump = match self.jump(&parent, &source, links).await {
            Ok(jump) => jump,
            Err(error) => return self.tell(&source, error).await,
        };
        let lanes = Arc::clone(parent.folder.lanes());
        let inside = Within { folder: Arc::clone(&parent.folder), name, links };
        let folder = Folder::below(inside, attributes, &self.finish);
        let (target, within, depth) = (folder.target(), Some(Arc::clone(&parent.folder)), parent.depth + 1);
        let what = What::Folder(Arc::clone(&folder));
        self.hand_out(Item { source, target, attributes, lanes, folder: within, what }).await;
        self.list(Arc::new(Node { folder, depth, jump })).await
    }

    /// The link through which a folder of `parent` is entered, if any; an error when it leads in a circle.
    async fn jump(&self, parent: &Node, source: &Place, links: Links) -> Result<Option<Arc<SymlinkHop>>, CopyError> {
        if links == Links::Keep {
            return Ok(parent.jump.clone());
        }
        let (lanes, within) = (parent.folder.lanes(), parent.folder.source());
        let (within, before) = (&within, parent.jump.as_ref());
        let through = |lane: Arc<Lane>| async move { SymlinkHop::through(&lane.source, source, within, before).await };
        lanes.retry(through).await.map(Some)
    }

    /// Reports a failure of one place; the walk goes on.
    async fn tell(&self, place: &Place, error: CopyError) -> Result<(), CopyError> {
        if error.ends_the_run() {
            return Err(error);
        }
        self.ledger.failed(place, None, error);
        self.ledger.heard().await;
        Ok(())
    }

    /// Lists one folder; goes on from where it was when its session is lost.
    async fn list(self: Arc<Self>, node: Arc<Node>) -> Result<(), CopyError> {
        let open = ListedFolder::new(node);
        // nothing stands in a folder of one that this run has made
        if !open.node.folder.is_in_a_new_one() {
            self.standing.begin(&open.node.folder.lanes().idlest().destination, &open.target);
        }
        let mut visited = Visited::within(&self.room);
        loop {
            match self.try_list(&open, &mut visited).await {
                Err(error) if error.is_lost() && visited.is_complete() => {
                    open.node.folder.lanes().restore(error).await?;
                }
                Err(error) => return self.tell(&open.source, error).await,
                Ok(()) => return Ok(()),
            }
        }
    }

    /// Hands out the entries that are not `visited` yet.
    async fn try_list(&self, open: &ListedFolder, visited: &mut Visited) -> Result<(), CopyError> {
        let side = open.node.folder.lanes().idlest().source.clone();
        let mut listing = side.list(&open.source).await.map_err(|error| error.of_source(Links::Keep))?;
        while let Some(entries) = listing.next().await? {
            let mut looks = Vec::with_capacity(entries.len());
            for entry in entries {
                match entry {
                    Ok((name, listed)) if !visited.contains(&name) && self.takes(open, &name, &listed) => {
                        looks.push(self.look(&side, open, name, listed));
                    }
                    Ok(_) => {}
                    Err(bad) => {
                        self.tell(&open.source, side.error(Stage::List, &open.source, Cause::Name(bad))).await?
                    }
                }
            }
            for look in looks {
                let found = look.end().await;
                let name = found.as_ref().map_or_else(|(name, _)| name, |child| &child.name).clone();
                match found {
                    Ok(child) => self.visit(&side, open, child).await?,
                    Err((name, error)) => self.tell(&open.source.join(&name), error).await?,
                }
                visited.insert(&name);
            }
        }
        Ok(())
    }

    /// Whether an entry of a folder is copied.
    fn takes(&self, open: &ListedFolder, name: &Name, listed: &Attributes) -> bool {
        let slash: &[u8] = if open.below_root.is_empty() { b"" } else { b"/" };
        let path = [&open.below_root, slash, name.as_bytes()].concat();
        self.filter.takes(&path, listed.kind() == FileKind::Dir)
    }

    /// Looks at an entry; links that are followed are looked up all at once.
    fn look(&self, side: &Side, open: &ListedFolder, name: Name, listed: Attributes) -> Look {
        let is_followed = self.symlinks == Symlinks::Follow && listed.kind() == FileKind::Symlink;
        match is_followed || listed.kind() == FileKind::Unknown {
            true => Look::ask(name.clone(), side, open.source.join(&name)),
            false => Look::known(name, listed),
        }
    }

    /// Hands out an entry; a folder waits until those before it are listed.
    async fn visit(&self, side: &Side, open: &ListedFolder, child: Child) -> Result<(), CopyError> {
        let source = open.source.join(&child.name);
        if child.attributes.kind() != FileKind::Dir {
            let folder = &open.node.folder;
            let (target, lanes) = (open.target.join(&child.name), Arc::clone(folder.lanes()));
            let (folder, what) = (Some(Arc::clone(folder)), What::File(child.links));
            self.sort(Item { source, target, attributes: child.attributes, lanes, folder, what }).await;
            return Ok(());
        }
        if let Some(why) = open.is_too_far(&child.name) {
            return self.tell(&source, side.error(Stage::List, &source, Cause::Unfit(why))).await;
        }
        let pushed = self.pending().push(&open.node, open.node.depth, &child);
        pushed.map_err(|error| CopyError::local(Stage::List, open.source.path(), error))?;
        self.news.notify_one();
        Ok(())
    }

    /// Hands out what is not a folder, if it can be copied.
    async fn sort(&self, mut item: Item) {
        match (item.attributes.kind(), self.symlinks) {
            (FileKind::Symlink, Symlinks::Skip) => return self.ledger.skipped(&item.source, "a symbolic link"),
            (FileKind::Symlink, _) => item.what = What::Link,
            (FileKind::Fifo | FileKind::Socket | FileKind::Device, _) => {
                let side = &item.lanes.idlest().source;
                let error = side.error(Stage::List, &item.source, Cause::Unfit("not a regular file"));
                return self.ledger.failed(&item.source, None, error);
            }
            (FileKind::File | FileKind::Unknown | FileKind::Dir, _) => {}
        }
        self.hand_out(item).await;
    }

    async fn hand_out(&self, item: Item) {
        self.ledger.found(&item);
        // nobody takes items any more when the run has been given up
        let _ = self.found.send(item).await;
    }
}

impl ListedFolder {
    fn new(node: Arc<Node>) -> ListedFolder {
        let (source, target) = (node.folder.source(), node.folder.target());
        let names: Vec<&[u8]> = node.folder.steps().iter().map(|step| step.name.as_bytes()).collect();
        let below_root = names.join(&b"/"[..]);
        ListedFolder { source, target, below_root, node }
    }

    /// Why a folder in this one is not entered.
    fn is_too_far(&self, name: &Name) -> Option<&'static str> {
        let length = self.below_root.len() + 1 + name.as_bytes().len();
        match self.node.depth >= DEPTH {
            true => Some("folders too deep"),
            false => (length > PATH_MAX).then_some("a path too long"),
        }
    }
}
