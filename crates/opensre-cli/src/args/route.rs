//! `opensre route`, and how instances are chosen.

use std::path::PathBuf;

use clap::Args;

/// How instances are chosen for an alert.
#[derive(Debug, Clone, Default, Args)]
pub struct RoutingArgs {
    /// How instances are chosen: full or hints (the Python product's rule) [default: full]
    #[arg(long, value_name = "MODE", env = "OPENSRE_ROUTING")]
    pub routing: Option<String>,
    /// When a hint or rule names what is not there: default, skip or fail [default: as the store says]
    #[arg(long, value_name = "WORD", env = "OPENSRE_ON_UNKNOWN")]
    pub on_unknown: Option<String>,
    /// When several fit alike where one is meant: default, skip or fail [default: as the store says]
    #[arg(long, value_name = "WORD", env = "OPENSRE_ON_AMBIGUOUS")]
    pub on_ambiguous: Option<String>,
}

/// `opensre route`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  opensre route alert.json                       which instances an investigation would ask
  opensre route alert.json --explain             and why these: step, rule, path in the alert, what was rejected
  curl -s http://alerts/next | opensre route - --json
  opensre route alert.json --service grafana --instance grafana=@eu

The first of these steps that decides ends it: --instance, a <service>_instance hint in the alert, a routing rule
of the store, a URL or id of the alert that belongs to an instance, tags that agree with labels, the default.
Nothing is asked of any instance.")]
pub struct RouteArgs {
    /// The alert's payload; `-` reads standard input
    pub alert: PathBuf,
    /// Show why: the step, the rule, the path in the alert, policies, and what was rejected
    #[arg(long)]
    pub explain: bool,
    /// Only these services
    #[arg(long, value_name = "SERVICE", value_delimiter = ',')]
    pub service: Vec<String>,
    /// Ask these instances: a name, several names, a tag selector, or @GROUP
    #[arg(long, value_name = "SERVICE=WANTED")]
    pub instance: Vec<String>,
    /// How instances are chosen.
    #[command(flatten)]
    pub routing: RoutingArgs,
}
