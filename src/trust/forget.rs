//! How is a known key forgotten? Lines are removed from known_hosts; the caller has decided which, and no reason is
//! asked for.
//!
//! Main function: [`forget`].

use std::collections::BTreeSet;
use std::io;

use super::error::KnownAt;
use super::known_hosts::{KnownHostsText, KnownSource, Marker};
use super::record;

/// Removes the lines `known` of `host` from their files if they are unchanged, and returns how many were removed; the
/// previous file is kept as `FILE.old`. Lines with a marker (`@revoked`, `@cert-authority`) stay. Blocks.
///
/// # Errors
/// The system's error; each file then has its old content or its new.
pub fn forget(host: &str, known: &[KnownAt]) -> io::Result<usize> {
    let files: BTreeSet<_> = known.iter().map(|at| &at.file).collect();
    let mut gone = 0;
    for file in files {
        record::replace(file, |text| {
            let page = KnownHostsText { file: file.clone(), source: KnownSource::User, text: text.to_vec() };
            let ours = page.known(host).filter(|line| line.marker == Marker::None && known.contains(&line.at));
            let lines: BTreeSet<usize> = ours.map(|line| line.at.line).collect();
            gone += lines.len();
            Ok((!lines.is_empty()).then(|| without(text, &lines)))
        })?;
    }
    Ok(gone)
}

/// The text without the given lines, which are counted from 1.
fn without(text: &[u8], lines: &BTreeSet<usize>) -> Vec<u8> {
    let all = text.split_inclusive(|&byte| byte == b'\n').enumerate();
    all.filter(|(index, _)| !lines.contains(&(index + 1))).flat_map(|(_, line)| line.to_vec()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: &str = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIMqOfSFmOsbqOJZCWLgJlJeRZW/oo1uCIr8kuMGDYtvC";

    #[test]
    fn only_the_lines_that_were_meant_go_and_only_as_they_were() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("known_hosts");
        let text = format!("# mine\nacc {KEY}\n@revoked acc {KEY}\ndell {KEY}\nacc {KEY} again");
        std::fs::write(&file, &text).unwrap();
        let page = KnownHostsText { file: file.clone(), source: KnownSource::User, text: text.clone().into_bytes() };
        let known: Vec<KnownAt> = page.known("acc").map(|known| known.at).collect();
        assert_eq!(known.len(), 3);
        let moved: Vec<KnownAt> = known.iter().map(|at| KnownAt { line: at.line + 20, ..at.clone() }).collect();
        assert_eq!(forget("acc", &moved).unwrap(), 0, "lines that have changed meanwhile stay");
        assert_eq!(forget("acc", &known).unwrap(), 2);
        assert_eq!(std::fs::read_to_string(&file).unwrap(), format!("# mine\n@revoked acc {KEY}\ndell {KEY}\n"));
        assert_eq!(std::fs::read_to_string(folder.path().join("known_hosts.old")).unwrap(), text);
    }
}
