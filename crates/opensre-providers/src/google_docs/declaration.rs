//! What is declared about Google Docs.

use opensre_model::provider::{DictionaryForm, FieldSpec, Hooks, ProviderKind, ProviderSpec, Rule};

use crate::fields;

/// Google Docs.
pub static SPEC: ProviderSpec = ProviderSpec {
    key: "google_docs",
    name: "Google Docs",
    aliases: &[],
    family: "google_docs",
    kind: ProviderKind::Communication,
    instances_variable: Some("GOOGLE_DOCS_INSTANCES"),
    fields: &[
        FieldSpec::text("credentials_file").example("/etc/opensre/google.json").env(&["GOOGLE_CREDENTIALS_FILE"]).ask(
            "Path of a service account key (JSON)",
            "the file holds the secret; share the folder with the account",
        ),
        FieldSpec::text("folder_id")
            .example("1AbCdEfGhIjKlMnOp")
            .env(&["GOOGLE_DRIVE_FOLDER_ID"])
            .ask("Drive folder id", "the last part of the address of the folder"),
        FieldSpec::integer("timeout_seconds", 30, 5, 300).ask("Time limit of one call, in seconds", "5 to 300"),
        fields::verify_ssl(&["GOOGLE_VERIFY_SSL"]),
        fields::ca_bundle(&["GOOGLE_CA_BUNDLE"]),
    ],
    configured: Rule::All(&[Rule::Set("credentials_file"), Rule::Set("folder_id")]),
    environment: Rule::All(&[Rule::Set("credentials_file"), Rule::Set("folder_id")]),
    hooks: Hooks { dictionary: DictionaryForm::Wrapped, ..Hooks::NONE },
    documentation: "Where reports are delivered as documents. Needs a service account that may write into one \
                    folder.",
};
