//! The house rules, as tests: arrows between rooms, file openings, names, lengths, and words that do not belong.
//!
//! Works on text alone: [`blank`] takes comments and literals out, then braces and words are counted.

mod arrows;
mod exceptions;
mod floors;
mod imports;
mod names;
mod paths;
mod source;

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use floors::Floors;
use imports::Imports;
use source::Source;

const FORBIDDEN_NAMES: [&str; 8] = ["util", "helper", "common", "shared", "manager", "misc", "core", "types"];
const LONGEST_FUNCTION: usize = 60;
const LONGEST_FILE: usize = 400;

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// Every file below `folder` that Git would track (the build folder and the keys of the street left out).
fn files_below(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).expect("the project can be listed") {
        let path = entry.expect("the project can be listed").path();
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        match path.is_dir() {
            _ if ["target", ".git", ".street"].contains(&name.as_str()) => {}
            true => found.extend(files_below(&path)),
            false => found.push(path),
        }
    }
    found.sort();
    found
}

fn rust_below(folder: &str) -> Vec<Source> {
    let files: Vec<_> = files_below(&root().join(folder)).into_iter().filter(|path| is_rust(path)).collect();
    assert!(!files.is_empty(), "no Rust file below {folder}");
    let mut sources: Vec<_> = files.iter().map(|path| Source::read(root(), path)).collect();
    Source::mark_tests(&mut sources);
    sources
}

fn is_rust(path: &Path) -> bool {
    path.extension().is_some_and(|extension| extension == "rs")
}

/// Fails with one line a finding.
fn none(findings: Vec<String>) {
    assert!(findings.is_empty(), "\n{}", findings.join("\n"));
}

/// What is found but no exception, and which exceptions are no longer needed.
fn differences(what: &str, found: &BTreeSet<String>, exceptions: &[&str]) -> Vec<String> {
    let known: BTreeSet<String> = exceptions.iter().map(|name| (*name).to_owned()).collect();
    let new = found.difference(&known).map(|name| format!("{name}: {what}"));
    let old = known.difference(found).map(|name| format!("{name}: no longer {what}: take it from exceptions.rs"));
    new.chain(old).collect()
}

/// True for the front door, which alone may print, read the environment and exit.
fn is_front_door(source: &Source) -> bool {
    source.name.starts_with("src/cli/") || source.name == "src/main.rs"
}

#[test]
fn every_file_opens_with_its_question() {
    let silent = rust_below("src").into_iter().chain(rust_below("tests")).filter(|s| !s.text.starts_with("//!"));
    none(silent.map(|source| format!("{}: does not start with //!", source.name)).collect());
}

#[test]
fn no_file_has_a_name_that_says_nothing() {
    let stem = |path: &Path| path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
    let folder = |path: &Path| stem(path.parent().unwrap_or(path));
    let empty = |word: &String| FORBIDDEN_NAMES.iter().any(|name| word == name || word == &format!("{name}s"));
    let files = files_below(&root().join("src")).into_iter().chain(files_below(&root().join("tests")));
    none(files.filter(|p| empty(&stem(p)) || empty(&folder(p))).map(|p| p.display().to_string()).collect());
}

#[test]
fn only_the_front_door_prints_reads_the_environment_and_exits() {
    let words = ["print!", "println!", "eprint!", "eprintln!", "env::", "process::exit", "rpassword", "indicatif"];
    let mut findings = Vec::new();
    for source in rust_below("src").iter().filter(|source| !is_front_door(source)) {
        for word in words {
            findings.extend(source.lines_with(word).map(|line| format!("{}:{line}: {word}", source.name)));
        }
    }
    none(findings);
}

#[test]
fn nothing_is_unfinished_or_switched_off() {
    let mut findings = Vec::new();
    for source in rust_below("src").iter().chain(&rust_below("tests")) {
        for word in ["todo!", "unimplemented!", "dbg!", "#[ignore", "#![allow(dead_code"] {
            findings.extend(source.lines_with_anywhere(word).map(|line| format!("{}:{line}: {word}", source.name)));
        }
    }
    none(findings);
}

#[test]
fn the_fuzz_targets_lock_file_knows_every_dependency() {
    let read = |path: &str| fs::read_to_string(root().join(path)).expect("it is there");
    let (manifest, lock) = (read("Cargo.toml"), read("tests/fuzz/Cargo.lock"));
    let dependencies = manifest.split("\n[dependencies]\n").nth(1).and_then(|rest| rest.split("\n[").next());
    let names = dependencies.expect("a list").lines().filter(|line| !line.contains("optional"));
    let names = names.filter_map(|line| Some(line.split_once(" = ")?.0));
    let ours = lock.split("\n[[package]]\n").find(|package| package.starts_with("name = \"hop-cp\"\n"));
    let ours = ours.expect("hop is in it");
    let lacking = names.filter(|name| !name.starts_with('#') && !ours.contains(&format!("\n \"{name}")));
    none(lacking.map(|name| format!("tests/fuzz/Cargo.lock lacks {name}: cd tests/fuzz && cargo metadata")).collect());
}

