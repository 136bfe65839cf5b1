//! A server behind a bastion hears something small after each login, so that its kernel's neighbour has something to send
//! an acknowledgement along with.

use super::{chain, way};
use crate::street::{ACC_BASTION, ACC_PVT, Street, until};

#[tokio::test(flavor = "multi_thread")]
async fn behind_a_bastion_and_only_there() {
    let plan = Street::plan().sshd(ACC_PVT, "LogLevel DEBUG1").sshd(ACC_BASTION, "LogLevel DEBUG1");
    let Some(street) = plan.start() else { return };
    let session = way(&chain(1), &street, ACC_PVT).session(0).await.expect("a session");
    let heard = |host: &str| street.server(host).log().matches("rtype keepalive@openssh.com").count();
    tokio::task::block_in_place(|| until("it hears all of it", || heard(ACC_PVT) == 2));
    assert_eq!(heard(ACC_BASTION), 0);
    assert!(!session.is_closed());
}
