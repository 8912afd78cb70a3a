//! `opensre onboard`.

use std::path::PathBuf;

use clap::Args;

use super::PolicyArgs;

/// `opensre onboard`: every question has a flag.
#[derive(Debug, Args)]
pub struct OnboardArgs {
    /// The provider to set up: SERVICE or SERVICE/NAME; asked for when absent
    #[arg(long, value_name = "SERVICE")]
    pub service: Option<String>,
    /// Name of the instance; one that is there already is edited
    #[arg(long)]
    pub name: Option<String>,
    /// Another name for an instance that is there already
    #[arg(long, value_name = "NAME", requires = "service")]
    pub rename: Option<String>,
    /// A tag; `KEY-` removes one; may be given several times
    #[arg(long, value_name = "KEY=VALUE")]
    pub tag: Vec<String>,
    /// Who the back end must say we are there, such as account_id=123456789012; may be given several times
    #[arg(long, value_name = "KEY=VALUE")]
    pub expect: Vec<String>,
    /// Who may choose it
    #[command(flatten)]
    pub policy: PolicyArgs,
    /// A field; a secret field takes a reference only: ${env:NAME}, ${file:/path}, ${exec:command args}
    #[arg(long, value_name = "FIELD=VALUE")]
    pub set: Vec<String>,
    /// Remove a field of an instance that is there already
    #[arg(long, value_name = "FIELD")]
    pub unset: Vec<String>,
    /// Read this secret field from standard input; given several times, one line each, in order
    #[arg(long, value_name = "FIELD")]
    pub secret_stdin: Vec<String>,
    /// Make no call: neither prove the instance nor look at firing alerts for tags to suggest
    #[arg(long, conflicts_with = "save_anyway")]
    pub skip_verify: bool,
    /// Save the instance even when its proof fails
    #[arg(long)]
    pub save_anyway: bool,
    /// Show at the end what would be selected for this alert (`-` reads standard input)
    #[arg(long, value_name = "FILE")]
    pub sample_alert: Option<PathBuf>,
    /// Ask nothing, even in a terminal
    #[arg(long)]
    pub no_input: bool,
}

impl OnboardArgs {
    /// Whether any flag answers a question about one instance.
    pub(crate) fn has_answers(&self) -> bool {
        let lists = [&self.tag, &self.expect, &self.set, &self.unset, &self.secret_stdin];
        let policy = self.policy.requires_explicit.is_some() || self.policy.route_from.is_some();
        policy || self.name.is_some() || lists.iter().any(|list| !list.is_empty())
    }
}
