//! How are the keys made? On the fly: key pairs in the form AWS provides (RSA 2048, PKCS#1, `.pem`), and host keys.

use std::io;

use aws_lc_rs::encoding::AsDer;
use aws_lc_rs::rsa::{KeyPair, KeySize};
use russh::keys::ssh_key::encoding::base64::{Base64, Encoding};
use russh::keys::ssh_key::private::Ed25519Keypair;
use russh::keys::{PrivateKey, PublicKey, decode_secret_key};

/// A new key pair: the text of its `.pem`, and the public half.
pub fn key_pair() -> io::Result<(String, PublicKey)> {
    let pair = KeyPair::generate(KeySize::Rsa2048).map_err(io::Error::other)?;
    let pkcs8 = pair.as_der().map_err(io::Error::other)?;
    let pkcs1 = pkcs1(pkcs8.as_ref()).ok_or_else(|| io::Error::other("the new key is no PKCS#8"))?;
    let pem = pem(pkcs1);
    let public = decode_secret_key(&pem, None).map_err(io::Error::other)?.public_key().clone();
    Ok((pem, public))
}

/// A new Ed25519 host key.
pub fn host_key() -> io::Result<PrivateKey> {
    let mut seed = [0; 32];
    getrandom::fill(&mut seed).map_err(io::Error::other)?;
    Ok(PrivateKey::from(Ed25519Keypair::from_seed(&seed)))
}

/// The RSAPrivateKey inside a PKCS#8 PrivateKeyInfo (RFC 5958 §2): SEQUENCE { version, algorithm, OCTET STRING }.
fn pkcs1(pkcs8: &[u8]) -> Option<&[u8]> {
    let (info, _) = der(0x30, pkcs8)?;
    let (_version, rest) = der(0x02, info)?;
    let (_algorithm, rest) = der(0x30, rest)?;
    Some(der(0x04, rest)?.0)
}

/// The content of the DER element with this tag at the beginning of `input`, and the bytes after it.
fn der(tag: u8, input: &[u8]) -> Option<(&[u8], &[u8])> {
    let (&[found, short], rest) = input.split_first_chunk::<2>()?;
    let (length, rest) = match short {
        0..0x80 => (usize::from(short), rest),
        _ => {
            let (digits, rest) = rest.split_at_checked(usize::from(short & 0x7f).min(8))?;
            (digits.iter().fold(0, |length, &digit| length << 8 | usize::from(digit)), rest)
        }
    };
    (found == tag).then_some(rest)?.split_at_checked(length)
}

fn pem(pkcs1: &[u8]) -> String {
    let base64 = Base64::encode_string(pkcs1);
    let mut text = String::from("-----BEGIN RSA PRIVATE KEY-----\n");
    let mut rest = base64.as_str();
    while !rest.is_empty() {
        let (line, next) = rest.split_at(rest.len().min(64));
        text.push_str(line);
        text.push('\n');
        rest = next;
    }
    text + "-----END RSA PRIVATE KEY-----\n"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn der_lengths() {
        assert_eq!(der(4, &[4, 2, 7, 8, 9]), Some((&[7, 8][..], &[9][..])));
        assert_eq!(der(4, &[4, 0x81, 2, 7, 8]), Some((&[7, 8][..], &[][..])));
        assert_eq!(der(4, &[4, 3, 7, 8]), None, "shorter than it says");
        assert_eq!(der(5, &[4, 1, 7]), None, "another tag");
    }

    #[test]
    fn a_key_pair_is_what_aws_hands_out() {
        let (pem, public) = key_pair().unwrap();
        assert!(pem.starts_with("-----BEGIN RSA PRIVATE KEY-----\nMII"), "{}", &pem[..40]);
        assert!(public.algorithm().is_rsa());
    }
}
