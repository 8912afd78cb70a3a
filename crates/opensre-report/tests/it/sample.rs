//! One report that has something in every part.

use jiff::Timestamp;
use opensre_model::alert::{AlertFormat, AlertState};
use opensre_model::evidence::{Gap, GapKind};
use opensre_model::report::{
    AlertSummary, Category, CausalStep, Claim, EvidenceSummary, Hypothesis, HypothesisStatus, InstanceChoice, Report,
    SCHEMA, Timings, Verdict,
};
use opensre_model::routing::{Rejected, RouteStep};
use opensre_model::window::Window;

pub(crate) fn at(text: &str) -> Timestamp {
    text.parse().expect("a timestamp")
}

pub(crate) fn report() -> Report {
    let window = Window {
        baseline_start: at("2026-11-24T08:47:00Z"),
        start: at("2026-11-24T09:47:00Z"),
        onset: at("2026-11-24T10:02:00Z"),
        end: at("2026-11-24T10:20:00Z"),
    };
    let claim = |text: &str, ids: &[&str]| Claim {
        text: text.to_owned(),
        evidence: ids.iter().map(|id| (*id).to_owned()).collect(),
    };
    let evidence = |id: &str, kind: &str, summary: &str, used: bool| EvidenceSummary {
        id: id.to_owned(),
        service: "grafana".to_owned(),
        instance: "staging".to_owned(),
        datasource: Some("prom-main (prometheus)".to_owned()),
        kind: kind.to_owned(),
        query: r#"sum by (status) (rate(http_requests_total{service="checkout"}[2m]))"#.to_owned(),
        window,
        summary: summary.to_owned(),
        link: Some("https://staging.example.net/explore?left=(a)".to_owned()),
        truncated: None,
        used,
        sparkline: vec![],
        excerpt: vec![],
    };
    let mut errors = evidence("E1", "metrics", "errors of checkout rose from 0.1 % to 31 % at 09:58", true);
    errors.sparkline = (0..60).map(|step| if step < 40 { 0.0 } else { f64::from(step - 39) }).collect();
    let mut logs = evidence("E2", "logs", "new error lines since 09:58", true);
    logs.excerpt =
        vec!["java.lang.NullPointerException: cart.currency is null\u{1b}[2J at `Checkout.total` <script>".to_owned()];
    logs.truncated = Some("5000 of at least 5000 lines were read".to_owned());
    Report {
        schema: SCHEMA.to_owned(),
        alert: AlertSummary {
            title: "HighErrorRate on checkout".to_owned(),
            format: AlertFormat::Grafana,
            state: AlertState::Firing,
            severity: Some("critical".to_owned()),
            starts_at: Some(window.onset),
            ends_at: None,
            labels: [("service".to_owned(), "checkout".to_owned())].into(),
        },
        window,
        instances: vec![InstanceChoice {
            service: "grafana".to_owned(),
            instance: Some("staging".to_owned()),
            integration_id: Some("grafana-1a2b3c4d".to_owned()),
            source: Some("store /home/ann/.tracer/integrations.json".to_owned()),
            tags: [("env".to_owned(), "staging".to_owned())].into(),
            step: RouteStep::Hint,
            reason: "the alert names it: annotations.grafana_instance is 'staging'".to_owned(),
            path: Some("annotations.grafana_instance".to_owned()),
            rules: vec![],
            policies: vec![],
            rejected: vec![Rejected { instance: "prod".to_owned(), why: "the hint names another".to_owned() }],
            warnings: vec!["two alerts of the group name different instances".to_owned()],
            queries: 14,
        }],
        groups: vec![],
        verdict: Verdict {
            category: Category::CodeDefect,
            root_cause: "checkout throws NullPointerException since release 2.4.1 at 09:57:30.".to_owned(),
            confidence: 0.86,
        },
        claims: vec![
            claim("The error ratio of checkout rose from 0.1 % to 31 % at 09:58.", &["E1"]),
            claim("New log line: java.lang.NullPointerException.", &["E2"]),
        ],
        hypotheses: vec![
            Hypothesis {
                title: "release 2.4.1 of checkout brought a fault".to_owned(),
                category: Category::CodeDefect,
                score: 0.86,
                supporting: vec![claim("an exception is new since the release", &["E2"])],
                against: vec![],
                status: HypothesisStatus::Confirmed,
                would_tell: None,
            },
            Hypothesis {
                title: "checkout runs out of memory".to_owned(),
                category: Category::ResourceExhaustion,
                score: 0.05,
                supporting: vec![],
                against: vec![claim("memory stayed at 41 % of its limit", &["E3"])],
                status: HypothesisStatus::RuledOut,
                would_tell: None,
            },
        ],
        causal_chain: vec![
            CausalStep {
                time: Some(at("2026-11-24T09:57:30Z")),
                text: "checkout 2.4.1 is deployed".to_owned(),
                evidence: vec!["E4".to_owned()],
            },
            CausalStep { time: None, text: "every tenth request fails".to_owned(), evidence: vec![] },
        ],
        evidence: vec![errors, logs, evidence("E3", "metrics", "memory is steady", false)],
        gaps: vec![
            Gap {
                service: "grafana".to_owned(),
                instance: Some("staging".to_owned()),
                operation: Some("traces".to_owned()),
                kind: GapKind::Denied,
                reason: "Tempo answered 403 Forbidden".to_owned(),
                hint: Some("give the service account the permission datasources:query".to_owned()),
            },
            Gap {
                service: "datadog".to_owned(),
                instance: None,
                operation: None,
                kind: GapKind::NotSupported,
                reason: "opensre cannot gather evidence from Datadog yet".to_owned(),
                hint: None,
            },
        ],
        next_steps: vec!["Roll checkout back to the release before 2.4.1.".to_owned()],
        warnings: vec!["alerts[1] is no object and was left out".to_owned()],
        timings: Timings {
            total_ms: 1480,
            gather_ms: 940,
            calls: 17,
            deadline_passed: false,
            instances: vec![("grafana/staging".to_owned(), 930)],
        },
    }
}
