//! What is there to copy? [`Walk`] goes through the sources, several folders at once, and hands out [`Item`]s as it finds
//! them: a folder before its entries, nothing twice, never in a circle. The queue of items and the stack of folders are
//! bounded, so a tree of any size takes the same few MiB.

use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::{Notify, mpsc};
use tokio::task::JoinSet;

use super::error::{Cause, CopyError};
use super::filter::Filter;
use super::folder::{Finish, Folder};
use super::item::{Item, What};
use super::lanes::Lanes;
use super::ledger::Ledger;
use super::listing::Listed;
use super::loops::Jump;
use super::name::Name;
use super::place::Place;
use super::plan::Errand;
use super::side::{Links, Side};
use super::visited::Visited;
use crate::progress::Stage;
use crate::sftp::{Attributes, FileKind};

/// Items found and not taken yet.
const QUEUE: usize = 1024;

/// Folders listed at the same time; an SFTP session's budget has room for twice as many parts of listings.
const LISTINGS: usize = 8;

/// Folders found and not listed yet; one that does not fit is listed at once, before its siblings.
const PENDING: usize = 8192;

/// Folders within folders.
const DEPTH: usize = 1024;

/// What becomes of symbolic links.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Symlinks {
    /// What they lead to is copied, as scp does.
    #[default]
    Follow,
    /// They are copied as links.
    Keep,
    /// They are left out.
    Skip,
}

/// A walk under way; it ends when dropped.
pub struct Walk {
    items: mpsc::Receiver<Item>,
    task: JoinSet<Result<(), CopyError>>,
}

impl Walk {
    /// Starts to walk.
    pub fn start(
        errands: Vec<Errand>,
        (symlinks, filter): (Symlinks, Filter),
        ledger: Arc<Ledger>,
        finish: mpsc::UnboundedSender<Finish>,
    ) -> Walk {
        let (found, items) = mpsc::channel(QUEUE);
        let walker = Walker { symlinks, filter, ledger, finish, found, pending: Mutex::default(), news: Notify::new() };
        let mut task = JoinSet::new();
        task.spawn(Arc::new(walker).walk(errands));
        Walk { items, task }
    }

    /// The next item; `None` at the end.
    ///
    /// # Errors
    /// What ends the walk before its end: a lost session. What only concerns one folder is in the ledger.
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
    finish: mpsc::UnboundedSender<Finish>,
    found: mpsc::Sender<Item>,
    /// Taken from the end: what was found last is nearest to its folder.
    pending: Mutex<Vec<Node>>,
    news: Notify,
}

/// A folder to list.
struct Node {
    source: Place,
    target: Place,
    lanes: Arc<Lanes>,
    folder: Arc<Folder>,
    depth: usize,
    jump: Option<Arc<Jump>>,
}

impl Node {
    /// Its path from the root of the tree that is walked: as many names as it is deep.
    fn below_root(&self) -> &[u8] {
        let below = self.target.below();
        let slashes = below.iter().enumerate().rev().filter(|(_, byte)| **byte == b'/').map(|(at, _)| at + 1);
        match self.depth {
            0 => b"",
            depth => &below[slashes.chain([0]).nth(depth - 1).unwrap_or(0)..],
        }
    }
}

/// Something found under a name, to be looked at.
struct Found<'a> {
    source: Place,
    target: Place,
    attributes: Attributes,
    lanes: &'a Arc<Lanes>,
    within: Option<&'a Node>,
    links: Links,
}

impl Walker {
    async fn walk(self: Arc<Self>, errands: Vec<Errand>) -> Result<(), CopyError> {
        for errand in errands {
            let found = Found {
                source: errand.source,
                target: errand.target,
                attributes: errand.attributes,
                lanes: &errand.lanes,
                within: None,
                links: Links::Follow,
            };
            self.visit(found).await?;
        }
        self.drain().await?;
        self.ledger.walked();
        Ok(())
    }

