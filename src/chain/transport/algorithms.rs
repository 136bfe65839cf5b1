//! What is offered in the key exchange, and how large are windows and packets?
//!
//! Main function: [`transport_config`]. Names come from the host's configuration if the user set them, else from the
//! lists that `ssh -G` prints. Names that russh does not support are left out, and an empty list is an error.

use std::borrow::Cow;
use std::sync::Arc;
use std::time::Duration;

use russh::keys::Algorithm;
use russh::{Limits, Preferred, cipher, client, compression, kex, mac};

use super::window::FlowControl;
use crate::chain::error::Cause;
use crate::config::{Family, Host, Value};
use crate::trust::KnownAlgorithms;

/// The largest channel packet accepted, in bytes (RFC 4254 §5.1).
const PACKET: u32 = 32 * 1024;
/// The fewest messages a channel may hold before its session waits for the reader; usually it is half a window of full
/// packets. Most readers never wait, so this is slack.
const CHANNEL_BUFFER: usize = 16;
/// The bytes after which russh itself asks for new keys. It does so whatever is in flight, which can end the session
/// (`rekey.rs`), so the limit is high. AES-GCM is safe for 2^32 blocks = 64 GiB (RFC 4344 §3.2), and servers rekey when
/// they like.
const REKEY_BYTES: usize = 32 << 30;
/// The time after which russh itself asks for new keys, high for the same reason.
const REKEY_TIME: Duration = Duration::from_secs(24 * 60 * 60);

/// What is offered where compression is wanted, best first.
pub const COMPRESSED: [compression::Name; 3] = [compression::ZLIB_LEGACY, compression::ZLIB, compression::NONE];
/// The ciphers that authenticate what they encrypt, and need no MAC.
pub const CIPHERS_WITH_TAG: [cipher::Name; 3] = [cipher::AES_128_GCM, cipher::AES_256_GCM, cipher::CHACHA20_POLY1305];

/// The transport settings for `host`; `known` are the key types recorded for it, which are offered first.
pub fn transport_config(host: &Host, known: &KnownAlgorithms, flow: FlowControl) -> Result<Arc<client::Config>, Cause> {
    let keepalive = host.server_alive_interval.value;
    Ok(Arc::new(client::Config {
        client_id: russh::SshId::Standard(version(host)),
        limits: Limits { rekey_write_limit: REKEY_BYTES, rekey_read_limit: REKEY_BYTES, rekey_time_limit: REKEY_TIME },
        window_size: flow.window(),
        maximum_packet_size: PACKET,
        channel_buffer_size: CHANNEL_BUFFER.max((flow.held() / PACKET / 2) as usize),
        preferred: preferred(host, known)?,
        keepalive_interval: (!keepalive.is_zero()).then_some(keepalive),
        keepalive_max: host.server_alive_count_max.value as usize,
        nodelay: true,
        ..Default::default()
    }))
}

/// hop's version, as it is sent to the server.
fn version(host: &Host) -> Cow<'static, str> {
    const VERSION: &str = concat!("SSH-2.0-hop_", env!("CARGO_PKG_VERSION"));
    match &host.version_addendum {
        Some(addendum) => Cow::Owned(format!("{VERSION} {}", addendum.value)),
        None => Cow::Borrowed(VERSION),
    }
}

fn preferred(host: &Host, known: &KnownAlgorithms) -> Result<Preferred, Cause> {
    let mut kex = chosen(Family::Kex, host.kex_algorithms.as_ref(), |name| kex::Name::try_from(name).ok())?;
    kex.extend([kex::EXTENSION_SUPPORT_AS_CLIENT, kex::EXTENSION_OPENSSH_STRICT_KEX_AS_CLIENT]);
    let cipher = chosen(Family::Cipher, host.ciphers.as_ref(), |name| cipher::Name::try_from(name).ok())?;
    let mac = chosen(Family::Mac, host.macs.as_ref(), |name| mac::Name::try_from(name).ok())?;
    let (kex, cipher, mac) = (Cow::Owned(kex), Cow::Owned(cipher), Cow::Owned(mac));
    let compression: &[compression::Name] = if host.compression.value { &COMPRESSED } else { &[compression::NONE] };
    let (key, host_key_certificates) = host_keys(host, known)?;
    Ok(Preferred { kex, key, host_key_certificates, cipher, mac, compression: Cow::Borrowed(compression) })
}

type HostKeys = (Cow<'static, [Algorithm]>, Cow<'static, [Algorithm]>);

