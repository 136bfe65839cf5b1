//! How does one of two hosts come to be logged in at the other? [`begin`] finds out what stands in the way, has a login
//! lent, and makes it; [`logins`] makes another when the first is lost.
//!
//! | floor | what is there |
//! | --- | --- |
//! | `begin` | the first login |
//! | `logins` | a lost one is had again |
//! | `attempt` | one host, on its way to log in at the other |
//! | `preflight` `links` `lent` | whether a host does its part; the folder of links; what was lent |

pub mod attempt;
pub mod begin;
pub mod lent;
pub mod links;
pub mod logins;
pub mod preflight;
