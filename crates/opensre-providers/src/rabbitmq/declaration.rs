//! What is declared about RabbitMQ.

use opensre_model::provider::{FieldSpec, Hooks, ProviderKind, ProviderSpec, Rule};

use crate::fields;

/// RabbitMQ.
pub static SPEC: ProviderSpec = ProviderSpec {
    key: "rabbitmq",
    name: "RabbitMQ",
    aliases: &["amqp"],
    family: "rabbitmq",
    kind: ProviderKind::DataStore,
    instances_variable: Some("RABBITMQ_INSTANCES"),
    fields: &[
        FieldSpec::text("host")
            .example("rabbitmq.example.net")
            .env(&["RABBITMQ_HOST"])
            .ask("Host", "name or address of the server"),
        FieldSpec::text("username")
            .example("opensre")
            .env(&["RABBITMQ_USERNAME"])
            .ask("User name", "a user with the tag `monitoring`"),
        fields::port("management_port", 15_672)
            .env(&["RABBITMQ_MANAGEMENT_PORT"])
            .ask("Port of the management plug-in", "15672 as a rule, 15671 with TLS"),
        FieldSpec::secret("password").env(&["RABBITMQ_PASSWORD"]).ask("Password", "of that user"),
        FieldSpec::text_or("vhost", "/").env(&["RABBITMQ_VHOST"]).ask("Virtual host", "whose queues are looked at"),
        FieldSpec::boolean("ssl", false).env(&["RABBITMQ_SSL"]).ask("Use TLS", "then the port is 15671 as a rule"),
        FieldSpec { extension: false, ..fields::verify_ssl(&["RABBITMQ_VERIFY_SSL"]) },
        fields::timeout(10.0).extension(),
        fields::ca_bundle(&["RABBITMQ_CA_BUNDLE"]),
    ],
    configured: Rule::All(&[Rule::Set("host"), Rule::Set("username")]),
    environment: Rule::All(&[Rule::Set("host"), Rule::Set("username")]),
    hooks: Hooks::NONE,
    documentation: "Nodes, queues, consumers and connections. Needs the management plug-in and a user with the \
                    tag monitoring.",
};
