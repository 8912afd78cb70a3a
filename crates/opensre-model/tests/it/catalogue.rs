//! A small catalogue with every kind of field, rule and hook, an alias, and a family of two keys.

use opensre_model::provider::{
    Catalogue, DictionaryForm, Draft, EnvironmentMap, FieldSpec, Hooks, ProviderKind, ProviderSpec, Rule,
};
use opensre_model::secret::{Secret, SecretValue};
use opensre_model::value::{Config, Value};
use serde_json::{Map, Value as Json, json};

/// The catalogue.
pub(crate) fn catalogue() -> Catalogue {
    Catalogue::new(vec![&METRICS, &METRICS_LOCAL, &CLOUD, &DATABASE, &PIPELINE, &TOOLS, &CHAT, &QUEUE, &SEARCH])
}

/// Two keys in one family: an instance on this machine is `metrics_local`, whatever its record says.
static METRICS: ProviderSpec = ProviderSpec {
    key: "metrics",
    name: "Metrics",
    aliases: &[],
    family: "metrics",
    kind: ProviderKind::Observability,
    instances_variable: Some("METRICS_INSTANCES"),
    fields: METRICS_FIELDS,
    configured: Rule::All(&[
        Rule::Set("endpoint"),
        Rule::Check { words: "an `api_key` that is not the word `local`", holds: has_real_key },
    ]),
    environment: Rule::All(&[Rule::Set("endpoint"), Rule::Set("api_key")]),
    hooks: Hooks { refine: Some(sort_local), ..Hooks::NONE },
    documentation: "Needs the viewer role.",
};

static METRICS_LOCAL: ProviderSpec = ProviderSpec {
    key: "metrics_local",
    name: "Metrics (local)",
    aliases: &[],
    family: "metrics",
    kind: ProviderKind::Observability,
    instances_variable: None,
    fields: &[FieldSpec::url("endpoint"), FieldSpec::secret("api_key")],
    configured: Rule::Set("endpoint"),
    environment: Rule::Never,
    hooks: Hooks { refine: Some(sort_local), ..Hooks::NONE },
    documentation: "Made from metrics.",
};

const METRICS_FIELDS: &[FieldSpec] = &[
    FieldSpec::url("endpoint").env(&["METRICS_URL"]).ask("Endpoint", "Where it answers."),
    FieldSpec::secret("api_key").env(&["METRICS_TOKEN"]).ask("Token", ""),
];

fn has_real_key(config: &Config) -> bool {
    match config.secret("api_key") {
        Some(SecretValue::Plain(key)) => key.expose() != "local",
        Some(SecretValue::Reference(_)) => true,
        None => false,
    }
}

fn sort_local(draft: &mut Draft) {
    let local = draft.config.text("endpoint").is_some_and(|url| url.contains("//localhost"));
    draft.service = if local { "metrics_local" } else { "metrics" };
    if local {
        draft.config.set("api_key", Value::Secret(SecretValue::Plain(Secret::new(""))));
    }
}

/// Aliases, either-or, its own reading of variables, its own shape in the dictionary.
static CLOUD: ProviderSpec = ProviderSpec {
    key: "cloud",
    name: "Cloud",
    aliases: &["clusters", "big cloud"],
    family: "cloud",
    kind: ProviderKind::Infrastructure,
    instances_variable: Some("CL_INSTANCES"),
    fields: &[
        FieldSpec::text_or("region", "here-1").env(&["CLOUD_REGION"]),
        FieldSpec::text("role").env(&["CLOUD_ROLE"]),
        FieldSpec::text("key_id").env(&["CLOUD_KEY_ID"]),
        FieldSpec::secret("key_secret").env(&["CLOUD_KEY_SECRET"]),
    ],
    configured: Rule::Any(&[Rule::Set("role"), Rule::All(&[Rule::Set("key_id"), Rule::Set("key_secret")])]),
    environment: Rule::Any(&[Rule::Set("role"), Rule::All(&[Rule::Set("key_id"), Rule::Set("key_secret")])]),
    hooks: Hooks {
        from_environment: Some(cloud_from_environment),
        variables: &[("CLOUD_PROFILE", "Its role.")],
        flatten: Some(nest_keys),
        ..Hooks::NONE
    },
    documentation: "Read-only.",
};

fn cloud_from_environment(environment: &EnvironmentMap) -> Option<Map<String, Json>> {
    let role =
        environment.get("CLOUD_ROLE").or_else(|| environment.get("CLOUD_PROFILE")).filter(|role| !role.is_empty())?;
    json!({"role": role, "credentials": {"region": "there-2"}}).as_object().cloned()
}

fn nest_keys(flat: &mut Map<String, Json>) {
    let id = flat.shift_remove("key_id").unwrap_or_default();
    let secret = flat.shift_remove("key_secret").unwrap_or_default();
    if id != json!("") {
        flat.insert("credentials".to_owned(), json!({"key_id": id, "key_secret": secret}));
    }
}