    /// Lists folders until none is left.
    async fn drain(self: &Arc<Self>) -> Result<(), CopyError> {
        let mut listings: JoinSet<Result<(), CopyError>> = JoinSet::new();
        loop {
            while listings.len() < LISTINGS
                && let Some(node) = self.pop()
            {
                let walker = Arc::clone(self);
                listings.spawn(async move { walker.list(node).await });
            }
            if listings.is_empty() {
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

    fn pop(&self) -> Option<Node> {
        self.pending.lock().unwrap_or_else(PoisonError::into_inner).pop()
    }

    /// Keeps `node` for later; gives it back when there is no room.
    fn push(&self, node: Node) -> Option<Node> {
        let mut pending = self.pending.lock().unwrap_or_else(PoisonError::into_inner);
        if pending.len() >= PENDING {
            return Some(node);
        }
        pending.push(node);
        self.news.notify_one();
        None
    }

    /// Lists one folder. A folder that cannot be listed is a failure of its own.
    async fn list(self: &Arc<Self>, node: Node) -> Result<(), CopyError> {
        let mut visited = Visited::default();
        loop {
            match self.try_list(&node, &mut visited).await {
                Err(error) if error.is_lost() && visited.is_complete() => node.lanes.restore(error).await?,
                Err(error) if !error.ends_the_run() => {
                    self.ledger.failed(&node.source, None, error);
                    return Ok(());
                }
                answer => return answer,
            }
        }
    }

    /// Goes through the entries that are not `visited` yet.
    async fn try_list(self: &Arc<Self>, node: &Node, visited: &mut Visited) -> Result<(), CopyError> {
        let side = &node.lanes.idlest().source;
        let mut listing = side.list(&node.source).await.map_err(|error| error.of_source(Links::Keep))?;
        while let Some(mut entries) = listing.next().await? {
            entries.retain(|entry| !entry.as_ref().is_ok_and(|(name, _)| visited.contains(&node.source.join(name))));
            entries.retain(|entry| entry.as_ref().map_or(true, |entry| self.takes(node, entry)));
            for found in self.looked_at(side, node, entries).await {
                let place = match &found {
                    Ok(found) => found.source.clone(),
                    Err((place, _)) => place.clone(),
                };
                match found {
                    Ok(found) => self.visit(found).await?,
                    Err((_, error)) if error.ends_the_run() => return Err(error),
                    Err((_, error)) => self.ledger.failed(&place, None, error),
                }
                visited.insert(&place);
            }
        }
        Ok(())
    }

    /// Whether an entry of a folder is meant; a name nobody may use goes on to be told.
    fn takes(&self, node: &Node, (name, listed): &(Name, Attributes)) -> bool {
        let within = node.below_root();
        let slash: &[u8] = if within.is_empty() { b"" } else { b"/" };
        self.filter.takes(&[within, slash, name.as_bytes()].concat(), listed.kind() == FileKind::Dir)
    }

    /// What the entries are; links that are followed are looked up all at once.
    async fn looked_at<'a>(
        &self,
        side: &Side,
        node: &'a Node,
        entries: Vec<Listed>,
    ) -> Vec<Result<Found<'a>, (Place, CopyError)>> {
        let mut looks = Vec::with_capacity(entries.len());
        for entry in entries {
            looks.push(match entry {
                Ok((name, attributes)) => Ok((self.look(side, node, &name, attributes), name)),
                Err(bad) => Err(side.error(Stage::List, &node.source, Cause::Name(bad))),
            });
        }
        let mut all = Vec::with_capacity(looks.len());
        for look in looks {
            all.push(match look {
                Ok((look, name)) => look.found(node, &name).await,
                Err(error) => Err((node.source.clone(), error)),
            });
        }
        all
    }

    fn look(&self, side: &Side, node: &Node, name: &Name, listed: Attributes) -> Look {
        let is_followed = self.symlinks == Symlinks::Follow && listed.kind() == FileKind::Symlink;
        if !is_followed && listed.kind() != FileKind::Unknown {
            return Look::Known(listed);
        }
        let (side, place) = (side.clone(), node.source.join(name));
        Look::Asked(tokio::spawn(async move { side.stat(&place, Links::Follow).await }))
    }

    /// Hands out what was found, and remembers folders.
    async fn visit(self: &Arc<Self>, found: Found<'_>) -> Result<(), CopyError> {
        let side = found.lanes.idlest().source.clone();
        let what = match (found.attributes.kind(), self.symlinks) {
            (FileKind::File | FileKind::Unknown, _) => What::File(found.links),
            (FileKind::Dir, _) => return self.enter(&side, found).await,
            (FileKind::Symlink, Symlinks::Skip) => {
                self.ledger.skipped(&found.source, "a symbolic link");
                return Ok(());
            }
            (FileKind::Symlink, _) => What::Link,
            (FileKind::Fifo | FileKind::Socket | FileKind::Device, _) => {
                let error = side.error(Stage::List, &found.source, Cause::Unfit("not a regular file"));
                self.ledger.failed(&found.source, None, error);
                return Ok(());
            }
        };
        self.hand_out(found.item(what)).await;
        Ok(())
    }

    async fn enter(self: &Arc<Self>, side: &Side, found: Found<'_>) -> Result<(), CopyError> {
        let depth = found.within.map_or(0, |node| node.depth + 1);
        let jump = match found.jump(side).await {
            Err(error) if error.ends_the_run() => return Err(error),
            Ok(_) if depth > DEPTH => Err(side.error(Stage::List, &found.source, Cause::Unfit("folders too deep"))),
            answer => answer,
        };
        let jump = match jump {
            Ok(jump) => jump,
            Err(error) => {
                self.ledger.failed(&found.source, None, error);
                return Ok(());
            }
        };
        let parent = found.within.map(|node| &node.folder);
        let folder = Folder::new((&found.target, &found.attributes), found.lanes, parent, &self.finish);
        let source = match found.links {
            Links::Follow => found.source.followed(),
            Links::Keep => found.source.clone(),
        };
        let node = Node {
            source,
            target: found.target.clone(),
            lanes: Arc::clone(found.lanes),
            folder: Arc::clone(&folder),
            depth,
            jump,
        };
        self.hand_out(found.item(What::Folder(folder))).await;
        match self.push(node) {
            None => Ok(()),
            Some(node) => Arc::clone(self).list_at_once(node).await,
        }
    }

    /// The one place where the walk calls itself; as deep as folders may be.
    fn list_at_once(self: Arc<Self>, node: Node) -> Pin<Box<dyn Future<Output = Result<(), CopyError>> + Send>> {
        Box::pin(async move { self.list(node).await })
    }

    async fn hand_out(&self, item: Item) {
        self.ledger.found(&item);
        // nobody takes items any more when the run has been given up
        let _ = self.found.send(item).await;
    }
}

/// An entry's attributes, known or on their way.
enum Look {
    Known(Attributes),
    Asked(tokio::task::JoinHandle<Result<Attributes, CopyError>>),
}

impl Look {
    async fn found<'a>(self, node: &'a Node, name: &Name) -> Result<Found<'a>, (Place, CopyError)> {
        let source = node.source.join(name);
        let (attributes, links) = match self {
            Look::Known(attributes) => (attributes, Links::Keep),
            Look::Asked(asked) => match asked.await {
                Ok(Ok(attributes)) => (attributes, Links::Follow),
                Ok(Err(error)) => return Err((source, error)),
                Err(panicked) => std::panic::resume_unwind(panicked.into_panic()),
            },
        };
        let target = node.target.join(name);
        Ok(Found { source, target, attributes, lanes: &node.lanes, within: Some(node), links })
    }
}

impl Found<'_> {
    fn item(self, what: What) -> Item {
        Item {
            source: self.source,
            target: self.target,
            attributes: self.attributes,
            lanes: Arc::clone(self.lanes),
            folder: self.within.map(|node| Arc::clone(&node.folder)),
            what,
        }
    }

    /// The way into this folder, when it leads through a link; an error when that way is a circle.
    async fn jump(&self, side: &Side) -> Result<Option<Arc<Jump>>, CopyError> {
        match (self.within, self.links) {
            (Some(node), Links::Follow) => {
                Jump::through(side, &self.source, (&node.source, node.jump.as_ref())).await.map(Some)
            }
            (within, _) => Ok(within.and_then(|node| node.jump.clone())),
        }
    }
}
