//! Which servers does the street have? A bastion for each VPC, and behind it a private server that does not listen.
//!
//! | floor | what is there |
//! | --- | --- |
//! | `bastion` | a server on loopback that opens channels to its private server |
//! | `private` | that server: commands and SFTP |
//! | `process` | a command |
//! | `access` `pipe` | who may log in; between a channel and a stream |

pub mod access;
pub mod bastion;
pub mod pipe;
pub mod private;
pub mod process;
