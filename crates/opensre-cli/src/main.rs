//! The binary: hands the process's surroundings to the library and exits with its code.

use std::process::ExitCode;

fn main() -> ExitCode {
    opensre_cli::main()
}