#[test]
fn nothing_outside_tests_unwraps() {
    let sources = rust_below("src");
    let of = |source: &Source| {
        let name = source.name.clone();
        source.lines_with(".unwrap()").map(move |line| format!("{name}:{line}: unwrap")).collect::<Vec<_>>()
    };
    none(sources.iter().flat_map(of).collect());
}

#[test]
fn files_and_functions_stay_short() {
    let (src, tests) = (rust_below("src"), rust_below("tests"));
    let all_lines = |sources: &[Source]| sources.iter().map(|source| source.text.lines().count()).sum::<usize>();
    let without_tests: usize = src.iter().filter(|s| !s.is_test()).map(Source::lines_without_tests).sum();
    println!("lines of src: {}, {without_tests} without tests; of tests: {}", all_lines(&src), all_lines(&tests));
    let mut findings = Vec::new();
    for source in src.iter().chain(&tests) {
        let lines = source.lines_without_tests();
        if lines > LONGEST_FILE {
            findings.push(format!("{}: {lines} lines without tests, {LONGEST_FILE} at most", source.name));
        }
        let long = source.functions().into_iter().filter(|function| function.lines > LONGEST_FUNCTION);
        findings.extend(long.map(|f| format!("{}:{}: fn {} has {} lines", source.name, f.line, f.name, f.lines)));
    }
    none(findings);
}

#[test]
fn rooms_call_only_the_rooms_below_them() {
    let sources = rust_below("src");
    let imports = Imports::of(&sources);
    none(sources.iter().flat_map(|source| arrows::broken(source, &imports)).collect());
}

#[test]
fn no_circle_of_files() {
    let circles = Imports::of(&rust_below("src")).circles();
    println!("circles of files: {}", circles.len());
    circles.iter().for_each(|circle| println!("  circle of {}: {}", circle.len(), circle.join(" ")));
    let found: BTreeSet<String> = circles.into_iter().flatten().collect();
    none(differences("in a circle", &found, exceptions::IN_A_CIRCLE));
}

#[test]
fn the_files_of_a_room_call_only_the_floors_below_them() {
    let sources = rust_below("src");
    let arrows = Imports::of(&sources).arrows();
    println!("arrows from file to file: {}", arrows.len());
    let (told, untold): (Vec<_>, Vec<_>) = Floors::all(&sources).into_iter().partition(Floors::is_told);
    for floors in &told {
        let (inside, broken) = (floors.arrows(&arrows).len(), floors.broken(&arrows).len());
        println!("  {}: {} floors, {inside} arrows, {broken} against the order", floors.folder(), floors.count());
    }
    let untold = untold.iter().map(|floors| floors.folder().to_owned()).collect();
    let mut findings = differences("without floors", &untold, exceptions::WITHOUT_FLOORS);
    findings.extend(told.iter().flat_map(|floors| floors.broken(&arrows)));
    none(findings);
}

#[test]
fn a_type_name_has_one_meaning() {
    let doubled = names::doubled(&rust_below("src"));
    println!("type names with two meanings: {}", doubled.len());
    doubled.iter().for_each(|(name, places)| println!("  {name}: {}", places.join(" ")));
    let with_a_reason = exceptions::TYPE_NAMES.iter().map(|(name, _)| *name);
    let known: Vec<_> = with_a_reason.chain(exceptions::TYPE_NAMES_TO_JUDGE.iter().copied()).collect();
    none(differences("defined more than once", &doubled.into_keys().collect(), &known));
}

#[test]
fn parameters_have_names() {
    none(rust_below("src").iter().flat_map(names::tuple_parameters).collect());
}

#[test]
fn no_file_knows_the_machine_it_was_written_on() {
    let places = [concat!("/wo", "rk/"), concat!("/fa", "rm/"), concat!(".lib", "rary"), concat!("/home/", "user/")];
    let mut findings = Vec::new();
    for path in files_below(root()) {
        let Ok(text) = fs::read_to_string(&path) else { continue };
        for (number, line) in text.lines().enumerate() {
            if places.iter().any(|place| line.contains(place)) {
                findings.push(format!("{}:{}: {line}", path.display(), number + 1));
            }
        }
    }
    none(findings);
}

#[test]
fn a_newcomer_finds_the_first_command_by_line_12_of_the_readme() {
    let readme = fs::read_to_string(root().join("README.md")).expect("README.md is there");
    let line = readme.lines().position(|line| line.contains("cargo run --release -- demo")).map(|index| index + 1);
    assert!(line.is_some_and(|line| line <= 12), "the first command stands on line {line:?}");
}
