//! What is declared about Argo CD.

use opensre_model::provider::{Draft, FieldSpec, Hooks, ProviderKind, ProviderSpec, Rule};
use url::Url;

use crate::{fields, refine};

/// Argo CD.
pub static SPEC: ProviderSpec = ProviderSpec {
    key: "argocd",
    name: "Argo CD",
    aliases: &[],
    family: "argocd",
    kind: ProviderKind::Delivery,
    instances_variable: Some("ARGOCD_INSTANCES"),
    fields: &[
        FieldSpec::url("base_url")
            .example("https://argocd.example.net")
            .env(&["ARGOCD_BASE_URL"])
            .ask("Argo CD URL", "https; plain http only for this machine"),
        FieldSpec::secret("bearer_token")
            .env(&["ARGOCD_AUTH_TOKEN", "ARGOCD_TOKEN"])
            .ask(
                "Token",
                "`argocd account generate-token`, of an account with the capability apiKey; or give user name and \
             password",
            )
            .read_as(&["auth_token", "token"]),
        FieldSpec::text("username")
            .example("opensre")
            .env(&["ARGOCD_USERNAME"])
            .ask("User name", "with a password, in place of a token"),
        FieldSpec::secret("password").env(&["ARGOCD_PASSWORD"]).ask("Password", "of that user"),
        FieldSpec::text("project")
            .env(&["ARGOCD_PROJECT"])
            .ask("Project", "narrows what is asked; empty asks all projects"),
        FieldSpec::text("app_namespace")
            .env(&["ARGOCD_APP_NAMESPACE"])
            .ask("Namespace of applications", "only where they are not in that of Argo CD"),
        FieldSpec { extension: false, ..fields::verify_ssl(&["ARGOCD_VERIFY_SSL"]) },
        fields::ca_bundle(&["ARGOCD_CA_BUNDLE"]),
    ],
    configured: CREDENTIALS,
    environment: CREDENTIALS,
    hooks: Hooks { refine: Some(check), ..Hooks::NONE },
    documentation: "Applications, their sync state, resources and diffs. Needs a token of an account that may \
                    get applications (`p, role:opensre, applications, get, */*, allow`), and nothing else.",
};

/// What the typed fields and the variables must have alike.
const CREDENTIALS: Rule = Rule::All(&[
    Rule::Set("base_url"),
    Rule::Any(&[Rule::Set("bearer_token"), Rule::All(&[Rule::Set("username"), Rule::Set("password")])]),
]);

/// Bares the token, and refuses an address that credentials must not be sent to, and two ways to authenticate.
fn check(draft: &mut Draft) {
    refine::strip_bearer(draft, "bearer_token");
    if draft.config.text("base_url").is_some_and(|url| !is_safe(url)) {
        let reason = "must be https; http is allowed for localhost, 127.0.0.0/8 and ::1 only";
        refine::reject(draft, "base_url", reason);
    }
    if draft.config.has("bearer_token") && (draft.config.has("username") || draft.config.has("password")) {
        let reason = "a token and username or password are set; give one or the other";
        refine::reject(draft, "bearer_token", reason);
    }
}

/// Whether credentials may be sent there: over TLS, or not leaving this machine.
fn is_safe(base_url: &str) -> bool {
    Url::parse(base_url).is_ok_and(|url| url.scheme() == "https" || refine::is_loopback(&url))
}
