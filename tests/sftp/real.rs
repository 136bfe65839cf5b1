//! Does it work with OpenSSH's own `sftp-server`?

use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::sync::Arc;

use bytes::Bytes;
use hop::sftp::{Attributes, Client, Extension, FileKind, Handle, OpenFlags, SftpError, Sizes, StatusCode, Window};
use tokio::task::JoinSet;

use super::script::soon;
use crate::pseudorandom::noise;
use crate::street::pipe;

const NEW: OpenFlags = OpenFlags::CREATE;

async fn create(client: &Client, path: &[u8]) -> Handle {
    client.open(path, OpenFlags::WRITE | NEW, &Attributes::with_permissions(0o600)).await.unwrap()
}

async fn open(client: &Client, path: &[u8]) -> Handle {
    client.open(path, OpenFlags::READ, &Attributes::default()).await.unwrap()
}

#[tokio::test]
async fn a_file_is_written_and_read_again() {
    let dir = tempfile::tempdir().unwrap();
    let Some(pipe) = pipe::start(dir.path(), &[]).await else { return };
    let client = &pipe.client;
    let handle = create(client, b"new").await;
    client.write(&handle, 0, Bytes::from_static(b"some words")).await.unwrap();
    client.fsync(&handle).await.unwrap();
    client.close(handle).await.unwrap();
    assert_eq!(fs::read(dir.path().join("new")).unwrap(), b"some words");

    let handle = open(client, b"new").await;
    assert_eq!(client.read(&handle, 5, 100).await.unwrap(), b"words"[..]);
    assert_eq!(client.fstat(&handle).await.unwrap().size, Some(10));
    assert!(client.read(&handle, 10, 1).await.unwrap().is_empty());
    assert!(client.read(&handle, 3, 0).await.unwrap().is_empty());
}

#[tokio::test]
async fn two_hundred_handles_are_open_at_once() {
    let dir = tempfile::tempdir().unwrap();
    let Some(pipe) = pipe::start(dir.path(), &[]).await else { return };
    let mut handles = Vec::new();
    for index in 0..200u32 {
        let handle = create(&pipe.client, format!("file {index}").as_bytes()).await;
        pipe.client.write(&handle, 0, Bytes::from(index.to_string())).await.unwrap();
        handles.push(handle);
    }
    for handle in handles {
        pipe.client.close(handle).await.unwrap();
    }
    for index in 0..200u32 {
        assert_eq!(fs::read_to_string(dir.path().join(format!("file {index}"))).unwrap(), index.to_string());
    }
}

#[tokio::test]
async fn names_are_bytes() {
    let dir = tempfile::tempdir().unwrap();
    let Some(pipe) = pipe::start(dir.path(), &[]).await else { return };
    let client = &pipe.client;
    let names: [&[u8]; 6] =
        [b"\xff\xfe latin \xe9", b"line\nbreak", b"-rf", b"'\"`$(x)\\", b" ", "snow \u{2603} \u{202e}".as_bytes()];
    for name in names {
        let handle = create(client, name).await;
        client.write(&handle, 0, Bytes::copy_from_slice(name)).await.unwrap();
        client.close(handle).await.unwrap();
        assert_eq!(fs::read(dir.path().join(OsStr::from_bytes(name))).unwrap(), name);
        assert_eq!(client.stat(name).await.unwrap().size, Some(name.len() as u64));
        assert!(client.realpath(name).await.unwrap().ends_with(name));
    }
    let mut folder = client.list(b".").await.unwrap();
    let mut seen = BTreeSet::new();
    while let Some(entries) = folder.next().await.unwrap() {
        seen.extend(entries.into_iter().map(|entry| entry.name));
    }
    let expected: BTreeSet<Vec<u8>> = names.iter().copied().chain([&b"."[..], b".."]).map(<[u8]>::to_vec).collect();
    assert_eq!(seen, expected);
}

/// Takes blocks out of `window` until it is complete, with as many in flight as it allows.
async fn walk<F>(mut window: Window, most: usize, one: impl Fn(u64, usize) -> F)
where
    F: Future<Output = ()> + Send + 'static,
{
    let mut flight = JoinSet::new();
    while !window.is_complete() {
        while let Some(block) = window.take(most) {
            let moving = one(block.offset(), block.len());
            flight.spawn(async move {
                moving.await;
                block
            });
        }
        window.acknowledge(soon(flight.join_next()).await.expect("a window with nothing out is complete").unwrap());
    }
}

