//! Data to standard output, everything else to standard error.

use std::io::{self, Write as _};

use anstream::{AutoStream, ColorChoice};
use serde::Serialize;

use crate::args::GlobalArgs;
use crate::exit::Exit;
use crate::failure::Failure;

/// Where a command prints to.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Output {
    quiet: bool,
    choice: ColorChoice,
}

impl Output {
    /// As the global options and `NO_COLOR` say.
    pub(crate) fn new(global: &GlobalArgs) -> Self {
        let choice = if global.no_color { ColorChoice::Never } else { ColorChoice::Auto };
        Self { quiet: global.quiet, choice }
    }

    /// Whether what goes to standard output is coloured.
    pub(crate) fn color(self) -> bool {
        match self.choice {
            ColorChoice::Never => false,
            _ => AutoStream::choice(&io::stdout()) != ColorChoice::Never,
        }
    }

    /// Whether what goes to standard error is coloured.
    pub(crate) fn color_on_error(self) -> bool {
        match self.choice {
            ColorChoice::Never => false,
            _ => AutoStream::choice(&io::stderr()) != ColorChoice::Never,
        }
    }

    /// Data: to standard output. A reader that went away is success.
    pub(crate) fn data(self, text: &str) -> Result<(), Failure> {
        let mut stream = AutoStream::new(io::stdout().lock(), self.choice);
        match stream.write_all(text.as_bytes()).and_then(|()| stream.flush()) {
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
            Err(error) => Err(Failure::new(Exit::Failure, format!("cannot write to standard output: {error}"))),
            Ok(()) => Ok(()),
        }
    }

    /// Data as indented JSON.
    pub(crate) fn json(self, data: &impl Serialize) -> Result<(), Failure> {
        let mut text = serde_json::to_string_pretty(data)
            .map_err(|error| Failure::new(Exit::Internal, format!("cannot write JSON: {error}")))?;
        text.push('\n');
        self.data(&text)
    }

    /// A note: to standard error, unless `--quiet`.
    pub(crate) fn note(self, text: &str) {
        if !self.quiet {
            self.complain(text);
        }
    }

    /// A warning or error: to standard error, also with `--quiet`. There is nobody to tell if that fails.
    pub(crate) fn complain(self, text: &str) {
        let mut stream = AutoStream::new(io::stderr().lock(), self.choice);
        let _ = writeln!(stream, "{text}");
    }
}
