//! Does a key revocation list revoke this key? It is the binary form of `RevokedHostKeys` (`ssh-keygen -k`, OpenSSH's
//! `PROTOCOL.krl`).
//!
//! Main function: [`revokes`]. Pure. The list is always read to its end, because one that cannot be read whole is an
//! error and revokes nothing reliably. As in OpenSSH 9.4 and later, a list with a signature, which nobody verifies, and
//! one with a critical extension are errors too. Serial 0 means "none was given", and no list revokes it.

use aws_lc_rs::digest;
use russh::keys::PublicKey;
use thiserror::Error;

/// The first bytes of a list.
pub(super) const MAGIC: &[u8] = b"SSHKRL\n\0";
const FORMAT: u64 = 1;

// sections of the list
const CERTIFICATES: u8 = 1;
const EXPLICIT_KEY: u8 = 2;
const FINGERPRINT_SHA1: u8 = 3;
const SIGNATURE: u8 = 4;
const FINGERPRINT_SHA256: u8 = 5;
const EXTENSION: u8 = 255;

// sections within CERTIFICATES
const SERIAL_LIST: u8 = 0x20;
const SERIAL_RANGE: u8 = 0x21;
const SERIAL_BITMAP: u8 = 0x22;
const KEY_ID: u8 = 0x23;
const CERTIFICATE_EXTENSION: u8 = 0x39;

/// The largest bitmap in bytes (`SSHBUF_MAX_BIGNUM`).
const LONGEST_BITMAP: usize = 2048;

/// Why a list cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub(super) enum KrlError {
    #[error("the key revocation list ends in the middle of something")]
    Short,
    #[error("the key revocation list has format {0}, not {FORMAT}")]
    Format(u64),
    #[error("the key revocation list has a section of unknown type {0}")]
    Section(u8),
    #[error("the key revocation list holds something malformed: {0}")]
    Malformed(&'static str),
    #[error("the key revocation list has the critical extension `{0}`, which is unknown")]
    Extension(String),
    #[error("the key revocation list is signed, which OpenSSH refuses too since 9.4; keep an unsigned one")]
    Signed,
}

/// A key or a certificate to look for in a list.
pub(super) struct Suspect<'a> {
    /// The key in its wire form (RFC 4253 §6.6), without a certificate.
    pub(super) key: &'a [u8],
    /// The certificate it came in, if any.
    pub(super) certified: Option<Certified<'a>>,
}

/// The parts of a certificate that a list can name.
#[derive(Debug, Clone, Copy)]
pub(super) struct Certified<'a> {
    /// The key that signed it, in wire form.
    pub(super) authority: &'a [u8],
    /// Its serial number; 0 if none was given.
    pub(super) serial: u64,
    /// Its key id.
    pub(super) key_id: &'a str,
}

/// Reads the whole list and says whether it revokes `suspect`, or the authority of its certificate.
pub(super) fn revokes(list: &[u8], suspect: &Suspect<'_>) -> Result<bool, KrlError> {
    let mut rest = Rest(list.strip_prefix(MAGIC).ok_or(KrlError::Malformed("its beginning"))?);
    match rest.number::<4>()? {
        FORMAT => {}
        other => return Err(KrlError::Format(other)),
    }
    let (_version, _date, _flags) = (rest.number::<8>()?, rest.number::<8>()?, rest.number::<8>()?);
    let (_reserved, _comment) = (rest.string()?, rest.text()?);
    let names = KeyNames::of(suspect);
    let mut found = false;
    while !rest.is_empty() {
        let (kind, mut section) = (rest.byte()?, Rest(rest.string()?));
        found |= match kind {
            CERTIFICATES => certificates(&mut section, suspect.certified.as_ref())?,
            EXPLICIT_KEY => section.holds(&names.keys, None)?,
            FINGERPRINT_SHA1 => section.holds(&names.sha1, Some(20))?,
            FINGERPRINT_SHA256 => section.holds(&names.sha256, Some(32))?,
            SIGNATURE => return Err(KrlError::Signed),
            EXTENSION => section.extension()?,
            other => return Err(KrlError::Section(other)),
        };
        section.ends()?;
    }
    Ok(found)
}

/// The forms in which sections about keys may name the suspect or its authority.
struct KeyNames<'a> {
    keys: Vec<&'a [u8]>,
    sha1: Vec<digest::Digest>,
    sha256: Vec<digest::Digest>,
}

