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
            .ask("Region", "where to look: eu-central-1; several with commas between")
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
        FieldSpec::text("profile")
            .example("prod-readonly")
            .ask("Profile", "of ~/.aws/config or ~/.aws/credentials; with a role, what the role is assumed with")
            .extension(),
        FieldSpec::text("web_identity_token_file")
            .example("/var/run/secrets/eks.amazonaws.com/serviceaccount/token")
            .ask("Web identity token file", "path of an OIDC token; the role is then assumed with it alone")
            .extension(),
        FieldSpec::url("endpoint_url")
            .example("http://localhost:4566")
            .env(&["AWS_ENDPOINT_URL"])
            .ask("Endpoint URL", "of something that stands in for AWS, or before it; leave empty for AWS itself")
            .extension(),
        fields::verify_ssl(&["AWS_VERIFY_SSL"]),
        fields::ca_bundle(&["AWS_CA_BUNDLE"]),
    ],
    configured: KEYS_ROLE_OR_PROFILE,
    environment: KEYS_OR_ROLE,
    hooks: Hooks {
        from_environment: Some(shape::from_environment),
        refine: Some(check),
        flatten: Some(shape::nest_keys),
        ..Hooks::NONE
    },
    documentation: "CloudWatch metrics, alarms and logs, CloudTrail, RDS, EC2, ECS, EKS, Lambda, load balancers. Needs \
                    a role to assume (or access keys, or a profile) with ReadOnlyAccess or less; Logs Insights and \
                    GetMetricData are charged by AWS.",
};

const KEYS_OR_ROLE: Rule =
    Rule::Any(&[Rule::Set("role_arn"), Rule::All(&[Rule::Set("access_key_id"), Rule::Set("secret_access_key")])]);

/// A profile makes an instance in the store only: in the environment it belongs to every tool there is.
const KEYS_ROLE_OR_PROFILE: Rule = Rule::Any(&[
    Rule::Set("role_arn"),
    Rule::All(&[Rule::Set("access_key_id"), Rule::Set("secret_access_key")]),
    Rule::Set("profile"),
]);

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
