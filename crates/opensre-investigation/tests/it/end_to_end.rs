//! The bundled scenarios of the lab, investigated over HTTP by the real providers.

use std::sync::Arc;
use std::time::Duration;

use opensre_http::{Http, HttpOptions, Proxies};
use opensre_investigation::{Inquiry, investigate};
use opensre_lab::{Lab, scenarios};
use opensre_model::alert::Alert;
use opensre_model::diagnostic::Source;
use opensre_model::record::Document;
use opensre_model::report::Report;
use opensre_model::resolution::{Precedence, resolve};
use opensre_model::routing::RoutingMode;
use opensre_model::secret::{Secret, SecretFailure, SecretSource, SecretValue};
use opensre_model::window::Window;
use opensre_providers::{catalogue, providers};

struct Plain;

impl SecretSource for Plain {
    fn resolve(&self, value: &SecretValue, _: &Source) -> Result<Secret, SecretFailure> {
        match value {
            SecretValue::Plain(secret) => Ok(secret.clone()),
            SecretValue::Reference(_) => Err(SecretFailure { reason: "the lab has none".to_owned(), hint: None }),
        }
    }
}

async fn investigated(name: &str, at: &str) -> (Report, Lab) {
    let scenario = opensre_lab::scenario_named(name).expect("bundled").load().expect("a scenario");
    let now = at.parse().expect("constant");
    let lab = Lab::start(scenario, now).await.expect("a lab");
    let source = Source::Store { path: "lab".to_owned() };
    let (records, odd) = Document::from_json(lab.store_document()).expect("a store").records(&source);
    assert!(odd.is_empty(), "{odd:?}");
    let resolved = resolve(&catalogue(), &records, &[], Precedence::Store);
    let alert = Alert::parse(lab.alert().to_string().as_bytes());
    let window = Window::around(alert.starts_at, alert.ends_at, now, None);
    let report = investigate(Inquiry {
        alert,
        resolved: &resolved,
        providers: &providers(),
        http: Http::new(HttpOptions { proxies: Proxies::None, ..HttpOptions::default() }),
        secrets: Arc::new(Plain),
        explicit: Vec::new(),
        routing: RoutingMode::Full.into(),
        window,
        deadline: Duration::from_mins(1),
        observer: None,
        warnings: Vec::new(),
    })
    .await
    .expect("a report");
    (report, lab)
}

const NOW: &[&str] = &["2026-03-14T10:12:00Z", "2025-12-31T23:59:59Z"];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_bundled_scenario_is_diagnosed() {
    let mut wrong = Vec::new();
    for (scenario, at) in scenarios().iter().flat_map(|scenario| NOW.iter().map(move |at| (scenario, at))) {
        let (report, lab) = investigated(scenario.name, at).await;
        let wanted = format!("{:?}", lab.scenario().cause.category);
        let found = format!("{:?}", report.verdict.category);
        if wanted != found {
            wrong.push(format!("{} {at}: {found} instead of {wanted}: {}", scenario.name, report.verdict.root_cause));
        }
        // What the scenario says shows the cause is what the report rests on.
        let found = format!("{:?} {:?} {:?} {:?}", report.verdict, report.claims, report.hypotheses, report.evidence);
        let cause = &lab.scenario().cause;
        if !cause.evidence.is_empty() && !cause.evidence.iter().any(|word| found.contains(word.as_str())) {
            wrong.push(format!("{}: none of {:?} in {found}", scenario.name, cause.evidence));
        }
        for claim in report.claims.iter().flat_map(|claim| &claim.evidence) {
            assert!(report.evidence.iter().any(|one| one.id == *claim && one.used), "{claim}");
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
