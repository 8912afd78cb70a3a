//! Which REST API belongs to an instance. Pure.
//!
//! The token goes there, so it must be the GitHub that the token is of: what cannot be told is not guessed.

use opensre_model::evidence::GapKind;
use opensre_model::value::Config;
use url::Url;

use super::declaration::OFFICIAL;
use crate::failure::Failure;
use crate::{mcp, refine};

/// The API of github.com.
const PUBLIC: &str = "https://api.github.com";

/// A REST API, and the pages that belong to it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Address {
    /// Base URL of the API.
    pub api: Url,
    /// Base URL of the pages that people read, without a path.
    pub web: Url,
    /// Whether the API is at the host of the MCP server, so that the headers meant for that host may be sent too.
    pub beside_mcp: bool,
}

impl Address {
    /// The REST API of an instance: `api_url`; else github.com's for GitHub's own MCP server and for its program started
    /// without another host; else `/api/v3` at the host of the MCP server (GitHub Enterprise Server).
    pub fn of(config: &Config) -> Result<Self, Failure> {
        let server = config.text("url").and_then(|url| Url::parse(url).ok());
        let stdio = mcp::has_command(config);
        let api = match config.text("api_url") {
            Some(url) => Url::parse(url).ok(),
            None if stdio => of_program(config),
            None => server.as_ref().and_then(of_server),
        };
        let api = api.filter(is_safe).ok_or_else(unknown)?;
        let web = web(&api).ok_or_else(unknown)?;
        let beside_mcp = !stdio && server.is_some_and(|server| server.origin() == api.origin());
        Ok(Self { api, web, beside_mcp })
    }

    /// The host by which repositories are named in links (`github.com`).
    pub fn host(&self) -> &str {
        self.web.host_str().unwrap_or_default()
    }
}

fn unknown() -> Failure {
    Failure::new(GapKind::Failed, "which REST API belongs to this MCP server cannot be told")
        .with_hint("set api_url: https://api.github.com, or https://HOST/api/v3 of a GitHub Enterprise Server")
}

/// Whether a token may be sent there: over TLS, or not leaving this machine.
pub fn is_safe(url: &Url) -> bool {
    url.has_host() && (url.scheme() == "https" || (url.scheme() == "http" && refine::is_loopback(url)))
}

/// The API beside an MCP server.
fn of_server(server: &Url) -> Option<Url> {
    let host = server.host_str()?;
    let official = Url::parse(OFFICIAL).ok()?;
    if official.host_str() == Some(host) {
        return Url::parse(PUBLIC).ok();
    }
    if let Some(tenant) = host.strip_prefix("copilot-api.").filter(|host| host.ends_with(".ghe.com")) {
        return Url::parse(&format!("https://api.{tenant}")).ok();
    }
    of_host(&server.origin().ascii_serialization())
}

/// The API of a GitHub by the URL of its pages.
fn of_host(host: &str) -> Option<Url> {
    let written = if host.contains("://") { host.to_owned() } else { format!("https://{host}") };
    let mut url = Url::parse(&written).ok()?;
    match url.host_str()? {
        "github.com" | "www.github.com" | "api.github.com" => Url::parse(PUBLIC).ok(),
        host if host.ends_with(".ghe.com") => {
            Url::parse(&format!("https://api.{}", host.strip_prefix("api.").unwrap_or(host))).ok()
        }
        _ => {
            url.set_path("/api/v3");
            Some(url)
        }
    }
}

/// The API that a child process asks, where its command line tells: `--gh-host`, `GITHUB_HOST=`. GitHub's own program
/// asks github.com without either; of another program, or where the variable comes from elsewhere, nobody knows.
fn of_program(config: &Config) -> Option<Url> {
    let args = config.list("args");
    for (position, arg) in args.iter().enumerate() {
        let value = ["--gh-host=", "--gh_host=", "GITHUB_HOST="].iter().find_map(|name| arg.strip_prefix(name));
        let next = matches!(arg.as_str(), "--gh-host" | "--gh_host").then(|| args.get(position + 1)).flatten();
        if let Some(host) = value.or(next.map(String::as_str)) {
            return of_host(host);
        }
    }
    let program = config.text("command").unwrap_or_default();
    let is_githubs = std::iter::once(program).chain(args.iter().map(String::as_str)).any(|word| {
        let name = word.rsplit(['/', '\\']).next().unwrap_or_default();
        name.split([':', '@', '.']).next() == Some("github-mcp-server")
    });
    let elsewhere = args.iter().any(|arg| arg.contains("GITHUB_HOST"));
    if is_githubs && !elsewhere { Url::parse(PUBLIC).ok() } else { None }
}

/// The pages that belong to an API.
fn web(api: &Url) -> Option<Url> {
    let mut web = api.clone();
    web.set_path("/");
    web.set_query(None);
    web.set_fragment(None);
    let _ = web.set_password(None);
    let _ = web.set_username("");
    let host = api.host_str()?;
    if let Some(bare) = host.strip_prefix("api.").filter(|_| !api.path().starts_with("/api/v3")) {
        web.set_host(Some(bare)).ok()?;
    }
    Some(web)
}
