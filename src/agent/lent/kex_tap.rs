//! Which host does a key exchange prove? Main type: [`KexTap`], which takes the first, still unencrypted bytes of a
//! server and finds its host key and signature in the KEX reply (RFC 4253 §4.2, §6, §8; RFC 4419 §3; RFC 5656 §4).
//!
//! Whether they prove a session is decided by the policy, which knows the session id. The bytes come from a stranger;
//! at most [`MOST_BYTES`] are kept.

use crate::agent::wire::FieldReader;

/// The most bytes that are looked at: banner, KEXINIT and the reply of any method are far shorter.
pub const MOST_BYTES: usize = 64 * 1024;
/// The longest packet before encryption, in bytes (RFC 4253 §6.1).
const LONGEST_PACKET: usize = 35_000;
const NEWKEYS: u8 = 21;
/// KEXDH_REPLY and KEX_ECDH_REPLY; in a group exchange the same number is the message with the group.
const REPLY: u8 = 31;
/// KEX_DH_GEX_REPLY.
const GROUP_EXCHANGE_REPLY: u8 = 33;

/// A host key and its signature over the exchange hash.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KexReply {
    /// The host key in wire form.
    pub host_key: Vec<u8>,
    /// `string algorithm | string blob`.
    pub signature: Vec<u8>,
}

/// The first bytes a server sends on a connection.
#[derive(Debug, Default)]
pub struct KexTap {
    bytes: Vec<u8>,
    done: bool,
}

impl KexTap {
    /// Takes the next bytes; returns the host key and the signature once, when they are complete.
    pub fn take(&mut self, bytes: &[u8]) -> Option<KexReply> {
        if self.done {
            return None;
        }
        let room = MOST_BYTES - self.bytes.len();
        self.bytes.extend_from_slice(&bytes[..bytes.len().min(room)]);
        match find(&self.bytes) {
            KexSearch::Reply(overheard) => {
                self.end();
                Some(overheard)
            }
            KexSearch::Nothing => {
                self.end();
                None
            }
            KexSearch::NotYet => {
                self.done = self.bytes.len() >= MOST_BYTES;
                None
            }
        }
    }

    fn end(&mut self) {
        self.done = true;
        self.bytes = Vec::new();
    }
}

enum KexSearch {
    Reply(KexReply),
    NotYet,
    /// No reply can follow any more.
    Nothing,
}

fn find(bytes: &[u8]) -> KexSearch {
    let Some(mut rest) = after_version(bytes) else { return KexSearch::NotYet };
    loop {
        let Some((length, after)) = rest.split_first_chunk::<4>() else { return KexSearch::NotYet };
        let length = u32::from_be_bytes(*length) as usize;
        if !(2..=LONGEST_PACKET).contains(&length) {
            return KexSearch::Nothing;
        }
        let Some((packet, after)) = after.split_at_checked(length) else { return KexSearch::NotYet };
        rest = after;
        let padding = usize::from(packet[0]);
        let Some(payload) = packet.get(1..length.saturating_sub(padding)).filter(|payload| !payload.is_empty()) else {
            return KexSearch::Nothing;
        };
        match payload[0] {
            NEWKEYS => return KexSearch::Nothing,
            REPLY | GROUP_EXCHANGE_REPLY => {
                if let Some(overheard) = reply(&payload[1..]) {
                    return KexSearch::Reply(overheard);
                }
            }
            _ => {}
        }
    }
}

/// The bytes after the version line; other lines may come before it.
fn after_version(bytes: &[u8]) -> Option<&[u8]> {
    let mut rest = bytes;
    loop {
        let end = rest.iter().position(|byte| *byte == b'\n')?;
        let (line, after) = rest.split_at(end + 1);
        if line.starts_with(b"SSH-") {
            return Some(after);
        }
        rest = after;
    }
}

/// `string K_S | string or mpint Q_S or f | string signature`.
fn reply(payload: &[u8]) -> Option<KexReply> {
    let mut reader = FieldReader(payload);
    let host_key = reader.string().ok()?;
    let _public = reader.string().ok()?;
    let signature = reader.string().ok()?;
    reader.end().ok()?;
    Some(KexReply { host_key: host_key.to_vec(), signature: signature.to_vec() })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::agent::wire::put_string;
    use proptest::collection::vec;
    use proptest::prelude::*;

    fn packet(payload: &[u8]) -> Vec<u8> {
        let padding = 11u8;
        let length = payload.len() as u32 + 1 + u32::from(padding);
        [&length.to_be_bytes()[..], &[padding], payload, &[0; 11]].concat()
    }

    fn message(kind: u8, fields: &[&[u8]]) -> Vec<u8> {
        let mut payload = vec![kind];
        fields.iter().for_each(|field| put_string(&mut payload, field));
        packet(&payload)
    }

    fn session(reply: u8) -> Vec<u8> {
        let group = message(REPLY, &[&[1; 257], &[2]]);
        let group = if reply == GROUP_EXCHANGE_REPLY { group } else { Vec::new() };
        let parts: [&[u8]; 6] = [
            b"welcome\r\nto this host\r\nSSH-2.0-X\r\n",
            &message(20, &[&[0; 300]]),
            &message(2, &[b"ignore"]),
            &group,
            &message(reply, &[b"host key", &[3; 32], b"signature"]),
            &message(NEWKEYS, &[]),
        ];
        parts.concat()
    }

    fn wanted() -> KexReply {
        KexReply { host_key: b"host key".to_vec(), signature: b"signature".to_vec() }
    }

    proptest! {
        #[test]
        fn the_reply_is_found_however_the_bytes_are_cut(step in 1usize..700, exchange in any::<bool>()) {
            let bytes = session(if exchange { GROUP_EXCHANGE_REPLY } else { REPLY });
            let mut tap = KexTap::default();
            let found: Vec<_> = bytes.chunks(step).filter_map(|chunk| tap.take(chunk)).collect();
            prop_assert_eq!(found, vec![wanted()]);
        }

        #[test]
        fn any_bytes_are_taken_within_bounds(chunks in vec(vec(any::<u8>(), 0..200), 0..8), spoken in any::<bool>()) {
            let mut tap = KexTap::default();
            if spoken {
                tap.take(b"SSH-2.0-X\n");
            }
            for chunk in chunks {
                tap.take(&chunk);
                prop_assert!(tap.bytes.len() <= MOST_BYTES);
            }
        }
    }

    #[test]
    fn nothing_is_kept_for_ever_and_lengths_are_not_believed() {
        let mut tap = KexTap::default();
        for _ in 0..100 {
            assert_eq!(tap.take(&[b'x'; 1024]), None);
        }
        assert!(tap.done && tap.bytes.len() <= MOST_BYTES);
        let mut tap = KexTap::default();
        assert_eq!(tap.take(&[&b"SSH-2.0-X\n"[..], &u32::MAX.to_be_bytes()].concat()), None);
        assert!(tap.done);
    }

    #[test]
    fn after_new_keys_nothing_is_plain_any_more() {
        let bytes = [&b"SSH-2.0-X\n"[..], &message(NEWKEYS, &[]), &message(REPLY, &[b"k", b"q", b"s"])].concat();
        assert_eq!(KexTap::default().take(&bytes), None);
    }
}
