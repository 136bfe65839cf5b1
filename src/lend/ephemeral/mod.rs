//! A key for one login: made here, in memory, admitted at the destination by one line in `~/.ssh/authorized_keys`, and
//! of no use after that login.
//!
//! | floor | what is there |
//! | --- | --- |
//! | `admitted` | the key, while it is admitted |
//! | `from` `line` `seal` | where the source connects from; the line (pure); hop's seal on an order (pure) |
//!
//! A process on the destination (`authorized.sh`) adds the line and removes it, at the latest when its input ends, so
//! that the line is gone however hop ends. The key can run only one program there, `gate.sh`: it accepts orders that
//! hop has sealed ([`seal::Seal`]), so somebody who takes the login can pass on hop's orders, but give none of their
//! own.

pub mod admitted;
pub mod from;
pub mod line;
pub mod seal;