impl<'a> KeyNames<'a> {
    fn of(suspect: &Suspect<'a>) -> KeyNames<'a> {
        let keys: Vec<_> = [suspect.key].into_iter().chain(suspect.certified.map(|c| c.authority)).collect();
        let hashed = |with| keys.iter().map(|key| digest::digest(with, key)).collect();
        KeyNames { sha1: hashed(&digest::SHA1_FOR_LEGACY_USE_ONLY), sha256: hashed(&digest::SHA256), keys }
    }
}

/// Reads a section about the certificates of one authority, or of all.
fn certificates(section: &mut Rest<'_>, suspect: Option<&Certified<'_>>) -> Result<bool, KrlError> {
    let authority = section.string()?;
    if !authority.is_empty() && PublicKey::from_bytes(authority).is_err() {
        return Err(KrlError::Malformed("the key of an authority"));
    }
    let _reserved = section.string()?;
    let meant = suspect.filter(|suspect| authority.is_empty() || authority == suspect.authority);
    let serial = meant.map(|suspect| suspect.serial).filter(|&serial| serial != 0);
    let mut found = false;
    while !section.is_empty() {
        let (kind, mut part) = (section.byte()?, Rest(section.string()?));
        found |= match kind {
            SERIAL_LIST => part.serial_list(serial)?,
            SERIAL_RANGE => part.serial_range(serial)?,
            SERIAL_BITMAP => part.serial_bitmap(serial)?,
            KEY_ID => part.key_ids(meant.map(|suspect| suspect.key_id))?,
            CERTIFICATE_EXTENSION => part.extension()?,
            other => return Err(KrlError::Section(other)),
        };
        part.ends()?;
    }
    Ok(found)
}

/// The bytes still to be read.
struct Rest<'a>(&'a [u8]);

impl<'a> Rest<'a> {
    fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    fn ends(&self) -> Result<(), KrlError> {
        if self.is_empty() { Ok(()) } else { Err(KrlError::Malformed("a section with something behind it")) }
    }

    fn take(&mut self, length: usize) -> Result<&'a [u8], KrlError> {
        let (taken, rest) = self.0.split_at_checked(length).ok_or(KrlError::Short)?;
        self.0 = rest;
        Ok(taken)
    }

    fn byte(&mut self) -> Result<u8, KrlError> {
        self.take(1).map(|byte| byte[0])
    }

    /// A big-endian number of `BYTES` bytes.
    fn number<const BYTES: usize>(&mut self) -> Result<u64, KrlError> {
        Ok(self.take(BYTES)?.iter().fold(0, |number, &byte| (number << 8) | u64::from(byte)))
    }

    /// A `string` (RFC 4251 §5).
    fn string(&mut self) -> Result<&'a [u8], KrlError> {
        let length = self.number::<4>()?;
        self.take(usize::try_from(length).map_err(|_| KrlError::Short)?)
    }

    /// A `string` that fits a C string: one NUL may come last and is dropped.
    fn text(&mut self) -> Result<&'a [u8], KrlError> {
        let text = self.string()?;
        let text = text.strip_suffix(b"\0").unwrap_or(text);
        if text.contains(&0) { Err(KrlError::Malformed("a NUL inside a text")) } else { Ok(text) }
    }

    /// Reads strings to the end, each of `length` bytes, and says whether one of `names` is among them.
    fn holds(&mut self, names: &[impl AsRef<[u8]>], length: Option<usize>) -> Result<bool, KrlError> {
        let mut found = false;
        while !self.is_empty() {
            let entry = self.string()?;
            if length.is_some_and(|length| entry.len() != length) {
                return Err(KrlError::Malformed("the length of a hash"));
            }
            found |= names.iter().any(|name| name.as_ref() == entry);
        }
        Ok(found)
    }

    fn serial_list(&mut self, serial: Option<u64>) -> Result<bool, KrlError> {
        let mut found = false;
        while !self.is_empty() {
            let listed = self.number::<8>()?;
            found |= in_range(listed, listed, serial)?;
        }
        Ok(found)
    }

    fn serial_range(&mut self, serial: Option<u64>) -> Result<bool, KrlError> {
        let (first, last) = (self.number::<8>()?, self.number::<8>()?);
        in_range(first, last, serial)
    }

    /// Reads a bitmap: bit N of a positive `mpint` stands for serial `offset + N`.
    fn serial_bitmap(&mut self, serial: Option<u64>) -> Result<bool, KrlError> {
        let (offset, mpint) = (self.number::<8>()?, self.string()?);
        if mpint.first().is_some_and(|first| first & 0x80 != 0) {
            return Err(KrlError::Malformed("a negative bitmap"));
        }
        let zeros = mpint.iter().take_while(|&&byte| byte == 0).count();
        let bits = &mpint[zeros..];
        if bits.len() > LONGEST_BITMAP || mpint.len() > LONGEST_BITMAP + 1 {
            return Err(KrlError::Malformed("a bitmap that is too long"));
        }
        let Some(highest) = bits.first().map(|first| bits.len() as u64 * 8 - 1 - u64::from(first.leading_zeros()))
        else {
            return Ok(false);
        };
        if offset.checked_add(highest).is_none() || (offset == 0 && bits.last().is_some_and(|last| last & 1 != 0)) {
            return Err(KrlError::Malformed("the serials of a bitmap"));
        }
        let index = serial.and_then(|serial| serial.checked_sub(offset)).filter(|&index| index <= highest);
        Ok(index.is_some_and(|index| {
            // no larger than `highest`, which fits 16384
            let (byte, bit) = ((index / 8) as usize, index % 8);
            bits[bits.len() - 1 - byte] >> bit & 1 == 1
        }))
    }

    fn key_ids(&mut self, key_id: Option<&str>) -> Result<bool, KrlError> {
        let ours = key_id.map(|id| id.as_bytes().strip_suffix(b"\0").unwrap_or(id.as_bytes()));
        let mut found = false;
        while !self.is_empty() {
            found |= Some(self.text()?) == ours;
        }
        Ok(found)
    }

    /// Reads an extension. It revokes nothing: hop knows none, and refuses a list with a critical one.
    fn extension(&mut self) -> Result<bool, KrlError> {
        let (name, critical, _content) = (self.text()?, self.byte()?, self.string()?);
        match critical {
            0 => Ok(false),
            _ => Err(KrlError::Extension(String::from_utf8_lossy(name).into_owned())),
        }
    }
}

