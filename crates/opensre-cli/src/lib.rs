//! The command line: parse, call, print. The binary is a thin shell around [`main`].

mod app;
pub mod args;
mod commands;
mod completion;
pub mod exit;
pub mod failure;
mod logging;
mod output;
pub mod reference;
mod surroundings;
mod text;

use std::io::{self, Write as _};
use std::process::ExitCode;

use clap::Parser;

use crate::app::App;
use crate::args::Cli;
use crate::exit::Exit;
use crate::output::Output;
use crate::surroundings::Surroundings;

/// Runs the command that the process was started with.
pub fn main() -> ExitCode {
    if let Some(candidates) = completion::answer(std::env::args_os()) {
        // A shell that went away has no use for an error either.
        let _ = io::stdout().write_all(candidates.as_bytes());
        return Exit::Success.into();
    }
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => {
            // Help and version are data; the rest is a complaint. There is nobody to tell if printing fails.
            let _ = error.print();
            return if error.use_stderr() { Exit::BadInput } else { Exit::Success }.into();
        }
    };
    let output = Output::new(&cli.global);
    logging::start(&cli.global);
    let outcome = App::new(Surroundings::of_process(), cli.global.clone(), output)
        .and_then(|app| commands::run(&app, cli.command));
    match outcome {
        Ok(exit) => exit.into(),
        Err(failure) => {
            output.complain(&failure.to_string());
            failure.exit.into()
        }
    }
}
