//! What does a key file hold? The first line, the PEM label and its headers are read before any decoder sees the text,
//! and clean text is passed on: no byte order mark, no CRLF, no blanks at the ends of lines, nothing around the block.
//!
//! Main function: [`look`]. Pure; it decrypts nothing. What cannot be used is named, with the command that converts it.

use russh::keys::ssh_encoding::{Base64Reader, Reader};
use russh::keys::ssh_key::{Certificate, PublicKey};
use zeroize::Zeroizing;

/// The format of a private key file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Format {
    /// `OPENSSH PRIVATE KEY` (PROTOCOL.key).
    OpenSsh,
    /// `RSA PRIVATE KEY` (PKCS#1, as AWS provides) or `EC PRIVATE KEY` (SEC1).
    Traditional,
    /// `PRIVATE KEY` or `ENCRYPTED PRIVATE KEY`.
    Pkcs8,
    /// `PuTTY-User-Key-File-2` or `-3`.
    Ppk,
}

/// The clean text of a private key.
pub(super) struct PrivateKeyText {
    pub format: Format,
    /// Whether a passphrase is needed, according to the text around the key; in OpenSSH's format only the key itself
    /// tells.
    pub encrypted: bool,
    pub text: Zeroizing<String>,
}

/// The contents of a key file.
pub(super) enum KeyFileText {
    Private(PrivateKeyText),
    Public(PublicKey),
    Certificate(Box<Certificate>),
    Unusable(Unusable),
}

/// Contents that cannot be used as a key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Unusable {
    /// What the file contains.
    pub what: String,
    /// The command that makes it usable; `{}` stands for the file.
    pub remedy: Option<&'static str>,
}

/// Rewrites a key in OpenSSH's own format, in place.
pub(super) const REWRITE: &str = "ssh-keygen -p -f {}";
const FROM_DER: &str = "openssl pkey -inform DER -in {} -out {}.pem";
const FROM_PKCS12: &str = "openssl pkcs12 -in {} -nocerts -nodes -out {}.pem";
const FROM_RFC4716: &str = "ssh-keygen -i -f {}";
const FROM_UTF16: &str = "iconv -f UTF-16 -t ASCII {} > {}.pem";
const FROM_JSON: &str = "jq -r .KeyMaterial {} > {}.pem";

/// Determines what `bytes`, the contents of a key file, are.
pub(super) fn look(bytes: &[u8]) -> KeyFileText {
    let bytes = bytes.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(bytes);
    let Ok(text) = std::str::from_utf8(bytes) else { return KeyFileText::Unusable(binary(bytes)) };
    let mut lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
    let Some(first) = lines.next() else { return unusable("empty", None) };
    if first.starts_with("PuTTY-User-Key-File-") {
        return KeyFileText::Private(ppk(text));
    }
    if text.contains("-----BEGIN ") && !first.starts_with('{') {
        return block(text).unwrap_or_else(KeyFileText::Unusable);
    }
    let public = std::iter::once(first).chain(lines).find(|line| !line.starts_with('#'));
    public.and_then(public_line).unwrap_or_else(|| KeyFileText::Unusable(stray(first)))
}

/// Reads one line of a public key file: a key or a certificate.
pub(super) fn public_line(line: &str) -> Option<KeyFileText> {
    match Certificate::from_openssh(line) {
        Ok(certificate) => Some(KeyFileText::Certificate(Box::new(certificate))),
        Err(_) => PublicKey::from_openssh(line).ok().map(KeyFileText::Public),
    }
}

fn unusable(what: &str, remedy: Option<&'static str>) -> KeyFileText {
    KeyFileText::Unusable(not(what, remedy))
}

fn not(what: &str, remedy: Option<&'static str>) -> Unusable {
    Unusable { what: what.to_owned(), remedy }
}

/// Names binary contents. A PKCS#12 file begins with SEQUENCE, INTEGER 3; other DER keys with SEQUENCE, INTEGER 0 or 1.
fn binary(bytes: &[u8]) -> Unusable {
    match bytes {
        [0xFF, 0xFE, ..] | [0xFE, 0xFF, ..] => not("UTF-16 text, not a plain text key", Some(FROM_UTF16)),
        [0x30, 0x82, _, _, 2, 1, 3, ..] => not("a PKCS#12 store, not a PEM key", Some(FROM_PKCS12)),
        [0x30, 0x81 | 0x82, ..] => not("a DER key, not PEM", Some(FROM_DER)),
        bytes if bytes.starts_with(b"SSH PRIVATE KEY FILE FORMAT 1.1") => not("an SSH version 1 key", None),
        _ => not("binary data, not a key", None),
    }
}

