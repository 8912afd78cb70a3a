//! `opensre completions`.

use clap_complete::Shell;

use crate::app::App;
use crate::completion;
use crate::exit::Exit;
use crate::failure::Outcome;

pub(super) fn run(app: &App, shell: Shell) -> Outcome {
    app.output.data(&completion::script(shell))?;
    Ok(Exit::Success)
}
