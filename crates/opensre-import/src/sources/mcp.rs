//! Servers of the Model Context Protocol, as their hosts' files name them: the systems behind those that we know.
//!
//! Facts from the pages "Connect Claude Code to tools via MCP" (`mcpServers`, `${VAR}` and `${VAR:-default}`), "MCP
//! configuration reference" of VS Code (`servers`, `inputs`, `${input:id}`, `${env:VAR}`) and Zed's `context_servers`.
//! No server is started: an instance is made from the variables that a server would be given.

use opensre_model::provider::{Catalogue, EnvironmentMap, FieldKind};
use serde_json::{Map, Value as Json};

use super::mcp_servers::{KNOWN, Known};
use super::{File, place};
use crate::proposal::{Found, Proposal};
use crate::spelling::{self, Written};
use crate::{Malformed, endpoint, jsonc, names, tags, yaml};

/// Reads a host's file.
pub fn read(file: File<'_>, catalogue: &Catalogue, environment: &EnvironmentMap) -> Result<Found, Malformed> {
    let root = jsonc::parse(file.text)?;
    let mut found = Found::default();
    let mut any = false;
    let projects = root.get("projects").and_then(Json::as_object);
    let places = projects.into_iter().flat_map(|projects| projects.values()).chain([&root]);
    let places = places.chain(root.get("mcp"));
    for place in places {
        for key in ["mcpServers", "servers", "context_servers"] {
            if let Some(list) = place.get(key).and_then(Json::as_object) {
                any = true;
                servers(list, catalogue, environment, spelling::mcp, &mut found);
            }
        }
    }
    if !any {
        return Err(Malformed::new("it names no MCP servers")
            .hint("they stand under `mcpServers`, `servers` or `context_servers`"));
    }
    found.merge_alike();
    Ok(found)
}

/// Reads a map of servers.
pub(super) fn servers(
    list: &Map<String, Json>,
    catalogue: &Catalogue,
    environment: &EnvironmentMap,
    spelled: fn(&str) -> Written,
    found: &mut Found,
) {
    for (name, server) in list {
        let server = Server::of(name, server, spelled);
        let place = place("server", name, None);
        let Some(known) = server.known() else {
            let hint = "servers are recognised by their program, package, image or host";
            found.skip(place, "it is not a server that is known here", Some(hint));
            continue;
        };
        if server.disabled {
            found.skip(place, "it is turned off", None);
            continue;
        }
        match server.proposal(known, catalogue, environment) {
            Ok(proposal) => found.proposals.push(proposal),
            Err(reason) => found.skip(place, reason, None),
        }
    }
}

/// A server as it is written.
struct Server<'a> {
    name: &'a str,
    words: Vec<String>,
    variables: Vec<(String, String)>,
    /// Variables that a container is given from the shell, without a value of their own.
    passed_on: Vec<String>,
    headers: Vec<(String, String)>,
    url: Option<String>,
    disabled: bool,
    spelled: fn(&str) -> Written,
}

impl<'a> Server<'a> {
    fn of(name: &'a str, written: &Json, spelled: fn(&str) -> Written) -> Self {
        let text = |key: &str| yaml::text(written.get(key));
        // Zed's older form: `"command": {"path": .., "args": .., "env": ..}`.
        let command = written.get("command").filter(|command| command.is_object()).unwrap_or(written);
        let program = yaml::text(command.get("path")).or_else(|| text("command"));
        let arguments = command
            .get("args")
            .and_then(Json::as_array)
            .into_iter()
            .flatten()
            .filter_map(|word| yaml::text(Some(word)));
        let pairs = |map: Option<&Json>| -> Vec<(String, String)> {
            let map = map.and_then(Json::as_object).into_iter().flatten();
            map.filter_map(|(key, value)| Some((key.clone(), yaml::text(Some(value))?))).collect()
        };
        let mut server = Self {
            name,
            words: program.into_iter().chain(arguments).collect(),
            variables: pairs(command.get("env")),
            passed_on: Vec::new(),
            headers: pairs(written.get("headers")),
            url: text("url").or_else(|| text("serverUrl")).or_else(|| text("httpUrl")),
            disabled: yaml::flag(written.get("disabled")) == Some(true)
                || yaml::flag(written.get("enabled")) == Some(false),
            spelled,
        };
        server.read_container();
        server
    }