fn stray(first: &str) -> Unusable {
    match first {
        first if first.starts_with('{') => not("JSON, not a key; the key is its KeyMaterial", Some(FROM_JSON)),
        first if first.starts_with("---- BEGIN SSH2 PUBLIC KEY") => {
            not("a public key in RFC 4716 format, not a private key", Some(FROM_RFC4716))
        }
        first if first.starts_with("---- BEGIN SSH2 ENCRYPTED PRIVATE KEY") => {
            not("a private key in ssh.com format", Some(FROM_RFC4716))
        }
        first if first.starts_with('<') => not("a web page, not a key", None),
        _ => not("not a key", None),
    }
}

fn ppk(text: &str) -> PrivateKeyText {
    let mut clean = Zeroizing::new(String::with_capacity(text.len() + 1));
    for line in text.trim().lines() {
        // the MAC covers the comment, blanks included
        let comment = line.starts_with("Comment:");
        clean.push_str(if comment { line.trim_end_matches('\r') } else { line.trim_end() });
        clean.push('\n');
    }
    let encrypted = clean.lines().any(|line| line.starts_with("Encryption:") && !line.ends_with("none"));
    PrivateKeyText { format: Format::Ppk, encrypted, text: clean }
}

/// Takes the first private key block, or says what the file holds instead.
fn block(text: &str) -> Result<KeyFileText, Unusable> {
    let mut other = None;
    let mut lines = text.lines().map(str::trim);
    while let Some(line) = lines.next() {
        let Some(label) = label(line, "-----BEGIN ") else { continue };
        match label.ends_with("PRIVATE KEY") {
            true => return private(label, lines).map(KeyFileText::Private),
            false => other = other.or(Some(label)),
        }
    }
    Err(match other {
        Some("CERTIFICATE" | "TRUSTED CERTIFICATE") => not("an X.509 certificate, not a private key", None),
        Some("EC PARAMETERS") => not("elliptic curve parameters without a key", None),
        Some(label) if label.ends_with("PUBLIC KEY") => not("a public key in PEM, not a private key", None),
        Some(label) => not(&format!("a PEM {}, not a private key", label.to_lowercase()), None),
        None => not("a key whose lines were joined: put the line ends back", None),
    })
}

fn label<'a>(line: &'a str, dashes: &str) -> Option<&'a str> {
    line.strip_prefix(dashes)?.strip_suffix("-----").filter(|label| !label.contains("--"))
}

fn private<'a>(label: &str, lines: impl Iterator<Item = &'a str>) -> Result<PrivateKeyText, Unusable> {
    let mut headers = Vec::new();
    let mut body = Zeroizing::new(String::with_capacity(16 * 1024));
    let mut ended = false;
    for line in lines {
        if line.starts_with("-----END ") {
            ended = true;
            break;
        }
        match line.contains(':') {
            true => headers.push(line),
            false if line.bytes().all(is_base64) => body.push_str(line),
            false => return Err(not("a damaged key: a line that is not base64", None)),
        }
    }
    match ended && !body.is_empty() {
        true => classified(label, &headers, &body),
        false => Err(not("a key cut short: its last lines are missing", None)),
    }
}

fn is_base64(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/' | b'=')
}

fn classified(label: &str, headers: &[&str], body: &str) -> Result<PrivateKeyText, Unusable> {
    let encrypted = headers.iter().any(|header| header.starts_with("Proc-Type:") && header.ends_with("ENCRYPTED"));
    let cipher = headers.iter().find_map(|header| header.strip_prefix("DEK-Info:")).unwrap_or_default().trim();
    let format = match label {
        "OPENSSH PRIVATE KEY" => Format::OpenSsh,
        "PRIVATE KEY" | "ENCRYPTED PRIVATE KEY" => Format::Pkcs8,
        "RSA PRIVATE KEY" if !encrypted || cipher.starts_with("AES-128-CBC,") => Format::Traditional,
        "EC PRIVATE KEY" if !encrypted => Format::Traditional,
        "RSA PRIVATE KEY" | "EC PRIVATE KEY" => {
            let cipher = cipher.split(',').next().unwrap_or_default();
            return Err(not(&format!("a key in traditional PEM encrypted with {cipher}"), Some(REWRITE)));
        }
        "DSA PRIVATE KEY" => return Err(not("a DSA key, which servers no longer take", None)),
        label => return Err(not(&format!("a PEM {}", label.to_lowercase()), None)),
    };
    if label.starts_with("ENCRYPTED") && !is_modern(body) {
        return Err(not("a PKCS#8 key encrypted in an old way", Some(REWRITE)));
    }
    let encrypted = encrypted || label.starts_with("ENCRYPTED");
    Ok(PrivateKeyText { format, encrypted, text: written(label, headers, body) })
}

