//! What a plan does to a store that has things in it.

use opensre_import::Found;
use opensre_import::plan::{Action, Choices};
use opensre_import::sources::{grafanactl, opensre};
use opensre_model::record::Document;
use serde_json::{Value as Json, json};

use crate::support::{applied, catalogue, file, planned, short};

fn document(integrations: &Json) -> Document {
    Document::from_json(json!({"version": 2, "integrations": integrations})).expect("a store")
}

fn grafana(instances: &Json) -> Json {
    json!([{"id": "g", "service": "grafana", "status": "active", "instances": instances}])
}

fn contexts(text: &str) -> Found {
    grafanactl::read(file(text)).expect("contexts")
}

const PROD: &str =
    "contexts: {prod: {grafana: {server: 'https://prod.example.com/', token: canary, tls: {ca-file: /ca}}}}";

#[test]
fn what_differs_is_kept_unless_an_update_is_asked_for_and_then_nothing_else_is_touched() {
    let store = document(&grafana(&json!([
        {"name": "Prod", "tags": {"env": "live", "team": "sre"}, "note": "mine",
         "credentials": {"endpoint": "https://prod.example.com", "api_key": "own-token", "ca_bundle": "/own"}},
        {"name": "other", "tags": {}, "credentials": {"endpoint": "https://other", "api_key": "x"}},
    ])));
    let kept = planned(&store, contexts(PROD), &Choices::default());
    assert_eq!(short(&kept), "? grafana/prod ca_bundle=/own->/ca\n");
    assert!(kept.is_empty());
    assert_eq!(applied(&store, &kept), store);

    let update = Choices { update: true, ..Choices::default() };
    let changed = planned(&store, contexts(PROD), &update);
    assert_eq!(short(&changed), "~ grafana/prod ca_bundle=/own->/ca\n");
    let after = applied(&store, &changed).into_json();
    let instances = &after["integrations"][0]["instances"];
    assert_eq!(
        instances[0],
        json!({"name": "prod", "tags": {"env": "live", "team": "sre"}, "note": "mine",
               "credentials": {"endpoint": "https://prod.example.com", "api_key": "own-token", "ca_bundle": "/ca"}}),
        "own token, tags and unknown keys stay"
    );
    assert_eq!(instances[1]["name"], "other");
}

#[test]
fn an_instance_that_was_renamed_is_found_by_its_system() {
    let store = document(&grafana(&json!([
        {"name": "main", "tags": {}, "credentials": {"endpoint": "https://prod.example.com", "api_key": "x", "ca_bundle": "/ca"}}
    ])));
    let plan = planned(&store, contexts(PROD), &Choices::default());
    assert_eq!(short(&plan), "= grafana/main \n");
    assert_eq!(plan.instances[0].notes, ["the store has it as grafana/main"]);

    // Two of them: neither is certainly the one.
    let twice = document(&grafana(&json!([
        {"name": "a", "tags": {}, "credentials": {"endpoint": "https://prod.example.com", "api_key": "x"}},
        {"name": "b", "tags": {}, "credentials": {"endpoint": "https://prod.example.com", "api_key": "y"}},
    ])));
    assert_eq!(planned(&twice, contexts(PROD), &Choices::default()).count(Action::Add), 1);
}

#[test]
fn an_instance_never_lands_in_a_record_that_is_not_used() {
    let store = document(&json!([
        {"id": "off", "service": "Grafana", "status": "disabled",
         "instances": [{"name": "old", "tags": {}, "credentials": {}}]},
    ]));
    let plan = planned(&store, contexts(PROD), &Choices::default());
    let after = applied(&store, &plan).into_json();
    assert_eq!(after["integrations"][0], store.clone().into_json()["integrations"][0]);
    assert_eq!(after["integrations"][1]["instances"][0]["name"], "prod");
    assert_eq!(after["integrations"][1]["status"], "active");

    let taken = document(&json!([
        {"id": "off", "service": "grafana", "status": "disabled",
         "instances": [{"name": "prod", "tags": {}, "credentials": {}}]},
    ]));
    let plan = planned(&taken, contexts(PROD), &Choices::default());
    assert!(plan.is_empty());
    assert_eq!(plan.skipped[0].reason, "the store has it in a record whose status is `disabled`");
}