fn in_range(first: u64, last: u64, serial: Option<u64>) -> Result<bool, KrlError> {
    match first == 0 || first > last {
        true => Err(KrlError::Malformed("a range of serials")),
        false => Ok(serial.is_some_and(|serial| (first..=last).contains(&serial))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const AUTHORITY: &[u8] = b"\0\0\0\x0bssh-ed25519\0\0\0 0123456789abcdef0123456789abcdef";

    fn string(content: &[u8]) -> Vec<u8> {
        [&(content.len() as u32).to_be_bytes()[..], content].concat()
    }

    fn section(kind: u8, content: &[u8]) -> Vec<u8> {
        [&[kind][..], &string(content)].concat()
    }

    fn list(sections: &[u8]) -> Vec<u8> {
        [MAGIC, &[0, 0, 0, 1], &[0; 24], &string(b""), &string(b"a comment"), sections].concat()
    }

    /// A list about the certificates of `AUTHORITY`.
    fn about(kind: u8, content: &[u8]) -> Vec<u8> {
        list(&section(CERTIFICATES, &[string(AUTHORITY), string(b""), section(kind, content)].concat()))
    }

    fn suspect(serial: u64, key_id: &str) -> Suspect<'_> {
        Suspect { key: b"key", certified: Some(Certified { authority: AUTHORITY, serial, key_id }) }
    }

    fn of_serial(list: &[u8], serial: u64) -> Result<bool, KrlError> {
        revokes(list, &suspect(serial, "id"))
    }

    fn bitmap(offset: u64, bits: &[u8]) -> Vec<u8> {
        about(SERIAL_BITMAP, &[&offset.to_be_bytes()[..], &string(bits)].concat())
    }

    #[test]
    fn serials_are_revoked_one_by_one_by_range_and_by_bit() {
        let serials = |list: &[u8]| (0..40).filter(|&serial| of_serial(list, serial).unwrap()).collect::<Vec<_>>();
        let numbers = |all: &[u64]| all.iter().flat_map(|n| n.to_be_bytes()).collect::<Vec<_>>();
        assert_eq!(serials(&about(SERIAL_LIST, &numbers(&[3, 9, 2]))), [2, 3, 9]);
        assert_eq!(serials(&about(SERIAL_RANGE, &numbers(&[7, 10]))), [7, 8, 9, 10]);
        assert_eq!(serials(&bitmap(8, &[0, 0b1000_0000, 0b0000_0101])), [8, 10, 23]);
        assert_eq!(serials(&bitmap(8, &[])), [0; 0]);
        assert_eq!(of_serial(&about(SERIAL_RANGE, &numbers(&[1, u64::MAX])), u64::MAX), Ok(true));
        assert_eq!(of_serial(&about(SERIAL_RANGE, &numbers(&[1, u64::MAX])), 0), Ok(false));
        let elsewhere = Certified { authority: b"another", serial: 3, key_id: "id" };
        let suspect = Suspect { key: b"key", certified: Some(elsewhere) };
        assert_eq!(revokes(&about(SERIAL_LIST, &numbers(&[3])), &suspect), Ok(false));
    }

    #[test]
    fn key_ids_are_compared_as_c_does() {
        let ids = about(KEY_ID, &[string(b"one"), string(b"two\0")].concat());
        let revoked = |id| revokes(&ids, &suspect(1, id));
        assert_eq!(["one", "two", "tw", "three"].map(revoked), [Ok(true), Ok(true), Ok(false), Ok(false)]);
        let nul = about(KEY_ID, &string(b"o\0ne"));
        assert_eq!(revokes(&nul, &suspect(1, "o")), Err(KrlError::Malformed("a NUL inside a text")));
    }

    #[test]
    fn a_key_is_revoked_by_itself_its_hash_or_its_authority() {
        let plain = Suspect { key: AUTHORITY, certified: None };
        let sha1 = digest::digest(&digest::SHA1_FOR_LEGACY_USE_ONLY, AUTHORITY);
        let sha256 = digest::digest(&digest::SHA256, AUTHORITY);
        for (kind, name) in [(2, AUTHORITY), (3, sha1.as_ref()), (5, sha256.as_ref())] {
            let listed = list(&section(kind, &string(name)));
            assert_eq!(revokes(&listed, &plain), Ok(true), "{kind}");
            assert_eq!(revokes(&listed, &suspect(1, "id")), Ok(true), "{kind}, the authority");
            assert_eq!(revokes(&listed, &Suspect { key: b"other", certified: None }), Ok(false), "{kind}");
        }
    }

    #[test]
    fn what_is_not_understood_whole_is_an_error() {
        let number = 1u64.to_be_bytes();
        let zero = 0u64.to_be_bytes();
        let critical = [string(b"x@example"), vec![1], string(b"")].concat();
        let optional = [string(b"x@example"), vec![0], string(b"")].concat();
        let behind = [optional.clone(), vec![0]].concat();
        let no_key = [string(b"no key"), string(b"")].concat();
        assert_eq!(of_serial(&list(&section(EXTENSION, &optional)), 1), Ok(false));
        assert_eq!(of_serial(&about(CERTIFICATE_EXTENSION, &optional), 1), Ok(false));
        for bad in [
            list(&section(EXTENSION, &critical)),
            about(CERTIFICATE_EXTENSION, &critical),
            list(&section(EXTENSION, &behind)),
            list(&section(SIGNATURE, AUTHORITY)),
            list(&section(99, b"")),
            list(&section(FINGERPRINT_SHA1, &string(b"short"))),
            list(&section(CERTIFICATES, &no_key)),
            about(99, b""),
            about(SERIAL_LIST, &zero),
            about(SERIAL_LIST, &number[1..]),
            about(SERIAL_RANGE, &[number, zero].concat()),
            about(SERIAL_RANGE, &[number, number, number].concat()),
            bitmap(0, &[1]),
            bitmap(1, &[0x80]),
            bitmap(u64::MAX, &[2]),
            bitmap(1, &[1; LONGEST_BITMAP + 1]),
            [MAGIC, &[0, 0, 0, 2], &[0; 32]].concat(),
            b"SSHKRL".to_vec(),
        ] {
            assert!(of_serial(&bad, 1).is_err(), "{bad:?}");
        }
        let whole = about(SERIAL_LIST, &number);
        let ends = MAGIC.len() + 4 + 24 + 4 + 4 + b"a comment".len();
        for length in (0..whole.len()).filter(|&length| length != ends) {
            assert!(of_serial(&whole[..length], 1).is_err(), "cut to {length} bytes");
        }
    }
}
