//! Who runs this, and where? The environment, the user, the machine.

pub mod environment;
pub mod host_env;
