//! `opensre integrations`.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};

use super::RoutingArgs;

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
        /// Only this SERVICE, @GROUP or SERVICE/@GROUP
        service: Option<String>,
    },
    /// One instance with all its fields (secrets stay hidden)
    Show {
        /// SERVICE, SERVICE/NAME, @GROUP or SERVICE/@GROUP
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
    /// Named selectors, such as @eu: they stand wherever an instance may
    #[command(visible_alias = "groups")]
    Group {
        /// What to do
        #[command(subcommand)]
        command: GroupCommand,
    },
    /// Routing rules: which instances the alerts with certain labels are about
    #[command(visible_alias = "rules")]
    Rule {
        /// What to do
        #[command(subcommand)]
        command: RuleCommand,
    },
    /// Take instances over from another tool's configuration
    #[command(after_help = "\
Sources:
  kubeconfig   the contexts of KUBECONFIG or ~/.kube/config
  aws          the profiles of ~/.aws/config and ~/.aws/credentials
  env          the variables of this shell, single ones and _INSTANCES
  opensre      another store: version 1 or 2 of the Python product, or one of this program
  holmes       the toolsets of HolmesGPT's ~/.holmes/config.yaml, with their instances
  grafanactl   the contexts of grafanactl
  gcx          the contexts of gcx
  mcp          the MCP servers of Claude, Cursor, VS Code and others, as far as they are known here
  grafana      the Prometheus, Alertmanager, Loki and Tempo behind a Grafana's data sources

Examples:
  opensre integrations import kubeconfig --dry-run
  opensre integrations import aws --only prod --only staging --tag team=payments
  opensre integrations import grafana --instance grafana/prod --prefix prod-
  opensre integrations import opensre --from old-store.json

Nothing is removed, and what differs in the store is kept unless --update. No secret is copied unless
--copy-secrets (another store's are): it stays a reference to where it is kept, or becomes one to a
variable that you are told to set. No credential plug-in is run.")]
    Import(ImportArgs),
    /// Write the instances in effect as a store or as `_INSTANCES` variables
    #[command(after_help = "\
Examples:
  opensre integrations export --out store.json
  opensre integrations export grafana --as env
  opensre integrations export --as dotenv --reveal --out .env

A secret that stands in clear becomes a reference to a variable, and the variables to set are listed on
standard error; --reveal writes it as it is.")]
    Export(ExportArgs),
    /// Which instance would be chosen, and why (for a whole alert: `opensre route`)
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

/// What to do with groups.
#[derive(Debug, Subcommand)]
pub enum GroupCommand {
    /// Add a group to the store
    #[command(after_help = "\
Examples:
  opensre integrations group add @eu 'region=eu,env=prod'
  opensre investigate -i alert.json --instance grafana=@eu     every member is asked
  opensre integrations verify @eu")]
    Add {
        /// Its name, such as @eu
        name: String,
        /// The tags that its members have in common: region=eu,env in (prod,dr)
        select: String,
        /// Give a group of that name another selector
        #[arg(long)]
        replace: bool,
    },
    /// All groups and their members
    List,
    /// Remove a group
    Remove {
        /// Its name
        name: String,
    },
}

/// What to do with routing rules. They are counted from 1.
#[derive(Debug, Subcommand)]
pub enum RuleCommand {
    /// Add a rule to the store
    #[command(after_help = "\
Examples:
  opensre integrations rule add team=payments --use grafana=pay --use 'aws=env=prod'
  opensre integrations rule add 'env=prod,team in (shop,cart)' --use loki=@shop --position 1
  opensre integrations rule add '*' --use grafana=central

The first rule that fits an alert's labels and names a service decides for that service. A hint in the alert and
--instance come before rules; URLs, ids, tags and the default after them.")]
    Add {
        /// A selector over the alert's labels; `*` fits every alert
        #[arg(value_name = "MATCH")]
        r#match: String,
        /// For a service a name, several names, a tag selector or @GROUP; may be given several times
        #[arg(long, required = true, value_name = "SERVICE=WANTED")]
        r#use: Vec<String>,
        /// Its place [default: behind all others]
        #[arg(long, value_name = "PLACE")]
        position: Option<usize>,
    },
    /// All rules, in order
    List,
    /// Remove a rule
    Remove {
        /// Its place
        position: usize,
    },
    /// Move a rule to another place
    Move {
        /// Its place
        from: usize,
        /// The new place
        to: usize,
    },
    /// What to do with a choice that is unknown or ambiguous
    InDoubt {
        /// When a hint or rule names what is not there: default, skip or fail
        #[arg(long, value_name = "WORD")]
        unknown: Option<String>,
        /// When several fit alike where one is meant: default, skip or fail
        #[arg(long, value_name = "WORD")]
        ambiguous: Option<String>,
    },
}

/// Where instances are imported from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum ImportSource {
    /// Contexts of kubeconfigs.
    Kubeconfig,
    /// Profiles of AWS.
    Aws,
    /// Variables of this shell.
    Env,
    /// Another store.
    Opensre,
    /// Toolsets of HolmesGPT.
    Holmes,
    /// Contexts of grafanactl.
    Grafanactl,
    /// Contexts of gcx.
    Gcx,
    /// MCP servers.
    Mcp,
    /// Data sources of a Grafana.
    Grafana,
}

/// `integrations import`.
#[derive(Debug, Args)]
pub struct ImportArgs {
    /// Where from
    #[arg(hide_possible_values = true)]
    pub source: ImportSource,
    /// Read this file instead of the usual ones; may be given several times (`-` reads standard input)
    #[arg(long, value_name = "PATH")]
    pub from: Vec<PathBuf>,
    /// Which Grafana to ask, for the source grafana [default: the default one]
    #[arg(long, value_name = "SERVICE/NAME")]
    pub instance: Option<String>,
    /// Show what would be done, and write nothing
    #[arg(long)]
    pub dry_run: bool,
    /// Change instances of the store where they differ
    #[arg(long)]
    pub update: bool,
    /// Copy secrets that stand in clear there into the store
    #[arg(long, visible_alias = "copy-keys")]
    pub copy_secrets: bool,
    /// Only this instance, by NAME or SERVICE/NAME; may be given several times
    #[arg(long, value_name = "NAME")]
    pub only: Vec<String>,
    /// A tag for every instance, stronger than what is inferred; may be given several times
    #[arg(long, value_name = "KEY=VALUE")]
    pub tag: Vec<String>,
    /// Put this before every name
    #[arg(long, value_name = "TEXT", default_value = "", hide_default_value = true)]
    pub prefix: String,
}

/// What instances are exported as.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum ExportForm {
    /// A store file.
    Store,
    /// `export` lines of a POSIX shell.
    Env,
    /// Lines of a `.env` file.
    Dotenv,
}

