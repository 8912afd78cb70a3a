//! HolmesGPT's configuration: toolsets, each with one flat config or a list of `instances:`.
//!
//! Facts from HolmesGPT's pages "Multiple Instances" (names, shared defaults, credentials that are inherited as a group
//! only), "Data sources" (the fields of each toolset) and "Environment variable substitution" (`{{ env.NAME }}`). Its
//! Helm values have the same under `toolsets`, the Robusta chart's under `holmes.toolsets`.

use opensre_model::provider::{Catalogue, EnvironmentMap};
use serde_json::{Map, Value as Json, json};

use super::{File, mcp, place};
use crate::proposal::{Field, Found, Proposal};
use crate::spelling::{self, AuthorizationFields};
use crate::{Malformed, endpoint, tags, yaml};

/// Fields of one group: an instance that has one of them inherits none of the others.
const CREDENTIALS: &[&str] =
    &["api_key", "username", "password", "bearer_token", "app_key", "dd_api_key", "dd_app_key", "token"];

/// Reads a configuration file.
pub fn read(file: File<'_>, catalogue: &Catalogue, environment: &EnvironmentMap) -> Result<Found, Malformed> {
    let root = yaml::parse(file.text)?;
    let inner = root.get("holmes").filter(|inner| inner.is_object()).unwrap_or(&root);
    let toolsets = inner.get("toolsets").and_then(Json::as_object);
    let servers = inner.get("mcp_servers").and_then(Json::as_object);
    if toolsets.is_none() && servers.is_none() {
        return Err(Malformed::new("it has neither `toolsets` nor `mcp_servers`")
            .hint("name HolmesGPT's configuration, ~/.holmes/config.yaml as a rule, or its Helm values"));
    }
    let lines = yaml::lines_of_map(file.text);
    let mut reader = Reader { environment, found: Found::default() };
    for (name, toolset) in toolsets.into_iter().flatten() {
        let place = place("toolset", name, lines.get(name).copied());
        reader.toolset(name, toolset, &place);
    }
    let mut found = reader.found;
    if let Some(servers) = servers {
        // Newer versions have the connection below `config`.
        let flat = servers.iter().map(|(name, server)| {
            let mut flat = server.get("config").and_then(Json::as_object).cloned().unwrap_or_default();
            for (key, value) in server.as_object().into_iter().flatten() {
                flat.entry(key.clone()).or_insert_with(|| value.clone());
            }
            (name.clone(), Json::Object(flat))
        });
        mcp::servers(&flat.collect(), catalogue, environment, spelling::holmes, &mut found);
    }
    found.merge_alike();
    Ok(found)
}

struct Reader<'a> {
    environment: &'a EnvironmentMap,
    found: Found,
}

/// What an instance's config is read from.
struct Config<'a> {
    map: Map<String, Json>,
    environment: &'a EnvironmentMap,
}

type Reading = Result<Proposal, String>;

impl Reader<'_> {
    fn toolset(&mut self, name: &str, toolset: &Json, place: &str) {
        if yaml::flag(toolset.get("enabled")) == Some(false) {
            return self.found.skip(place, "it is turned off", None);
        }
        let Some(translate) = translator(name) else {
            return self.found.skip(place, "it has no counterpart here", untranslated(name));
        };
        let Some(config) = toolset.get("config").and_then(Json::as_object) else {
            let hint =
                "its settings come from variables: `opensre integrations import env` reads those that are known here";
            return self.found.skip(place, "it has no `config`", Some(hint));
        };
        let lists = ["instances", "clusters", "kafka_clusters"];
        let list = lists.iter().find_map(|key| config.get(*key).and_then(Json::as_array));
        let Some(list) = list else {
            self.instance(name, place, None, config.clone(), translate);
            return;
        };
        let mut shared = config.clone();
        shared.retain(|key, _| !lists.contains(&key.as_str()));
        for (index, entry) in list.iter().enumerate() {
            let Some(entry) = entry.as_object() else {
                self.found.skip(format!("instance {index} of {place}"), "it is no map", None);
                continue;
            };
            let own = ["name", "id"].iter().find_map(|key| yaml::text(entry.get(*key)));
            let Some(own) = own else {
                self.found.skip(format!("instance {index} of {place}"), "it has no name", Some("give it a `name`"));
                continue;
            };
            self.instance(name, place, Some(&own), over(&shared, entry), translate);
        }
    }

    fn instance(
        &mut self,
        toolset: &str,
        place: &str,
        name: Option<&str>,
        map: Map<String, Json>,
        translate: Translate,
    ) {
        let origin = match name {
            Some(name) => format!("instance `{name}` of toolset `{toolset}`"),
            None => format!("toolset `{toolset}`"),
        };
        let config = Config { map, environment: self.environment };
        match translate(&config) {
            Ok(mut proposal) => {
                proposal.origin = origin;
                proposal.name = crate::names::slug(name.unwrap_or_default());
                proposal.full_name.clone_from(&proposal.name);
                if let Some(name) = name {
                    tags::infer(&mut proposal, name, &format!("the name `{name}`"));
                }
                let hosts: Vec<String> =
                    proposal.identity.iter().filter_map(|key| endpoint::host(proposal.plain_text(key)?)).collect();
                for host in hosts {
                    tags::infer(&mut proposal, &host, &format!("the host `{host}`"));
                }
                self.found.proposals.push(proposal);
            }
            Err(reason) => {
                let what = name.map_or_else(|| place.to_owned(), |name| format!("instance `{name}` of {place}"));
                self.found.skip(what, reason, None);
            }
        }
    }
}

