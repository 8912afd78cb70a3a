//! What is declared about GitHub (MCP).

use opensre_model::provider::{Draft, FieldSpec, Hooks, ProviderKind, ProviderSpec, Rule};
use opensre_model::value::Config;
use url::Url;

use super::address;
use super::repository::Repository;
use crate::{fields, mcp, refine};

/// GitHub (MCP).
pub static SPEC: ProviderSpec = ProviderSpec {
    key: "github",
    name: "GitHub (MCP)",
    aliases: &["github_mcp"],
    family: "github",
    kind: ProviderKind::Delivery,
    instances_variable: Some("GITHUB_INSTANCES"),
    fields: &[
        FieldSpec::text_or("url", OFFICIAL)
            .env(&["GITHUB_MCP_URL"])
            .ask("MCP server URL", "that of a server of your own, or empty for the one of GitHub"),
        mcp::mode(&["GITHUB_MCP_MODE"]),
        mcp::command(&["GITHUB_MCP_COMMAND"], "github-mcp-server"),
        mcp::args(&["GITHUB_MCP_ARGS"]),
        FieldSpec::secret("auth_token").env(&["GITHUB_MCP_AUTH_TOKEN"]).ask(
            "Token",
            "a fine-grained personal access token; read access to contents, metadata, pull requests, deployments and \
             actions",
        ),
        // Not GITHUB_API_URL, which GitHub Actions sets to the server that runs the job: the token may be another's.
        FieldSpec::url("api_url")
            .example("https://github.example.net/api/v3")
            .env(&["GITHUB_MCP_API_URL"])
            .ask(
                "REST API URL",
                "empty follows from the MCP server: https://api.github.com for that of GitHub, `/api/v3` of its host \
                 for another",
            )
            .extension(),
        FieldSpec::list("repositories", &[])
            .example("shop/checkout")
            .env(&["GITHUB_MCP_REPOSITORIES"])
            .ask(
                "Repositories",
                "as owner/name, with commas between: asked where the alert names none; those of the alert's service \
                 first",
            )
            .extension(),
        fields::headers(),
        FieldSpec::list("toolsets", TOOLSETS).env(&["GITHUB_MCP_TOOLSETS"]).ask("Toolsets", "with commas between"),
        fields::timeout(15.0),
        fields::verify_ssl(&["GITHUB_MCP_VERIFY_SSL"]),
        fields::ca_bundle(&["GITHUB_MCP_CA_BUNDLE"]),
    ],
    configured: Rule::Any(&[
        Rule::Set("auth_token"),
        Rule::Check { words: "a `url` of its own", holds: has_own_url },
        Rule::Check { words: "a `command` with the mode `stdio`", holds: mcp::has_command },
    ]),
    environment: Rule::Any(&[mcp::SERVER, Rule::All(&[Rule::Set("api_url"), Rule::Set("auth_token")])]),
    hooks: Hooks { refine: Some(check), ..Hooks::NONE },
    documentation: "What changed around the onset: commits, merged pull requests, deployments, releases and workflow \
                    runs, over the REST API. Needs a read-only personal access token: contents, metadata, pull \
                    requests, deployments and actions. An MCP server may be declared too; this program does not start \
                    or ask it.",
};

/// GitHub's own server.
pub(super) const OFFICIAL: &str = "https://api.githubcopilot.com/mcp/";

const TOOLSETS: &[&str] = &["repos", "issues", "pull_requests", "actions", "search"];

/// The URL is declared as text, since old set-ups expect its default with the slash at the end; so it is checked here.
fn check(draft: &mut Draft) {
    mcp::refine(draft);
    let is_http =
        |url: &str| Url::parse(url).is_ok_and(|url| matches!(url.scheme(), "http" | "https") && url.has_host());
    if draft.config.text("url").is_some_and(|url| !is_http(url)) {
        refine::reject(draft, "url", "must be an absolute http or https URL");
    }
    if draft.config.text("api_url").is_some_and(|url| !Url::parse(url).is_ok_and(|url| address::is_safe(&url))) {
        refine::reject(draft, "api_url", "must be https; http is allowed for localhost, 127.0.0.0/8 and ::1 only");
    }
    let repositories = draft.config.list("repositories");
    if let Some(odd) = repositories.iter().position(|text| Repository::parse(text).is_none()) {
        let reason = format!("entry {} is no owner/name; it is never asked", odd + 1);
        draft.warnings.push((Some("repositories"), reason));
    }
}

/// Whether another server than GitHub's own is named. That one lets nobody in without a token.
fn has_own_url(config: &Config) -> bool {
    config.text("url").is_some_and(|url| url.trim_end_matches('/') != OFFICIAL.trim_end_matches('/'))
}
