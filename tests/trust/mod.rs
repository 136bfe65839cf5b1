//! Does hop trust whom OpenSSH trusts? The installed `ssh` and `ssh-keygen` are the oracle: `matrix` puts both before the
//! same sshd with the same files and compares verdict, question and file; `keygen` compares the reading of files.

mod address;
mod command;
mod ground;
mod keygen;
mod krl;
mod limits;
mod matrix;
mod order;
mod situations;
mod update;
