//! Shell completion that knows what is configured: services, instances, queries, fields, tags.
//!
//! `opensre completions SHELL` prints a short script; the script asks the program itself at every press of the key
//! (`opensre __complete ...`), so that what was configured a moment ago is offered. Asking reads the store and the
//! variables and nothing else: no migration, no network, no secret, no word on failure.

mod known;
mod line;
mod values;

use std::ffi::{OsStr, OsString};
use std::fmt::Write as _;
use std::sync::Arc;

use clap::CommandFactory;
use clap_complete::engine::{CompletionCandidate, complete};
use clap_complete::{Shell, generate};

use crate::args::Cli;
use known::Known;

/// The word by which a shell's script asks. It is no command: it is looked for before the command line is read.
const ASKED: &str = "__complete";

/// The script that teaches a shell to complete `opensre`.
pub(crate) fn script(shell: Shell) -> String {
    let text = match shell {
        Shell::Bash => include_str!("opensre.bash"),
        Shell::Zsh => include_str!("opensre.zsh"),
        Shell::Fish => include_str!("opensre.fish"),
        // Commands and options only: these shells' scripts cannot ask the program.
        other => {
            let mut script = Vec::new();
            generate(other, &mut Cli::command(), "opensre", &mut script);
            return String::from_utf8_lossy(&script).into_owned();
        }
    };
    text.to_owned()
}

/// What to answer when a shell's script asks (`None` when the process was started for something else).
pub(crate) fn answer(arguments: impl IntoIterator<Item = OsString>) -> Option<String> {
    let mut arguments = arguments.into_iter().skip(1);
    if arguments.next()? != ASKED {
        return None;
    }
    let shell = arguments.next()?;
    if shell != "bash" {
        let words: Vec<OsString> = arguments.skip_while(|word| word == "--").collect();
        return Some(described(&candidates(words)));
    }
    let text = |word: Option<OsString>| word.and_then(|word| word.into_string().ok()).unwrap_or_default();
    let (line, bash_word) = (text(arguments.next()), text(arguments.next()));
    let words = line::split(&line);
    let current = words.last().cloned().unwrap_or_default();
    let found = candidates(words.into_iter().map(OsString::from).collect());
    Some(for_bash(&found, line::cut_off(&current, &bash_word)))
}

/// The candidates for the last of these words, the first of which is the program.
fn candidates(words: Vec<OsString>) -> Vec<CompletionCandidate> {
    let Some(index) = words.len().checked_sub(1).filter(|index| *index > 0) else { return Vec::new() };
    let known = Arc::new(Known::before(&words[..index]));
    let mut command = values::attach(Cli::command(), &known);
    let folder = std::env::current_dir().ok();
    let option = |word: &OsStr| word.as_encoded_bytes().starts_with(b"-");
    let wants_option = option(&words[index]);
    // Words that make no sense have no completion; there is nobody to tell.
    let mut found = complete(&mut command, words, index, folder.as_deref()).unwrap_or_default();
    // Options come when they are asked for: among values, the dozen that every command takes would hide what differs.
    if !wants_option && found.iter().any(|candidate| !option(candidate.get_value())) {
        found.retain(|candidate| !option(candidate.get_value()));
    }
    found
}

/// A line for each candidate, with its help behind a tabulator.
fn described(candidates: &[CompletionCandidate]) -> String {
    let mut lines = String::new();
    for candidate in candidates {
        let value = candidate.get_value().to_string_lossy();
        let help = candidate.get_help().map(ToString::to_string).unwrap_or_default();
        let _ = match help.lines().next().map(str::trim).filter(|help| !help.is_empty()) {
            Some(help) => writeln!(lines, "{value}\t{help}"),
            None => writeln!(lines, "{value}"),
        };
    }
    lines
}

/// A line for each candidate, without the part that bash keeps for itself. A space behind the only one says that the
/// word is finished; where a value follows, it is not.
fn for_bash(candidates: &[CompletionCandidate], kept: &str) -> String {
    let mut lines = String::new();
    for candidate in candidates {
        let value = candidate.get_value().to_string_lossy();
        let Some(rest) = value.strip_prefix(kept) else { continue };
        let finished = candidates.len() == 1 && !value.ends_with(['=', '/', ',', ':']);
        let _ = writeln!(lines, "{}{}", line::escape(rest), if finished { " " } else { "" });
    }
    lines
}