#[tokio::test]
async fn a_large_file_goes_both_ways_with_many_requests_in_flight() {
    let dir = tempfile::tempdir().unwrap();
    let Some(pipe) = pipe::start(dir.path(), &[]).await else { return };
    let content = Bytes::from(noise(0, 40_000_007));
    let sizes = Sizes { block: 100_000, in_flight: 8 << 20, ..Sizes::default() };

    let file = Arc::new(create(&pipe.client, b"large").await);
    walk(Window::new(0..content.len() as u64, sizes), pipe.client.max_write(), |offset, len| {
        let (client, file) = (pipe.client.clone(), file.clone());
        let piece = content.slice(offset as usize..offset as usize + len);
        async move { client.write(&file, offset, piece).await.unwrap() }
    })
    .await;
    pipe.client.close(Arc::into_inner(file).unwrap()).await.unwrap();
    assert!(fs::read(dir.path().join("large")).unwrap() == content);

    let file = Arc::new(open(&pipe.client, b"large").await);
    walk(Window::new(0..content.len() as u64, sizes), pipe.client.max_read(), |offset, len| {
        let (client, file, content) = (pipe.client.clone(), file.clone(), content.clone());
        async move {
            let read = client.read(&file, offset, len).await.unwrap();
            assert!(read == content[offset as usize..offset as usize + len]);
        }
    })
    .await;
    assert_eq!(pipe.client.progress().in_flight, 0);
}

#[tokio::test]
async fn reads_across_the_end_come_back_short() {
    let dir = tempfile::tempdir().unwrap();
    let Some(pipe) = pipe::start(dir.path(), &[]).await else { return };
    let content = noise(0, 300_000);
    fs::write(dir.path().join("file"), &content).unwrap();
    let file = open(&pipe.client, b"file").await;
    let read = pipe.client.read(&file, 200_000, pipe.client.max_read()).await.unwrap();
    assert_eq!(read.len(), 100_000);
    assert!(read == content[200_000..]);
    assert_eq!(pipe.client.max_read(), 255 * 1024, "the end of a file is no limit of the server");
}

#[tokio::test]
async fn everything_openssh_announces_is_known() {
    let dir = tempfile::tempdir().unwrap();
    let Some(pipe) = pipe::start(dir.path(), &[]).await else { return };
    let client = &pipe.client;
    for extension in [
        Extension::Limits,
        Extension::PosixRename,
        Extension::Fsync,
        Extension::Hardlink,
        Extension::Statvfs,
        Extension::Lsetstat,
        Extension::ExpandPath,
    ] {
        assert!(client.extensions().has(extension), "{extension:?}");
    }
    assert_eq!((client.max_read(), client.max_write()), (255 * 1024, 255 * 1024));
    assert!(client.max_handles().unwrap() >= 50);
}

#[tokio::test]
async fn a_posix_rename_replaces_and_a_plain_one_refuses() {
    let dir = tempfile::tempdir().unwrap();
    let Some(pipe) = pipe::start(dir.path(), &[]).await else { return };
    fs::write(dir.path().join("old"), "old").unwrap();
    fs::write(dir.path().join("new"), "new").unwrap();
    let refused = pipe.client.rename(b"new", b"old").await.unwrap_err();
    assert!(matches!(refused, SftpError::Status { code: StatusCode::FAILURE, .. }), "{refused:?}");
    pipe.client.posix_rename(b"new", b"old").await.unwrap();
    assert_eq!(fs::read_to_string(dir.path().join("old")).unwrap(), "new");
    pipe.client.rename(b"old", b"plain").await.unwrap();
    assert!(dir.path().join("plain").exists());
}

#[tokio::test]
async fn a_folder_of_five_thousand_is_listed() {
    let dir = tempfile::tempdir().unwrap();
    let Some(pipe) = pipe::start(dir.path(), &[]).await else { return };
    fs::write(dir.path().join("0"), []).unwrap();
    for index in 1..5000 {
        // another name is made far faster than another file
        fs::hard_link(dir.path().join("0"), dir.path().join(index.to_string())).unwrap();
    }
    let mut folder = pipe.client.list(b".").await.unwrap();
    let mut seen = BTreeSet::new();
    while let Some(entries) = soon(folder.next()).await.unwrap() {
        for entry in entries.into_iter().filter(|entry| !entry.name.starts_with(b".")) {
            assert_eq!(entry.attributes.kind(), FileKind::File);
            assert!(entry.longname.starts_with(b"-rw"));
            assert!(seen.insert(entry.name), "a name came twice");
        }
    }
    assert_eq!(seen.len(), 5000);
}

#[tokio::test]
async fn a_file_system_tells_its_space() {
    let dir = tempfile::tempdir().unwrap();
    let Some(pipe) = pipe::start(dir.path(), &[]).await else { return };
    let told = pipe.client.statvfs(b".").await.unwrap();
    let real = rustix::fs::statvfs(dir.path()).unwrap();
    assert_eq!((told.block_size, told.blocks, told.name_max), (real.f_frsize, real.f_blocks, real.f_namemax));
    assert!(told.bytes_available() > 0 && !told.is_read_only);
}

