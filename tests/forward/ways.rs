//! One connection each way.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::os::unix::net::{UnixListener, UnixStream};
use std::process::Stdio;

use super::{Tunnel, bytes, connect, echo, echoed, free_port, server, street, tunnel};
use crate::street::{ACC_BASTION, ACC_PVT, run, until};

#[test]
fn a_local_port_leads_to_a_port_there() {
    let Some(street) = street() else { return };
    let (port, there) = (free_port(), server(echo));
    let _tunnel = tunnel(&street, &["-L", &format!("{port}:127.0.0.1:{}", there.port())]);
    let sent = bytes(3_000_000);
    assert!(echoed(connect(port), &sent) == sent);
}

#[test]
fn local_forwards_of_the_configuration_stand_beside_a_command() {
    let Some(street) = street() else { return };
    let (port, there) = (free_port(), server(echo));
    street.configure(&format!("Host acc-pvt\n  LocalForward {port} 127.0.0.1:{}\nHost *", there.port()));
    let mut hop = street.hop("ssh");
    hop.args([ACC_PVT, "sleep 1000"]);
    let _tunnel = Tunnel::start(hop);
    assert_eq!(echoed(connect(port), b"hello"), b"hello");
}

#[test]
fn either_end_may_be_a_socket() {
    let Some(street) = street() else { return };
    let folder = tempfile::tempdir().expect("a folder");
    let (near, far) = (folder.path().join("near"), free_port());
    let there = server(echo);
    let _tunnel = tunnel(&street, &["-L", &format!("{}:127.0.0.1:{}", near.display(), there.port())]);
    until("the socket is there", || near.exists());
    let mut stream = UnixStream::connect(&near).expect("connect");
    stream.write_all(b"by path").expect("send");
    stream.shutdown(std::net::Shutdown::Write).expect("end");
    let mut all = String::new();
    stream.read_to_string(&mut all).expect("receive");
    assert_eq!(all, "by path");

    let path = street.home(ACC_PVT).join("far.sock");
    let listener = UnixListener::bind(&path).expect("a socket there");
    std::fs::set_permissions(&path, std::os::unix::fs::PermissionsExt::from_mode(0o777)).expect("its mode");
    std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().expect("a connection");
        stream.write_all(b"from a socket").expect("send");
    });
    let _other = tunnel(&street, &["-L", &format!("{far}:{}", path.display())]);
    let mut all = String::new();
    connect(far).read_to_string(&mut all).expect("receive");
    assert_eq!(all, "from a socket");
}

#[test]
fn socks_leads_anywhere_there() {
    let Some(street) = street() else { return };
    let (port, there) = (free_port(), server(echo));
    let _tunnel = tunnel(&street, &["-D", &port.to_string()]);
    let wanted = there.port().to_be_bytes();

    let mut five = connect(port);
    five.write_all(&[&[5, 1, 0, 5, 1, 0, 3, 9][..], b"localhost", &wanted].concat()).expect("ask");
    let mut answer = [0; 12];
    five.read_exact(&mut answer).expect("an answer");
    assert_eq!(answer[..4], [5, 0, 5, 0]);
    assert_eq!(echoed(five, b"five"), b"five");

    let mut four = connect(port);
    four.write_all(&[&[4, 1][..], &wanted, &[0, 0, 0, 1, 0], b"localhost\0"].concat()).expect("ask");
    let mut answer = [0; 8];
    four.read_exact(&mut answer).expect("an answer");
    assert_eq!(answer[..2], [0, 90]);
    assert_eq!(echoed(four, b"four"), b"four");

    let mut refused = connect(port);
    refused.write_all(&[5, 1, 0, 5, 1, 0, 1, 127, 0, 0, 1, 0, 1]).expect("ask");
    let mut answer = Vec::new();
    refused.read_to_end(&mut answer).expect("an answer");
    assert_eq!(answer[..4], [5, 0, 5, 5]);
}

#[test]
fn a_port_there_leads_here() {
    let Some(street) = street() else { return };
    let here = server(echo);
    let mut tunnel = tunnel(&street, &["-R", &format!("0:127.0.0.1:{}", here.port())]);
    let port = allocated(&mut tunnel);
    let sent = bytes(3_000_000);
    assert!(echoed(connect(port), &sent) == sent);
}

/// The port that the host has chosen for `-R 0`.
fn allocated(tunnel: &mut Tunnel) -> u16 {
    let mut line = String::new();
    BufReader::new(tunnel.stderr()).read_line(&mut line).expect("a line");
    let allocated = line.split("Allocated port ").nth(1).and_then(|rest| rest.split(' ').next());
    allocated.and_then(|port| port.parse().ok()).unwrap_or_else(|| panic!("{line}"))
}

