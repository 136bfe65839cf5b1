//! The README's `console` blocks are run as they stand there: on the street's laptop, with hosts at the addresses that
//! the README uses. What is printed must be what the README shows; digits may differ, and so may blanks between words.
//!
//! A line that begins with `$ ` is typed into a shell; the lines below it are what it prints, on both streams.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::process::Command;

use crate::street::{ACC_BASTION, ACC_PVT, DELL_BASTION, DELL_PVT, Street, run};

/// A command of the README and what it is said to print.
struct Example {
    line: usize,
    typed: String,
    shown: String,
}

fn examples(readme: &str) -> Vec<Example> {
    let mut found: Vec<Example> = Vec::new();
    let mut is_console = false;
    for (index, line) in readme.lines().enumerate() {
        match line.strip_prefix("$ ") {
            _ if line.starts_with("```") => is_console = line == "```console",
            Some(typed) if is_console => {
                found.push(Example { line: index + 1, typed: typed.to_owned(), shown: String::new() });
            }
            None if is_console => {
                let example = found.last_mut().unwrap_or_else(|| panic!("line {}: output of nothing", index + 1));
                example.shown += &format!("{line}\n");
            }
            _ => {}
        }
    }
    found
}

#[test]
fn the_score_of_openssh_s_suite_is_that_of_the_list() {
    let read = |file: &str| fs::read_to_string(format!("{}/{file}", env!("CARGO_MANIFEST_DIR"))).expect(file);
    let (list, readme) = (read("tests/regress/scripts"), read("README.md"));
    let scripts = || list.lines().filter(|line| !line.starts_with('#')).map(|line| line.split(' ').collect::<Vec<_>>());
    let of_class = |class: &str| scripts().filter(|words| words[1] == class).count();
    let (passing, failing) = (of_class("must"), of_class("may"));
    assert!(readme.contains(&format!("passes {passing} of the {} scripts", passing + failing)), "{passing} {failing}");
    for words in scripts() {
        assert!(words[1] == "must" || words.len() > 3, "no reason is given: {words:?}");
        assert!(["must", "may", "long", "cannot"].contains(&words[1]), "no such class: {words:?}");
    }
}

/// What the README takes for granted: files, and hosts at these addresses.
fn furnish(street: &Street) {
    street.put_here("report.pdf", &[b'%'; 50_000]);
    street.put_here("site/index.html", &[b'<'; 1_200]);
    street.put_here("site/img/logo.svg", &[b's'; 3_400]);
    fs::create_dir(street.laptop().join("logs")).expect("a folder");
    street.put(ACC_PVT, "logs/monday.gz", &[1; 81_234]);
    street.put(ACC_PVT, "logs/tuesday.gz", &[2; 74_012]);
    street.put(ACC_PVT, "logs/readme.txt", &[3; 210]);
    street.put(ACC_PVT, "motd", b"welcome to acc-pvt\n");
    street.put(ACC_PVT, "customers.csv", &[b','; 123_456]);
    for (name, address) in
        [(ACC_BASTION, "54.0.0.1"), (DELL_BASTION, "54.0.0.2"), (ACC_PVT, "10.10.2.20"), (DELL_PVT, "10.20.2.20")]
    {
        let real = street.server(name).address;
        street.configure(&format!("Host {address}\n  HostName {}\n  Port {}\n", real.ip(), real.port()));
    }
    // as if it were installed, and the config at its usual place
    let hop = format!("#!/bin/sh\nverb=$1; shift\nexec {} $verb -F .ssh/config \"$@\"\n", env!("CARGO_BIN_EXE_hop"));
    let script = street.put_here("bin/hop", hop.as_bytes());
    fs::set_permissions(&script, fs::Permissions::from_mode(0o755)).expect("set the mode");
}

fn typed_into_a_shell(street: &Street, typed: &str) -> Command {
    let mut shell = street.on_laptop("sh");
    let path = format!("{}/bin:/usr/bin:/bin", street.laptop().display());
    shell.env("PATH", path).args(["-c", &format!("exec 2>&1; {typed}")]);
    shell
}

/// Digits as `0`, blanks as one, the laptop's folder as `~`, fingerprints as none.
fn alike(text: &str, laptop: &str) -> String {
    let text = text.replace(laptop, "~");
    let lines = text.lines().map(|line| {
        let words: Vec<String> = line
            .split_whitespace()
            .map(|word| without_fingerprint(word).replace(|c: char| c.is_ascii_digit(), "0"))
            .collect();
        let mut line = words.join(" ");
        while line.contains("00") {
            line = line.replace("00", "0");
        }
        line
    });
    lines.collect::<Vec<_>>().join("\n")
}

/// `(SHA256:abc),` → `(SHA256:),`
fn without_fingerprint(word: &str) -> String {
    match word.split_once("SHA256:") {
        None => word.to_owned(),
        Some((before, after)) => {
            let after = after.trim_start_matches(|c: char| c.is_ascii_alphanumeric() || "+/".contains(c));
            format!("{before}SHA256:{after}")
        }
    }
}

#[test]
fn every_example_prints_what_the_readme_shows() {
    let Some(street) = Street::start() else { return };
    if !street.own_homes() {
        return;
    }
    furnish(&street);
    let readme = fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/README.md")).expect("README.md is there");
    let examples = examples(&readme);
    assert!(examples.len() > 6, "{} examples", examples.len());
    let laptop = street.laptop().display().to_string();
    let mut wrong = Vec::new();
    for example in examples {
        let ran = run(&mut typed_into_a_shell(&street, &example.typed));
        if alike(&ran.stdout, &laptop) != alike(&example.shown, &laptop) {
            wrong.push(format!("line {}: {}\n{}", example.line, example.typed, ran.stdout.replace(&laptop, "~")));
        }
        let is_meant_to_fail = example.shown.starts_with("hop: ");
        if (ran.code == Some(0)) == is_meant_to_fail {
            wrong.push(format!("line {}: {}: exit {:?}", example.line, example.typed, ran.code));
        }
    }
    assert!(wrong.is_empty(), "the README shows other output than this:\n{}", wrong.join("\n"));
    assert!(street.home(DELL_PVT).join("customers.csv").exists() && street.laptop().join("logs/monday.gz").exists());
}
