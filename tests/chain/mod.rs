//! How do I get there? The chain against real sshds: the five defects of the transport that shaped it, one test each,
//! and what it opens on the way.

mod changed_key;
mod defects;
mod learning;
mod nudge;
mod rekey;
mod sharing;
mod turncoat;

use std::collections::HashMap;
use std::sync::{Arc, OnceLock};

use bytes::Bytes;
use hop::chain::{Chain, Way};
use hop::config::{Configuration, Flags, LocalEnv, Purpose};
use hop::progress::Silent;
use hop::prompt::NoPrompt;
use hop::sftp::{Attributes, Client, OpenFlags, SftpError};
use hop::target::parse_host;
use tokio::task::JoinSet;

use crate::street::Street;

/// Requests under way for one file.
const DEPTH: usize = 32;
const BLOCK: usize = 32 * 1024 - 29;
const PERIOD: usize = 1_000_003;
const MIB: u64 = 1 << 20;

fn chain(connections: usize) -> Chain {
    Chain::new(Arc::new(NoPrompt), Arc::new(Silent)).with_connections(connections)
}

/// The way to `host` as the street's ssh_config has it.
fn way(chain: &Chain, street: &Street, host: &str) -> Way {
    let flags = Flags { config_file: Some(street.config()), purpose: Purpose::Sftp, ..Flags::default() };
    let home = street.laptop().to_owned();
    let local_env = LocalEnv { home, env: HashMap::new(), ..LocalEnv::default() };
    let configuration = Configuration::load(flags, local_env).expect("the street's ssh_config");
    let target = parse_host(host.as_ref()).expect("a host's name");
    chain.way(configuration.resolve(&target).expect("the street's hosts"))
}

/// Bytes that show where in the file they belong: they repeat only after [`PERIOD`], which no block size divides.
fn pattern(offset: u64, len: usize) -> Bytes {
    static TWICE: OnceLock<Bytes> = OnceLock::new();
    let twice = TWICE.get_or_init(|| {
        let once = (0..PERIOD as u64).map(|at| (at.wrapping_mul(0x9E37_79B9) >> 13) as u8);
        once.clone().chain(once).collect()
    });
    let start = (offset % PERIOD as u64) as usize;
    twice.slice(start..start + len)
}

/// A file's worth of the pattern.
fn pattern_file(size: u64) -> Vec<u8> {
    let mut all = Vec::with_capacity(size as usize);
    while (all.len() as u64) < size {
        let len = PERIOD.min((size - all.len() as u64) as usize);
        all.extend_from_slice(&pattern(all.len() as u64, len));
    }
    all
}

/// Writes `size` bytes of the pattern, many requests at once.
async fn upload(client: Client, path: &'static str, size: u64) -> Result<(), SftpError> {
    let flags = OpenFlags::WRITE | OpenFlags::CREATE | OpenFlags::TRUNCATE;
    let handle = Arc::new(client.open(path.as_bytes(), flags, &Attributes::default()).await?);
    let write = |offset: u64| {
        let (client, handle) = (client.clone(), handle.clone());
        async move {
            let len = BLOCK.min((size - offset) as usize);
            client.write(&handle, offset, pattern(offset, len)).await
        }
    };
    at_once(size, write).await?;
    client.close(Arc::into_inner(handle).expect("all writes are done")).await
}

/// Reads a file of `size` bytes, many requests at once, and holds it against the pattern.
async fn download(client: Client, path: &'static str, size: u64) -> Result<(), SftpError> {
    let handle = Arc::new(client.open(path.as_bytes(), OpenFlags::READ, &Attributes::default()).await?);
    let read = |offset: u64| {
        let (client, handle) = (client.clone(), handle.clone());
        async move {
            let len = BLOCK.min((size - offset) as usize);
            let data = client.read(&handle, offset, len).await?;
            assert!(data == pattern(offset, len), "{path} differs in the block at {offset}");
            Ok(())
        }
    };
    at_once(size, read).await?;
    client.close(Arc::into_inner(handle).expect("all reads are done")).await
}

/// Does `block` for every block below `size`, [`DEPTH`] at once.
async fn at_once<F>(size: u64, block: impl Fn(u64) -> F) -> Result<(), SftpError>
where
    F: Future<Output = Result<(), SftpError>> + Send + 'static,
{
    let mut under_way = JoinSet::new();
    for offset in (0..size).step_by(BLOCK) {
        if under_way.len() == DEPTH {
            under_way.join_next().await.expect("not empty").expect("no block panics")?;
        }
        under_way.spawn(block(offset));
    }
    while let Some(done) = under_way.join_next().await {
        done.expect("no block panics")?;
    }
    Ok(())
}
