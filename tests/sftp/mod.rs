//! How do bytes travel to OpenSSH's own `sftp-server`?

use std::fs;

use bytes::Bytes;
use hop::sftp::{Attributes, OpenFlags};

use crate::street::pipe;

#[tokio::test]
async fn a_file_is_written_and_read_again() {
    let dir = tempfile::tempdir().unwrap();
    let Some(pipe) = pipe::start(dir.path(), &[]).await else { return };
    let client = &pipe.client;
    let flags = OpenFlags::WRITE | OpenFlags::CREATE | OpenFlags::EXCLUSIVE;
    let handle = client.open(b"new", flags, &Attributes::with_permissions(0o600)).await.unwrap();
    client.write(&handle, 0, Bytes::from_static(b"some words")).await.unwrap();
    client.close(handle).await.unwrap();
    assert_eq!(fs::read(dir.path().join("new")).unwrap(), b"some words");

    let handle = client.open(b"new", OpenFlags::READ, &Attributes::default()).await.unwrap();
    assert_eq!(client.read(&handle, 5, 100).await.unwrap(), b"words"[..]);
    assert_eq!(client.fstat(&handle).await.unwrap().size, Some(10));
    assert!(client.read(&handle, 10, 1).await.unwrap().is_empty());
}
