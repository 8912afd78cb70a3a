//! What a provider is: its declaration as data, from which loading, validation, command line, JSON Schema,
//! redaction and reference docs are derived.

use std::collections::BTreeMap;

use serde_json::{Map, Value as Json};

use crate::alert::DATADOG_SITES;
use crate::value::Config;

/// The environment as a value; the model never reads the process's own.
pub type EnvironmentMap = BTreeMap<String, String>;

/// A provider's declaration.
#[derive(Debug)]
pub struct ProviderSpec {
    /// Canonical key: lower case, `_` between words.
    pub key: &'static str,
    /// Display name.
    pub name: &'static str,
    /// Other spellings that mean this key, lower case.
    pub aliases: &'static [&'static str],
    /// Key under which instances are grouped and addressed; the same as `key` but for `grafana_local`.
    pub family: &'static str,
    /// What kind of system it is: the heading it is listed under.
    pub kind: ProviderKind,
    /// Variable that holds a JSON array of instances; `None` where another key of the family has it.
    pub instances_variable: Option<&'static str>,
    /// Its fields, in the order in which a person is asked for them.
    pub fields: &'static [FieldSpec],
    /// When an instance counts as configured.
    pub configured: Rule,
    /// When the single-instance variables make an instance; judged over the fields that a variable really sets
    /// (defaults do not count). `Rule::Never` where there is no single-instance form.
    pub environment: Rule,
    /// What makes this provider odd, each at one well-named point of the general path.
    pub hooks: Hooks,
    /// One line about what it is for, and what it must be allowed to do.
    pub documentation: &'static str,
}

/// The kind of system, for grouping.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum ProviderKind {
    /// Logs, metrics, traces.
    Observability,
    /// Clouds and clusters.
    Infrastructure,
    /// Delivery pipelines and code.
    Delivery,
    /// Databases and messaging.
    DataStore,
    /// Alerting and tickets.
    Alerting,
    /// Chat and documents.
    Communication,
}

/// A field's declaration. Built with [`FieldSpec::text`] and its siblings, then narrowed.
#[derive(Debug, Clone, Copy)]
pub struct FieldSpec {
    /// Key in the store and in the flat config.
    pub key: &'static str,
    /// Type, default and bounds.
    pub kind: FieldKind,
    /// Whether it is a secret: never shown, redacted everywhere.
    pub secret: bool,
    /// Variables of the single-instance form, strongest first; an empty one counts as unset.
    pub env: &'static [&'static str],
    /// Other keys under which stored credentials may hold it; read when `key` itself is empty.
    pub read_as: &'static [&'static str],
    /// What to ask a person.
    pub prompt: &'static str,
    /// One line of help.
    pub help: &'static str,
    /// A value as people write it, for documentation and prompts; not for secrets, and not needed where there is a default.
    pub example: Option<&'static str>,
    /// What of an alert this field's value can be recognised by.
    pub identifies: Option<Identifies>,
    /// The family of which it names an instance: one that this one is reached through.
    pub instance_of: Option<&'static str>,
    /// Whether the Python product's flat config lacks it: the compatible dictionary then has it only where it is set
    /// to something other than its default, so that old consumers see what they always saw.
    pub extension: bool,
}

/// A field's type, default and bounds.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum FieldKind {
    /// Trimmed text.
    Text {
        /// Value when unset.
        default: Option<&'static str>,
    },
    /// Trimmed text without trailing slashes; must parse as an absolute http(s) URL.
    Url {
        /// Value when unset.
        default: Option<&'static str>,
    },
    /// A whole number, clamped.
    Integer {
        /// Value when unset or unreadable; `None` leaves the field absent.
        default: Option<i64>,
        /// Least.
        min: i64,
        /// Greatest.
        max: i64,
    },
    /// A finite number, clamped.
    Number {
        /// Value when unset or unreadable.
        default: f64,
        /// Least.
        min: f64,
        /// Greatest.
        max: f64,
    },
    /// A boolean; the words are those of section 3.4 of the provider specification.
    Boolean {
        /// Value when unset or unreadable.
        default: bool,
    },
    /// A list of texts; a text is split at the separator.
    List {
        /// Value when unset.
        default: &'static [&'static str],
        /// How a text is split: at commas or at white space.
        separator: Separator,
    },
    /// A map of texts, all secret (HTTP headers).
    SecretMap,
}

/// How a text that stands for a list is split.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Separator {
    /// At commas.
    Comma,
    /// At white space.
    Space,
}

/// What of an alert a field's value can be recognised by (routing step 3).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Identifies {
    /// The alert's URLs that start with this URL (host, port and path prefix).
    Url,
    /// An AWS account id, inside the field's own ARN.
    AwsArn,
    /// An AWS account id.
    AwsAccount,
    /// An AWS region.
    AwsRegion,
    /// A Datadog site (`datadoghq.eu`), seen in the alert's URLs' hosts.
    DatadogSite,
    /// A cluster name.
    Cluster,
}

