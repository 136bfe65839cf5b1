//! Where are blocks kept that were read on this machine? [`fill`] gives a buffer that returns to a shelf when its last
//! reader is done, to be used for another block: fresh memory costs the system more, page by page, than the reading
//! itself.
//!
//! The shelf holds at most [`SHELF`] buffers of [`BLOCK`] bytes, 4 MiB; other buffers are freed.

use std::io;
use std::sync::{Mutex, MutexGuard, PoisonError};

use bytes::Bytes;

/// Most bytes read at once of a file that says it is empty.
pub const UNTOLD_MAX: usize = 64 << 10;

/// Bytes of a buffer on the shelf: as long as a block of SFTP may be.
pub const BLOCK: usize = 255 * 1024;

/// Most buffers on the shelf.
const SHELF: usize = 16;

static FREE: Mutex<Vec<Vec<u8>>> = Mutex::new(Vec::new());

/// The bytes that `read` appends to an empty buffer with room for `len`, at most [`BLOCK`] on the shelf.
///
/// # Errors
/// Those of `read`.
pub fn fill(len: usize, read: impl FnOnce(&mut Vec<u8>) -> io::Result<()>) -> io::Result<Bytes> {
    // short blocks are the allocator's daily bread
    if !(BLOCK / 2..=BLOCK).contains(&len) {
        let mut data = Vec::with_capacity(len);
        read(&mut data)?;
        return Ok(data.into());
    }
    let mut buffer = Buffer(free().pop().unwrap_or_else(|| Vec::with_capacity(BLOCK)));
    read(&mut buffer.0)?;
    Ok(Bytes::from_owner(buffer))
}

/// A buffer that returns to the shelf when it is dropped.
struct Buffer(Vec<u8>);

impl AsRef<[u8]> for Buffer {
    fn as_ref(&self) -> &[u8] {
        &self.0
    }
}

impl Drop for Buffer {
    fn drop(&mut self) {
        let mut data = std::mem::take(&mut self.0);
        data.clear();
        let mut free = free();
        if free.len() < SHELF {
            free.push(data);
        }
    }
}

fn free() -> MutexGuard<'static, Vec<Vec<u8>>> {
    // a list of buffers is whole at any moment
    FREE.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn filled(len: usize, with: u8) -> Bytes {
        fill(len, |data| {
            assert!(data.is_empty() && data.capacity() >= len, "an empty buffer with room");
            data.resize(len, with);
            Ok(())
        })
        .expect("nothing fails")
    }

    #[test]
    fn blocks_that_are_held_never_share_a_buffer() {
        let held: Vec<Bytes> = (0..40).map(|with| filled(BLOCK, with)).collect();
        let slices: Vec<Bytes> = held.iter().map(|block| block.slice(7..9)).collect();
        drop(held);
        let later: Vec<Bytes> = (100..140).map(|with| filled(BLOCK - 3, with)).collect();
        assert!(slices.iter().enumerate().all(|(with, slice)| slice[..] == [with as u8; 2]));
        assert!(later.iter().enumerate().all(|(with, block)| block.iter().all(|byte| *byte == 100 + with as u8)));
        drop((slices, later));
        assert!(free().len() <= SHELF);
    }

    #[test]
    fn a_read_that_fails_gives_its_buffer_back_empty() {
        let failed = fill(BLOCK, |data| {
            data.push(1);
            Err(io::Error::other("disk"))
        });
        assert_eq!(failed.unwrap_err().to_string(), "disk");
        assert_eq!(filled(BLOCK, 2)[0], 2);
        assert_eq!(filled(3, 4)[..], [4, 4, 4]);
    }
}
