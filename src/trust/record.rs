//! Where is an accepted key recorded? At the end of the user's first known_hosts file, under a lock, in one write.
//!
//! The file is created with mode 0600, and `~/.ssh` with 0700. Existing lines are never changed; a last line without a
//! newline gets one. Only `UpdateHostKeys` replaces a whole file. Whether the key may be recorded is decided elsewhere
//! (see `verify.rs`).

use std::fs::{File, OpenOptions, hard_link, remove_file, rename};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::Path;

use russh::keys::ssh_key::PublicKey;
use russh::keys::ssh_key::public::KeyData;

use super::error::KnownAt;
use super::hashed;
use super::known_hosts::{KnownHostsText, KnownSource, Marker};
use crate::private_file::{PATIENCE, beside, lock, make_folder, write_new};

/// How names are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Naming {
    /// As they are.
    Plain,
    /// As HMAC-SHA1 with a salt (`HashKnownHosts yes`), one line per name.
    Hashed,
}

/// Whether `name` can be written in a hosts field and mean itself. `check_host_key` of OpenSSH refuses the same names;
/// names that would break the line are refused here too.
pub(super) fn can_name(name: &str) -> bool {
    let host = name.strip_prefix('[').and_then(|rest| rest.rsplit_once("]:")).map_or(name, |(host, _)| host);
    !host.is_empty()
        && !host.starts_with('!')
        && host.bytes().all(|b| b > b' ' && b != 0x7f && !b"@?*#[]|'\"\\,".contains(&b))
}

/// The result of an attempt to record.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Recorded {
    /// A line was added.
    Added,
    /// Another run had already recorded the same.
    Before,
    /// Another run has recorded other keys for a name in the meantime; nothing was added.
    Contested(Vec<KnownAt>),
}

/// Appends a line for `key` under `names` (one line per name if hashed), unless another run has already recorded it.
///
/// # Errors
/// The system's error; `TimedOut` if another writer holds the lock for ten seconds.
pub(super) fn append(file: &Path, names: &[&str], key: &KeyData, naming: Naming) -> io::Result<Recorded> {
    let mut opened = locked(file)?;
    let mut page = KnownHostsText { file: file.to_owned(), source: KnownSource::User, text: Vec::new() };
    opened.read_to_end(&mut page.text)?;
    let mut missing = Vec::new();
    for name in names {
        let known: Vec<_> = page.known(name).filter(|known| known.marker == Marker::None).collect();
        if known.is_empty() {
            missing.push(*name);
        } else if !known.iter().any(|known| known.key == *key) {
            return Ok(Recorded::Contested(known.into_iter().map(|known| known.at).collect()));
        }
    }
    if missing.is_empty() {
        return Ok(Recorded::Before);
    }
    let repair = if page.text.last().is_none_or(|&b| b == b'\n') { "" } else { "\n" };
    let lines = format!("{repair}{}", lines(&missing, key, naming)?);
    opened.seek(SeekFrom::End(0))?;
    opened.write_all(lines.as_bytes())?;
    Ok(Recorded::Added)
}

/// Replaces `file` with what `rewrite` returns for its content; the old content is kept as `FILE.old`. `None` leaves
/// the file as it is.
///
/// # Errors
/// The system's error; the file then has its old content or its new.
pub(super) fn replace(file: &Path, rewrite: impl FnOnce(&[u8]) -> io::Result<Option<Vec<u8>>>) -> io::Result<()> {
    // the file itself, so that a symbolic link to it stays a link
    let file = file.canonicalize()?;
    let mut opened = locked(&file)?;
    let mut text = Vec::new();
    opened.read_to_end(&mut text)?;
    let Some(text) = rewrite(&text)? else { return Ok(()) };
    let mut random = [0; 8];
    getrandom::fill(&mut random).map_err(|_| io::Error::other("no random bytes"))?;
    let new = beside(&file, &format!(".hop-{:016x}", u64::from_ne_bytes(random)));
    let old = beside(&file, ".old");
    let placed = write_new(&new, &text).and_then(|()| keep(&file, &old)).and_then(|()| rename(&new, &file));
    placed.inspect_err(|_| drop(remove_file(&new)))
}

/// Makes `old` another name of `file`.
fn keep(file: &Path, old: &Path) -> io::Result<()> {
    match remove_file(old) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => hard_link(file, old),
    }
}

/// The lines for `key`, each with its newline.
pub(super) fn lines(names: &[&str], key: &KeyData, naming: Naming) -> io::Result<String> {
    let key = PublicKey::new(key.clone(), "").to_openssh().map_err(io::Error::other)?;
    let key = key.trim_end();
    match naming {
        Naming::Plain => Ok(format!("{} {key}\n", names.join(","))),
        Naming::Hashed => {
            let hash = |name: &&str| hashed::hash(name).map(|hashed| format!("{hashed} {key}\n"));
            names.iter().map(hash).collect::<Option<String>>().ok_or_else(|| io::Error::other("no random bytes"))
        }
    }
}

