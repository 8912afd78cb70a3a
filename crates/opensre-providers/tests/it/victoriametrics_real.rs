//! VictoriaMetrics against two real servers with a past that the tests import.

use std::fmt::Write as _;
use std::path::Path;
use std::process::Command;

use opensre_model::evidence::{Evidence, EvidenceData, Meaning};
use opensre_model::window::Window;
use opensre_providers::driver::{Access, Answer, Input, ProbeStatus};
use opensre_providers::victoriametrics::PROVIDER;
use serde_json::json;

use crate::real::{Process, ask, free_port, http, instance, last_hours, wait_for};
use crate::stub::input;

struct Server {
    port: u16,
    _process: Process,
}

impl Server {
    /// A server with two hours of one service's requests in it, of which `failing` in a minute fail since the onset,
    /// and an alert about it.
    async fn start(folder: &Path, name: &str, failing: u64) -> Self {
        let port = free_port();
        let log = folder.join(format!("{name}.log"));
        let mut command = Command::new("/usr/bin/victoria-metrics");
        command.arg(format!("-storageDataPath={}", folder.join(name).display()));
        command.args([&format!("-httpListenAddr=127.0.0.1:{port}"), "-retentionPeriod=1"]);
        let process = Process::start(&mut command, &log, "victoria-metrics");
        let server = Self { port, _process: process };
        wait_for(
            || async { http(port, "GET", "/health", "").await.filter(|(status, _)| *status == 200) },
            || std::fs::read_to_string(&log).unwrap_or_default(),
        )
        .await;
        let imported = http(port, "POST", "/api/v1/import/prometheus", &past(last_hours(), failing)).await;
        assert_eq!(imported.map(|(status, _)| status), Some(204));
        // Samples show after some seconds, or when asked to.
        http(port, "GET", "/internal/force_flush", "").await.unwrap();
        server
    }

    fn access(&self, name: &str) -> Access {
        instance(&PROVIDER, name, &[("base_url", &format!("http://127.0.0.1:{}", self.port))])
    }

    /// How often its API was asked, by its own count.
    async fn asked(&self) -> u64 {
        let (_, metrics) = http(self.port, "GET", "/metrics", "").await.unwrap();
        let reads = |line: &&str| {
            line.starts_with("vm_http_requests_total{path=\"/api/v1/")
                && !line.contains("import")
                && !line.contains("write")
        };
        metrics.lines().filter(reads).filter_map(|line| line.rsplit(' ').next()?.parse::<u64>().ok()).sum()
    }
}

/// Two hours of samples, four a minute, in the text format.
fn past(window: Window, failing: u64) -> String {
    let (onset, end) = (window.onset.as_millisecond(), window.end.as_millisecond());
    let (mut text, mut failed) = (String::new(), 0);
    for step in 0..480_u64 {
        let at = end - i64::try_from(480 - step).unwrap() * 15_000;
        if at >= onset {
            failed += failing / 4;
        }
        writeln!(text, "http_requests_total{{service=\"checkout\",code=\"200\"}} {} {at}", step * 50).unwrap();
        writeln!(text, "http_requests_total{{service=\"checkout\",code=\"500\"}} {failed} {at}").unwrap();
        if at >= onset && failing > 0 {
            writeln!(text, "ALERTS{{alertname=\"CheckoutSlow\",alertstate=\"firing\",service=\"checkout\"}} 1 {at}")
                .unwrap();
        }
    }
    text
}

fn of_checkout() -> Input {
    input("labels", json!({"service": "checkout", "alertname": "CheckoutErrors"}))
}

fn series(evidence: &Evidence) -> &[opensre_model::evidence::Series] {
    match &evidence.data {
        EvidenceData::Metrics { series, .. } => series,
        other => panic!("these are {}", other.kind()),
    }
}

