//! What the providers share that are reached through a server of the Model Context Protocol (MCP).
//!
//! Such a server is remote, by URL (modes `streamable-http` and `sse`), or a child process, by command (mode `stdio`).

use opensre_model::provider::{Draft, FieldSpec, Rule};
use opensre_model::value::Config;

use crate::refine::one_of;

const STDIO: &str = "stdio";
const MODES: &[&str] = &["streamable-http", "sse", STDIO];

/// `mode`: how the server is reached.
pub(crate) const fn mode(variables: &'static [&'static str]) -> FieldSpec {
    FieldSpec::text_or("mode", MODES[0]).env(variables).ask("Transport", "streamable-http, sse or stdio")
}

/// `command`: the program to start in the mode `stdio`.
pub(crate) const fn command(variables: &'static [&'static str], example: &'static str) -> FieldSpec {
    FieldSpec::text("command")
        .example(example)
        .env(variables)
        .ask("Command", "only in the mode stdio: the program to start")
}

/// `args`: its arguments.
pub(crate) const fn args(variables: &'static [&'static str]) -> FieldSpec {
    FieldSpec::words("args")
        .env(variables)
        .ask("Arguments of the command", "only in the mode stdio, with spaces between")
}

/// A URL, or a command in the mode `stdio`.
pub(crate) const SERVER: Rule = Rule::Any(&[
    Rule::All(&[Rule::Set("url"), Rule::Check { words: "a mode other than `stdio`", holds: is_remote }]),
    Rule::All(&[Rule::Set("command"), Rule::Check { words: "the mode `stdio`", holds: is_stdio }]),
]);

fn is_stdio(config: &Config) -> bool {
    config.text("mode").is_some_and(|mode| mode.eq_ignore_ascii_case(STDIO))
}

fn is_remote(config: &Config) -> bool {
    !is_stdio(config)
}

/// Whether a program to start is named.
pub(crate) fn has_command(config: &Config) -> bool {
    is_stdio(config) && config.has("command")
}

/// Brings the mode to its spelling (any case is read; an unknown one becomes the first, with a warning).
pub(crate) fn refine(draft: &mut Draft) {
    one_of(draft, "mode", MODES);
}
