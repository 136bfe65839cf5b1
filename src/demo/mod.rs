//! A practice street inside the binary: how does a copy across two VPCs look, without owning a server?
//!
//! ```text
//!   this machine ──ssh──> acc-bastion  (127.0.0.1)   ──> acc-pvt  10.10.2.20   customers.csv    ACC-VPC
//!            └────ssh──> dell-bastion (127.0.0.1)   ──> dell-pvt 10.20.2.20   payments.csv     DELL-VPC
//! ```
//!
//! [`Street`] stands up the four servers and writes keys, known_hosts and an ssh_config into one folder; [`story()`] then
//! runs the real `hop` on it, and [`visit()`] is all of `hop demo`. The bastions listen on loopback, on ports the system chose. The private servers listen
//! on nothing: the only way to them is a direct-tcpip channel of their own bastion, which hands the bytes over in
//! memory. So their addresses can be the real-looking ones.
//!
//! What a guest may do: `ec2-user` with the VPC's key gets files below the server's own folder (SFTP sees that folder
//! as `/`), and commands, which run on this machine as the user who started the street, with that folder as home. That
//! is no more than this user can do anyway; the key never leaves the street's folder, which only this user can read.
//!
//! Nothing of the engine is used here: what tests `hop` must not share code with it.
//!
//! | floor | what is there |
//! | --- | --- |
//! | `visit` | all of `hop demo` |
//! | `story` | what is typed, what it prints, and whether every file arrived |
//! | `street` | the four servers, and the folder they live in |
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
