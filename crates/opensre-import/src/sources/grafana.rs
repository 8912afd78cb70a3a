//! The data sources of a Grafana: the Prometheus, Alertmanager, Loki, Tempo and Jaeger behind them, asked directly.
//!
//! Facts from the vendor's pages "Data source HTTP API" and "Provision Grafana" (`jsonData`, `secureJsonData`). What is
//! secret about a data source cannot be read back from Grafana; only which secrets there are.

use serde_json::Value as Json;

use super::place;
use crate::proposal::{Found, Given, Proposal, Tag};
use crate::{endpoint, names, tags, yaml};

/// What is known about the Grafana that was asked.
#[derive(Debug, Clone)]
pub struct Asked {
    /// Its address: `grafana/prod`.
    pub address: String,
    /// Its URL.
    pub endpoint: String,
    /// Its tags, which its data sources share.
    pub tags: Vec<(String, Json)>,
}

/// A kind of data source, and the provider's fields.
struct Kind {
    name: &'static str,
    service: &'static str,
    tenant: Option<&'static str>,
}

const KINDS: &[Kind] = &[
    Kind { name: "prometheus", service: "prometheus", tenant: Some("tenant") },
    Kind { name: "alertmanager", service: "alertmanager", tenant: None },
    Kind { name: "loki", service: "loki", tenant: Some("org_id") },
    Kind { name: "tempo", service: "tempo", tenant: Some("org_id") },
    Kind { name: "jaeger", service: "jaeger", tenant: None },
    Kind { name: "victoriametrics-metrics-datasource", service: "victoriametrics", tenant: None },
];

/// Whether a data source of this type can become an instance.
pub fn is_known(kind: &str) -> bool {
    KINDS.iter().any(|known| known.name == kind)
}

/// Reads data sources, each as `GET /api/datasources/uid/{uid}` or the list answers.
pub fn read(sources: &[Json], asked: &Asked) -> Found {
    let mut found = Found::default();
    let mut others: Vec<String> = Vec::new();
    let mut proxied = false;
    for source in sources {
        let name = yaml::text(source.get("name")).unwrap_or_else(|| "without a name".to_owned());
        let kind = yaml::text(source.get("type")).unwrap_or_default();
        let Some(known) = KINDS.iter().find(|known| known.name == kind) else {
            others.push(format!("`{name}` ({kind})"));
            continue;
        };
        match proposal(source, &name, known, asked) {
            Ok(proposal) => {
                proxied |= yaml::text(source.get("access")).as_deref() != Some("direct");
                found.proposals.push(proposal);
            }
            Err(reason) => found.skip(place("data source", &name, None), reason, None),
        }
    }
    if proxied {
        found.note(
            "a data source's URL is as Grafana reaches it (access `proxy`), often inside a cluster: `opensre integrations \
             verify` shows whether this machine does too",
        );
    }
    if !others.is_empty() {
        found.note(format!("of other kinds, and not imported: {}", others.join(", ")));
    }
    found
}

fn proposal(source: &Json, name: &str, kind: &Kind, asked: &Asked) -> Result<Proposal, String> {
    let url = yaml::text(source.get("url")).ok_or("it has no URL")?;
    let host = endpoint::host(&url).ok_or("its URL is none")?;
    if endpoint::is_local(&url) && !endpoint::is_local(&asked.endpoint) {
        return Err(format!("its URL means Grafana's own machine ({host})"));
    }
    let data = source.get("jsonData");
    let part = |key: &str| data.and_then(|data| data.get(key));
    if yaml::flag(part("sigV4Auth")) == Some(true) {
        return Err("it signs its requests for AWS (SigV4), which is not supported here".to_owned());
    }

    let own = names::without(name, &[kind.service, kind.name]);
    let grafana = asked.address.split_once('/').map_or("", |(_, name)| name);
    let own = if own.is_empty() { grafana } else { own.as_str() };
    let mut proposal = Proposal::new(kind.service, own, format!("data source `{name}` of {}", asked.address));
    proposal.full_name = names::slug(&format!("{grafana}-{name}"));
    proposal.identity = &["base_url"];
    proposal.text("base_url", Some(url));
    if yaml::flag(source.get("basicAuth")) == Some(true) {
        proposal.text("username", yaml::text(source.get("basicAuthUser")));
        proposal.secret("password", Some(Given::Withheld("Grafana does not give its data sources' secrets away")));
    }
    headers(&mut proposal, data, kind);
    if yaml::flag(part("tlsSkipVerify")) == Some(true) {
        proposal.plain("verify_ssl", Json::Bool(false));
        proposal.note("the check of the server's certificate is off there, and here then too");
    }
    if yaml::flag(part("tlsAuthWithCACert")) == Some(true) {
        proposal.note("it has CA certificates of its own, which cannot be read: set `ca_bundle`");
    }
    if yaml::flag(part("tlsAuth")) == Some(true) {
        proposal.note("it has a client certificate, which is not supported here");
    }
    if yaml::flag(part("oauthPassThru")) == Some(true) {
        proposal.note("it hands the Grafana user's OAuth token on, which this program does not have");
    }
    if yaml::text(source.get("access")).as_deref() != Some("direct") && !host.contains('.') {
        proposal.note(format!("`{host}` is a name that only Grafana's own network may know"));
    }
    for (key, value) in &asked.tags {
        let inferred_from = Some(asked.address.clone());
        proposal.tags.push(Tag { key: key.clone(), value: value.clone(), inferred_from });
    }
    tags::infer(&mut proposal, name, &format!("the name `{name}`"));
    tags::infer_region(&mut proposal, &host, &format!("the host `{host}`"));
    Ok(proposal)
}

/// `httpHeaderName1`, `httpHeaderName2`, ...: their values are secrets of Grafana's.
fn headers(proposal: &mut Proposal, data: Option<&Json>, kind: &Kind) {
    let Some(data) = data.and_then(Json::as_object) else { return };
    for (key, value) in data {
        let Some(name) = key.strip_prefix("httpHeaderName").and(yaml::text(Some(value))) else { continue };
        match name.to_ascii_lowercase().as_str() {
            "authorization" => {
                let given = Given::Withheld("Grafana does not give its data sources' secrets away");
                proposal.secret("bearer_token", Some(given));
            }
            "x-scope-orgid" if kind.tenant.is_some() => {
                let field = kind.tenant.unwrap_or_default();
                proposal.note(format!("it sends a tenant (X-Scope-OrgID), which cannot be read: set `{field}`"));
            }
            _ => proposal.note(format!("it sends the header {name}, whose value cannot be read")),
        }
    }
}
