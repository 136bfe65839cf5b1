//! What does the destination mean? [`Destination`], by scp's rules: sources go into a folder under their own names;
//! anything else is the one new name. Looks, and writes nothing.

use crate::copy::ends::side::Side;
use crate::copy::error::{Cause, CopyError};
use crate::copy::name::Name;
use crate::copy::options::InPlace;
use crate::copy::place::{self, Links, Place};
use crate::progress::Stage;
use crate::sftp::{Attributes, FileKind};

/// The destination as it was typed and found.
pub struct Destination {
    /// The folder below which everything will be created.
    pub folder: Place,
    /// What the destination is for the sources.
    pub role: Role,
}

/// What the destination is for the sources.
pub enum Role {
    /// A folder that the sources go into.
    Folder,
    /// The place of a file to be replaced.
    File(Place),
    /// A device or FIFO of this machine, which takes the bytes of one file.
    Device(Place),
    /// A name that nothing has yet.
    New(Place),
    /// A name that nothing has yet, typed with a slash at the end: only a folder can be meant.
    NewFolder(Place),
}

impl Destination {
    /// Finds out what the typed destination is.
    ///
    /// # Errors
    /// When the parent folder does not exist, or the destination is neither file nor folder, nor a device that may be
    /// written `in_place`.
    pub async fn find(side: &Side, typed: &[u8], in_place: InPlace) -> Result<Destination, CopyError> {
        let path = side.expand(typed).await?;
        let typed = Place::typed(&path);
        // all that may have to be known is asked at once: on a long way each question costs as much as the others together
        let (trimmed, folder) = (Place::typed(place::trimmed(&path)), Place::typed(place::folder_of(&path)));
        let (there, itself, folder) = tokio::join!(
            side.look(&typed, Links::Follow),
            side.look(&trimmed, Links::Keep),
            side.stat(&folder, Links::Follow),
        );
        match there?.map(|there| there.kind()) {
            Some(FileKind::Dir) => Ok(Destination { folder: side.hold(&path).await?, role: Role::Folder }),
            Some(FileKind::File | FileKind::Unknown) => existing(side, &path, itself?, folder).await,
            Some(FileKind::Device | FileKind::Fifo) if matches!(side, Side::Local) && in_place != InPlace::Never => {
                let folder = Place::typed(place::folder_of(&path));
                Ok(Destination { folder, role: Role::Device(typed) })
            }
            Some(FileKind::Device) if in_place != InPlace::Never => existing(side, &path, itself?, folder).await,
            Some(_) => {
                Err(side.error(Stage::List, &typed, Cause::Refused("neither a file nor a folder; it is left alone")))
            }
            None => new(side, &path, itself?, folder).await,
        }
    }

    /// The destination as it was before the folder at `path` was made: a name that nothing has.
    ///
    /// # Errors
    /// When `path` has no name, or its parent folder cannot be seen.
    pub async fn before_made(side: &Side, path: &[u8]) -> Result<(Destination, Place), CopyError> {
        let folder = side.stat(&Place::typed(place::folder_of(path)), Links::Follow).await;
        let (folder, new) = within(side, path, folder).await?;
        Ok((Destination { folder, role: Role::New(new.clone()) }, new))
    }

    /// The place that a source with these attributes will have under this name (`None`: its entries are meant, not the
    /// folder itself).
    ///
    /// # Errors
    /// When a folder would have to take a file's place, or a file a folder's name.
    pub fn place_for(&self, side: &Side, name: Option<&Name>, attributes: &Attributes) -> Result<Place, CopyError> {
        let refused = |place: &Place, why| Err(side.error(Stage::List, place, Cause::Refused(why)));
        match (&self.role, attributes.kind(), name) {
            (Role::Folder, _, Some(name)) => Ok(self.folder.join(name)),
            (Role::Folder, _, None) => Ok(self.folder.clone()),
            (Role::File(place), FileKind::Dir, _) => refused(place, "a file; a folder cannot take its place"),
            (Role::Device(place), FileKind::Dir, _) => refused(place, "a device; it takes one file"),
            (Role::NewFolder(place), kind, _) if kind != FileKind::Dir => refused(place, "no such folder"),
            (Role::File(place) | Role::Device(place) | Role::New(place) | Role::NewFolder(place), _, _) => {
                Ok(place.clone())
            }
        }
    }

    /// The same by rsync's rules: a source with a name goes below the destination, which is made if it does not exist.
    ///
    /// # Errors
    /// As [`Destination::place_for`].
    pub fn place_below(&self, side: &Side, name: Option<&Name>, attributes: &Attributes) -> Result<Place, CopyError> {
        match (self.missing(), name) {
            (Some(new), Some(name)) => Ok(new.join(name)),
            _ => self.place_for(side, name, attributes),
        }
    }

    /// The destination's place, when nothing is there yet.
    pub fn missing(&self) -> Option<&Place> {
        match &self.role {
            Role::New(place) | Role::NewFolder(place) => Some(place),
            Role::Folder | Role::File(_) | Role::Device(_) => None,
        }
    }

    /// True when it takes bytes and has no name to give.
    pub fn is_device(&self) -> bool {
        matches!(self.role, Role::Device(_))
    }

    /// True when it can take several sources.
    pub fn is_folder(&self) -> bool {
        matches!(self.role, Role::Folder)
    }
}

/// The attributes that were asked for, or why there are none.
type Looked = Result<Attributes, CopyError>;

/// The destination where something exists. When a link leads to a file, that file is replaced, and the link stays.
async fn existing(
    side: &Side,
    path: &[u8],
    itself: Option<Attributes>,
    folder: Looked,
) -> Result<Destination, CopyError> {
    let (folder, file) = match itself.map(|itself| itself.kind()) {
        Some(FileKind::Symlink) => {
            let real = side.real(&Place::typed(path)).await?;
            let folder = side.stat(&Place::typed(place::folder_of(&real)), Links::Follow).await;
            within(side, &real, folder).await?
        }
        _ => within(side, path, folder).await?,
    };
    Ok(Destination { folder, role: Role::File(file) })
}

async fn new(side: &Side, path: &[u8], itself: Option<Attributes>, folder: Looked) -> Result<Destination, CopyError> {
    if let Some(there) = itself {
        let why = match there.kind() {
            FileKind::Symlink => "a link that leads nowhere; it is left alone",
            _ => "not a folder",
        };
        return Err(side.error(Stage::List, &Place::typed(path), Cause::Refused(why)));
    }
    let (folder, new) = within(side, path, folder).await?;
    let role = if path.ends_with(b"/") { Role::NewFolder(new) } else { Role::New(new) };
    Ok(Destination { folder, role })
}

/// The parent folder of a path, which has been looked at, and the place of the path's last name in it.
async fn within(side: &Side, path: &[u8], looked: Looked) -> Result<(Place, Place), CopyError> {
    let typed = Place::typed(path);
    let name = Name::vet(place::last(path)).map_err(|bad| side.error(Stage::List, &typed, Cause::Name(bad)))?;
    let folder = Place::typed(place::folder_of(path));
    match looked?.kind() {
        FileKind::Dir => {}
        _ => return Err(side.error(Stage::List, &folder, Cause::Refused("not a folder"))),
    }
    let folder = side.hold(&folder.path()).await?;
    let place = folder.join(&name);
    Ok((folder, place))
}