#[test]
fn a_socks_proxy_there_leads_only_where_it_is_permitted() {
    let Some(street) = street() else { return };
    let (here, other) = (server(echo), server(echo));
    let permit = format!("PermitRemoteOpen=127.0.0.1:{}", here.port());
    let mut tunnel = tunnel(&street, &["-o", &permit, "-R", "0"]);
    let port = allocated(&mut tunnel);
    let ask = |wanted: u16| {
        let mut stream = connect(port);
        stream.write_all(&[&[5, 1, 0, 5, 1, 0, 1, 127, 0, 0, 1][..], &wanted.to_be_bytes()].concat()).expect("ask");
        let mut answer = [0; 12];
        stream.read_exact(&mut answer).expect("an answer");
        (answer[3], stream)
    };
    let (granted, stream) = ask(here.port());
    assert_eq!((granted, echoed(stream, b"back")), (0, b"back".to_vec()));
    assert_eq!(ask(other.port()).0, 5);
}

#[test]
fn standard_input_and_output_can_be_joined_to_a_port_there() {
    let Some(street) = street() else { return };
    let pvt = street.server(ACC_PVT).address.to_string();
    let mut hop = street.hop("ssh");
    let mut child =
        hop.args(["-W", &pvt, ACC_BASTION]).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("hop ssh -W");
    let mut greeting = [0; 8];
    child.stdout.as_mut().expect("piped").read_exact(&mut greeting).expect("a greeting");
    assert_eq!(&greeting, b"SSH-2.0-");
    child.kill().expect("kill hop");
    child.wait().expect("wait for hop");

    let proxy = format!("ProxyCommand={} ssh -F .ssh/config -W %h:%p {ACC_BASTION}", env!("CARGO_BIN_EXE_hop"));
    let ran = run(street.openssh("ssh").args(["-o", "ProxyJump=none", "-o", &proxy, ACC_PVT, "echo through hop"]));
    assert_eq!((ran.code, ran.stdout.as_str()), (Some(0), "through hop\n"), "{ran}");
}

#[test]
fn a_port_that_is_taken_is_said_and_with_exit_on_forward_failure_ends_it() {
    let Some(street) = street() else { return };
    let taken = TcpListener::bind("127.0.0.1:0").expect("a port");
    let forward = format!("127.0.0.1:{}:x:1", taken.local_addr().expect("its address").port());
    let ran = run(street.hop("ssh").args(["-L", &forward, ACC_PVT, "echo on"]));
    assert_eq!((ran.code, ran.stdout.as_str()), (Some(0), "on\n"), "{ran}");
    assert!(ran.stderr.contains("cannot listen on 127.0.0.1:"), "{ran}");
    let strict = ["-o", "ExitOnForwardFailure=yes", "-L", &forward, ACC_PVT, "echo on"];
    let ran = run(street.hop("ssh").args(strict));
    assert_eq!((ran.code, ran.stdout.as_str()), (Some(255), ""), "{ran}");
}

#[test]
fn a_server_that_opens_channels_unasked_is_refused() {
    let Some(street) = street() else { return };
    // without -R nothing leads here, whatever listens there
    let ran = run(street.hop("ssh").args([ACC_PVT, "echo ${SSH_AUTH_SOCK:-none}"]));
    assert_eq!(ran.stdout, "none\n", "{ran}");
}

#[test]
fn a_tunnel_comes_back_and_its_port_stays_open() {
    let Some(mut street) = street() else { return };
    let (port, there) = (free_port(), server(echo));
    let mut tunnel = tunnel(&street, &["--reconnect", "-L", &format!("{port}:127.0.0.1:{}", there.port())]);
    assert_eq!(echoed(connect(port), b"before"), b"before");
    street.server_mut(ACC_PVT).stop();
    let mut line = String::new();
    BufReader::new(tunnel.stderr()).read_line(&mut line).expect("a line");
    assert!(line.contains("connecting again"), "{line}");
    assert!(TcpStream::connect(("127.0.0.1", port)).is_ok(), "the port is closed meanwhile");
    street.server_mut(ACC_PVT).start();
    until("the tunnel carries again", || {
        let stream = connect(port);
        let _ = (&stream).write_all(b"after");
        let _ = stream.shutdown(std::net::Shutdown::Write);
        let mut all = Vec::new();
        (&stream).read_to_end(&mut all).is_ok() && all == b"after"
    });
}
