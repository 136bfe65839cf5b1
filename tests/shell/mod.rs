//! Shells and commands: the engine against a real sshd behind a bastion.

mod beside;
mod engine;
mod lost;
mod pressure;
mod terminal;