/// `integrations export`.
#[derive(Debug, Args)]
pub struct ExportArgs {
    /// SERVICE or SERVICE/NAME; everything in effect when absent
    pub instances: Vec<String>,
    /// What to write
    #[arg(long = "as", value_name = "FORM", default_value = "store")]
    pub form: ExportForm,
    /// Write to this file, readable for you only, instead of standard output
    #[arg(long, value_name = "FILE")]
    pub out: Option<PathBuf>,
    /// Write secrets in clear text
    #[arg(long)]
    pub reveal: bool,
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

/// Policies of an instance.
#[derive(Debug, Clone, Default, Args)]
pub struct PolicyArgs {
    /// Only its own name chooses it, never a tag, an id, a URL, the default, a selector or a group
    #[arg(long, value_name = "BOOL", num_args = 0..=1, require_equals = true, default_missing_value = "true")]
    pub requires_explicit: Option<bool>,
    /// The parts of an alert that may name it: hint, rules, urls, identifiers, tags, top_level, annotations, labels;
    /// or none; or all
    #[arg(long, value_name = "PART", value_delimiter = ',')]
    pub route_from: Option<Vec<String>>,
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
    /// Who or what may choose it.
    #[command(flatten)]
    pub policy: PolicyArgs,
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
    /// Who or what may choose it.
    #[command(flatten)]
    pub policy: PolicyArgs,
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
    /// SERVICE, SERVICE/NAME, @GROUP or SERVICE/@GROUP; everything that is configured when absent
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
    /// The instance of this name, or the members of this @GROUP
    #[arg(long)]
    pub name: Option<String>,
    /// The instances whose tags fit this selector: env=prod,region!=eu,team in (a,b)
    #[arg(long, value_name = "SELECTOR")]
    pub tags: Option<String>,
    /// As an investigation of this alert would choose (`-` reads standard input)
    #[arg(long, value_name = "FILE", conflicts_with_all = ["name", "tags"])]
    pub alert: Option<PathBuf>,
    /// How instances are chosen.
    #[command(flatten)]
    pub routing: RoutingArgs,
    /// Also print the instance's fields, as the Python product's selectors return them
    #[arg(long)]
    pub config: bool,
    /// Show secrets in clear text (with --config)
    #[arg(long, requires = "config")]
    pub reveal: bool,
}
