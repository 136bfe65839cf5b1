//! Many connections at once, and one whose reader never reads.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use super::{bytes, connect, echo, echoed, free_port, server, street, tunnel};
use crate::street::{ACC_PVT, Street};

const CROWD: usize = 200;
const MEMORY: u64 = 64 * 1024;

/// Sends for ever.
fn flood(mut stream: TcpStream) {
    while stream.write_all(&[b'x'; 64 * 1024]).is_ok() {}
}

#[test]
fn two_hundred_connections_at_once_stay_within_64_mib() {
    let Some(street) = street() else { return };
    let (port, there) = (free_port(), server(echo));
    let tunnel = tunnel(&street, &["-L", &format!("{port}:127.0.0.1:{}", there.port())]);
    let sent = bytes(200_000);
    drop(connect(port));
    std::thread::scope(|scope| {
        for _ in 0..CROWD {
            scope.spawn(|| assert!(echoed(connect(port), &sent) == sent));
        }
    });
    let peak = tunnel.peak();
    assert!(peak <= MEMORY, "{peak} KiB");
}

#[test]
fn a_reader_that_never_reads_stalls_no_other() {
    let Some(street) = street() else { return };
    let (port, flooded) = (free_port(), free_port());
    let (there, flooding) = (server(echo), server(flood));
    let forward = |here: u16, to: u16| format!("{here}:127.0.0.1:{to}");
    let forwards = ["-L", &forward(port, there.port()), "-L", &forward(flooded, flooding.port())];
    let tunnel = tunnel(&street, &forwards);
    let sent = bytes(200_000);
    assert!(echoed(connect(port), &sent) == sent);
    let mut stuck: Vec<_> = (0..3).map(|_| connect(flooded)).collect();
    std::thread::sleep(Duration::from_secs(1));
    let began = Instant::now();
    for _ in 0..20 {
        assert!(echoed(connect(port), &sent) == sent);
    }
    assert!(began.elapsed() < Duration::from_secs(15), "{:?}", began.elapsed());
    let peak = tunnel.peak();
    assert!(peak <= MEMORY, "{peak} KiB");
    // one that reads goes on
    let mut some = vec![0; 1 << 20];
    connect(flooded).read_exact(&mut some).expect("a flood");
    stuck.clear();
}

/// Says `bytes` and ends.
fn tell(bytes: &[u8]) -> impl Fn(TcpStream) + Clone + Send + use<> {
    let bytes = bytes.to_owned();
    move |mut stream| drop(stream.write_all(&bytes)) // the other side may have gone
}

#[test]
fn readers_that_pause_are_waited_for_and_get_every_byte_while_others_go_on() {
    let Some(street) = street() else { return };
    std::thread::scope(|both| {
        for way in ["ProxyJump=acc-bastion", "ProxyJump=none"] {
            let street = &street;
            both.spawn(move || pauses_are_waited_for(street, way));
        }
    });
}

fn pauses_are_waited_for(street: &Street, way: &str) {
    let long = bytes(24 << 20);
    let (port, paused) = (free_port(), free_port());
    let (there, telling) = (server(echo), server(tell(&long)));
    let forward = |here: u16, to: u16| format!("{here}:127.0.0.1:{to}");
    let (echoes, tells) = (forward(port, there.port()), forward(paused, telling.port()));
    let tunnel = tunnel(street, &["-o", way, "-L", &echoes, "-L", &tells]);
    let sent = bytes(200_000);
    assert!(echoed(connect(port), &sent) == sent);
    let readers: Vec<_> = (0..3).map(|_| connect(paused)).collect();
    // longer than a reader among others is waited for
    let end = Instant::now() + Duration::from_secs(3);
    while Instant::now() < end {
        assert!(echoed(connect(port), &sent) == sent);
    }
    for mut reader in readers {
        let mut all = Vec::new();
        reader.read_to_end(&mut all).expect("the rest");
        assert!(all == long, "{} of {} bytes", all.len(), long.len());
    }
    let peak = tunnel.peak();
    assert!(peak <= MEMORY, "{peak} KiB");
}

#[test]
fn a_server_that_lets_us_in_no_more_has_its_connections_share() {
    let Some(street) = street() else { return };
    let (port, there) = (free_port(), server(echo));
    let _tunnel = tunnel(&street, &["-L", &format!("{port}:127.0.0.1:{}", there.port())]);
    assert_eq!(echoed(connect(port), b"the first"), b"the first");
    std::fs::write(street.home(ACC_PVT).with_file_name("authorized_keys"), "").expect("no key is let in any more");
    let open: Vec<_> = (0..3).map(|_| connect(port)).collect();
    assert!(open.into_iter().all(|stream| echoed(stream, b"another") == b"another"));
    let logins = street.server(ACC_PVT).log().matches("Accepted publickey").count();
    assert_eq!(logins, 1);
}

#[test]
fn a_banner_is_shown_once_however_many_sessions_there_are() {
    let file = tempfile::NamedTempFile::new().expect("a banner");
    std::fs::write(file.path(), "*** Authorized use only ***\n").expect("a banner");
    std::fs::set_permissions(file.path(), std::os::unix::fs::PermissionsExt::from_mode(0o644)).expect("its mode");
    let plan = Street::plan().sshd(ACC_PVT, format!("Banner {}", file.path().display()));
    let Some(street) = plan.sshd(ACC_PVT, "AllowTcpForwarding yes").start() else { return };
    let (port, there) = (free_port(), server(echo));
    let mut tunnel = tunnel(&street, &["-L", &format!("{port}:127.0.0.1:{}", there.port())]);
    let open: Vec<_> = (0..3).map(|_| connect(port)).collect();
    assert!(open.into_iter().all(|stream| echoed(stream, b"carried") == b"carried"));
    assert_eq!(street.server(ACC_PVT).log().matches("Accepted publickey").count(), 3, "a session for each");
    let mut stderr = tunnel.stderr();
    drop(tunnel);
    let mut said = String::new();
    stderr.read_to_string(&mut said).expect("what it said");
    assert_eq!(said, "*** Authorized use only ***\n");
}