/// The plain host key types to offer, and those for which a certificate is accepted. The user's own list is used as it
/// is; otherwise the known types come first, so that a server with several keys presents the one we know. Certificates
/// are offered only if an authority is known: one that nobody vouches for would hide a key that is known.
fn host_keys(host: &Host, known: &KnownAlgorithms) -> Result<HostKeys, Cause> {
    let plain = |name: &str| Algorithm::new(name).ok().filter(is_spoken);
    let certified = |name: &str| name.strip_suffix("-cert-v01@openssh.com").and_then(plain);
    if let Some(names) = &host.host_key_algorithms {
        let certificates = names.iter().filter_map(|name| certified(name)).collect();
        let keys: Vec<_> = names.iter().filter_map(|name| plain(name)).collect();
        let none = keys.is_empty() && names.iter().all(|name| certified(name).is_none());
        return match none {
            true => Err(nothing_left("HostKeyAlgorithms", names)),
            false => Ok((Cow::Owned(keys), Cow::Owned(certificates))),
        };
    }
    let mut keys: Vec<_> = known.keys.iter().filter(|algorithm| is_spoken(algorithm)).cloned().collect();
    let others = Family::Key.default_list().iter().filter_map(|name| plain(name));
    keys.extend(others.filter(|algorithm| !known.keys.contains(algorithm)));
    let certificates = if known.authority { keys.clone() } else { Vec::new() };
    Ok((Cow::Owned(keys), Cow::Owned(certificates)))
}

/// Whether hop verifies signatures of this type; not those of DSA and of security keys. `ssh-rsa` (SHA-1) is offered only
/// where it is asked for.
pub fn is_spoken(algorithm: &Algorithm) -> bool {
    Preferred::DEFAULT.key.contains(algorithm)
}

/// The algorithms to offer: those of the user's list, else of the built-in one, that the library has, in their order.
fn chosen<T>(
    family: Family,
    list: Option<&Value<Vec<String>>>,
    find: impl Fn(&str) -> Option<T>,
) -> Result<Vec<T>, Cause> {
    let Some(list) = list else { return Ok(family.default_list().iter().filter_map(|name| find(name)).collect()) };
    let found: Vec<T> = list.iter().filter_map(|name| find(name)).collect();
    match found.is_empty() {
        true => Err(nothing_left(family.keyword(), list)),
        false => Ok(found),
    }
}

fn nothing_left(keyword: &str, value: &Value<Vec<String>>) -> Cause {
    Cause::NothingToOffer(format!("{keyword} ({}) names nothing that hop speaks: {}", value.origin, value.join(",")))
}

#[cfg(test)]
mod tests {
    use super::super::window::WINDOW;
    use super::*;
    use crate::config::Origin;
    use russh::keys::HashAlg;

    const FLOW: FlowControl = FlowControl::Windows(WINDOW);

    fn names(algorithms: &[Algorithm]) -> Vec<String> {
        algorithms.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn known_types_come_first_and_certificates_only_with_an_authority() {
        let known = KnownAlgorithms { keys: vec![Algorithm::Rsa { hash: Some(HashAlg::Sha256) }], authority: true };
        let host = crate::config::host::tests::plain("h");
        let (keys, certificates) = host_keys(&host, &known).unwrap();
        assert_eq!(names(&keys)[..2], ["rsa-sha2-256", "ssh-ed25519"]);
        assert_eq!(names(&certificates), names(&keys));
        let unknown = KnownAlgorithms::default();
        assert!(host_keys(&host, &unknown).unwrap().1.is_empty());
    }

    #[test]
    fn what_is_printed_is_what_is_offered() {
        let host = crate::config::host::tests::plain("h");
        let offered = transport_config(&host, &KnownAlgorithms::default(), FLOW).unwrap();
        let text = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
        let list = |family: Family| text(family.default_list());
        let all = |names: Vec<&str>| text(&names);
        let preferred = &offered.preferred;
        assert_eq!(all(preferred.cipher.iter().map(AsRef::as_ref).collect()), list(Family::Cipher));
        assert_eq!(all(preferred.mac.iter().map(AsRef::as_ref).collect()), list(Family::Mac));
        let kex =
            preferred.kex.iter().map(AsRef::as_ref).filter(|name| list(Family::Kex).iter().any(|known| known == name));
        assert_eq!(all(kex.collect()), list(Family::Kex));
        assert_eq!(preferred.kex.len(), list(Family::Kex).len() + 2, "and two extensions");
        assert!(!names(&preferred.key).contains(&"ssh-rsa".to_owned()), "SHA-1 only where it is asked for");
    }

    #[test]
    fn a_list_that_leaves_nothing_is_an_error() {
        let mut host = crate::config::host::tests::plain("h");
        host.ciphers = Some(Value { value: vec!["rot13".into()], origin: Origin::Flag("-c".into()) });
        let error = transport_config(&host, &KnownAlgorithms::default(), FLOW).unwrap_err().to_string();
        assert_eq!(error, "Ciphers (-c) names nothing that hop speaks: rot13");
        host.ciphers = None;
        host.host_key_algorithms = Some(Value { value: vec!["ssh-dss".into()], origin: Origin::Default });
        assert!(transport_config(&host, &KnownAlgorithms::default(), FLOW).is_err());
    }
}
