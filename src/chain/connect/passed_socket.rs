//! Which socket does another process pass on? The connected one that comes over a socket shared with it (`SCM_RIGHTS`,
//! unix(7)).
//!
//! Main function: [`receive`].

use std::io;
use std::mem::MaybeUninit;
use std::os::unix::net::UnixStream as Shared;

use rustix::cmsg_space;
use rustix::net::{RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, recvmsg};
use tokio::io::Interest;
use tokio::net::UnixStream;

use crate::chain::transport::abortable::Duplex;

/// The socket that comes first over `shared`; none when the other process ends without one.
pub async fn receive(shared: Shared) -> io::Result<Box<dyn Duplex>> {
    shared.set_nonblocking(true)?;
    let shared = UnixStream::from_std(shared)?;
    let passed = shared.async_io(Interest::READABLE, || one_of(&shared)).await?;
    let passed = passed.ok_or_else(|| io::Error::other("it passed no connection"))?;
    passed.set_nonblocking(true)?;
    // whatever family the socket is of: it is read, written and shut down alike
    Ok(Box::new(UnixStream::from_std(passed)?))
}

fn one_of(shared: &UnixStream) -> io::Result<Option<Shared>> {
    let mut space = [MaybeUninit::uninit(); cmsg_space!(ScmRights(1))];
    let mut control = RecvAncillaryBuffer::new(&mut space);
    let mut byte = [0];
    recvmsg(shared, &mut [io::IoSliceMut::new(&mut byte)], &mut control, RecvFlags::CMSG_CLOEXEC)?;
    let passed = control.drain().find_map(|message| match message {
        RecvAncillaryMessage::ScmRights(mut descriptors) => descriptors.next(),
        _ => None,
    });
    Ok(passed.map(Shared::from))
}
