//! How are packets taken out of a stream of chunks? By a [`Framer`]. A packet inside one chunk is a slice of it; one
//! that spans chunks is put together in a buffer of its own size, allocated only after its length was found allowed.

use bytes::{Buf, BufMut, Bytes, BytesMut};

use super::error::SftpError;
use super::wire::PACKET_MAX;

/// Bytes of the length field.
const LENGTH: usize = 4;

/// Splits chunks into packets; holds at most one chunk and one packet ([`PACKET_MAX`]).
#[derive(Default)]
pub(super) struct Framer {
    chunk: Bytes,
    /// The beginning of a packet, length field included, whose chunk has ended.
    partial: BytesMut,
}

impl Framer {
    /// Takes the next chunk; to be called when [`Framer::next`] has nothing more.
    pub fn feed(&mut self, chunk: Bytes) {
        debug_assert!(self.chunk.is_empty(), "the chunk before is used up");
        self.chunk = chunk;
    }

    /// The next packet without its length field, `None` when another chunk is needed.
    pub fn next(&mut self) -> Result<Option<Bytes>, SftpError> {
        if self.partial.is_empty() && self.chunk.len() >= LENGTH {
            let whole = LENGTH + allowed(&self.chunk)?;
            if self.chunk.len() >= whole {
                return Ok(Some(without_length(self.chunk.split_to(whole))));
            }
        }
        self.assemble()
    }

    /// Whether the stream may end here.
    pub fn is_between_packets(&self) -> bool {
        self.partial.is_empty() && self.chunk.is_empty()
    }

    /// What has arrived of an incomplete packet, to explain a refusal.
    pub fn beginning(&self) -> Vec<u8> {
        [&self.partial[..], &self.chunk[..]].concat()
    }

    fn assemble(&mut self) -> Result<Option<Bytes>, SftpError> {
        self.take_up_to(LENGTH);
        if self.partial.len() < LENGTH {
            return Ok(None);
        }
        let whole = LENGTH + allowed(&self.partial)?;
        self.take_up_to(whole);
        match self.partial.len() == whole {
            true => Ok(Some(without_length(std::mem::take(&mut self.partial).freeze()))),
            false => Ok(None),
        }
    }

    /// Moves bytes until `partial` has `length` or the chunk is used up.
    fn take_up_to(&mut self, length: usize) {
        let missing = length.saturating_sub(self.partial.len());
        self.partial.reserve(missing);
        let count = missing.min(self.chunk.len());
        self.partial.put(self.chunk.split_to(count));
    }
}

/// The length that a packet announces, if that is allowed: a type and an id at least, [`PACKET_MAX`] at most.
fn allowed(mut start: &[u8]) -> Result<usize, SftpError> {
    let length = start.get_u32() as usize;
    match length {
        5..=PACKET_MAX => Ok(length),
        _ => Err(SftpError::Protocol(format!("a packet of {length} bytes"))),
    }
}

fn without_length(mut packet: Bytes) -> Bytes {
    packet.advance(LENGTH);
    packet
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn framed(packets: &[Vec<u8>]) -> Vec<u8> {
        packets.iter().flat_map(|packet| [&(packet.len() as u32).to_be_bytes()[..], packet].concat()).collect()
    }

    fn drain(framer: &mut Framer, into: &mut Vec<Vec<u8>>) -> Result<(), SftpError> {
        while let Some(packet) = framer.next()? {
            into.push(packet.to_vec());
        }
        Ok(())
    }

    proptest! {
        #[test]
        fn packets_survive_any_chunking(
            packets in proptest::collection::vec(proptest::collection::vec(any::<u8>(), 5..300), 0..8),
            sizes in proptest::collection::vec(1usize..200, 1..50),
        ) {
            let stream = Bytes::from(framed(&packets));
            let (mut framer, mut seen, mut rest) = (Framer::default(), Vec::new(), stream);
            for size in sizes.iter().cycle() {
                if rest.is_empty() {
                    break;
                }
                framer.feed(rest.split_to(rest.len().min(*size)));
                drain(&mut framer, &mut seen)?;
            }
            prop_assert_eq!(seen, packets);
            prop_assert!(framer.is_between_packets());
        }

        #[test]
        fn any_bytes_hold_at_most_one_packet(
            length in prop_oneof![any::<u32>(), 0..2 * PACKET_MAX as u32],
            chunks in proptest::collection::vec(proptest::collection::vec(any::<u8>(), 1..20_000), 0..40),
        ) {
            let (mut framer, mut seen) = (Framer::default(), Vec::new());
            framer.feed(Bytes::copy_from_slice(&length.to_be_bytes()));
            let mut outcome = drain(&mut framer, &mut seen);
            for chunk in chunks {
                prop_assert!(framer.partial.capacity() <= LENGTH + PACKET_MAX);
                if outcome.is_err() {
                    break;
                }
                framer.feed(Bytes::from(chunk));
                outcome = drain(&mut framer, &mut seen);
            }
            prop_assert!(seen.iter().all(|packet| (5..=PACKET_MAX).contains(&packet.len())));
        }
    }

    #[test]
    fn a_packet_inside_a_chunk_is_a_slice_of_it() {
        let chunk = Bytes::from(framed(&[vec![7; 100]]));
        let place = chunk.as_ptr();
        let mut framer = Framer::default();
        framer.feed(chunk);
        let packet = framer.next().unwrap().unwrap();
        assert_eq!(packet.as_ptr(), place.wrapping_add(LENGTH));
    }

    #[test]
    fn four_gib_and_nothing_are_refused_before_allocation() {
        for length in [0u32, 4, PACKET_MAX as u32 + 1, u32::MAX] {
            let mut framer = Framer::default();
            framer.feed(Bytes::copy_from_slice(&length.to_be_bytes()));
            assert!(matches!(framer.next(), Err(SftpError::Protocol(_))), "{length}");
            assert_eq!(framer.partial.capacity(), 0);
        }
    }
}
