//! One module per foreign format: texts in, [`Found`](crate::Found) out.
//!
//! A source is lenient: what is odd about one entry costs that entry and nothing else, and is told with its name and,
//! where it is known, its line. No message repeats a value that may be a secret.

pub mod aws;
pub mod env;
pub mod grafana;
pub mod grafanactl;
pub mod holmes;
pub mod kubeconfig;
pub mod mcp;
pub mod opensre;

mod mcp_servers;

/// A file that was read: its path as it is shown, and its text.
#[derive(Debug, Clone, Copy)]
pub struct File<'a> {
    /// Its path.
    pub path: &'a str,
    /// Its text.
    pub text: &'a str,
}

/// `` `name` (line 7) ``, or without the line.
fn place(what: &str, name: &str, line: Option<usize>) -> String {
    let name = opensre_model::redaction::text(name);
    match line {
        Some(line) => format!("{what} `{name}` (line {line})"),
        None => format!("{what} `{name}`"),
    }
}
