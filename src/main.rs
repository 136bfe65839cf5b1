//! `hop`: parse the command line, run, exit with a code.

fn main() -> std::process::ExitCode {
    hop::cli::main(std::env::args_os().collect())
}
