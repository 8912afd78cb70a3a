//! `opensre integrations`.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};

/// `opensre integrations`.
#[derive(Debug, Args)]
pub struct IntegrationsArgs {
    /// What to do
    #[command(subcommand)]
    pub command: IntegrationsCommand,
}

/// What to do with instances. `SERVICE/NAME` addresses an instance everywhere.
#[derive(Debug, Subcommand)]
pub enum IntegrationsCommand {
    /// Every instance in effect, what is shadowed, and what could not be used
    List {
        /// Only this service
        service: Option<String>,
    },
    /// One instance with all its fields (secrets stay hidden)
    Show {
        /// SERVICE or SERVICE/NAME
        instance: String,
    },
    /// Add an instance to the store; asks for what is missing when there is a terminal
    #[command(
        visible_alias = "setup",
        after_help = "\
Examples:
  opensre integrations add grafana --name prod --tag env=prod \\
      --set endpoint=https://prod.grafana.net --secret-stdin api_key < token.txt
  opensre integrations add datadog --name eu --set site=datadoghq.eu \\
      --set 'api_key=${env:DD_EU_API_KEY}' --set 'app_key=${file:/run/secrets/dd-eu-app}'

A secret is never written on the command line, where every process of the machine can read it:
give it on standard input, at the prompt, or as a reference."
    )]
    Add(AddArgs),
    /// Change fields of an instance
    Set(ChangeArgs),
    /// Set or remove tags of an instance
    Tag(TagArgs),
    /// Give an instance another name
    Rename {
        /// SERVICE/NAME
        instance: String,
        /// The new name
        name: String,
    },
    /// Make an instance the default of its service
    Default {
        /// SERVICE/NAME
        instance: String,
    },
    /// Remove an instance, or a whole service
    Remove(RemoveArgs),
    /// Prove with a real call that instances answer and accept their credentials
    Verify(VerifyArgs),
    /// Which instance would be chosen, and why
    #[command(after_help = "\
Examples:
  opensre integrations select grafana                                the default
  opensre integrations select grafana --name staging
  opensre integrations select aws --tags 'env=prod,region!=eu'
  opensre integrations select grafana --alert alert.json             as an investigation would choose")]
    Select(SelectArgs),
    /// The resolved integrations as the Python product's code sees them
    Resolve {
        /// Only this service
        service: Option<String>,
        /// Show secrets in clear text
        #[arg(long)]
        reveal: bool,
    },
    /// JSON Schema of the store file, of an `_INSTANCES` variable, or of the report
    Schema {
        /// Of what
        #[arg(default_value = "store")]
        kind: SchemaKind,
        /// Which service's `_INSTANCES` variable
        #[arg(long)]
        service: Option<String>,
    },
}

/// What a schema is of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum SchemaKind {
    /// The store file.
    Store,
    /// A service's `_INSTANCES` variable.
    Instances,
    /// The report of an investigation.
    Report,
}

/// `integrations add`.
#[derive(Debug, Args)]
#[expect(clippy::struct_excessive_bools, reason = "each is a flag of its own on the command line")]
pub struct AddArgs {
    /// SERVICE or SERVICE/NAME
    pub instance: String,
    /// Name of the instance [default: default]
    #[arg(long)]
    pub name: Option<String>,
    /// A tag; may be given several times
    #[arg(long, value_name = "KEY=VALUE")]
    pub tag: Vec<String>,
    /// Who the back end must say we are there, such as account_id=123456789012; may be given several times
    #[arg(long, value_name = "KEY=VALUE")]
    pub expect: Vec<String>,
    /// A field; a secret field takes a reference only: ${env:NAME}, ${file:/path}, ${exec:command args}
    #[arg(long, value_name = "FIELD=VALUE")]
    pub set: Vec<String>,
    /// Read this secret field from standard input; given several times, one line each, in order
    #[arg(long, value_name = "FIELD")]
    pub secret_stdin: Vec<String>,
    /// Replace an instance of the same name
    #[arg(long)]
    pub replace: bool,
    /// Prove the instance with a real call before it is saved (questions in a terminal always do)
    #[arg(long)]
    pub verify: bool,
    /// Make no call, also when there are questions
    #[arg(long, conflicts_with = "verify")]
    pub skip_verify: bool,
    /// Save the instance even when its proof fails
    #[arg(long, conflicts_with = "skip_verify")]
    pub save_anyway: bool,
    /// Do not ask for what is missing, even in a terminal
    #[arg(long)]
    pub no_input: bool,
}

/// `integrations set`.
#[derive(Debug, Args)]
pub struct ChangeArgs {
    /// SERVICE/NAME
    pub instance: String,
    /// A field; a secret field takes a reference only
    #[arg(value_name = "FIELD=VALUE")]
    pub set: Vec<String>,
    /// Who the back end must say we are there; `KEY-` removes one
    #[arg(long, value_name = "KEY=VALUE|KEY-")]
    pub expect: Vec<String>,
    /// Remove a field
    #[arg(long, value_name = "FIELD")]
    pub unset: Vec<String>,
    /// Read this secret field from standard input
    #[arg(long, value_name = "FIELD")]
    pub secret_stdin: Vec<String>,
}

/// `integrations tag`.
#[derive(Debug, Args)]
pub struct TagArgs {
    /// SERVICE/NAME
    pub instance: String,
    /// `KEY=VALUE` sets a tag, `KEY-` removes it
    #[arg(required = true, value_name = "KEY=VALUE|KEY-")]
    pub tags: Vec<String>,
}

/// `integrations remove`.
#[derive(Debug, Args)]
pub struct RemoveArgs {
    /// SERVICE/NAME, or SERVICE for all its instances
    pub instance: String,
}

/// `integrations verify`.
#[derive(Debug, Args)]
pub struct VerifyArgs {
    /// SERVICE or SERVICE/NAME; everything that is configured when absent
    pub instances: Vec<String>,
    /// Also post a test message to these instances, or to all that are verified and can be delivered to
    #[arg(long, visible_alias = "send-slack-test", value_name = "SERVICE/NAME", num_args = 0..=1,
          default_missing_value = "", value_delimiter = ',')]
    pub send_test: Vec<String>,
    /// Longest time for one instance
    #[arg(long, value_name = "DURATION", default_value = "10s")]
    pub timeout: String,
}

/// `integrations select`.
#[derive(Debug, Args)]
pub struct SelectArgs {
    /// The service
    pub service: String,
    /// The instance of this name
    #[arg(long)]
    pub name: Option<String>,
    /// The instances whose tags fit this selector: env=prod,region!=eu,team in (a,b)
    #[arg(long, value_name = "SELECTOR")]
    pub tags: Option<String>,
    /// As an investigation of this alert would choose (`-` reads standard input)
    #[arg(long, value_name = "FILE", conflicts_with_all = ["name", "tags"])]
    pub alert: Option<PathBuf>,
    /// How instances are chosen for an alert: full or hints [default: full]
    #[arg(long, value_name = "MODE", env = "OPENSRE_ROUTING")]
    pub routing: Option<String>,
    /// Also print the instance's fields, as the Python product's selectors return them
    #[arg(long)]
    pub config: bool,
    /// Show secrets in clear text (with --config)
    #[arg(long, requires = "config")]
    pub reveal: bool,
}
