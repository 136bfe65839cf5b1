//! Who runs this, and where? The environment, the user, the machine.
//!
//! | floor | what is there |
//! | --- | --- |
//! | `environment` `host_env` | variables and terminals; the user and the machine |

pub mod environment;
pub mod host_env;
