//! What is declared about NATS.

use opensre_model::provider::{Draft, FieldSpec, Hooks, ProviderKind, ProviderSpec, Rule};
use opensre_model::secret::{Secret, SecretValue};
use opensre_model::value::Value;

use crate::fields;

/// NATS.
pub static SPEC: ProviderSpec = ProviderSpec {
    key: "nats",
    name: "NATS",
    aliases: &[],
    family: "nats",
    kind: ProviderKind::DataStore,
    instances_variable: Some("NATS_INSTANCES"),
    fields: &[
        FieldSpec::text("url").example("nats://nats.example.net:4222").env(&["NATS_URL"]).ask(
            "Server URL",
            "nats:// or tls://, several with commas between; credentials belong into their own fields",
        ),
        FieldSpec::text("creds")
            .env(&["NATS_CREDS"])
            .ask("Path of a credentials file", "the .creds file of a user; it holds the secret"),
        FieldSpec::text("user")
            .env(&["NATS_USER"])
            .ask("User name", "with a password, where there is no credentials file"),
        FieldSpec::secret("password").env(&["NATS_PASSWORD"]).ask("Password", "of that user"),
        FieldSpec::secret("token").env(&["NATS_TOKEN"]).ask("Token", "where the server authenticates by token"),
        FieldSpec::secret("nkey").env(&["NATS_NKEY"]).ask("NKey seed", "begins with SU"),
        fields::ca_bundle(&["NATS_CA"]).read_as(&["ca"]),
        fields::verify_ssl(&["NATS_VERIFY_SSL"]),
        FieldSpec::url("monitoring_url")
            .example("http://nats.example.net:8222")
            .env(&["NATS_MONITORING_URL"])
            .ask("Monitoring URL", "port 8222 as a rule"),
    ],
    configured: Rule::Any(&[Rule::Set("url"), Rule::Set("monitoring_url")]),
    environment: Rule::Any(&[Rule::Set("url"), Rule::Set("monitoring_url")]),
    hooks: Hooks { refine: Some(lift_userinfo), ..Hooks::NONE },
    documentation: "Server, connection, route and JetStream state. Needs a user that may connect, and the \
                    monitoring port for details.",
};

/// Takes credentials out of the server URLs: `user:password@` becomes user and password, `token@` the token, unless
/// these are set. The first URL with credentials counts.
fn lift_userinfo(draft: &mut Draft) {
    let Some(written) = draft.config.text("url") else { return };
    let mut found = None;
    let bare: Vec<String> = written
        .split(',')
        .map(|server| {
            let (bare, userinfo) = split_userinfo(server.trim());
            found = found.take().or(userinfo);
            bare
        })
        .collect();
    let Some(userinfo) = found else { return };
    draft.config.set("url", Value::Text(bare.join(",")));
    draft.warnings.push((Some("url"), "carries credentials; they are read as fields of their own".to_owned()));
    let secret = |text: String| Value::Secret(SecretValue::Plain(Secret::new(text)));
    match userinfo {
        Userinfo::Token(token) if !draft.config.has("token") => draft.config.set("token", secret(token)),
        Userinfo::Password(user, password) if !draft.config.has("user") && !draft.config.has("password") => {
            draft.config.set("user", Value::Text(user));
            draft.config.set("password", secret(password));
        }
        Userinfo::Token(_) | Userinfo::Password(..) => {}
    }
}

/// What stands before the `@` of a server URL.
enum Userinfo {
    Token(String),
    Password(String, String),
}

fn split_userinfo(server: &str) -> (String, Option<Userinfo>) {
    let (scheme, rest) = server.split_once("://").map_or(("", server), |(scheme, rest)| (scheme, rest));
    let (authority, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
    let Some((userinfo, host)) = authority.rsplit_once('@') else { return (server.to_owned(), None) };
    let separator = if scheme.is_empty() { "" } else { "://" };
    let userinfo = match userinfo.split_once(':') {
        Some((user, password)) => Userinfo::Password(user.to_owned(), password.to_owned()),
        None => Userinfo::Token(userinfo.to_owned()),
    };
    (format!("{scheme}{separator}{host}{path}"), Some(userinfo))
}
