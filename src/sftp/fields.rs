//! How is a packet taken apart? [`Fields`], read in order and never beyond the packet's end.

use bytes::{Buf, Bytes};

use super::error::SftpError;

/// The fields of a received packet, read one after the other and never beyond its end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Fields(Bytes);

impl Fields {
    pub fn new(bytes: Bytes) -> Fields {
        Fields(bytes)
    }

    pub fn left(&self) -> usize {
        self.0.len()
    }

    fn need(&self, count: usize) -> Result<(), SftpError> {
        match self.0.len() >= count {
            true => Ok(()),
            false => Err(SftpError::Protocol("a packet ends inside a field".into())),
        }
    }

    pub fn u8(&mut self) -> Result<u8, SftpError> {
        self.need(1)?;
        Ok(self.0.get_u8())
    }

    pub fn u32(&mut self) -> Result<u32, SftpError> {
        self.need(4)?;
        Ok(self.0.get_u32())
    }

    pub fn u64(&mut self) -> Result<u64, SftpError> {
        self.need(8)?;
        Ok(self.0.get_u64())
    }

    /// A string: a length and as many bytes, as a slice of the packet.
    pub fn string(&mut self) -> Result<Bytes, SftpError> {
        let length = self.u32()? as usize;
        self.need(length)?;
        Ok(self.0.split_to(length))
    }

    /// The rest of the packet.
    pub fn rest(self) -> Bytes {
        self.0
    }
}