/// Regions that many people use.
const COMMON_REGIONS: &[&str] = &[
    "us-east-1",
    "us-east-2",
    "us-west-1",
    "us-west-2",
    "ca-central-1",
    "sa-east-1",
    "eu-central-1",
    "eu-central-2",
    "eu-west-1",
    "eu-west-2",
    "eu-west-3",
    "eu-north-1",
    "eu-south-1",
    "ap-south-1",
    "ap-southeast-1",
    "ap-southeast-2",
    "ap-northeast-1",
    "ap-northeast-2",
    "me-south-1",
    "af-south-1",
];

impl Identifies {
    /// Values that many people use, to complete by; any other can be written.
    pub fn usual_values(self) -> &'static [&'static str] {
        match self {
            Self::DatadogSite => &DATADOG_SITES,
            Self::AwsRegion => COMMON_REGIONS,
            Self::Url | Self::AwsArn | Self::AwsAccount | Self::Cluster => &[],
        }
    }
}

/// A rule over fields: which must be set.
#[derive(Debug, Clone, Copy)]
pub enum Rule {
    /// The field is set and not empty.
    Set(&'static str),
    /// The field is set to something other than its default.
    Changed(&'static str),
    /// All hold.
    All(&'static [Rule]),
    /// At least one holds.
    Any(&'static [Rule]),
    /// A provider's own check.
    Check {
        /// The rule in words, to say what is missing: `a local host, or an api_key`.
        words: &'static str,
        /// The check itself.
        holds: fn(&Config) -> bool,
    },
    /// Never holds.
    Never,
}

/// Reads the single-instance variables: a record's top-level keys, or `None` when they make no instance.
pub type FromEnvironment = fn(&EnvironmentMap) -> Option<Map<String, Json>>;

/// What makes a provider odd. Each hook is called at one point of the general path; all are absent for most.
#[derive(Debug, Clone, Copy, Default)]
pub struct Hooks {
    /// Replaces the general reading of the single-instance variables: returns the v1-shaped record's top-level
    /// keys (`credentials` among them), or `None` when the variables do not make an instance.
    /// (Keys may be of version 2 instead: an `instances` list, where an instance has a name of its own.)
    pub from_environment: Option<FromEnvironment>,
    /// Variables that `from_environment` reads though no field declares them, each with what it decides.
    pub variables: &'static [(&'static str, &'static str)],
    /// Called on the typed fields before the configured rule: normalises, warns, rejects, changes the key.
    pub refine: Option<fn(&mut Draft)>,
    /// Called on the flat config of the compatible view: moves keys to where the Python product has them.
    pub flatten: Option<fn(&mut Map<String, Json>)>,
    /// The form that its instances have in the compatible `resolved` dictionary.
    pub dictionary: DictionaryForm,
}

impl Hooks {
    /// No hook: what most providers have, usable in a static declaration.
    pub const NONE: Self =
        Self { from_environment: None, variables: &[], refine: None, flatten: None, dictionary: DictionaryForm::Flat };
}

/// The form of a provider's instances in the `resolved` dictionary of the Python product.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum DictionaryForm {
    /// The flat, typed config.
    #[default]
    Flat,
    /// `{credentials: <as stored>, integration_id}`, as for a service that the catalogue does not know.
    Wrapped,
    /// Not in the dictionary; its raw records are in `_all` all the same (Slack).
    Absent,
}

/// An instance in the making, as a provider's `refine` hook sees it.
#[derive(Debug)]
pub struct Draft {
    /// The canonical key; a hook may move the instance to another key of the same family.
    pub service: &'static str,
    /// The typed fields.
    pub config: Config,
    /// Things to report, as (field, reason).
    pub warnings: Vec<(Option<&'static str>, String)>,
    /// Why the instance cannot be used, as (field, reason).
    pub rejection: Option<(Option<&'static str>, String)>,
}

impl FieldSpec {
    const fn of(key: &'static str, kind: FieldKind) -> Self {
        Self {
            key,
            kind,
            secret: false,
            env: &[],
            read_as: &[],
            prompt: "",
            help: "",
            example: None,
            identifies: None,
            instance_of: None,
            extension: false,
        }
    }

    /// A text field.
    pub const fn text(key: &'static str) -> Self {
        Self::of(key, FieldKind::Text { default: None })
    }

    /// A text field with a default.
    pub const fn text_or(key: &'static str, default: &'static str) -> Self {
        Self::of(key, FieldKind::Text { default: Some(default) })
    }

    /// A secret text field.
    pub const fn secret(key: &'static str) -> Self {
        let mut field = Self::of(key, FieldKind::Text { default: None });
        field.secret = true;
        field
    }

    /// A URL field, by which an alert's URLs are recognised.
    pub const fn url(key: &'static str) -> Self {
        let mut field = Self::of(key, FieldKind::Url { default: None });
        field.identifies = Some(Identifies::Url);
        field
    }

    /// A URL field with a default; a shared vendor host identifies no instance.
    pub const fn url_or(key: &'static str, default: &'static str) -> Self {
        Self::of(key, FieldKind::Url { default: Some(default) })
    }

    /// A whole number with default and bounds.
    pub const fn integer(key: &'static str, default: i64, min: i64, max: i64) -> Self {
        Self::of(key, FieldKind::Integer { default: Some(default), min, max })
    }

    /// A whole number with bounds that is absent when it is not set.
    pub const fn optional_integer(key: &'static str, min: i64, max: i64) -> Self {
        Self::of(key, FieldKind::Integer { default: None, min, max })
    }

    /// A number with default and bounds.
    pub const fn number(key: &'static str, default: f64, min: f64, max: f64) -> Self {
        Self::of(key, FieldKind::Number { default, min, max })
    }

    /// A boolean with default.
    pub const fn boolean(key: &'static str, default: bool) -> Self {
        Self::of(key, FieldKind::Boolean { default })
    }

    /// A list of texts; a text is split at commas.
    pub const fn list(key: &'static str, default: &'static [&'static str]) -> Self {
        Self::of(key, FieldKind::List { default, separator: Separator::Comma })
    }

    /// A list of texts; a text is split at white space.
    pub const fn words(key: &'static str) -> Self {
        Self::of(key, FieldKind::List { default: &[], separator: Separator::Space })
    }

    /// A map of secret texts.
    pub const fn secret_map(key: &'static str) -> Self {
        let mut field = Self::of(key, FieldKind::SecretMap);
        field.secret = true;
        field
    }

    /// Names the variables of the single-instance form, strongest first.
    #[must_use]
    pub const fn env(mut self, variables: &'static [&'static str]) -> Self {
        self.env = variables;
        self
    }

    /// Names other stored spellings.
    #[must_use]
    pub const fn read_as(mut self, keys: &'static [&'static str]) -> Self {
        self.read_as = keys;
        self
    }

    /// What to ask a person, and one line of help.
    #[must_use]
    pub const fn ask(mut self, prompt: &'static str, help: &'static str) -> Self {
        self.prompt = prompt;
        self.help = help;
        self
    }

    /// What of an alert the value can be recognised by.
    #[must_use]
    pub const fn identifies(mut self, what: Identifies) -> Self {
        self.identifies = Some(what);
        self
    }

    /// Says that the value is the name of an instance of a family, which this one is reached through.
    #[must_use]
    pub const fn instance_of(mut self, family: &'static str) -> Self {
        self.instance_of = Some(family);
        self
    }

    /// A value as people write it.
    #[must_use]
    pub const fn example(mut self, value: &'static str) -> Self {
        self.example = Some(value);
        self
    }

    /// Marks a field that the Python product's flat config lacks.
    #[must_use]
    pub const fn extension(mut self) -> Self {
        self.extension = true;
        self
    }
}

impl ProviderSpec {
    /// A declared field.
    pub fn field(&self, key: &str) -> Option<&'static FieldSpec> {
        self.fields.iter().find(|field| field.key == key)
    }
}

/// All providers that a program knows. Passed in, never reached for as a global, so tests can bring their own.
#[derive(Debug, Clone)]
pub struct Catalogue {
    specs: Vec<&'static ProviderSpec>,
}

impl Catalogue {
    /// A catalogue of these providers, in listing order.
    pub fn new(specs: Vec<&'static ProviderSpec>) -> Self {
        Self { specs }
    }

    /// All providers, in listing order.
    pub fn iter(&self) -> impl Iterator<Item = &'static ProviderSpec> {
        self.specs.iter().copied()
    }

    /// The provider that a written service name means (trimmed, any case, key or alias).
    pub fn find(&self, written: &str) -> Option<&'static ProviderSpec> {
        let written = written.trim().to_lowercase();
        self.iter().find(|spec| spec.key == written || spec.aliases.contains(&written.as_str()))
    }

    /// The canonical key of a written service name; an unknown name is itself, trimmed and lower-cased.
    pub fn canonical(&self, written: &str) -> String {
        self.find(written).map_or_else(|| written.trim().to_lowercase(), |spec| spec.key.to_owned())
    }

    /// The family key of a written service name; an unknown name is its own family.
    pub fn family(&self, written: &str) -> String {
        self.find(written).map_or_else(|| written.trim().to_lowercase(), |spec| spec.family.to_owned())
    }
}
