//! Is the practice street a street? Judged by OpenSSH's own clients, through the ssh_config it writes.

mod clients;
mod files;
mod guest;
mod life;
mod refusals;
mod story;
mod visit;
