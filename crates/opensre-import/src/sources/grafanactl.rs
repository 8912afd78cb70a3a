//! Contexts of `grafanactl` and of its successor `gcx`.
//!
//! Facts from the vendor's pages "Configuration reference" of both and "Keychain credential storage" of gcx: a map of
//! `contexts`, each with its `grafana`; since version 1 of gcx a context names one of `stacks`, which has it. A secret
//! that gcx keeps in the system's keychain is `keychain:...` in the file, and cannot be read by another program.

use serde_json::Value as Json;

use super::{File, place};
use crate::proposal::{Found, Given, Proposal};
use crate::{Malformed, endpoint, tags, yaml};

const SERVICE: &str = "grafana";

/// Reads a configuration file of either tool.
pub fn read(file: File<'_>) -> Result<Found, Malformed> {
    let root = yaml::parse(file.text)?;
    let Some(contexts) = root.get("contexts").and_then(Json::as_object) else {
        return Err(Malformed::new("it has no `contexts`")
            .hint("name a configuration file of grafanactl or gcx; `gcx config path` shows where it is"));
    };
    let mut found = Found::default();
    let lines = yaml::lines_of_map(file.text);
    let current = yaml::text(root.get("current-context"));
    let mut names: Vec<&String> = contexts.keys().collect();
    names.sort_by_key(|name| Some(*name) != current.as_ref());
    for name in names {
        let Some(context) = contexts.get(name) else { continue };
        match proposal(&root, name, context) {
            Ok(proposal) => found.proposals.push(proposal),
            Err(reason) => found.skip(place("context", name, lines.get(name).copied()), reason, None),
        }
    }
    Ok(found)
}

fn proposal(root: &Json, name: &str, context: &Json) -> Result<Proposal, String> {
    let stack = match yaml::text(context.get("stack")) {
        Some(stack) => Some(
            root.get("stacks")
                .and_then(|stacks| stacks.get(&stack))
                .ok_or_else(|| format!("its stack `{stack}` is not in the file"))?,
        ),
        None => None,
    };
    let grafana = stack.unwrap_or(context).get("grafana").ok_or("it has no `grafana`")?;
    let server = yaml::text(grafana.get("server")).ok_or("its `grafana` has no `server`")?;

    let mut proposal = Proposal::new(SERVICE, name, format!("context `{name}`"));
    proposal.identity = &["endpoint"];
    proposal.text("endpoint", Some(server.clone()));
    proposal.secret("api_key", Some(token(grafana)));
    for (kind, field) in [("loki", "loki_datasource_uid"), ("tempo", "tempo_datasource_uid")] {
        let newer = [Some(context), stack]
            .into_iter()
            .flatten()
            .find_map(|part| yaml::text(part.get("datasources")?.get(kind)));
        proposal.text(field, newer.or_else(|| yaml::text(context.get(format!("default-{kind}-datasource")))));
    }
    let tls = grafana.get("tls");
    let part = |key: &str| tls.and_then(|tls| tls.get(key));
    // Older versions of grafanactl had it beside the server.
    let insecure = part("insecure-skip-verify").or_else(|| grafana.get("insecure-skip-tls-verify"));
    if yaml::flag(insecure) == Some(true) {
        proposal.plain("verify_ssl", Json::Bool(false));
        proposal.note("the check of the server's certificate is off there, and here then too");
    }
    proposal.text("ca_bundle", yaml::text(part("ca-file")));
    if part("ca-data").is_some_and(|data| !data.is_null()) && !proposal.has("ca_bundle") {
        proposal.note("its CA certificates stand inside the file: write them to one of their own and set `ca_bundle`");
    }
    if ["cert-data", "cert-file"].iter().any(|key| part(key).is_some_and(|data| !data.is_null())) {
        proposal.note("it has a client certificate, which is not supported here");
    }
    tags::infer(&mut proposal, name, &format!("the name `{name}`"));
    if let Some(host) = endpoint::host(&server) {
        tags::infer(&mut proposal, &host, &format!("the host `{host}`"));
    }
    Ok(proposal)
}

/// The service account token, or why there is none.
fn token(grafana: &Json) -> Given {
    match yaml::text(grafana.get("token")) {
        Some(token) if token.starts_with("keychain:") => {
            Given::Withheld("gcx keeps it in the system's keychain, which other programs cannot read")
        }
        Some(token) => Given::literal(&token).unwrap_or(Given::Withheld("it is blank")),
        None if grafana.get("oauth-token").is_some()
            || yaml::text(grafana.get("auth-method")).as_deref() == Some("oauth") =>
        {
            Given::Withheld("it signs in with OAuth in a browser; make a service account token")
        }
        None if grafana.get("user").is_some() => {
            Given::Withheld("it signs in with user and password; make a service account token")
        }
        None => Given::Withheld("it has no token; make a service account token"),
    }
}
