//! Typed evidence as text.

use opensre_model::evidence::{
    Event, EventKind, Evidence, EvidenceData, Gap, GapKind, LogLine, Meaning, Origin, ResourceState, Series, Span,
};
use opensre_report::evidence::render;

use crate::sample::{at, report};

fn piece(data: EvidenceData) -> Evidence {
    let origin = Origin {
        service: "loki".to_owned(),
        instance: "prod".to_owned(),
        datasource: None,
        operation: "logs".to_owned(),
        query: r#"{app="shop"}"#.to_owned(),
        window: report().window,
        link: Some("https://loki.example/explore".to_owned()),
    };
    Evidence { origin, summary: "what it says".to_owned(), truncated: Some("half of it".to_owned()), data }
}

fn line(message: &str) -> LogLine {
    let labels = [("app".to_owned(), "shop".to_owned())].into();
    LogLine { time: at("2026-11-24T10:00:00Z"), level: Some("error".to_owned()), message: message.to_owned(), labels }
}

#[test]
fn every_kind_has_its_rows() {
    let labels: std::collections::BTreeMap<String, String> = [("app".to_owned(), "shop".to_owned())].into();
    let time = at("2026-11-24T10:00:00Z");
    let series = Series { labels: labels.clone(), points: vec![(time, 1.0), (time, 4.0), (time, 2.0)] };
    let event = Event {
        time,
        kind: EventKind::Deploy,
        title: "v2".to_owned(),
        text: "by ann".to_owned(),
        labels: labels.clone(),
    };
    let span = Span {
        trace_id: "abc".to_owned(),
        span_id: "1".to_owned(),
        parent_id: None,
        service: "shop".to_owned(),
        name: "GET /".to_owned(),
        start: time,
        duration_ms: 12.34,
        error: true,
        message: "refused".to_owned(),
        attributes: labels.clone(),
    };
    let state = ResourceState {
        kind: "pod".to_owned(),
        name: "shop-1".to_owned(),
        observed_at: time,
        healthy: Some(false),
        attributes: labels,
    };
    let rows: Vec<String> = [
        EvidenceData::Metrics { meaning: Meaning::Errors, unit: None, threshold: None, series: vec![series] },
        EvidenceData::Logs { lines: vec![line("it \u{1b}[31mbroke\nhere")] },
        EvidenceData::Events { events: vec![event] },
        EvidenceData::Spans { spans: vec![span] },
        EvidenceData::States { states: vec![state] },
    ]
    .into_iter()
    .flat_map(|data| render(&[piece(data)], &[], true).lines().map(str::to_owned).collect::<Vec<_>>())
    .filter(|row| row.starts_with("    "))
    .collect();
    insta::assert_snapshot!(rows.join("\n"), @r"
        {app=shop} ▁█▃ least 1.0000, greatest 4.0000, last 2.0000
        2026-11-24 10:00:00 error it [31mbroke here
        2026-11-24 10:00:00 deploy v2: by ann {app=shop}
        2026-11-24 10:00:00 ERROR shop GET / 12.3 ms trace abc: refused
        pod shop-1 NOT healthy {app=shop}
    ");
}

#[test]
fn where_it_comes_from_what_was_cut_and_what_did_not_answer_are_told() {
    let gap = Gap {
        service: "loki".to_owned(),
        instance: Some("prod".to_owned()),
        operation: Some("logs".to_owned()),
        kind: GapKind::Denied,
        reason: "403".to_owned(),
        hint: Some("give it the right to read".to_owned()),
    };
    let lines = (0..130).map(|number| line(&format!("line {number}"))).collect();
    let text = render(&[piece(EvidenceData::Logs { lines })], &[gap], true);
    let told: Vec<&str> = text.lines().filter(|row| !row.contains(" error line ")).collect();
    insta::assert_snapshot!(told.join("\n"), @r#"
    what it says
      from    loki/prod
      query   {app="shop"}
      window  2026-11-24 09:47:00 to 10:20:00 UTC, compared with the 1 h before
      link    https://loki.example/explore
      cut     half of it
        ... 30 more with --format json

    gap: loki/prod logs: denied: 403
      hint: give it the right to read
    "#);
}
