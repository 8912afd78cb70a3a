//! What is declared about AWS.

use opensre_model::provider::{Draft, FieldSpec, Hooks, Identifies, ProviderKind, ProviderSpec, Rule};

use super::shape;
use crate::fields;

/// AWS.
pub static SPEC: ProviderSpec = ProviderSpec {
    key: "aws",
    name: "AWS",
    aliases: &["eks", "amazon eks"],
    family: "aws",
    kind: ProviderKind::Infrastructure,
    instances_variable: Some("AWS_INSTANCES"),
    fields: &[
        FieldSpec::text("role_arn")
            .example("arn:aws:iam::123456789012:role/opensre")
            .env(&["AWS_ROLE_ARN"])
            .ask("Role ARN", "a role to assume, with ReadOnlyAccess or less; wins over access keys")
            .identifies(Identifies::AwsArn),
        FieldSpec::secret("external_id")
            .env(&["AWS_EXTERNAL_ID"])
            .ask("External id", "as in the trust policy of the role"),
        FieldSpec::secret("access_key_id")
            .env(&["AWS_ACCESS_KEY_ID"])
            .ask("Access key id", "of a user with ReadOnlyAccess or less, where there is no role"),
        FieldSpec::secret("secret_access_key")
            .env(&["AWS_SECRET_ACCESS_KEY"])
            .ask("Secret access key", "shown once when the access key is created"),
        FieldSpec::secret("session_token").env(&["AWS_SESSION_TOKEN"]).ask("Session token", "only with temporary keys"),
        FieldSpec::text_or("region", "us-east-1")
            .env(&["AWS_REGION"])
            .ask("Region", "where to look: eu-central-1")
            .identifies(Identifies::AwsRegion),
        FieldSpec::text("account_id")
            .env(&["AWS_ACCOUNT_ID"])
            .ask("Account id", "12 digits; tells accounts apart in alerts where there is no role ARN")
            .identifies(Identifies::AwsAccount)
            .extension(),
        FieldSpec::list("cluster_names", &[])
            .env(&["AWS_CLUSTER_NAMES"])
            .ask("EKS clusters", "names of the clusters to look at, with commas between")
            .identifies(Identifies::Cluster)
            .extension(),
        fields::verify_ssl(&["AWS_VERIFY_SSL"]),
        fields::ca_bundle(&["AWS_CA_BUNDLE"]),
    ],
    configured: KEYS_OR_ROLE,
    environment: KEYS_OR_ROLE,
    hooks: Hooks {
        from_environment: Some(shape::from_environment),
        refine: Some(check),
        flatten: Some(shape::nest_keys),
        ..Hooks::NONE
    },
    documentation: "CloudWatch logs and metrics, CloudTrail, Lambda, EKS, RDS. Needs a role to assume (or access \
                    keys) with ReadOnlyAccess or less.",
};

const KEYS_OR_ROLE: Rule =
    Rule::Any(&[Rule::Set("role_arn"), Rule::All(&[Rule::Set("access_key_id"), Rule::Set("secret_access_key")])]);

/// Says which credentials are used where there are two kinds, and drops an account id that is none.
fn check(draft: &mut Draft) {
    if draft.config.has("role_arn") && draft.config.has("access_key_id") {
        draft.warnings.push((Some("role_arn"), "both role_arn and access keys are set; role_arn is used".to_owned()));
    }
    let is_account = |id: &str| id.len() == 12 && id.bytes().all(|digit| digit.is_ascii_digit());
    if draft.config.text("account_id").is_some_and(|id| !is_account(id)) {
        draft.warnings.push((Some("account_id"), "is not 12 digits; it is left out".to_owned()));
        draft.config.unset("account_id");
    }
}
