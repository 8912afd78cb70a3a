//! `opensre completions`.

use clap::CommandFactory;
use clap_complete::Shell;

use crate::app::App;
use crate::args::Cli;
use crate::exit::Exit;
use crate::failure::Outcome;

pub(super) fn run(app: &App, shell: Shell) -> Outcome {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Cli::command(), "opensre", &mut script);
    app.output.data(&String::from_utf8_lossy(&script))?;
    Ok(Exit::Success)
}
