//! A practice street inside the binary: how does a copy across two VPCs look, without owning a server?
//!
//! ```text
//!   this machine ──ssh──> acc-bastion  (127.0.0.1)   ──> acc-pvt  10.10.2.20   customers.csv    ACC-VPC
//!            └────ssh──> dell-bastion (127.0.0.1)   ──> dell-pvt 10.20.2.20   payments.csv     DELL-VPC
//! ```
//!
//! [`Street`] starts the four servers and writes keys, known_hosts and an ssh_config into one folder; [`story()`] then
//! runs the real `hop` on it, and [`visit()`] is all of `hop demo`. The bastions listen on loopback, on ports chosen by
//! the system. The private servers do not listen at all: they can only be reached by a direct-tcpip channel of their
//! own bastion, which passes the bytes on in memory. Therefore their addresses can look like real ones.
//!
//! What a guest may do: `ec2-user` with the VPC's key has access to the files below the server's own folder (SFTP shows
//! that folder as `/`), and to commands, which run on this machine as the user who started the street, with the home in
//! that folder. That is no more than this user can do anyway; the key never leaves the street's folder, which only this
//! user can read.
//!
//! Nothing of the engine is used here, because it must not share code with what it tests.
//!
//! | floor | what is there |
//! | --- | --- |
//! | `visit` | all of `hop demo` |
//! | `story` | what is typed, what it prints, and whether every file arrived |
//! | `street` | the four servers, and their folder |
//! | `servers` `keys` | a bastion and a private server; key pairs and host keys |
//! | `sftp` | the files of a private server |
//! | `map` | which servers there are |

mod keys;
mod map;
mod servers;
mod sftp;
mod story;
mod street;
mod visit;

pub use map::Vpc;
pub use story::{StoryOutcome, story};
pub use street::Street;
pub use visit::{After, visit};
