//! Calls that wait for a disk of this machine: [`blocking`] runs them on a thread of their own.

use std::io;

use tokio::sync::Semaphore;

use crate::copy::error::CopyError;
use crate::copy::place::Place;
use crate::progress::Stage;

/// Most blocking calls at a time: disks gain nothing from more, and each takes a thread.
static AT_ONCE: Semaphore = Semaphore::const_new(32);

/// Runs a blocking call where it holds nothing up, a few at a time, however many files are under way.
pub async fn blocking<T: Send + 'static>(
    stage: Stage,
    place: &Place,
    call: impl FnOnce(&Place) -> io::Result<T> + Send + 'static,
) -> Result<T, CopyError> {
    let here = place.clone();
    // never closed, so never refused
    let _turn = AT_ONCE.acquire().await;
    let done = tokio::task::spawn_blocking(move || call(&here)).await;
    let answer = done.unwrap_or_else(|failed| match failed.try_into_panic() {
        Ok(panic) => std::panic::resume_unwind(panic),
        Err(_) => Err(io::Error::from(io::ErrorKind::Interrupted)),
    });
    answer.map_err(|error| CopyError::local(stage, place.path(), error))
}
