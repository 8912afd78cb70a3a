//! What is declared about Redis, Valkey.

use opensre_model::provider::{FieldSpec, Hooks, ProviderKind, ProviderSpec, Rule};

use crate::fields;

/// Redis, Valkey.
pub static SPEC: ProviderSpec = ProviderSpec {
    key: "redis",
    name: "Redis, Valkey",
    aliases: &["valkey"],
    family: "redis",
    kind: ProviderKind::DataStore,
    instances_variable: Some("REDIS_INSTANCES"),
    fields: &[
        FieldSpec::secret("url")
            .env(&["REDIS_URL"])
            .ask("URL", "redis://, rediss:// or unix://; it may hold the password and counts as secret as a whole"),
        FieldSpec::text("host")
            .example("redis.example.net")
            .env(&["REDIS_HOST"])
            .ask("Host", "name or address of the server, where no URL is given"),
        fields::port("port", 6379).env(&["REDIS_PORT"]).ask("Port", "6379 as a rule"),
        FieldSpec::text("username")
            .env(&["REDIS_USERNAME"])
            .ask("User name", "an ACL user with +info +slowlog +latency +client|list +memory|stats +cluster|info"),
        FieldSpec::secret("password").env(&["REDIS_PASSWORD"]).ask("Password", "of that user, or of `requirepass`"),
        FieldSpec::integer("db", 0, 0, 65_535).env(&["REDIS_DB"]).ask("Database number", "0 as a rule"),
        FieldSpec::boolean("tls", false).env(&["REDIS_TLS"]).ask("Use TLS", "a rediss:// URL always does"),
        fields::verify_ssl(&["REDIS_VERIFY_SSL"]),
        fields::ca_bundle(&["REDIS_CA_BUNDLE"]),
    ],
    configured: Rule::Any(&[Rule::Set("url"), Rule::Set("host")]),
    environment: Rule::Any(&[Rule::Set("url"), Rule::Set("host")]),
    hooks: Hooks::NONE,
    documentation: "Memory, slow commands, latency events, clients, cluster state. Needs an ACL user that may \
                    read those; never KEYS or MONITOR.",
};