#[tokio::test]
async fn links_folders_and_attributes() {
    let dir = tempfile::tempdir().unwrap();
    let Some(pipe) = pipe::start(dir.path(), &[]).await else { return };
    let client = &pipe.client;
    client.mkdir(b"folder", &Attributes::with_permissions(0o700)).await.unwrap();
    client.symlink(b"folder", b"link").await.unwrap();
    assert_eq!(fs::read_link(dir.path().join("link")).unwrap().to_str(), Some("folder"));
    assert_eq!(client.readlink(b"link").await.unwrap(), b"folder");
    assert_eq!(client.lstat(b"link").await.unwrap().kind(), FileKind::Symlink);
    assert_eq!(client.stat(b"link").await.unwrap().kind(), FileKind::Dir);

    fs::write(dir.path().join("file"), "12345").unwrap();
    let times = Some((1_000_000_000, u32::MAX));
    client.setstat(b"file", &Attributes { times, ..Attributes::with_permissions(0o640) }).await.unwrap();
    let metadata = fs::metadata(dir.path().join("file")).unwrap();
    assert_eq!((metadata.permissions().mode() & 0o7777, metadata.mtime()), (0o640, i64::from(u32::MAX)));
    assert_eq!(client.stat(b"file").await.unwrap().mtime(), Some(u32::MAX));
    let handle = client.open(b"file", OpenFlags::WRITE, &Attributes::default()).await.unwrap();
    client.fsetstat(&handle, &Attributes { size: Some(2), ..Attributes::default() }).await.unwrap();
    client.close(handle).await.unwrap();
    assert_eq!(fs::read_to_string(dir.path().join("file")).unwrap(), "12");

    client.hardlink(b"file", b"twin").await.unwrap();
    assert_eq!(fs::metadata(dir.path().join("twin")).unwrap().nlink(), 2);
    client.lsetstat(b"link", &Attributes { times: Some((5, 6)), ..Attributes::default() }).await.unwrap();
    assert_eq!(fs::symlink_metadata(dir.path().join("link")).unwrap().mtime(), 6);
    client.remove(b"link").await.unwrap();
    client.rmdir(b"folder").await.unwrap();
    assert!(!dir.path().join("folder").exists());
    let gone = client.stat(b"folder").await.unwrap_err();
    assert!(matches!(gone, SftpError::Status { code: StatusCode::NO_SUCH_FILE, .. }), "{gone:?}");
    assert_eq!(gone.to_string(), "no such file or directory");
}

#[tokio::test]
async fn home_and_names_of_ids_are_told() {
    let dir = tempfile::tempdir().unwrap();
    let Some(pipe) = pipe::start(dir.path(), &[]).await else { return };
    let client = &pipe.client;
    let home = client.expand_path(b"~").await.unwrap();
    assert!(home.starts_with(b"/"), "{}", home.escape_ascii());
    assert_eq!(client.expand_path(b"~/not there").await.unwrap(), [&home[..], b"/not there"].concat());
    assert!(client.expand_path(b"~nobody-of-that-name").await.is_err());
    match client.names_of(&[0, u32::MAX - 7], &[0]).await {
        Ok(names) => assert_eq!(names, (vec![b"root".to_vec(), vec![]], vec![b"root".to_vec()])),
        Err(error) => assert!(matches!(error, SftpError::Unsupported(_)), "{error:?}"),
    }
    assert!(!client.is_closed());
}

#[tokio::test]
async fn a_range_is_copied_on_the_server() {
    let dir = tempfile::tempdir().unwrap();
    let Some(pipe) = pipe::start(dir.path(), &[]).await else { return };
    fs::write(dir.path().join("from"), noise(0, 10_000)).unwrap();
    let (from, to) = (open(&pipe.client, b"from").await, create(&pipe.client, b"to").await);
    match pipe.client.copy_data(&from, 10..1010, &to, 5).await {
        Ok(()) => assert!(fs::read(dir.path().join("to")).unwrap()[5..] == noise(0, 10_000)[10..1010]),
        Err(error) => assert!(matches!(error, SftpError::Unsupported(_)), "{error:?}"),
    }
}

#[tokio::test]
async fn a_server_that_is_killed_ends_every_request() {
    let dir = tempfile::tempdir().unwrap();
    let Some(mut pipe) = pipe::start(dir.path(), &[]).await else { return };
    let file = Arc::new(create(&pipe.client, b"file").await);
    let piece = Bytes::from(vec![7; 200_000]);
    let mut writes = JoinSet::new();
    for index in 0..2000u64 {
        let (client, file, piece) = (pipe.client.clone(), file.clone(), piece.clone());
        writes.spawn(async move { client.write(&file, index * 200_000, piece).await });
    }
    writes.join_next().await.unwrap().unwrap().unwrap();
    pipe.server.start_kill().unwrap();
    let mut failed = 0;
    while let Some(write) = soon(writes.join_next()).await {
        match write.unwrap() {
            Ok(()) => {}
            Err(SftpError::Ended(_)) => failed += 1,
            Err(other) => panic!("{other:?}"),
        }
    }
    assert!(failed > 0);
    assert!(pipe.client.is_closed());
}

#[tokio::test]
async fn a_read_only_server_refuses_and_lives_on() {
    let dir = tempfile::tempdir().unwrap();
    let Some(pipe) = pipe::start(dir.path(), &["-R"]).await else { return };
    let refused = pipe.client.mkdir(b"x", &Attributes::default()).await.unwrap_err();
    assert!(matches!(refused, SftpError::Status { code: StatusCode::PERMISSION_DENIED, .. }), "{refused:?}");
    assert!(pipe.client.realpath(b".").await.is_ok());
}
