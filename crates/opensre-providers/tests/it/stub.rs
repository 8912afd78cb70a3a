//! A small server that answers what a test says and remembers what it was asked, and instances that live there.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use axum::Router;
use axum::extract::Request;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use opensre_http::{Http, HttpOptions};
use opensre_model::alert::{Alert, AlertFormat, AlertState, Labels, References};
use opensre_model::diagnostic::Source;
use opensre_model::evidence::{Evidence, EvidenceData};
use opensre_model::identity::Expect;
use opensre_model::instance::{Instance, InstanceName, Settings, Tags};
use opensre_model::secret::{Secret, SecretFailure, SecretSource, SecretValue};
use opensre_model::value::{Config, Value};
use opensre_model::window::Window;
use opensre_providers::driver::{Access, Answer, Input, Neighbours, Probe, Provider};
use serde_json::{Value as Json, json};

/// A request, as the server saw it.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Seen {
    /// Path, decoded.
    pub(crate) path: String,
    /// Query parameters, decoded; the last of a name counts.
    pub(crate) query: BTreeMap<String, String>,
    /// Query parameters, decoded, all of them in order.
    pub(crate) parameters: Vec<(String, String)>,
    /// Headers.
    pub(crate) headers: BTreeMap<String, String>,
}

impl Seen {
    pub(crate) fn parameter(&self, name: &str) -> &str {
        self.query.get(name).map_or("", String::as_str)
    }

    /// All values of a parameter that is there several times.
    pub(crate) fn all(&self, name: &str) -> Vec<&str> {
        self.parameters.iter().filter(|(known, _)| known == name).map(|(_, value)| value.as_str()).collect()
    }
}

/// What the server answers.
pub(crate) enum Said {
    /// 200 and this.
    Json(Json),
    /// This status and a message.
    Status(u16),
    /// 200 and an HTML page.
    Page,
}

/// A running server.
pub(crate) struct Stub {
    /// Its base URL.
    pub(crate) url: String,
    seen: Arc<Mutex<Vec<Seen>>>,
}

impl Stub {
    /// Starts a server on a free loopback port. It ends with the test's runtime.
    pub(crate) async fn start(answer: impl Fn(&Seen) -> Said + Send + Sync + 'static) -> Self {
        let seen = Arc::new(Mutex::new(Vec::new()));
        let (memory, answer) = (seen.clone(), Arc::new(answer));
        let app = Router::new().fallback(move |request: Request| {
            let (memory, answer) = (memory.clone(), answer.clone());
            async move {
                let seen = read(&request);
                memory.lock().unwrap().push(seen.clone());
                said(answer(&seen))
            }
        });
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        tokio::spawn(async move { axum::serve(listener, app).await.unwrap() });
        Self { url, seen }
    }

    /// Everything that it was asked so far.
    pub(crate) fn seen(&self) -> Vec<Seen> {
        self.seen.lock().unwrap().clone()
    }

    /// The requests to a path.
    pub(crate) fn asked(&self, path: &str) -> Vec<Seen> {
        self.seen().into_iter().filter(|seen| seen.path == path).collect()
    }
}

fn read(request: &Request) -> Seen {
    let url = url::Url::parse(&format!("http://x{}", request.uri())).unwrap();
    let decoded = url::form_urlencoded::parse(format!("p={}", url.path().replace('+', "%2B")).as_bytes())
        .next()
        .map(|(_, path)| path.into_owned())
        .unwrap();
    let headers = request
        .headers()
        .iter()
        .map(|(name, value)| (name.to_string(), value.to_str().unwrap_or_default().to_owned()))
        .collect();
    let parameters: Vec<(String, String)> = url.query_pairs().into_owned().collect();
    Seen { path: decoded, query: parameters.iter().cloned().collect(), parameters, headers }
}

fn said(said: Said) -> Response {
    match said {
        Said::Json(answer) => ([(header::CONTENT_TYPE, "application/json")], answer.to_string()).into_response(),
        Said::Status(status) => {
            (StatusCode::from_u16(status).unwrap(), json!({ "message": "no" }).to_string()).into_response()
        }
        Said::Page => ([(header::CONTENT_TYPE, "text/html")], "<!DOCTYPE html><html>Log in</html>").into_response(),
    }
}

struct Plain;

