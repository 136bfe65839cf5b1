//! How long requests may be: [`Limits`], from `limits@openssh.com` (OpenSSH's PROTOCOL §4.8) or from caution.

use super::error::SftpError;
use super::fields::Fields;

/// Most bytes of data in one READ or WRITE, whatever the server allows; OpenSSH's own limit.
const DATA_MAX: usize = 255 * 1024;

/// Bytes of data in one WRITE that every server takes: §3 only promises packets of 34000 bytes.
const CAUTIOUS_WRITE: usize = 32 * 1024;

/// Bytes of a packet besides its data, as OpenSSH counts them.
const PACKET_OVERHEAD: u64 = 1024;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Limits {
    /// Most bytes a READ may ask for; without an announcement the server may return fewer.
    pub read: usize,
    /// Most bytes a WRITE may carry.
    pub write: usize,
    /// Most handles open at once, where known.
    pub handles: Option<u64>,
}

impl Default for Limits {
    fn default() -> Limits {
        Limits { read: DATA_MAX, write: CAUTIOUS_WRITE, handles: None }
    }
}

impl Limits {
    /// Decodes four numbers, of which 0 means "not told"; they only ever lower what is used.
    pub fn decode(fields: &mut Fields) -> Result<Limits, SftpError> {
        let (packet, read, write, handles) = (fields.u64()?, fields.u64()?, fields.u64()?, fields.u64()?);
        let packet = told(packet).map_or(u64::MAX, |packet| packet.saturating_sub(PACKET_OVERHEAD).max(1));
        let least = |told: Option<u64>, untold: usize| {
            let bytes = told.map_or(untold, |bytes| bytes.min(DATA_MAX as u64) as usize);
            packet.min(bytes as u64) as usize
        };
        Ok(Limits {
            read: least(told(read), DATA_MAX),
            write: least(told(write), CAUTIOUS_WRITE),
            handles: told(handles),
        })
    }
}

fn told(number: u64) -> Option<u64> {
    (number != 0).then_some(number)
}

#[cfg(test)]
mod tests {
    use bytes::{BufMut, BytesMut};
    use proptest::prelude::*;

    use super::*;

    fn decoded(numbers: [u64; 4]) -> Limits {
        let mut out = BytesMut::new();
        numbers.into_iter().for_each(|number| out.put_u64(number));
        Limits::decode(&mut Fields::new(out.freeze())).unwrap()
    }

    proptest! {
        #[test]
        fn never_more_than_255_kib_and_never_nothing(numbers in any::<[u64; 4]>()) {
            let limits = decoded(numbers);
            prop_assert!((1..=DATA_MAX).contains(&limits.read));
            prop_assert!((1..=DATA_MAX).contains(&limits.write));
        }
    }

    #[test]
    fn openssh_announces_255_kib() {
        let limits = decoded([262_144, 261_120, 261_120, 1019]);
        assert_eq!(limits, Limits { read: 261_120, write: 261_120, handles: Some(1019) });
    }

    #[test]
    fn what_is_not_told_stays_cautious() {
        assert_eq!(decoded([0; 4]), Limits::default());
        assert_eq!(decoded([34_000, 0, 0, 0]).read, 34_000 - 1024);
    }
}