/// Whether the body uses PBES2 with AES, and scrypt or PBKDF2 over SHA-2 (RFC 8018 appendix A), which can be decrypted
/// here. Object identifiers at the front name all of them.
fn is_modern(body: &str) -> bool {
    const PBES2: &[u8] = b"\x06\x09\x2A\x86\x48\x86\xF7\x0D\x01\x05\x0D";
    const AES: &[u8] = b"\x06\x09\x60\x86\x48\x01\x65\x03\x04\x01";
    const SCRYPT: &[u8] = b"\x06\x09\x2B\x06\x01\x04\x01\xDA\x47\x04\x0B";
    const HMAC_SHA2: [&[u8]; 3] = [
        b"\x06\x08\x2A\x86\x48\x86\xF7\x0D\x02\x09",
        b"\x06\x08\x2A\x86\x48\x86\xF7\x0D\x02\x0A",
        b"\x06\x08\x2A\x86\x48\x86\xF7\x0D\x02\x0B",
    ];
    let front = front_of(body);
    let has = |identifier: &[u8]| front.windows(identifier.len()).any(|window| window == identifier);
    has(PBES2) && has(AES) && (has(SCRYPT) || HMAC_SHA2.into_iter().any(has))
}

/// At most the first 192 bytes of a base64 body.
fn front_of(body: &str) -> Vec<u8> {
    let text = &body[..body.len().min(256)];
    let mut front = vec![0; text.trim_end_matches('=').len() * 3 / 4];
    let read = Base64Reader::new(text.as_bytes()).and_then(|mut reader| reader.read(&mut front).map(|_| ()));
    read.map(|()| front).unwrap_or_default()
}

/// The block in the form that a strict reader wants: lines of 70 characters.
fn written(label: &str, headers: &[&str], body: &str) -> Zeroizing<String> {
    let mut text = Zeroizing::new(String::with_capacity(body.len() * 2 + 512));
    text.push_str(&format!("-----BEGIN {label}-----\n"));
    headers.iter().for_each(|header| text.push_str(&format!("{header}\n")));
    if !headers.is_empty() {
        text.push('\n');
    }
    let mut rest = body;
    while !rest.is_empty() {
        let (line, tail) = rest.split_at(rest.len().min(70));
        text.push_str(line);
        text.push('\n');
        rest = tail;
    }
    text.push_str(&format!("-----END {label}-----\n"));
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn private(bytes: &[u8]) -> Option<(Format, bool, String)> {
        match look(bytes) {
            KeyFileText::Private(private) => Some((private.format, private.encrypted, private.text.to_string())),
            _ => None,
        }
    }

    fn block(label: &str, headers: &str, body: &str) -> String {
        format!("-----BEGIN {label}-----\n{headers}{body}\n-----END {label}-----\n")
    }

    #[test]
    fn labels_and_headers_say_what_it_is() {
        let aes = "Proc-Type: 4,ENCRYPTED\nDEK-Info: AES-128-CBC,00112233445566778899AABBCCDDEEFF\n\n";
        for (label, headers, expected) in [
            ("OPENSSH PRIVATE KEY", "", (Format::OpenSsh, false)),
            ("RSA PRIVATE KEY", "", (Format::Traditional, false)),
            ("RSA PRIVATE KEY", aes, (Format::Traditional, true)),
            ("EC PRIVATE KEY", "", (Format::Traditional, false)),
            ("PRIVATE KEY", "", (Format::Pkcs8, false)),
        ] {
            let found = private(block(label, headers, "AAAA").as_bytes());
            assert_eq!(found.map(|(format, encrypted, _)| (format, encrypted)), Some(expected), "{label}");
        }
    }

    proptest! {
        #[test]
        fn any_bytes_are_looked_at_without_panic(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
            look(&bytes);
        }

        #[test]
        fn any_text_around_a_label_is_looked_at_without_panic(before in "[ -~\n\r\t]{0,80}", after in "[ -~\n\r]{0,200}") {
            look(format!("{before}-----BEGIN RSA PRIVATE KEY-----{after}").as_bytes());
        }

        #[test]
        fn noise_around_a_key_is_taken_away(
            body in "[A-Za-z0-9+/]{4,300}",
            bom in any::<bool>(),
            end in "[ \t]{0,3}\r?",
            lead in "(\r?\n){0,2}",
        ) {
            let clean = private(block("RSA PRIVATE KEY", "", &body).as_bytes()).expect("a key");
            let noisy: String = clean.2.lines().map(|line| format!("{line}{end}\n")).collect();
            let noisy = format!("{}{lead}{noisy}", if bom { "\u{feff}" } else { "" });
            prop_assert_eq!(private(noisy.as_bytes()), Some(clean));
        }
    }
}