impl SecretSource for Plain {
    fn resolve(&self, value: &SecretValue, _: &Source) -> Result<Secret, SecretFailure> {
        Ok(Secret::new(value.revealed()))
    }
}

/// Access to an instance of a provider with these fields; fields that are declared secret become secrets.
pub(crate) fn access(provider: &Provider, fields: &[(&'static str, &str)]) -> Access {
    let mut config = Config::default();
    for (key, text) in fields {
        let secret = provider.spec.field(key).expect("a declared field").secret;
        let value = if secret {
            Value::Secret(SecretValue::Plain(Secret::new(*text)))
        } else {
            Value::Text((*text).to_owned())
        };
        config.set(key, value);
    }
    let http = Http::new(HttpOptions { attempts: 1, ..HttpOptions::default() });
    Access {
        instance: Instance {
            service: provider.spec.key.to_owned(),
            family: provider.spec.family.to_owned(),
            name: InstanceName::new("prod"),
            tags: Tags::default(),
            expect: Expect::default(),
            policy: opensre_model::policy::Policy::default(),
            settings: Settings::Typed(config),
            integration_id: "id".to_owned(),
            source: Source::Store { path: "store".to_owned() },
        },
        http,
        secrets: Arc::new(Plain),
        deadline: Instant::now() + Duration::from_secs(30),
        neighbours: Neighbours::default(),
    }
}

/// Probes.
pub(crate) async fn probe(provider: &Provider, access: &Access) -> Probe {
    let told = (provider.probe.expect("a probe"))(access).await;
    let undeclared: Vec<&String> =
        told.identity.keys().filter(|name| !provider.identity.contains(&name.as_str())).collect();
    assert_eq!(undeclared, Vec::<&String>::new(), "{} tells what its declaration does not say", provider.spec.key);
    told
}

/// Runs a query of a provider by its name.
pub(crate) async fn ask(provider: &Provider, access: &Access, name: &str, input: &Input) -> Answer {
    let query = provider.queries.iter().find(|query| query.name == name).expect("a query of that name");
    (query.run)(access, input, window()).await
}

/// An input of one key.
pub(crate) fn input(key: &str, value: Json) -> Input {
    Input([(key.to_owned(), value)].into_iter().collect())
}

/// Labels from pairs.
pub(crate) fn labels(pairs: &[(&str, &str)]) -> Labels {
    pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

/// One hour of baseline before 12:00, an onset at 12:15, an end at 12:45.
pub(crate) fn window() -> Window {
    let at = |text: &str| text.parse().unwrap();
    Window {
        baseline_start: at("2024-05-01T11:00:00Z"),
        start: at("2024-05-01T12:00:00Z"),
        onset: at("2024-05-01T12:15:00Z"),
        end: at("2024-05-01T12:45:00Z"),
    }
}

/// Nanoseconds of a time within the window's day.
pub(crate) fn nanoseconds(clock: &str) -> String {
    format!("2024-05-01T{clock}Z").parse::<jiff::Timestamp>().unwrap().as_nanosecond().to_string()
}

/// Summaries of evidence, for comparison.
pub(crate) fn summaries(answer: &Answer) -> Vec<&str> {
    answer.evidence.iter().map(|evidence| evidence.summary.as_str()).collect()
}

/// Reasons of gaps, for comparison.
pub(crate) fn reasons(answer: &Answer) -> Vec<&str> {
    answer.gaps.iter().map(|gap| gap.reason.as_str()).collect()
}

/// The lines of evidence of logs.
pub(crate) fn messages(evidence: &Evidence) -> Vec<&str> {
    match &evidence.data {
        EvidenceData::Logs { lines } => lines.iter().map(|line| line.message.as_str()).collect(),
        other => panic!("these are {}", other.kind()),
    }
}

/// An alert with these labels and nothing else.
pub(crate) fn alert(pairs: &[(&str, &str)]) -> Alert {
    Alert {
        format: AlertFormat::Flat,
        title: "alert".to_owned(),
        state: AlertState::Firing,
        severity: None,
        starts_at: None,
        ends_at: None,
        labels: labels(pairs),
        label_paths: Labels::new(),
        annotations: Labels::new(),
        items: Vec::new(),
        hints: Vec::new(),
        urls: Vec::new(),
        identifiers: Vec::new(),
        references: References::default(),
        text: String::new(),
        oddities: Vec::new(),
    }
}