#[test]
fn only_prefix_and_tags_do_what_they_say() {
    let text = "contexts: {prod: {grafana: {server: 'https://a'}}, dev: {grafana: {server: 'https://b'}}}";
    let choices = Choices {
        only: vec!["grafana/PROD".to_owned()],
        prefix: "acme-".to_owned(),
        tags: vec![("env".to_owned(), "live".to_owned())],
        ..Choices::default()
    };
    let plan = planned(&Document::empty(), contexts(text), &choices);
    assert_eq!(
        short(&plan),
        "+ grafana/acme-prod endpoint=https://a api_key=${env:OPENSRE_GRAFANA_ACME_PROD_API_KEY} #env=live\n"
    );
    let unknown = Choices { only: vec!["nope".to_owned()], ..Choices::default() };
    assert_eq!(planned(&Document::empty(), contexts(text), &unknown).unmatched, ["nope"]);
}

#[test]
fn groups_and_rules_of_another_store_are_merged_and_never_lost() {
    let own = Document::from_json(json!({
        "version": 2, "integrations": [],
        "groups": [{"name": "@eu", "select": "region=eu"}, {"name": "@own", "select": "a=b"}],
        "routing": {"rules": [{"match": "a=b", "use": {}}], "unknown": "fail"},
    }))
    .expect("a store");
    let text = json!({
        "version": 2, "integrations": [],
        "groups": [{"name": "@EU ", "select": "region=eu,env=prod"}, {"name": "@us", "select": "region=us"}],
        "routing": {"rules": [{"match": "a=b", "use": {}}, {"match": "c=d", "use": {}}], "unknown": "skip", "ambiguous": "skip"},
    })
    .to_string();
    let found = || opensre::read(file(&text), &catalogue()).expect("a store");
    let plan = planned(&own, found(), &Choices::default());
    assert_eq!(
        short(&plan),
        "Differs group @eu region=eu,env=prod\n\
         Add group @us region=us\n\
         Same routing rule 1 {\"match\":\"a=b\",\"use\":{}}\n\
         Add routing rule 2 {\"match\":\"c=d\",\"use\":{}}\n\
         Differs routing unknown skip\n\
         Add routing ambiguous skip\n"
    );
    let after = applied(&own, &plan);
    let again = planned(&after, found(), &Choices::default());
    assert!(again.is_empty(), "{}", short(&again));
    let json = after.into_json();
    assert_eq!(json["groups"][0]["select"], "region=eu");
    assert_eq!(json["routing"]["rules"].as_array().map(Vec::len), Some(2));

    let update = Choices { update: true, ..Choices::default() };
    let updated = applied(&own, &planned(&own, found(), &update)).into_json();
    assert_eq!(
        (&updated["groups"][0]["select"], &updated["routing"]["unknown"]),
        (&json!("region=eu,env=prod"), &json!("skip"))
    );
}

#[test]
fn a_plan_as_json_shows_no_secret_and_everything_else() {
    let found =
        contexts("contexts: {prod: {grafana: {server: 'https://me:canary-url@a.example.com', token: canary-token}}}");
    let choices = Choices { copy_secrets: true, ..Choices::default() };
    let plan = planned(&Document::empty(), found, &choices);
    let json = serde_json::to_value(&plan).expect("JSON");
    assert!(!json.to_string().contains("canary") && !format!("{plan:?}").contains("canary"));
    let entry = &json["instances"][0];
    assert_eq!((&entry["action"], &entry["fields"][0]["new"]), (&json!("add"), &json!("https://a.example.com")));
    assert_eq!(entry["fields"][1]["new"], "set");
}