/// An instance's own fields over the shared ones; of the credentials only all or none are shared.
fn over(shared: &Map<String, Json>, own: &Map<String, Json>) -> Map<String, Json> {
    let mut map = shared.clone();
    if CREDENTIALS.iter().any(|key| own.get(*key).is_some_and(|value| !value.is_null())) {
        map.retain(|key, _| !CREDENTIALS.contains(&key.as_str()));
    }
    map.extend(own.iter().map(|(key, value)| (key.clone(), value.clone())));
    map
}

type Translate = fn(&Config<'_>) -> Reading;

/// Which provider a toolset is.
fn translator(name: &str) -> Option<Translate> {
    Some(match name {
        "grafana/dashboards" | "grafana/grafana" => grafana,
        "grafana/loki" => |config| grafana_or(config, "loki", "loki_datasource_uid"),
        "grafana/tempo" => |config| grafana_or(config, "tempo", "tempo_datasource_uid"),
        "prometheus/metrics" => prometheus,
        "datadog" | "datadog/logs" | "datadog/metrics" | "datadog/traces" | "datadog/general" => datadog,
        "elasticsearch/data" | "elasticsearch/cluster" => elasticsearch,
        "coralogix" | "coralogix/logs" => coralogix,
        "newrelic" => newrelic,
        "rabbitmq/core" => rabbitmq,
        "kafka/admin" => kafka,
        "MongoDBAtlas" => mongodb_atlas,
        "pagerduty" => pagerduty,
        _ => return None,
    })
}

/// What to do about a toolset that is known and not translated.
fn untranslated(name: &str) -> Option<&'static str> {
    if name.starts_with("kubernetes/") {
        Some("it uses the current kubeconfig: `opensre integrations import kubeconfig`")
    } else if name.starts_with("aws/") {
        Some("it uses the current AWS profile: `opensre integrations import aws`")
    } else if name == "victorialogs" {
        Some("set it up beside its VictoriaMetrics: `opensre integrations add victoriametrics`, field `logs_url`")
    } else {
        None
    }
}

