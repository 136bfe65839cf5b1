//! Tunnels and commands live through new keys (`RekeyLimit`), both ways at once.

use std::fs::File;
use std::io::{Read as _, Write as _};
use std::process::Stdio;

use super::{bytes, connect, free_port, server, tunnel};
use crate::street::{ACC_BASTION, ACC_PVT, Street};

const SIZE: u32 = 24 << 20;

fn street() -> Option<Street> {
    let lines = "AllowTcpForwarding yes\nLogLevel DEBUG1";
    let street = Street::plan().sshd(ACC_PVT, lines).sshd(ACC_BASTION, "LogLevel DEBUG1").start()?;
    street.configure("RekeyLimit 1M\n");
    Some(street)
}

fn changed_keys(street: &Street) {
    for host in [ACC_BASTION, ACC_PVT] {
        let times = street.server(host).log().matches("SSH2_MSG_NEWKEYS received").count();
        assert!(times > 15, "{host}: {times} key exchanges for 24 MiB each way");
    }
}

#[test]
fn a_tunnel_lives_through_new_keys() {
    let Some(street) = street() else { return };
    // what comes is sent back at once
    let there = server(|mut stream| {
        let mut back = stream.try_clone().expect("a second descriptor");
        let _gone = std::io::copy(&mut stream, &mut back);
    });
    let port = free_port();
    let _tunnel = tunnel(&street, &["-L", &format!("{port}:127.0.0.1:{}", there.port())]);
    let (sent, mut stream) = (bytes(SIZE), connect(port));
    let mut sending = stream.try_clone().expect("a second descriptor");
    let received = std::thread::scope(|scope| {
        scope.spawn(|| {
            sending.write_all(&sent).expect("send");
            sending.shutdown(std::net::Shutdown::Write).expect("end");
        });
        let mut all = Vec::new();
        stream.read_to_end(&mut all).expect("receive");
        all
    });
    assert!(received == sent, "{} of {} bytes came back as they were", received.len(), sent.len());
    changed_keys(&street);
}

#[test]
fn a_command_lives_through_new_keys() {
    let Some(street) = street() else { return };
    let sent = bytes(SIZE);
    let input = File::open(street.put_here("input", &sent)).expect("the input");
    let mut hop = street.hop("ssh");
    let output = hop.args([ACC_PVT, "cat; echo done >&2; exit 7"]).stdin(Stdio::from(input)).output().expect("hop ssh");
    assert_eq!((output.status.code(), output.stderr.as_slice()), (Some(7), &b"done\n"[..]));
    assert!(output.stdout == sent, "{} of {} bytes", output.stdout.len(), sent.len());
    changed_keys(&street);
}
