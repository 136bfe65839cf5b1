//! `hop`: parse, run, exit code.

fn main() -> std::process::ExitCode {
    hop::cli::main(std::env::args_os().collect())
}
