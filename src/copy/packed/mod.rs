//! How do many small files go together? As one stream of `tar`: up, unpacked by a shell of the destination
//! ([`upload`]), or down, packed by a shell of the source ([`download`]). It begins when enough small files are left to
//! do, and not for files that are to be compared or flushed. What does not arrive together goes by itself, and its error
//! is told there.
//!
//! | floor | what is there |
//! | --- | --- |
//! | `upload` `download` | the small files of a run that go up together, or down |
//! | `upload_stream` `download_stream` | the stream, and what has arrived of it |
//! | `feeder` | what writes the stream up |
//! | `on_the_way` | what was written, in its order |
//! | `batch` | files that go together |
//! | `arrivals` `wanted` `only_stream` | what has arrived, what is waited for; when a stream begins and ends |
//! | `untar` | the format, read |
//! | `tar` | the format, written |

mod arrivals;
mod batch;
mod download;
mod download_stream;
mod feeder;
mod on_the_way;
mod only_stream;
mod tar;
mod untar;
mod upload;
mod upload_stream;
mod wanted;

use std::time::Duration;

use super::ends::lanes::Lanes;
use super::ends::side::Side;
use super::error::CopyError;
use super::task::file_transfer::FileTransfer;
use download::TarDownload;
use upload::TarUpload;

/// The small files of a run that go together.
pub enum Packed {
    /// From this machine to a host.
    Up(TarUpload),
    /// From a host to this machine.
    Down(TarDownload),
    /// None do.
    Nothing,
}

impl Packed {
    /// The small files that go over these `lanes`, together where that is wanted.
    pub fn over(lanes: &Lanes, is_wanted: bool) -> Packed {
        let lane = lanes.idlest();
        match (&lane.source, &lane.destination) {
            (Side::Local, Side::Remote(_)) => Packed::Up(TarUpload::new(is_wanted)),
            (Side::Remote(_), Side::Local) => Packed::Down(TarDownload::new(is_wanted)),
            _ => Packed::Nothing,
        }
    }

    /// Whether files are going together now.
    pub fn is_on(&self) -> bool {
        match self {
            Packed::Up(upload) => upload.is_on(),
            Packed::Down(download) => download.is_on(),
            Packed::Nothing => false,
        }
    }

    /// Copies a small file together with others; `false` when it has to go by itself.
    ///
    /// # Errors
    /// When the session is lost.
    pub async fn send(&self, transfer: FileTransfer<'_>) -> Result<bool, CopyError> {
        match self {
            Packed::Up(upload) => upload.send(transfer).await,
            Packed::Down(download) => download.send(transfer).await,
            Packed::Nothing => Ok(false),
        }
    }

    /// Ends what goes together, and removes what it has left, if that takes no longer than `limit`.
    pub async fn end(&self, limit: Duration) {
        match self {
            Packed::Up(upload) => upload.end(limit).await,
            Packed::Down(download) => download.end(limit).await,
            Packed::Nothing => {}
        }
    }
}