/// The largest value before and since the onset.
fn peaks(evidence: &Evidence) -> (f64, f64) {
    let onset = evidence.origin.window.onset;
    let points = || series(evidence).iter().flat_map(|one| &one.points);
    let peak =
        |since: bool| points().filter(|(at, _)| (*at >= onset) == since).map(|(_, value)| *value).fold(0.0, f64::max);
    (peak(false), peak(true))
}

async fn asks(access: &Access, name: &str, input: &Input) -> Answer {
    let answer = ask(&PROVIDER, access, name, input).await;
    for evidence in &answer.evidence {
        assert_eq!(
            (evidence.origin.service.as_str(), evidence.origin.instance.as_str()),
            ("victoriametrics", "production")
        );
        assert!(evidence.origin.link.as_deref().is_some_and(|link| link.contains("/vmui/")), "{:?}", evidence.origin);
    }
    answer
}

#[tokio::test(flavor = "multi_thread")]
async fn two_servers_of_which_one_is_asked() {
    let folder = tempfile::tempdir().unwrap();
    let production = Server::start(folder.path(), "production", 120).await;
    let staging = Server::start(folder.path(), "staging", 0).await;
    let (access, other) = (production.access("production"), staging.access("staging"));
    for one in [&access, &other] {
        let probe = (PROVIDER.probe.unwrap())(one).await;
        assert_eq!(probe.status, ProbeStatus::Passed, "{probe:?}");
    }
    let before = (production.asked().await, staging.asked().await);
    assert!(before.1 > 0, "the count tells who asked");

    let expression = "sum by (service) (rate(http_requests_total{code=\"500\"}[5m]))";
    let answer = asks(&access, "range", &input("query", json!(expression))).await;
    assert!(answer.gaps.is_empty(), "{:?}", answer.gaps);
    let (baseline, incident) = peaks(&answer.evidence[0]);
    assert!(baseline.abs() < 1e-9 && (incident - 2.0).abs() < 0.2, "{baseline} {incident}");

    let mut rule = of_checkout();
    rule.0.insert("name".to_owned(), "CheckoutErrors".into());
    rule.0.insert("expression".to_owned(), format!("{expression} > 0.5").into());
    let answer = asks(&access, "alert-rule", &rule).await;
    let measured: Vec<&Evidence> = answer
        .evidence
        .iter()
        .filter(|one| matches!(one.data, EvidenceData::Metrics { meaning: Meaning::AlertCondition, .. }))
        .collect();
    assert!(peaks(measured[0]).1 > 0.5, "{answer:?}");

    let answer = asks(&access, "related", &of_checkout()).await;
    let errors = answer
        .evidence
        .iter()
        .find(|one| matches!(one.data, EvidenceData::Metrics { meaning: Meaning::Errors, .. }))
        .unwrap_or_else(|| panic!("{answer:?}"));
    assert!(errors.origin.query.contains("http_requests_total"));
    let (baseline, incident) = peaks(errors);
    assert!(incident > baseline, "{baseline} {incident}");
    let meanings =
        answer.evidence.iter().any(|one| matches!(one.data, EvidenceData::Metrics { meaning: Meaning::Traffic, .. }));
    assert!(meanings, "{answer:?}");

    let answer = asks(&access, "alerts", &of_checkout()).await;
    let told = serde_json::to_string(&answer.evidence).unwrap();
    assert!(told.contains("CheckoutSlow"), "{answer:?}");

    // The count is written anew once a second.
    wait_for(
        || async { (production.asked().await > before.0).then_some(()) },
        || "the production server was not asked".to_owned(),
    )
    .await;
    tokio::time::sleep(std::time::Duration::from_millis(1_100)).await;
    assert_eq!(staging.asked().await, before.1, "only the chosen one is asked");

    // The past of the other is its own.
    let answer = ask(&PROVIDER, &other, "range", &input("query", json!(expression))).await;
    assert!(peaks(&answer.evidence[0]).1.abs() < 1e-9, "{answer:?}");
    let answer = ask(&PROVIDER, &other, "range", &input("query", json!("sum(("))).await;
    assert!(answer.evidence.is_empty() && answer.gaps.len() == 1, "{answer:?}");
}
