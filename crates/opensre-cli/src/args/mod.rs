//! What can be written on the command line. Parsed here, interpreted in `commands`.

mod integrations;
mod investigate;
mod onboard;
mod query;
mod route;

use std::path::PathBuf;

use clap::builder::styling::{AnsiColor, Styles};
use clap::{Args, Parser, Subcommand, ValueEnum};

pub use integrations::{
    AddArgs, ChangeArgs, ExportArgs, ExportForm, GroupCommand, ImportArgs, ImportSource, IntegrationsArgs,
    IntegrationsCommand, PolicyArgs, RemoveArgs, RuleCommand, SchemaKind, SelectArgs, TagArgs, VerifyArgs,
};
pub use investigate::{DemoArgs, InvestigateArgs, LabArgs, LabCommand};
pub use onboard::OnboardArgs;
pub use query::QueryArgs;
pub use route::{RouteArgs, RoutingArgs};

const STYLES: Styles = Styles::styled()
    .header(AnsiColor::Green.on_default().bold())
    .usage(AnsiColor::Green.on_default().bold())
    .literal(AnsiColor::Cyan.on_default().bold())
    .placeholder(AnsiColor::Cyan.on_default());

/// Reads an alert, picks the right instance of each system, gathers the evidence and says what is wrong.
#[derive(Debug, Parser)]
#[command(
    name = "opensre",
    version,
    styles = STYLES,
    max_term_width = 100,
    disable_help_subcommand = true,
    after_help = "\
First steps:
  opensre demo                                   a whole investigation on simulated systems, nothing to set up
  opensre onboard                                set up your systems, step by step
  opensre integrations verify                    prove that every instance answers
  opensre investigate -i alert.json              say what is wrong

Exit codes: 0 done, 1 failed, 2 bad input, 3 nothing configured, 4 deadline passed with nothing
gathered, 5 every back end failed, 6 not delivered everywhere, 70 fault of this program, 130 interrupted."
)]
pub struct Cli {
    /// Options that every command takes.
    #[command(flatten)]
    pub global: GlobalArgs,
    /// The command.
    #[command(subcommand)]
    pub command: Command,
}

/// Options that every command takes, before or after it.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Global options")]
#[expect(clippy::struct_excessive_bools, reason = "each is a flag of its own on the command line")]
pub struct GlobalArgs {
    /// The store file [default: ~/.tracer/integrations.json]
    #[arg(long, global = true, value_name = "FILE", env = "OPENSRE_STORE")]
    pub store: Option<PathBuf>,
    /// Read variables from this file too (those of the process win)
    #[arg(long, global = true, value_name = "FILE")]
    pub env_file: Option<PathBuf>,
    /// Which source wins where several configure the same service: store, env or merge [default: store]
    #[arg(long, global = true, value_name = "RULE", env = "OPENSRE_PRECEDENCE")]
    pub precedence: Option<String>,
    /// Output format [default: text]
    #[arg(long, global = true, value_name = "FORMAT")]
    pub format: Option<Format>,
    /// Short for --format json
    #[arg(long, global = true)]
    pub json: bool,
    /// Answer every question with yes
    #[arg(long, short = 'y', global = true)]
    pub yes: bool,
    /// Print only what was asked for: no progress, no notes
    #[arg(long, short, global = true)]
    pub quiet: bool,
    /// Say more on standard error; twice or three times for calls and their details (never secrets)
    #[arg(long, short, global = true, action = clap::ArgAction::Count)]
    pub verbose: u8,
    /// No colour (the variable NO_COLOR does the same)
    #[arg(long, global = true)]
    pub no_color: bool,
}

/// Output formats. Each command says which of them it knows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// Text for people.
    #[value(alias = "table")]
    Text,
    /// JSON for machines.
    Json,
    /// Markdown, for reports.
    #[value(alias = "md")]
    Markdown,
}

/// The commands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Read an alert, gather the evidence, say what is wrong
    Investigate(InvestigateArgs),
    /// Which instances an alert is about, and why: nothing is asked of them
    Route(RouteArgs),
    /// Ask one query of one instance, or list what there is to ask
    Query(QueryArgs),
    /// Set up systems step by step: provider, name, tags, credentials, proof
    #[command(after_help = "\
Examples:
  opensre onboard                                      asks, in a terminal
  opensre onboard --service grafana/prod --tag env=prod \\
      --set endpoint=https://prod.grafana.net --set 'api_key=${env:GRAFANA_TOKEN}'
  opensre onboard --service aws/eu --set region=eu-west-1 --sample-alert alert.json

What is answered by a flag is not asked. Without a terminal whatever is left is taken as it is, or is an error that
names the flag; an instance whose proof fails is not saved, unless --save-anyway is given.")]
    Onboard(OnboardArgs),
    /// Set up, list, choose and verify instances
    Integrations(IntegrationsArgs),
    /// What can be connected, and what each provider needs
    Providers(ProvidersArgs),
    /// A whole investigation on simulated systems: nothing to set up
    Demo(DemoArgs),
    /// Run the simulators by hand
    Lab(LabArgs),
    /// Check this machine's set-up: store, variables, instances
    Doctor,
    /// Print the completion script of a shell
    Completions {
        /// The shell
        shell: clap_complete::Shell,
    },
}

/// `opensre providers`.
#[derive(Debug, Args)]
pub struct ProvidersArgs {
    /// What to do
    #[command(subcommand)]
    pub command: ProvidersCommand,
}

/// What to do with providers.
#[derive(Debug, Subcommand)]
pub enum ProvidersCommand {
    /// All providers: key, name, what is supported
    List,
    /// One provider: fields, variables, probe, queries
    Show {
        /// Key or alias
        provider: String,
    },
}
