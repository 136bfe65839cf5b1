//! Time that passes: servers of a byte a second (F8), a laptop that slept (F31).

use std::io::Write as _;
use std::net::{TcpListener, TcpStream};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};

use super::ran::{run, run_while};
use crate::street::{ACC_BASTION, ACC_PVT, Street};
use crate::wire::Link;

/// A server that says an SSH banner, a byte every half second, for as long as anybody listens.
fn trickle() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = listener.local_addr().expect("its address").port();
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            std::thread::spawn(move || slowly(stream));
        }
    });
    port
}

fn slowly(mut stream: TcpStream) {
    for byte in b"SSH-2.0-OpenSSH_9.2".iter().cycle() {
        if stream.write_all(&[*byte]).is_err() {
            return;
        }
        std::thread::sleep(Duration::from_millis(500));
    }
}

#[test]
fn a_banner_of_a_byte_a_second_runs_out_of_time() {
    let Some(street) = Street::start() else { return };
    street.put_here("f", b"x");
    street.configure(&format!("Host slow\n  HostName 127.0.0.1\n  Port {}\n  ConnectTimeout 1\n", trickle()));
    let ran = run(street.hop("cp").args(["--retries", "0", "f", "slow:"]));
    assert!(matches!(ran.code, Some(10 | 30)) && ran.took < Duration::from_secs(16), "{ran}");
    assert!(ran.stderr.contains("slow: laptop > slow: greet: "), "{ran}");
}

#[test]
fn a_key_exchange_or_a_login_of_a_byte_a_second_runs_out_of_time() {
    // the banner passes at once; at 150 bytes a second a key exchange takes longer than it may
    let slow = Link { rate: Some(150), ..Link::default() };
    let Some(street) = Street::plan().link(ACC_PVT, slow).start() else { return };
    street.put_here("f", b"x");
    let words = ["--retries", "0", "-o", "ConnectTimeout=2", "f", "acc-pvt:"];
    let ran = run(street.hop("cp").args(words));
    assert!(matches!(ran.code, Some(10 | 30)) && ran.took < Duration::from_secs(17), "{ran}");
    assert!(ran.stderr.contains("acc-pvt: laptop > acc-bastion > acc-pvt: "), "{ran}");
}

#[test]
fn a_laptop_that_slept_goes_on() {
    let slow = Link { rate: Some(6 << 20), ..Link::default() };
    let Some(street) = Street::plan().link(ACC_BASTION, slow).start() else { return };
    let content: Vec<u8> = (0..9 << 20).map(|index: u32| (index % 251) as u8 + 1).collect();
    street.put_here("up", &content);
    street.put(ACC_PVT, "down", &content);
    for (words, folder, name) in
        [(["up", "acc-pvt:there"], street.home(ACC_PVT), "there"), (["acc-pvt:down", "here"], street.laptop(), "here")]
    {
        let mut slept = false;
        // it sleeps for longer than anything may stand still
        let mut command = street.hop("cp");
        let ran = run_while(command.args(["--timeout", "2s"]).args(words), |child, _| {
            if !slept && !Street::parts(folder).is_empty() {
                slept = true;
                let id = Pid::from_child(child);
                kill_process(id, Signal::STOP).expect("stop it");
                std::thread::sleep(Duration::from_secs(3));
                kill_process(id, Signal::CONT).expect("wake it");
            }
        });
        assert!(ran.code == Some(0) && slept, "{words:?}: {ran}");
        assert!(std::fs::read(folder.join(name)).expect("it arrived") == content, "{words:?}: other content");
        assert!(Street::parts(folder).is_empty());
    }
}