    /// What a container or `env` is given on its command line: `-e NAME`, `-e NAME=value`, `--env=NAME=value`,
    /// `NAME=value` before the program. `mcp-remote URL --header "Name: value"` stands for a remote server.
    fn read_container(&mut self) {
        let mut words = self.words.iter().skip(1).peekable();
        let (mut set, mut passed_on, mut headers, mut url) = (Vec::new(), Vec::new(), Vec::new(), None);
        while let Some(word) = words.next() {
            let assignment = match word.as_str() {
                "-e" | "--env" => words.next().map(String::as_str),
                "--header" => {
                    if let Some((name, value)) = words.next().and_then(|header| header.split_once(':')) {
                        headers.push((name.trim().to_owned(), value.trim().to_owned()));
                    }
                    None
                }
                word if word.starts_with("https://") || word.starts_with("http://") => {
                    url.get_or_insert_with(|| word.to_owned());
                    None
                }
                word => {
                    word.strip_prefix("--env=").or_else(|| word.strip_prefix("-e").filter(|rest| rest.contains('=')))
                }
            };
            match assignment.map(|text| text.split_once('=').ok_or(text)) {
                Some(Ok((name, value))) => set.push((name.to_owned(), value.to_owned())),
                Some(Err(name)) => passed_on.push(name.to_owned()),
                None => {}
            }
        }
        // A command line wins over the host's `env`, for it is what the container gets.
        self.variables.splice(0..0, set);
        self.passed_on = passed_on;
        self.headers.extend(headers);
        if self.url.is_none() && self.words.iter().any(|word| bare(word) == "mcp-remote") {
            self.url = url;
        }
    }

