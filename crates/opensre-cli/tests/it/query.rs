//! `opensre query`: one query of one instance, typed, and helpful where it is written wrongly.

use serde_json::{Value as Json, json};

use crate::support::{LabWorld, World};

#[test]
fn the_queries_of_a_service_are_listed_with_their_schemas() {
    let world = World::new();
    let listed = world.json(["query", "loki", "--format", "json"]);
    assert_eq!(listed["service"], "loki");
    let query = listed["queries"]
        .as_array()
        .expect("queries")
        .iter()
        .find(|query| query["name"] == "query")
        .unwrap_or_else(|| panic!("{listed:#}"));
    assert_eq!(query["input_schema"]["required"], json!(["query"]));
    assert!(query["bounds"]["rows"].is_u64());
    for listed in listed["queries"].as_array().expect("queries") {
        assert!(jsonschema::draft202012::meta::is_valid(&listed["input_schema"]), "{listed:#}");
    }
    let ran = world.run(["query", "loki"]).exits(0);
    assert!(ran.stdout.contains("a LogQL query"), "{}", ran.stdout);
    world.run(["query", "trello"]).exits(0);
    let ran = world.run(["query", "lokki"]).exits(2);
    assert!(ran.stderr.contains("did you mean `loki`?"), "{}", ran.stderr);
}

#[test]
fn a_query_answers_with_typed_evidence_of_the_named_instance_only() {
    let lab = LabWorld::start("staging-bad-deploy");
    let labels = lab.alert()["commonLabels"].as_object().expect("labels").clone();
    let written: Vec<String> = labels
        .iter()
        .map(|(name, value)| format!("{name}={}", value.as_str().expect("a text")))
        .filter(|pair| !pair.contains(','))
        .collect();
    let written = format!("labels={}", written.join(","));
    let arguments = ["query", "grafana/staging", "logs", "--input", &written, "--since", "1h"];
    let answer = lab.world.json(arguments.iter().chain(&["--format", "json"]));
    assert_eq!((answer["service"].as_str(), answer["instance"].as_str()), (Some("grafana"), Some("staging")));
    assert_eq!(answer["input"]["labels"], Json::Object(labels.clone()));
    assert!(answer["window"]["start"].is_string() && answer["calls"].as_u64() > Some(0), "{answer:#}");
    let evidence = answer["evidence"].as_array().expect("evidence");
    assert!(!evidence.is_empty(), "{answer:#}");
    for piece in evidence {
        assert_eq!(piece["origin"]["instance"], "staging");
        assert!(piece["origin"]["query"].as_str().is_some_and(|query| !query.is_empty()));
    }
    let lines = evidence.iter().find(|piece| piece["data"]["kind"] == "logs").expect("log lines");
    assert!(lines["data"]["lines"].as_array().is_some_and(|lines| !lines.is_empty()), "{lines:#}");
    assert_eq!(lab.requests("grafana/prod"), 0, "prod was asked");
    // An object may be written as JSON too.
    let written = format!("labels={}", Json::Object(labels));
    let same = lab.world.json(["query", "grafana/staging", "logs", "--input", &written, "--json"]);
    assert_eq!(same["input"], answer["input"]);
    let ran = lab.world.run(["query", "grafana/staging", "logs", "--input", &written]).exits(0);
    for words in ["from    grafana/staging", "query   ", "window  "] {
        assert!(ran.stdout.contains(words), "{words}:\n{}", ran.stdout);
    }
}

#[test]
fn the_default_instance_is_asked_and_named_when_none_is() {
    let lab = LabWorld::start("staging-bad-deploy");
    let ran = lab.world.run(["query", "grafana", "logs", "--input", "labels=service=checkout"]);
    assert!(ran.stderr.contains("asking grafana/prod, the default of 2"), "{}", ran.stderr);
    assert_eq!(lab.requests("grafana/staging"), 0);
}

#[test]
fn what_is_written_wrongly_is_told_with_what_there_is() {
    let lab = LabWorld::start("staging-bad-deploy");
    for (arguments, words) in [
        (vec!["query", "grafana/staging", "logz"], "did you mean `logs`?"),
        (vec!["query", "grafana/qa", "logs"], "prod, staging"),
        (vec!["query", "grafana/staging", "logs"], "needs the input `labels`"),
        (vec!["query", "grafana/staging", "logs", "--input", "labls=a=b"], "did you mean `labels`?"),
        (vec!["query", "grafana/staging", "logs", "--input", "labels=checkout"], "must be an object of texts"),
        (vec!["query", "grafana/staging", "logs", "--input", "labels"], "no KEY=VALUE"),
        (vec!["query", "grafana/staging", "--input", "labels=a=b"], "no query"),
        (vec!["query", "grafana/staging", "logs", "--input", "labels=a=b", "--since", "0s"], "--since"),
        (vec!["query", "grafana/staging", "logs", "--input", "labels=a=b", "--deadline", "soon"], "--deadline"),
    ] {
        let ran = lab.world.run(&arguments);
        assert_ne!(ran.code, 0, "{arguments:?}");
        assert!(ran.stdout.is_empty() && ran.stderr.contains(words), "{arguments:?}: {}", ran.stderr);
        assert!(ran.stderr.contains("hint: "), "{arguments:?}: {}", ran.stderr);
    }
    assert_eq!(lab.requests("grafana/staging"), 0);
}

#[test]
fn a_refusal_is_a_gap_and_an_exit_code() {
    let lab = LabWorld::start("staging-bad-deploy");
    lab.status("staging", 403);
    let arguments = ["query", "grafana/staging", "logs", "--input", "labels=service=checkout", "--json"];
    let ran = lab.world.run(arguments).exits(5);
    let answer: Json = serde_json::from_str(&ran.stdout).expect("JSON");
    assert_eq!(answer["gaps"][0]["kind"], "denied", "{answer:#}");
}
