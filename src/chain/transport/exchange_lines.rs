//! What is told of a key exchange? The lines of `ssh -v`, in which programs look for algorithms and count new keys.
//!
//! Main function: [`exchange_lines`].

use russh::compression::Compression;
use russh::{Names, cipher, mac};

use super::algorithms::CIPHERS_WITH_TAG;

/// The lines for a key exchange that is done.
pub fn exchange_lines(names: &Names) -> Vec<String> {
    let direction = |way: &str, mac: &mac::Name, compression: &Compression| {
        let mac = mac_of(&names.cipher, mac);
        let compression = if let Compression::None = compression { "none" } else { "zlib" };
        format!("kex: {way} cipher: {} MAC: {mac} compression: {compression}", names.cipher.as_ref())
    };
    vec![
        format!("kex: algorithm: {}", names.kex.as_ref()),
        format!("kex: host key algorithm: {}", names.key),
        direction("server->client", &names.server_mac, &names.server_compression),
        direction("client->server", &names.client_mac, &names.client_compression),
        "SSH2_MSG_NEWKEYS sent".to_owned(),
        "SSH2_MSG_NEWKEYS received".to_owned(),
    ]
}

fn mac_of<'a>(cipher: &cipher::Name, mac: &'a mac::Name) -> &'a str {
    if CIPHERS_WITH_TAG.contains(cipher) { "<implicit>" } else { mac.as_ref() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cipher_that_authenticates_has_no_mac() {
        assert_eq!(mac_of(&cipher::AES_128_GCM, &mac::HMAC_SHA256), "<implicit>");
        assert_eq!(mac_of(&cipher::AES_128_CTR, &mac::HMAC_SHA256), "hmac-sha2-256");
    }
}