    fn known(&self) -> Option<&'static Known> {
        let host = self.url.as_deref().and_then(endpoint::host);
        KNOWN.iter().find(|known| {
            host.as_deref().is_some_and(|host| known.has_host(host))
                || self.words.iter().any(|word| known.has_name(bare(word)) || known.has_name(last(bare(word))))
        })
    }

    /// The value of a flag: `--flag value` or `--flag=value`.
    fn flag(&self, flag: &str) -> Option<&str> {
        let mut words = self.words.iter();
        while let Some(word) = words.next() {
            if word == flag {
                return words.next().map(String::as_str).filter(|value| !value.starts_with('-'));
            }
            if let Some(value) = word.strip_prefix(flag).and_then(|rest| rest.strip_prefix('=')) {
                return Some(value);
            }
        }
        None
    }

    fn proposal(&self, known: &Known, catalogue: &Catalogue, environment: &EnvironmentMap) -> Result<Proposal, String> {
        let spec = catalogue.find(known.service).ok_or("its provider is not known here")?;
        let mut proposal = Proposal::new(
            known.service,
            &names::without(self.name, &["mcp", "server", known.service]),
            format!("server `{}`", self.name),
        );
        proposal.full_name = names::slug(self.name);
        proposal.identity = known.identity;
        let declared = |key: &str| spec.field(key);
        let set = |proposal: &mut Proposal, field: &str, written: Written| -> Result<(), String> {
            let Some(declared) = declared(field) else { return Ok(()) };
            if proposal.has(field) {
                return Ok(());
            }
            if declared.secret {
                proposal.secret(field, written.secret());
                return Ok(());
            }
            let text = written.plain(environment).map_err(|reason| format!("its `{field}` {reason}"))?;
            if text.is_empty() {
                return Ok(());
            }
            let value = match declared.kind {
                FieldKind::Boolean { .. } => {
                    opensre_model::fields::boolean(&Json::from(text.as_str())).map_or(Json::Null, Json::Bool)
                }
                FieldKind::List { .. } => {
                    text.split(',').map(str::trim).filter(|item| !item.is_empty()).map(Json::from).collect()
                }
                _ => Json::String(text),
            };
            if !value.is_null() {
                proposal.plain(field, value);
            }
            Ok(())
        };
        for (variable, field) in known.variables {
            if let Some((_, value)) = self.variables.iter().find(|(name, _)| name == variable) {
                set(&mut proposal, field, (self.spelled)(value))?;
            } else if self.passed_on.iter().any(|name| name == variable) {
                set(&mut proposal, field, Written::Variable((*variable).to_owned()))?;
            }
        }
        for (flag, field) in known.flags {
            if let Some(value) = self.flag(flag) {
                set(&mut proposal, field, (self.spelled)(value))?;
            }
        }
        for (name, value) in &self.headers {
            let plain = name.replace('-', "_").to_uppercase();
            if name.eq_ignore_ascii_case("authorization") {
                spelling::authorization(&mut proposal, value, known.authorization, self.spelled);
            } else if let Some((_, field)) = known.variables.iter().find(|(variable, _)| *variable == plain) {
                set(&mut proposal, field, (self.spelled)(value))?;
            }
        }
        self.refine(&mut proposal, known)?;
        if let Some(secret) = known.secret
            && !proposal.has(secret)
        {
            proposal.secret(secret, Written::Elsewhere.secret());
            proposal.note("the server signs in by itself (OAuth); here a token is needed");
        }
        let from_name = format!("the name `{}`", self.name);
        tags::infer(&mut proposal, self.name, &from_name);
        let hosts: Vec<String> =
            known.identity.iter().filter_map(|key| endpoint::host(proposal.plain_text(key)?)).collect();
        for host in hosts {
            tags::infer(&mut proposal, &host, &format!("the host `{host}`"));
        }
        Ok(proposal)
    }

    /// What is odd about one server or the other.
    fn refine(&self, proposal: &mut Proposal, known: &Known) -> Result<(), String> {
        let host = self.url.as_deref().and_then(endpoint::host);
        match known.service {
            "github" => {
                if let Some(host) = proposal.plain_text("api_url").map(str::to_owned) {
                    proposal.text("api_url", Some(github_api(&host)));
                } else if let Some(host) = host.filter(|host| host != "api.githubcopilot.com") {
                    // `copilot-api.<name>.ghe.com` is the MCP server of `<name>.ghe.com`, whose API is at `api.`.
                    let host = host.strip_prefix("copilot-api.").unwrap_or(&host).to_owned();
                    proposal.text("api_url", Some(format!("https://api.{host}")));
                }
            }
            "datadog" => {
                if let Some(site) = host.as_deref().and_then(|host| host.strip_prefix("mcp."))
                    && !proposal.has("site")
                {
                    proposal.text("site", Some(site.to_owned()));
                }
            }
            "sentry" => {
                if let Some(host) =
                    proposal.plain_text("base_url").filter(|host| !host.contains("://")).map(str::to_owned)
                {
                    proposal.text("base_url", Some(format!("https://{host}")));
                }
                let path = self.url.as_deref().and_then(|url| url.split_once("/mcp/")).map(|(_, path)| path);
                let slug = path.and_then(|path| path.split(['/', '?']).next()).filter(|slug| !slug.is_empty());
                if let (Some(slug), false) = (slug, proposal.has("organization_slug")) {
                    proposal.text("organization_slug", Some(slug.to_owned()));
                }
            }
            "kubernetes" if !proposal.has("context") && !proposal.has("kubeconfig") => {
                let reason = "it uses the current context of the kubeconfig; `opensre integrations import kubeconfig` imports all";
                return Err(reason.to_owned());
            }
            "aws" => {
                // The profile says which account it is; several servers use one.
                if let Some(profile) = proposal.plain_text("profile").map(str::to_owned) {
                    proposal.name = names::slug(&profile);
                    tags::infer(proposal, &profile, &format!("the profile `{profile}`"));
                } else if !proposal.has("access_key_id") {
                    return Err("it uses the default profile; `opensre integrations import aws` imports all".to_owned());
                }
            }
            _ => {}
        }
        Ok(())
    }
}

/// GitHub Enterprise's REST API: below `/api/v3` on a server of one's own, at `api.` on ghe.com.
fn github_api(host: &str) -> String {
    let host = host.trim_end_matches('/').trim_start_matches("https://").trim_start_matches("http://");
    if host == "github.com" {
        "https://api.github.com".to_owned()
    } else if host.ends_with(".ghe.com") {
        format!("https://api.{host}")
    } else {
        format!("https://{host}/api/v3")
    }
}

/// A program, package or image without what does not name it: folder, registry, version, tag, digest.
fn bare(word: &str) -> &str {
    let word = word.split("@sha256:").next().unwrap_or_default();
    if word.starts_with('/') || word.starts_with("./") || word.starts_with("~/") {
        return last(word);
    }
    // `@scope/name@1.2`, `name@latest`, `registry:5000/owner/name:tag`.
    let word = match word.rfind('@') {
        Some(at) if at > 0 => &word[..at],
        _ => word,
    };
    let word = match word.rfind(':') {
        Some(colon) if !word[colon..].contains('/') => &word[..colon],
        _ => word,
    };
    match word.split_once('/') {
        Some((registry, rest)) if registry.contains('.') || registry.contains(':') => rest,
        _ => word,
    }
}

fn last(word: &str) -> &str {
    word.rsplit('/').next().unwrap_or(word)
}