/// Numbers and booleans.
static DATABASE: ProviderSpec = ProviderSpec {
    key: "sql_database",
    name: "SQL",
    aliases: &["sql"],
    family: "sql_database",
    kind: ProviderKind::DataStore,
    instances_variable: Some("SQL_DATABASE_INSTANCES"),
    fields: &[
        FieldSpec::text("host").env(&["SQL_HOST"]),
        FieldSpec::text("database").env(&["SQL_DATABASE"]),
        FieldSpec::integer("port", 5432, 1, 65535).env(&["SQL_PORT"]),
        FieldSpec::text_or("username", "root").env(&["SQL_USERNAME"]),
        FieldSpec::secret("password").env(&["SQL_PASSWORD"]),
        FieldSpec::boolean("ssl", true).env(&["SQL_SSL"]),
        FieldSpec::number("timeout_seconds", 10.0, 0.5, 60.0),
        FieldSpec::optional_integer("replica", 0, 9).extension(),
    ],
    configured: Rule::All(&[Rule::Set("host"), Rule::Set("database")]),
    environment: Rule::All(&[Rule::Set("host"), Rule::Set("database")]),
    hooks: Hooks::NONE,
    documentation: "A user that may read.",
};

/// Other spellings of a field, alternative variables, a rejection and a warning of its own.
static PIPELINE: ProviderSpec = ProviderSpec {
    key: "pipeline",
    name: "Pipeline",
    aliases: &[],
    family: "pipeline",
    kind: ProviderKind::Delivery,
    instances_variable: Some("PIPELINE_INSTANCES"),
    fields: &[
        FieldSpec::url("base_url").env(&["PIPELINE_BASE_URL"]).example("https://pipeline.example.com"),
        FieldSpec::secret("bearer_token")
            .env(&["PIPELINE_AUTH_TOKEN", "PIPELINE_TOKEN"])
            .read_as(&["auth_token", "token"]),
        FieldSpec::text("user").env(&["PIPELINE_USER"]),
    ],
    configured: Rule::All(&[Rule::Set("base_url"), Rule::Any(&[Rule::Set("bearer_token"), Rule::Set("user")])]),
    environment: Rule::All(&[Rule::Set("base_url"), Rule::Any(&[Rule::Set("bearer_token"), Rule::Set("user")])]),
    hooks: Hooks { refine: Some(one_way_in), ..Hooks::NONE },
    documentation: "Read access to applications.",
};

fn one_way_in(draft: &mut Draft) {
    if draft.config.has("bearer_token") && draft.config.has("user") {
        draft.rejection = Some((Some("user"), "cannot stand beside a token; remove one".to_owned()));
    }
    if draft.config.text("base_url").is_some_and(|url| url.starts_with("http://")) {
        draft.warnings.push((Some("base_url"), "is not encrypted".to_owned()));
    }
}

/// Lists, a map of secrets, a default that does not count.
static TOOLS: ProviderSpec = ProviderSpec {
    key: "tools",
    name: "Tools",
    aliases: &["tools_mcp"],
    family: "tools",
    kind: ProviderKind::Delivery,
    instances_variable: Some("TOOLS_INSTANCES"),
    fields: &[
        FieldSpec::url_or("url", "https://tools.example.com").env(&["TOOLS_URL"]),
        FieldSpec::text("command").env(&["TOOLS_COMMAND"]),
        FieldSpec::words("args").env(&["TOOLS_ARGS"]),
        FieldSpec::list("toolsets", &["repos", "issues"]).env(&["TOOLS_TOOLSETS"]),
        FieldSpec::secret_map("headers"),
        FieldSpec::boolean("verify_ssl", true).extension(),
    ],
    configured: Rule::Any(&[Rule::Changed("url"), Rule::Set("command")]),
    environment: Rule::Any(&[Rule::Changed("url"), Rule::Set("command")]),
    hooks: Hooks::NONE,
    documentation: "An MCP server.",
};

/// Absent from the dictionary.
static CHAT: ProviderSpec = ProviderSpec {
    key: "chat",
    name: "Chat",
    aliases: &[],
    family: "chat",
    kind: ProviderKind::Communication,
    instances_variable: Some("CHAT_INSTANCES"),
    fields: &[FieldSpec::secret("webhook_url").env(&["CHAT_WEBHOOK_URL"])],
    configured: Rule::Set("webhook_url"),
    environment: Rule::Set("webhook_url"),
    hooks: Hooks { dictionary: DictionaryForm::Absent, ..Hooks::NONE },
    documentation: "Delivery.",
};

/// Wrapped in the dictionary.
static QUEUE: ProviderSpec = ProviderSpec {
    key: "queue",
    name: "Queue",
    aliases: &[],
    family: "queue",
    kind: ProviderKind::DataStore,
    instances_variable: Some("QUEUE_INSTANCES"),
    fields: &[
        FieldSpec::text("servers").env(&["QUEUE_SERVERS"]),
        FieldSpec::secret("password").env(&["QUEUE_PASSWORD"]),
        FieldSpec::text_or("protocol", "PLAINTEXT"),
    ],
    configured: Rule::Set("servers"),
    environment: Rule::Set("servers"),
    hooks: Hooks { dictionary: DictionaryForm::Wrapped, ..Hooks::NONE },
    documentation: "Read access to topics.",
};

/// Basic authentication beside a URL.
static SEARCH: ProviderSpec = ProviderSpec {
    key: "search",
    name: "Search",
    aliases: &[],
    family: "search",
    kind: ProviderKind::Observability,
    instances_variable: Some("SEARCH_INSTANCES"),
    fields: &[
        FieldSpec::url("url").env(&["SEARCH_URL"]),
        FieldSpec::text("username").env(&["SEARCH_USERNAME"]),
        FieldSpec::secret("password").env(&["SEARCH_PASSWORD"]),
    ],
    configured: Rule::Set("url"),
    environment: Rule::Set("url"),
    hooks: Hooks::NONE,
    documentation: "Read access to indices.",
};
