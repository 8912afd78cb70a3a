//! The worked example of CONTRIBUTING.md: what stands there is what is in `beacon/`, and it is a whole provider.

use std::path::Path;

use opensre_model::alert::Alert;
use opensre_model::diagnostic::Source;
use opensre_model::environment;
use opensre_model::evidence::GapKind;
use opensre_model::instance::Instance;
use opensre_model::provider::{Catalogue, EnvironmentMap};
use opensre_model::record::Record;
use opensre_model::resolution::{Precedence, resolve};
use opensre_model::routing::{RoutingMode, route};
use opensre_providers::docs::{provider_page, support_table};
use opensre_providers::driver::{Access, ProbeStatus, Relevance, verify};
use serde_json::json;

use crate::beacon::{PROVIDER, wire};
use crate::stub::{Said, Seen, Stub, access, ask, probe, summaries, window};

fn beacon(seen: &Seen) -> Said {
    match seen.path.as_str() {
        _ if seen.headers.get("authorization").is_none_or(|value| value != "Bearer t0ken") => Said::Status(401),
        "/v1/me" => Said::Json(json!({"user": "sam"})),
        "/v1/incidents" => Said::Json(json!({"incidents": [
            {"title": "checkout is down", "component": "checkout", "started_at": "2024-05-01T12:10:00Z"},
            {"title": "no time"},
        ]})),
        _ => Said::Status(404),
    }
}

/// Two instances of Beacon in a store, of which the alert names the second.
fn chosen(prod: &str, staging: &str) -> Instance {
    let catalogue = Catalogue::new(vec![PROVIDER.spec]);
    let instance = |name: &str, url: &str| json!({"name": name, "tags": {"env": name}, "credentials": {"base_url": url, "token": "t0ken"}});
    let record = json!({"id": "b", "service": "beacon", "status": "active",
        "instances": [instance("prod", prod), instance("staging", staging)]});
    let source = Source::Store { path: "store".to_owned() };
    let record = Record::from_json(&record, &source, 0).0.expect("a record");
    let resolved = resolve(&catalogue, vec![record], vec![], Precedence::Store);
    let alert = Alert::parse(br#"{"title": "x", "state": "alerting", "beacon_instance": "staging"}"#);
    let routes = route(&catalogue, &resolved, &alert, &[], RoutingMode::default());
    routes[0].chosen[0].clone()
}

#[tokio::test]
async fn two_instances_are_configured_and_only_the_chosen_one_is_asked() {
    let (prod, staging) = (Stub::start(beacon).await, Stub::start(beacon).await);
    let access = Access { instance: chosen(&prod.url, &staging.url), ..access(&PROVIDER, &[]) };
    let proved = probe(&PROVIDER, &access).await;
    assert_eq!((proved.status, proved.identity["user"].as_str()), (ProbeStatus::Passed, "sam"));

    let alert = Alert::parse(br#"{"title": "x", "state": "alerting", "commonLabels": {"component": "checkout"}}"#);
    let Relevance::Ask(inputs) = (PROVIDER.queries[0].relevance)(&alert) else { panic!("it is relevant") };
    PROVIDER.queries[0].check(&inputs[0]).expect("what the planner gives fits");
    let answer = ask(&PROVIDER, &access, "incidents", &inputs[0]).await;
    assert_eq!(summaries(&answer), ["1 incidents of checkout in the window"]);
    assert_eq!(answer.evidence[0].truncated.as_deref(), Some("1 entries could not be read"));
    let origin = &answer.evidence[0].origin;
    assert_eq!((origin.instance.as_str(), origin.window), ("staging", window()));
    assert_eq!(staging.asked("/v1/incidents")[0].query["component"], "checkout");
    assert!(prod.seen().is_empty());
}

#[tokio::test]
async fn a_failure_is_a_gap_and_a_failed_probe() {
    let stub = Stub::start(|_| Said::Page).await;
    let access = access(&PROVIDER, &[("base_url", &stub.url), ("token", "t0ken")]);
    assert_eq!(verify(&PROVIDER, &access).await.status, ProbeStatus::Failed);
    let answer = ask(&PROVIDER, &access, "incidents", &crate::stub::input("labels", json!({"component": "x"}))).await;
    assert_eq!((answer.evidence.len(), answer.gaps[0].kind), (0, GapKind::Failed));
    assert!(wire::incidents(&json!([])).is_err());
}

#[test]
fn variables_pages_and_the_support_table_follow_from_the_declaration() {
    let catalogue = Catalogue::new(vec![PROVIDER.spec]);
    let pairs = [("BEACON_URL", "https://beacon.example.com"), ("BEACON_TOKEN", "t")];
    let variables: EnvironmentMap = pairs.iter().map(|(name, value)| ((*name).into(), (*value).into())).collect();
    let (records, diagnostics) = environment::records(&catalogue, &variables);
    assert_eq!(
        (resolve(&catalogue, vec![], records, Precedence::Store).instances().count(), diagnostics.len()),
        (1, 0)
    );
    assert!(provider_page(&PROVIDER).contains("| `token` | text |"));
    assert!(
        support_table(&[PROVIDER])
            .contains("| ✅ `BEACON_INSTANCES` | ✅ | ✅ hint, name, tag, URL | ✅ | `user` | ✅ 1 | – |")
    );
}

#[test]
fn the_guide_shows_these_very_files_and_the_one_line() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let guide = std::fs::read_to_string(root.join("../../CONTRIBUTING.md")).expect("the guide");
    for file in ["declaration", "mod", "probe", "wire", "incidents"] {
        let code = std::fs::read_to_string(root.join(format!("tests/it/beacon/{file}.rs"))).expect("a file");
        // Here it stands outside of the crate.
        let code = code.replace("opensre_providers::", "crate::");
        let shown = format!("```rust\n// crates/opensre-providers/src/beacon/{file}.rs\n{code}```\n");
        assert!(guide.contains(&shown), "CONTRIBUTING.md does not show {file}.rs as it is; it has to be:\n{shown}");
    }
    // The one line, as it is written for the others in `lib.rs`.
    let line = |module: &str| format!("    pub mod {module};\n");
    assert!(guide.contains(&format!("providers! {{\n    // ...\n{}}}\n", line("beacon"))));
    let registry = std::fs::read_to_string(root.join("src/lib.rs")).expect("the crate root");
    assert!(registry.contains("providers! {\n") && registry.contains(&line("alertmanager")));
}
