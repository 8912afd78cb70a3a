//! Instances as a user configures them, and asking them.

use std::sync::Arc;
use std::time::{Duration, Instant};

use jiff::Timestamp;
use opensre_http::{Http, HttpOptions, Proxies};
use opensre_model::alert::Alert;
use opensre_model::diagnostic::Source;
use opensre_model::evidence::EvidenceData;
use opensre_model::identity::Expect;
use opensre_model::instance::{Instance, InstanceName, Settings, Tags};
use opensre_model::policy::Policy;
use opensre_model::provider::FieldKind;
use opensre_model::record::Document;
use opensre_model::resolution::{Precedence, Resolved, resolve};
use opensre_model::secret::{Secret, SecretFailure, SecretSource, SecretValue};
use opensre_model::value::Config;
use opensre_model::window::Window;
use opensre_providers::driver::{Access, Answer, Input, Neighbours, Probe, Provider, Query, Relevance};
use opensre_providers::{catalogue, providers};
use serde_json::{Value as Json, json};

use super::scene::{Scene, canary, now, onset};
use super::table::{Place, Row};

/// Long enough for every server that answers.
pub(crate) const AMPLE: Duration = Duration::from_mins(1);
/// Long enough to notice a server that does not.
pub(crate) const SHORT: Duration = Duration::from_millis(400);

/// Secrets stand in the store; there is no environment and no file to look into.
pub(crate) struct Plain;

impl SecretSource for Plain {
    fn resolve(&self, value: &SecretValue, _: &Source) -> Result<Secret, SecretFailure> {
        match value {
            SecretValue::Plain(secret) => Ok(secret.clone()),
            SecretValue::Reference(_) => Err(SecretFailure { reason: "there is none".to_owned(), hint: None }),
        }
    }
}

/// An HTTP layer that tries twice, without waiting.
pub(crate) fn http() -> Http {
    Http::new(HttpOptions {
        attempts: 2,
        first_wait: Duration::from_millis(1),
        longest_wait: Duration::from_millis(1),
        proxies: Proxies::None,
        clock: now,
        ..HttpOptions::default()
    })
}

/// The window of the incident.
pub(crate) fn window() -> Window {
    Window::around(Some(onset()), None, now(), None)
}

/// The provider of a key.
pub(crate) fn provider(key: &str) -> Provider {
    providers().into_iter().find(|provider| provider.spec.key == key).expect("a provider of the registry")
}

/// One instance, as an entry of the store: what the row says, and a canary in every other secret field.
pub(crate) fn entry(row: &Row, place: &Place<'_>, tags: &Json) -> Json {
    let mut credentials = (row.credentials)(place);
    for field in provider(row.key).spec.fields.iter().filter(|field| field.secret) {
        if credentials.get(field.key).is_none() && !row.not_beside.contains(&field.key) {
            let secret = canary(row.key, field.key, place.name);
            credentials[field.key] =
                if field.kind == FieldKind::SecretMap { json!({ "X-Canary": secret }) } else { json!(secret) };
        }
    }
    json!({"name": place.name, "tags": tags, "credentials": credentials})
}

/// A store of these entries, in effect.
pub(crate) fn resolved(entries: &[(&str, Vec<Json>)]) -> Resolved {
    let records: Vec<Json> = entries
        .iter()
        .map(|(key, instances)| json!({"id": key, "service": key, "status": "active", "instances": instances}))
        .collect();
    let source = Source::Store { path: "store".to_owned() };
    let document = Document::from_json(json!({"version": 2, "integrations": records})).expect("a store");
    let (records, odd) = document.records(&source);
    assert!(odd.is_empty(), "{odd:?}");
    resolve(&catalogue(), &records, &[], Precedence::Store)
}

/// Access to the only instance of a row at a place.
pub(crate) fn access(row: &Row, place: &Place<'_>, deadline: Duration) -> Access {
    access_with(row, place, deadline, false)
}

/// The same, asking for TLS if wanted.
pub(crate) fn access_with(row: &Row, place: &Place<'_>, deadline: Duration, tls: bool) -> Access {
    let mut entry = entry(row, place, &json!({}));
    if tls {
        (row.ask_for_tls)(&mut entry["credentials"]);
    }
    let resolved = resolved(&[(row.key, vec![entry])]);
    let instance = resolved.instances().next();
    let instance = instance.unwrap_or_else(|| panic!("{}: {:?}", row.key, resolved.diagnostics)).clone();
    assert_eq!(instance.service, row.key, "the place decides which provider it is");
    Access {
        instance,
        http: http(),
        secrets: Arc::new(Plain),
        neighbours: Neighbours::default(),
        deadline: Instant::now() + deadline,
    }
}

