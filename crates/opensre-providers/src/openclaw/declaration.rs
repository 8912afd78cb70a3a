//! What is declared about OpenClaw (MCP).

use opensre_model::provider::{Draft, FieldSpec, Hooks, ProviderKind, ProviderSpec};
use url::Url;

use crate::{fields, mcp, refine};

/// OpenClaw (MCP).
pub static SPEC: ProviderSpec = ProviderSpec {
    key: "openclaw",
    name: "OpenClaw (MCP)",
    aliases: &[],
    family: "openclaw",
    kind: ProviderKind::Communication,
    instances_variable: Some("OPENCLAW_INSTANCES"),
    fields: &[
        FieldSpec::url("url")
            .example("https://openclaw.example.net/mcp")
            .env(&["OPENCLAW_MCP_URL"])
            .ask("MCP server URL", "with its path; port 18789 alone is the web interface"),
        mcp::mode(&["OPENCLAW_MCP_MODE"]),
        mcp::command(&["OPENCLAW_MCP_COMMAND"], "openclaw"),
        mcp::args(&["OPENCLAW_MCP_ARGS"]),
        FieldSpec::secret("auth_token")
            .env(&["OPENCLAW_MCP_AUTH_TOKEN"])
            .ask("Token", "the gateway token; leave empty where none is asked for"),
        fields::headers(),
        fields::timeout(15.0),
        fields::verify_ssl(&["OPENCLAW_MCP_VERIFY_SSL"]),
        fields::ca_bundle(&["OPENCLAW_MCP_CA_BUNDLE"]),
    ],
    configured: mcp::SERVER,
    environment: mcp::SERVER,
    hooks: Hooks { refine: Some(check), ..Hooks::NONE },
    documentation: "Tools of an OpenClaw gateway, through the Model Context Protocol. Needs the gateway token \
                    where one is set.",
};

/// Port of the gateway's web interface, which speaks no MCP.
const WEB_INTERFACE: u16 = 18_789;

fn check(draft: &mut Draft) {
    mcp::refine(draft);
    refine::strip_bearer(draft, "auth_token");
    let is_web_interface =
        |url: Url| refine::is_loopback(&url) && url.port() == Some(WEB_INTERFACE) && matches!(url.path(), "" | "/");
    if draft.config.text("url").and_then(|url| Url::parse(url).ok()).is_some_and(is_web_interface) {
        let reason = "port 18789 without a path is the web interface of the gateway, not its MCP server";
        draft.warnings.push((Some("url"), reason.to_owned()));
    }
}