impl Config<'_> {
    /// A field that is no secret; one that refers to an unset variable is an error.
    fn text(&self, keys: &[&str]) -> Result<Option<String>, String> {
        let Some((key, text)) = keys.iter().find_map(|key| Some((*key, yaml::text(self.map.get(*key))?))) else {
            return Ok(None);
        };
        let text = spelling::holmes(&text).plain(self.environment).map_err(|reason| format!("its `{key}` {reason}"))?;
        Ok(Some(text).filter(|text| !text.is_empty()))
    }

    fn needed(&self, keys: &[&str]) -> Result<String, String> {
        self.text(keys)?.ok_or_else(|| format!("it has no `{}`", keys.first().copied().unwrap_or_default()))
    }

    fn secret(&self, proposal: &mut Proposal, field: &str, keys: &[&str]) {
        let written = keys.iter().find_map(|key| yaml::text(self.map.get(*key)));
        proposal.secret(field, written.and_then(|text| spelling::holmes(&text).secret()));
    }

    fn verify(&self, proposal: &mut Proposal, keys: &[&str]) {
        if keys.iter().any(|key| yaml::flag(self.map.get(*key)) == Some(false)) {
            proposal.plain("verify_ssl", json!(false));
            proposal.note("the check of the server's certificate is off there, and here then too");
        }
    }

    /// The HTTP headers of an instance: who asks, for which tenant, and whatever else there is a field for.
    fn headers(
        &self,
        proposal: &mut Proposal,
        tenant: Option<&str>,
        map: Option<&str>,
        authorization: AuthorizationFields,
    ) {
        let mut others = Vec::new();
        let all = ["headers", "additional_headers"].iter().filter_map(|key| self.map.get(*key)?.as_object());
        for (name, value) in all.flatten() {
            let Some(value) = yaml::text(Some(value)) else { continue };
            if name.eq_ignore_ascii_case("authorization") {
                spelling::authorization(proposal, &value, authorization, spelling::holmes);
            } else if name.eq_ignore_ascii_case("x-scope-orgid") && tenant.is_some() {
                match spelling::holmes(&value).plain(self.environment) {
                    Ok(value) => {
                        proposal.text(tenant.unwrap_or_default(), Some(value));
                    }
                    Err(reason) => proposal.note(format!("its tenant {reason}; set `{}`", tenant.unwrap_or_default())),
                }
            } else if let (Some(_), Some(given)) = (map, spelling::holmes(&value).secret()) {
                others.push((name.clone(), given));
            } else {
                proposal.note(format!("it sends the header {name}, for which there is no field here"));
            }
        }
        if let (Some(map), false) = (map, others.is_empty()) {
            proposal.put(map, Field::Secrets(others));
        }
    }
}

const BEARER_OR_BASIC: AuthorizationFields =
    AuthorizationFields { bearer: Some("bearer_token"), basic: Some(("username", "password")) };

fn proposal(service: &str, identity: &'static [&'static str]) -> Proposal {
    let mut proposal = Proposal::new(service, "", "");
    proposal.identity = identity;
    proposal
}

fn grafana(config: &Config<'_>) -> Reading {
    let mut grafana = proposal("grafana", &["endpoint"]);
    grafana.text("endpoint", Some(config.needed(&["api_url", "url"])?));
    config.secret(&mut grafana, "api_key", &["api_key"]);
    let authorization = AuthorizationFields { bearer: Some("api_key"), basic: None };
    config.headers(&mut grafana, None, None, authorization);
    config.verify(&mut grafana, &["verify_ssl"]);
    if !grafana.has("api_key") {
        return Err("it signs in without a token; make a service account token for Grafana".to_owned());
    }
    Ok(grafana)
}

/// Loki or Tempo: through Grafana where a data source is named, else asked directly.
fn grafana_or(config: &Config<'_>, service: &str, uid_field: &str) -> Reading {
    if let Some(uid) = config.text(&["grafana_datasource_uid"])? {
        let mut grafana = grafana(config)?;
        grafana.text(uid_field, Some(uid));
        return Ok(grafana);
    }
    let mut direct = proposal(service, &["base_url"]);
    direct.text("base_url", Some(config.needed(&["api_url", "url"])?));
    direct.text("username", config.text(&["username"])?);
    config.secret(&mut direct, "password", &["password"]);
    config.secret(&mut direct, "bearer_token", &["api_key"]);
    config.headers(&mut direct, Some("org_id"), None, BEARER_OR_BASIC);
    config.verify(&mut direct, &["verify_ssl"]);
    Ok(direct)
}

fn prometheus(config: &Config<'_>) -> Reading {
    if config.map.contains_key("aws_region") {
        return Err("it signs its requests for AWS (SigV4), which is not supported here".to_owned());
    }
    let mut prometheus = proposal("prometheus", &["base_url"]);
    prometheus.text("base_url", Some(config.needed(&["prometheus_url", "url", "api_url"])?));
    config.headers(&mut prometheus, Some("tenant"), Some("headers"), BEARER_OR_BASIC);
    config.verify(&mut prometheus, &["prometheus_ssl_enabled", "verify_ssl"]);
    if let Some(label) = config.map.get("additional_labels").and_then(|labels| labels.get("cluster"))
        && let Some(cluster) = yaml::text(Some(label))
    {
        prometheus.infer("cluster", &cluster, "its `additional_labels`");
    }
    Ok(prometheus)
}

fn datadog(config: &Config<'_>) -> Reading {
    let mut datadog = proposal("datadog", &[]);
    config.secret(&mut datadog, "api_key", &["api_key", "dd_api_key"]);
    config.secret(&mut datadog, "app_key", &["app_key", "dd_app_key"]);
    if let Some(url) = config.text(&["api_url", "site_api_url"])? {
        let host = endpoint::host(&url).ok_or("its `api_url` is no URL")?;
        let host = host.strip_prefix("api.").unwrap_or(&host);
        datadog.text("site", Some(host.strip_prefix("app.").unwrap_or(host).to_owned()));
    }
    Ok(datadog)
}