/// Every query of the row's provider with what it is asked: by the alerts, else by hand.
pub(crate) fn questions(row: &Row, scene: &Scene) -> Vec<(&'static Query, Input)> {
    let alerts: Vec<Alert> =
        (row.alerts)(scene).iter().map(|alert| Alert::parse(alert.to_string().as_bytes())).collect();
    let mut questions = Vec::new();
    for query in provider(row.key).queries {
        let planned = alerts.iter().filter_map(|alert| match (query.relevance)(alert) {
            Relevance::Ask(inputs) => inputs.into_iter().next(),
            Relevance::Skip(_) => None,
        });
        let by_hand = row.by_hand.iter().filter(|(name, _)| *name == query.name).map(|(_, input)| input());
        let by_hand = by_hand.map(|input| Input(input.as_object().cloned().unwrap_or_default()));
        let all: Vec<Input> = planned.chain(by_hand).collect();
        assert!(
            !all.is_empty(),
            "{} {}: no alert of its row makes it relevant; give the row one that does, or an input by hand",
            row.key,
            query.name
        );
        questions.extend(all.into_iter().take(1).map(|input| (query, input)));
    }
    questions
}

/// Asks; a query that does not come back at all is an offence of its own, and so is one that panics.
pub(crate) async fn ask(access: &Access, query: &'static Query, input: &Input) -> Result<Answer, String> {
    let (access, input) = (access.clone(), input.clone());
    let task = tokio::spawn(async move { (query.run)(&access, &input, window()).await });
    match tokio::time::timeout(AMPLE, task).await {
        Ok(Ok(answer)) => Ok(answer),
        Ok(Err(failure)) => Err(format!("broke off: {failure}")),
        Err(_) => Err(format!("did not come back within {AMPLE:?}")),
    }
}

/// Probes, likewise.
pub(crate) async fn probe(access: &Access) -> Result<Probe, String> {
    let (access, provider) = (access.clone(), provider(&access.instance.service));
    let task = tokio::spawn(async move { opensre_providers::driver::verify(&provider, &access).await });
    match tokio::time::timeout(AMPLE, task).await {
        Ok(Ok(probe)) => Ok(probe),
        Ok(Err(failure)) => Err(format!("broke off: {failure}")),
        Err(_) => Err(format!("did not come back within {AMPLE:?}")),
    }
}

/// The id of a trace that failed, as Tempo's own search tells it.
pub(crate) async fn failed_trace(tempo: std::net::SocketAddr) -> String {
    let row = super::table::row("tempo");
    let folder = tempfile::tempdir().expect("a folder");
    let access = access(row, &Place { address: tempo, name: "prod", folder: folder.path() }, AMPLE);
    let query = provider("tempo").queries.iter().find(|query| query.name == "search").expect("a search");
    let labels = json!({"labels": {"service": "checkout"}});
    let answer = ask(&access, query, &Input(labels.as_object().cloned().unwrap_or_default())).await.expect("an answer");
    let spans = answer.evidence.iter().find_map(|evidence| match &evidence.data {
        EvidenceData::Spans { spans } => spans.iter().find(|span| span.error),
        _ => None,
    });
    spans.unwrap_or_else(|| panic!("no trace failed: {:?}", answer.gaps)).trace_id.clone()
}

/// A time that alerts write.
pub(crate) fn rfc3339(time: Timestamp) -> String {
    time.to_string()
}

/// Access to an instance of a provider that is only declared; nothing of it is set.
pub(crate) fn declared(provider: &Provider) -> Access {
    let instance = Instance {
        service: provider.spec.key.to_owned(),
        family: provider.spec.family.to_owned(),
        name: InstanceName::new("prod"),
        tags: Tags::default(),
        expect: Expect::default(),
        policy: Policy::default(),
        settings: Settings::Typed(Config::default()),
        integration_id: "id".to_owned(),
        source: Source::Store { path: "store".to_owned() },
    };
    Access {
        instance,
        http: http(),
        secrets: Arc::new(Plain),
        neighbours: Neighbours::default(),
        deadline: Instant::now() + AMPLE,
    }
}