/// Opens `file` for appending and locks it; creates it and its `.ssh` folder if they do not exist.
pub(super) fn locked(file: &Path) -> io::Result<File> {
    if let Some(folder) = file.parent().filter(|folder| folder.ends_with(".ssh")) {
        make_folder(folder)?;
    }
    loop {
        let opened = OpenOptions::new().read(true).append(true).create(true).mode(0o600).open(file)?;
        lock(&opened, PATIENCE)?;
        // another writer may have put a new file in its place while we waited
        let (ours, theirs) = (opened.metadata()?, file.metadata()?);
        if (ours.dev(), ours.ino()) == (theirs.dev(), theirs.ino()) {
            return Ok(opened);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::fs::{read, write};
    use std::os::unix::fs::{PermissionsExt, symlink};
    use std::thread;

    use proptest::prelude::*;

    use super::*;
    use crate::trust::test_keys::*;

    fn file(text: &[u8]) -> (tempfile::TempDir, std::path::PathBuf) {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("known_hosts");
        write(&file, text).unwrap();
        (folder, file)
    }

    #[test]
    fn what_stands_there_is_kept_byte_for_byte() {
        for before in [&b""[..], b"\n", b"# a comment\r\n\xff\0 malformed", b"host ssh-ed25519 AAAA\n\n\n"] {
            let (_folder, file) = file(before);
            assert_eq!(append(&file, &["host"], &data(1), Naming::Plain).unwrap(), Recorded::Added);
            let newline = if before.is_empty() || before.ends_with(b"\n") { "" } else { "\n" };
            let added = format!("{newline}host {}\n", ed25519(1));
            assert_eq!(read(&file).unwrap(), [before, added.as_bytes()].concat());
        }
    }

    #[test]
    fn a_new_file_is_for_its_owner_and_an_old_one_keeps_its_mode() {
        let mode = |file: &Path| file.metadata().unwrap().permissions().mode() & 0o7777;
        let (folder, old) = file(b"");
        std::fs::set_permissions(&old, std::fs::Permissions::from_mode(0o640)).unwrap();
        append(&old, &["host"], &data(1), Naming::Plain).unwrap();
        assert_eq!(mode(&old), 0o640);
        let new = folder.path().join("new");
        append(&new, &["host"], &data(1), Naming::Plain).unwrap();
        assert_eq!(mode(&new), 0o600);
        assert!(append(&folder.path().join("no/folder"), &["host"], &data(1), Naming::Plain).is_err());
    }

    #[test]
    fn a_link_is_followed_and_a_sink_is_no_error() {
        let (folder, file) = file(b"");
        let link = folder.path().join("link");
        symlink(&file, &link).unwrap();
        append(&link, &["host"], &data(1), Naming::Plain).unwrap();
        assert!(!read(&file).unwrap().is_empty());
        append(Path::new("/dev/null"), &["host"], &data(1), Naming::Plain).unwrap();
    }

    #[test]
    fn whoever_comes_second_adds_nothing() {
        let (_folder, file) = file(b"");
        append(&file, &["host"], &data(1), Naming::Plain).unwrap();
        assert_eq!(append(&file, &["host"], &data(1), Naming::Hashed).unwrap(), Recorded::Before);
        let contested = append(&file, &["host"], &data(2), Naming::Plain).unwrap();
        assert!(matches!(contested, Recorded::Contested(known) if known[0].line == 1));
        assert_eq!(append(&file, &["host", "10.0.0.1"], &data(1), Naming::Plain).unwrap(), Recorded::Added);
        let expected = format!("host {0}\n10.0.0.1 {0}\n", ed25519(1));
        assert_eq!(read(&file).unwrap(), expected.as_bytes());
    }

    #[test]
    fn many_at_once_spoil_nothing() {
        let (_folder, file) = file(b"# last line without newline");
        thread::scope(|scope| {
            for number in 0..16 {
                let file = &file;
                scope.spawn(move || {
                    let name = format!("host{}", number / 2);
                    append(file, &[name.as_str()], &data(number / 2), Naming::Plain).unwrap();
                });
            }
        });
        let page = KnownHostsText::read(&file, KnownSource::User).unwrap().unwrap();
        for number in 0..8 {
            let known: Vec<_> = page.known(&format!("host{number}")).collect();
            assert!(known.len() == 1 && known[0].key == data(number), "host{number}");
        }
    }

    proptest! {
        #[test]
        fn what_is_recorded_is_found(
            before in prop::collection::vec(prop_oneof![8 => 32..127u8, 1 => Just(b'\n'), 1 => any::<u8>()], 0..200),
            host in "[a-z0-9:.-]{1,20}", port in prop_oneof![Just(22u16), 1..9999u16], number in 0..9u8,
            hash in any::<bool>(),
        ) {
            let name = crate::trust::lookup::with_port(&host, port);
            prop_assume!(can_name(&name));
            let (_folder, file) = file(&before);
            let naming = if hash { Naming::Hashed } else { Naming::Plain };
            prop_assert_eq!(append(&file, &[name.as_str()], &data(number), naming).unwrap(), Recorded::Added);
            let page = KnownHostsText::read(&file, KnownSource::User).unwrap().unwrap();
            prop_assert!(page.text.starts_with(&before));
            prop_assert!(page.known(&name).any(|known| known.key == data(number) && known.marker == Marker::None));
            prop_assert_eq!(page.known("elsewhere!").count(), 0);
        }
    }
}
