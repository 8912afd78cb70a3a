//! `opensre investigate`, `opensre demo` and `opensre lab`.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use opensre_investigation::Inquiry;

use super::RoutingArgs;

/// `opensre investigate`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  opensre investigate -i alert.json
  curl -s http://alerts/next | opensre investigate -i - --format json -o report.json
  opensre investigate --text 'checkout is slow' --instance grafana=prod --since 1h
  opensre investigate -i alert.json --instance 'aws=env=prod,region!=eu'
  opensre investigate -i alert.json --deliver slack/ops,slack/shop

Nothing is sent anywhere unless --deliver names it. A target that fails stops no other and is told on standard
error; the exit code is then 6, unless the investigation itself ended in another.

Understood: webhooks of Alertmanager, Grafana, Datadog, PagerDuty, Opsgenie, CloudWatch (also inside
SNS) and Sentry, the flat form {title, state, alert_source, commonLabels, ...}, and plain text.")]
pub struct InvestigateArgs {
    /// The alert's payload; `-` reads standard input
    #[arg(long, short, value_name = "FILE", required_unless_present = "text", conflicts_with = "text")]
    pub input: Option<PathBuf>,
    /// The alert in words
    #[arg(long, value_name = "TEXT")]
    pub text: Option<String>,
    /// Ask these instances: a name, several names, a tag selector, or @GROUP
    #[arg(long, value_name = "SERVICE=WANTED")]
    pub instance: Vec<String>,
    /// How instances are chosen.
    #[command(flatten)]
    pub routing: RoutingArgs,
    /// The present, for an alert without a start: an RFC 3339 time [default: the clock]
    #[arg(long, value_name = "TIME")]
    pub now: Option<String>,
    /// How long before the alert's start to look for its cause [default: 15m]
    #[arg(long, value_name = "DURATION")]
    pub since: Option<String>,
    /// When all answers must be there
    #[arg(long, value_name = "DURATION", default_value_t = format!("{}s", Inquiry::DEADLINE.as_secs()))]
    pub deadline: String,
    /// Also deliver the report to these instances, such as slack/ops or slack/@oncall; several with commas, or given
    /// several times
    #[arg(long, value_name = "SERVICE/NAME", value_delimiter = ',')]
    pub deliver: Vec<String>,
    /// Write the report to this file (0600) instead of standard output
    #[arg(long, short, value_name = "FILE")]
    pub output: Option<PathBuf>,
}

/// `opensre demo`.
#[derive(Debug, Args)]
pub struct DemoArgs {
    /// Which bundled scenario (see `opensre lab list`)
    #[arg(default_value = "staging-bad-deploy")]
    pub scenario: String,
    /// Keep the simulators running after the report, to look around (Ctrl-C ends them)
    #[arg(long)]
    pub keep: bool,
}

/// `opensre lab`.
#[derive(Debug, Args)]
pub struct LabArgs {
    /// What to do
    #[command(subcommand)]
    pub command: LabCommand,
}

/// What to do with the simulators.
#[derive(Debug, Subcommand)]
pub enum LabCommand {
    /// The bundled scenarios
    List,
    /// Start the simulators of a scenario; prints the store and the alert to use with them
    Serve {
        /// Name of a bundled scenario, or a scenario file
        scenario: String,
        /// Write store.json and alert.json into this folder
        #[arg(long, value_name = "FOLDER")]
        out: Option<PathBuf>,
        /// The present of the scenario: an RFC 3339 time [default: the clock]
        #[arg(long, value_name = "TIME")]
        now: Option<String>,
    },
}
