//! rsync, git, curl, Redis: the bytes that arrive are the bytes that were sent.

use std::fs;
use std::io::{BufRead as _, BufReader, Write as _};
use std::net::TcpStream;
use std::process::{Child, Command, Stdio};

use super::hop_ssh;
use crate::forward::{Tunnel, bytes, connect, free_port, server, street, tunnel};
use crate::skips::need;
use crate::street::{ACC_PVT, Street, run, until};

#[test]
fn rsync_carries_a_tree_both_ways() {
    let (Some(_), Some(street)) = (need("rsync"), Street::start()) else { return };
    let big = bytes(3_000_000);
    street.put_here("tree/big", &big);
    street.put_here("tree/a b/small", b"small");
    let rsync = |words: &[&str]| {
        let ran = run(street.on_laptop("rsync").args(["-a", "-e", &hop_ssh()]).args(words));
        assert_eq!((ran.code, ran.stderr.as_str()), (Some(0), ""), "{ran}");
    };
    rsync(&["tree/", "acc-pvt:there"]);
    assert_eq!(fs::read(street.home(ACC_PVT).join("there/a b/small")).expect("it arrived"), b"small");
    rsync(&["--delete", "acc-pvt:there/", "back"]);
    assert!(fs::read(street.laptop().join("back/big")).expect("it came back") == big);
}

#[test]
fn git_clones_and_pushes() {
    let (Some(git), Some(street)) = (need("git"), Street::start()) else { return };
    let folder = git.parent().expect("a folder").display().to_string();
    let git = |line: &str| {
        let mut bash = street.on_laptop("sh");
        // ssh:// with a port makes git ask what kind of ssh it has
        bash.env("GIT_SSH_COMMAND", hop_ssh()).env("PATH", format!("{folder}:/usr/bin:/bin"));
        bash.env("GIT_AUTHOR_NAME", "a").env("GIT_AUTHOR_EMAIL", "a@b").env("GIT_COMMITTER_NAME", "a");
        let ran = run(bash.env("GIT_COMMITTER_EMAIL", "a@b").args(["-ec", line]));
        assert_eq!(ran.code, Some(0), "{line}: {ran}");
        ran.stdout
    };
    // an account of its own, in a place that both sides see
    git(
        "hop() { $GIT_SSH_COMMAND \"$@\"; }; hop acc-pvt 'git init -q --bare r.git && git -C r.git symbolic-ref HEAD refs/heads/main'",
    );
    git("git clone -q acc-pvt:r.git one && cd one && git checkout -q -b main && seq 200000 >f && git add f && \
         git commit -qm first && GIT_SSH_COMMAND=\"$GIT_SSH_COMMAND -F ../.ssh/config\" git push -q origin main");
    let port = street.server(ACC_PVT).address.port();
    let said = git(&format!("git clone -q ssh://acc-pvt:{port}/~/r.git two && git -C two log --format=%s"));
    assert_eq!(said, "first\n");
    assert_eq!(
        fs::read(street.laptop().join("two/f")).expect("cloned"),
        fs::read(street.laptop().join("one/f")).expect("pushed")
    );
}

/// Answers one request with `body`, whatever it is.
fn http(body: Vec<u8>) -> impl Fn(TcpStream) + Clone + Send + 'static {
    move |mut stream| {
        let request = BufReader::new(stream.try_clone().expect("a clone")).lines();
        request.map_while(Result::ok).take_while(|line| !line.is_empty()).for_each(drop);
        let head = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\nConnection: close\r\n\r\n", body.len());
        let _ = stream.write_all(&[head.as_bytes(), &body].concat()); // curl may have gone
    }
}

#[test]
fn curl_goes_through_socks() {
    let (Some(_), Some(street)) = (need("curl"), street()) else { return };
    let page = bytes(2_000_000);
    let (port, there) = (free_port(), server(http(page.clone())));
    let _tunnel = tunnel(&street, &["-D", &port.to_string()]);
    drop(connect(port));
    for kind in ["--socks5", "--socks5-hostname", "--socks4a"] {
        let proxy = format!("127.0.0.1:{port}");
        let url = format!("http://localhost:{}/page", there.port());
        let ran = run(street.on_laptop("curl").args(["-sS", "-o", "page", kind, &proxy, &url]));
        assert_eq!((ran.code, ran.stderr.as_str()), (Some(0), ""), "{kind}: {ran}");
        assert!(fs::read(street.laptop().join("page")).expect("a page") == page, "{kind}");
    }
}

/// A real Redis on a port of its own, in memory only.
struct Redis(Child);

impl Redis {
    fn start(program: &std::path::Path, port: u16) -> Redis {
        let mut redis = Command::new(program);
        redis.args(["--port", &port.to_string(), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"]);
        let redis = Redis(redis.stdout(Stdio::null()).spawn().expect("start redis"));
        until("redis listens", || TcpStream::connect(("127.0.0.1", port)).is_ok());
        redis
    }
}

impl Drop for Redis {
    fn drop(&mut self) {
        self.0.kill().expect("kill redis");
        self.0.wait().expect("wait for redis");
    }
}

#[test]
fn a_database_of_the_private_network_stands_on_a_local_port() {
    let (Some(program), Some(cli), Some(street)) = (need("redis-server"), need("redis-cli"), street()) else { return };
    let (there, port) = (free_port(), free_port());
    let _redis = Redis::start(&program, there);
    let _tunnel: Tunnel = tunnel(&street, &["-L", &format!("{port}:localhost:{there}")]);
    drop(connect(port));
    let redis = |line: &str| {
        let line = format!("redis() {{ {} -p {port} \"$@\"; }}; {line}", cli.display());
        let ran = run(street.on_laptop("bash").args(["-c", &line]));
        assert_eq!((ran.code, ran.stderr.as_str()), (Some(0), ""), "{line}: {ran}");
        ran.stdout
    };
    // many commands in one connection, a large value, and several clients at once
    assert_eq!(redis("seq 5000 | sed 's/.*/SET k& &/' | redis | sort | uniq -c").trim(), "5000 OK");
    assert_eq!(redis("head -c 8000000 /dev/zero | tr '\\0' x | redis -x SET big; redis STRLEN big"), "OK\n8000000\n");
    assert_eq!(redis("for n in 1 2 3 4 5 6 7 8; do redis GET k$n & done; wait").lines().count(), 8);
    assert_eq!(redis("redis GET big | wc -c").trim(), "8000001");
}