fn elasticsearch(config: &Config<'_>) -> Reading {
    let mut elasticsearch = proposal("elasticsearch", &["url"]);
    elasticsearch.text("url", Some(config.needed(&["url", "api_url"])?));
    config.secret(&mut elasticsearch, "api_key", &["api_key"]);
    elasticsearch.text("username", config.text(&["username"])?);
    config.secret(&mut elasticsearch, "password", &["password"]);
    config.verify(&mut elasticsearch, &["verify_ssl"]);
    elasticsearch.note("if it is an OpenSearch, add it as `opensearch` instead: HolmesGPT uses one toolset for both");
    Ok(elasticsearch)
}

fn coralogix(config: &Config<'_>) -> Reading {
    let mut coralogix = proposal("coralogix", &[]);
    config.secret(&mut coralogix, "api_key", &["api_key"]);
    let domain = config.needed(&["domain"])?;
    coralogix.text("base_url", Some(format!("https://api.{domain}")));
    let team = config.text(&["team_slug", "team_hostname"])?;
    let ui = config.text(&["ui_url"])?.or_else(|| team.map(|team| format!("https://{team}.app.{domain}")));
    coralogix.text("app_url", ui);
    Ok(coralogix)
}

fn newrelic(config: &Config<'_>) -> Reading {
    let mut newrelic = proposal("newrelic", &["account_id"]);
    config.secret(&mut newrelic, "api_key", &["api_key", "nr_api_key"]);
    newrelic.text("account_id", Some(config.needed(&["account_id", "nr_account_id"])?));
    if yaml::flag(config.map.get("is_eu_datacenter")) == Some(true) {
        newrelic.text("region", Some("EU".to_owned()));
    }
    Ok(newrelic)
}

fn rabbitmq(config: &Config<'_>) -> Reading {
    let url = config.needed(&["api_url", "management_url"])?;
    let parsed = ::url::Url::parse(&url).map_err(|_| "its `api_url` is no URL")?;
    let mut rabbitmq = proposal("rabbitmq", &["host"]);
    rabbitmq.text("host", Some(parsed.host_str().ok_or("its `api_url` has no host")?.to_owned()));
    if let Some(port) = parsed.port_or_known_default() {
        rabbitmq.plain("management_port", json!(port));
    }
    if parsed.scheme() == "https" {
        rabbitmq.plain("ssl", json!(true));
    }
    rabbitmq.text("username", config.text(&["username"])?);
    config.secret(&mut rabbitmq, "password", &["password"]);
    config.verify(&mut rabbitmq, &["verify_ssl"]);
    Ok(rabbitmq)
}

fn kafka(config: &Config<'_>) -> Reading {
    let mut kafka = proposal("kafka", &["bootstrap_servers"]);
    kafka.text("bootstrap_servers", Some(config.needed(&["broker", "kafka_broker"])?));
    kafka.text("sasl_username", config.text(&["username", "kafka_username"])?);
    config.secret(&mut kafka, "sasl_password", &["password", "kafka_password"]);
    let others = [
        ("security_protocol", "security_protocol"),
        ("sasl_mechanism", "sasl_mechanism"),
        ("ca_bundle", "ssl_ca_cert_path"),
        ("client_certificate", "ssl_client_cert_path"),
        ("client_key", "ssl_client_key_path"),
    ];
    for (field, key) in others {
        kafka.text(field, config.text(&[key])?);
    }
    if config.map.contains_key("ssl_client_key") {
        kafka.note("its client key stands inside the file: write it to one of its own and set `client_key`");
    }
    Ok(kafka)
}

fn mongodb_atlas(config: &Config<'_>) -> Reading {
    let mut atlas = proposal("mongodb_atlas", &["project_id"]);
    atlas.text("api_public_key", config.text(&["public_key"])?);
    config.secret(&mut atlas, "api_private_key", &["private_key"]);
    atlas.text("project_id", Some(config.needed(&["project_id"])?));
    Ok(atlas)
}

fn pagerduty(config: &Config<'_>) -> Reading {
    let mut pagerduty = proposal("pagerduty", &[]);
    config.secret(&mut pagerduty, "token", &["api_key"]);
    pagerduty.text("api_host", config.text(&["api_url"])?);
    Ok(pagerduty)
}
