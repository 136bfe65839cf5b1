//! What runs on the two hosts for a loan, and ends with it? Scripts of POSIX sh, through any login shell.
//!
//! | floor | what is there |
//! | --- | --- |
//! | `remote_dir` | the private folder on the source, and the process that removes it |
//! | `running` `agent_channels` | a script that runs while the agent is armed; how the source reaches that agent |
//! | `kept` | a process that ends with hop |
//! | `marked_lines` `shell_line` | the lines that are meant for hop; scripts through any login shell (pure) |

pub mod agent_channels;
pub mod kept;
pub mod marked_lines;
pub mod remote_dir;
pub mod running;
pub mod shell_line;
