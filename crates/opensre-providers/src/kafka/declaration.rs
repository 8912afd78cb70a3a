//! What is declared about Kafka.

use opensre_model::provider::{DictionaryForm, Draft, FieldSpec, Hooks, ProviderKind, ProviderSpec, Rule};
use opensre_model::value::Value;

use crate::{fields, refine};

/// Kafka.
pub static SPEC: ProviderSpec = ProviderSpec {
    key: "kafka",
    name: "Kafka",
    aliases: &[],
    family: "kafka",
    kind: ProviderKind::DataStore,
    instances_variable: Some("KAFKA_INSTANCES"),
    fields: &[
        FieldSpec::text("bootstrap_servers")
            .example("kafka.example.net:9092")
            .env(&["KAFKA_BOOTSTRAP_SERVERS"])
            .ask("Bootstrap servers", "host:port, with commas between"),
        FieldSpec::text_or("security_protocol", "PLAINTEXT")
            .env(&["KAFKA_SECURITY_PROTOCOL"])
            .ask("Security protocol", "PLAINTEXT, SSL, SASL_PLAINTEXT or SASL_SSL"),
        FieldSpec::text("sasl_mechanism")
            .env(&["KAFKA_SASL_MECHANISM"])
            .ask("SASL mechanism", "PLAIN, SCRAM-SHA-256 or SCRAM-SHA-512; only with a SASL protocol"),
        FieldSpec::text("sasl_username")
            .env(&["KAFKA_SASL_USERNAME"])
            .ask("SASL user name", "needs DESCRIBE on cluster, topics and groups"),
        FieldSpec::secret("sasl_password").env(&["KAFKA_SASL_PASSWORD"]).ask("SASL password", "of that user"),
        fields::timeout(10.0),
        FieldSpec::text("client_certificate")
            .env(&["KAFKA_CLIENT_CERTIFICATE"])
            .ask("Path of a client certificate (PEM)", "only where brokers ask for one"),
        FieldSpec::text("client_key")
            .env(&["KAFKA_CLIENT_KEY"])
            .ask("Path of its private key (PEM)", "only where brokers ask for a certificate"),
        fields::verify_ssl(&["KAFKA_VERIFY_SSL"]),
        fields::ca_bundle(&["KAFKA_CA_BUNDLE"]).read_as(&["ca"]),
    ],
    configured: Rule::Set("bootstrap_servers"),
    environment: Rule::Set("bootstrap_servers"),
    hooks: Hooks { refine: Some(check_protocol), dictionary: DictionaryForm::Wrapped, ..Hooks::NONE },
    documentation: "Topics, partitions, consumer lag and configuration. Needs DESCRIBE on cluster, topics and \
                    groups.",
};

const PROTOCOLS: &[&str] = &["PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"];

/// Upper-cases the protocol. One that Kafka does not know is refused rather than replaced: falling back to `PLAINTEXT`
/// would send a password in clear.
fn check_protocol(draft: &mut Draft) {
    let Some(protocol) = draft.config.text("security_protocol").map(str::to_uppercase) else { return };
    if !PROTOCOLS.contains(&protocol.as_str()) {
        refine::reject(draft, "security_protocol", format!("not one of {}", PROTOCOLS.join(", ")));
    }
    draft.config.set("security_protocol", Value::Text(protocol));
}
