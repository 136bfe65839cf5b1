//! Servers of other makes: what SFTP's requests do differs from one to the next, and none may lose a byte by it.
//!
//! A make is one small file that says how the server is started; what it must do is one scenario for all of them: as the
//! host where files end ([`scenario::serves`]), and as a bastion, where it forwards ([`scenario::forwards`]). The
//! servers come from `tests/makes/get`.

mod make;
mod scenario;

mod asyncssh;
mod conch;
mod dropbear;
mod libssh;
mod lsh;
mod paramiko;
mod proftpd;
mod rclone;
mod requests;
mod tinysshd;
