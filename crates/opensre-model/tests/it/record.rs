//! Reading records in both shapes, and changing documents without losing anything.

use opensre_model::diagnostic::{Diagnostic, Severity, Source};
use opensre_model::provider::{Catalogue, FieldSpec, Hooks, ProviderKind, ProviderSpec, Rule};
use opensre_model::record::{
    Document, EditError, NotAStore, RawInstance, Record, Version, migrate_record, read_document,
};
use proptest::prelude::*;
use serde_json::{Map, Value as Json, json};

static AWS: ProviderSpec = provider("aws", &["eks", "amazon eks"]);
static GRAFANA: ProviderSpec = provider("grafana", &[]);
static GRAFANA_LOCAL: ProviderSpec = provider("grafana_local", &[]);

const fn provider(key: &'static str, aliases: &'static [&'static str]) -> ProviderSpec {
    const FIELDS: &[FieldSpec] = &[FieldSpec::secret("api_key")];
    ProviderSpec {
        key,
        name: key,
        aliases,
        family: key,
        kind: ProviderKind::Observability,
        instances_variable: None,
        fields: FIELDS,
        configured: Rule::Set("api_key"),
        environment: Rule::Never,
        hooks: Hooks::NONE,
        documentation: "",
    }
}

fn catalogue() -> Catalogue {
    Catalogue::new(vec![&AWS, &GRAFANA, &GRAFANA_LOCAL])
}

fn store() -> Source {
    Source::Store { path: "/home/me/.tracer/integrations.json".to_owned() }
}

fn read(value: &Json) -> (Record, Vec<String>) {
    let (record, diagnostics) = Record::from_json(value, &store(), 0);
    (record.expect("a record"), diagnostics.iter().map(ToString::to_string).collect())
}

fn object(value: Json) -> Map<String, Json> {
    match value {
        Json::Object(map) => map,
        other => panic!("{other} is no object"),
    }
}

fn document(records: &Json) -> Document {
    Document::from_json(json!({"version": 2, "integrations": records})).expect("a store")
}

fn named(name: &str) -> RawInstance {
    RawInstance { name: name.to_owned(), credentials: object(json!({"api_key": "new"})), ..RawInstance::default() }
}

/// The names of all instances of a service, in order.
fn names(document: &Document, service: &str) -> Vec<String> {
    document.instances(&catalogue(), service).into_iter().map(|stored| stored.instance.name).collect()
}

#[test]
fn a_version_1_record_is_one_instance_with_all_its_keys_as_credentials() {
    let (record, diagnostics) = read(&json!({
        "id": "aws-1", "service": "AWS", "role_arn": "arn:aws:iam::1:role/r", "external_id": "x", "region": "outer",
        "name": "n", "tags": {"a": 1}, "credentials": {"region": "eu-west-1"},
    }));
    assert_eq!((record.id.as_str(), record.service.as_str()), ("aws-1", "AWS"));
    assert!(record.is_active(), "without a status a version 1 record is active");
    assert_eq!(record.instances.len(), 1);
    assert_eq!(record.instances[0].name, "default");
    assert!(record.instances[0].tags.is_empty());
    assert_eq!(
        Json::Object(record.instances[0].credentials.clone()),
        json!({
            "region": "eu-west-1", "role_arn": "arn:aws:iam::1:role/r", "external_id": "x", "name": "n", "tags": {"a": 1},
        })
    );
    assert_eq!(diagnostics, [""; 0]);
}

#[test]
fn a_version_2_record_passes_as_it_is() {
    let value = json!({
        "service": "loki", "status": "active", "note": [1], "credentials": {"ignored": true},
        "instances": [{"name": " Prod ", "tags": {"env": "P"}, "credentials": {"a": "b"}, "color": "red"}, {"name": null}],
    });
    let (record, diagnostics) = read(&value);
    assert_eq!(Json::Object(record.raw), value);
    assert_eq!(record.id, "");
    assert_eq!(record.instances[0].name, "prod");
    assert_eq!(Json::Object(record.instances[0].tags.clone()), json!({"env": "P"}));
    assert_eq!(record.instances[1].name, "default");
    assert_eq!(
        diagnostics,
        ["loki/default credentials: the instance has no credentials (store /home/me/.tracer/integrations.json)"]
    );
}

#[test]
fn the_status_counts_only_when_it_is_exactly_active() {
    let status = |value: Json| {
        let (record, diagnostics) = read(&value);
        (record.is_active(), diagnostics.len())
    };
    let instances = json!([{"credentials": {}}]);
    assert_eq!(status(json!({"service": "s", "instances": instances, "status": "active"})), (true, 0));
    assert_eq!(status(json!({"service": "s", "instances": instances, "status": "inactive"})), (false, 0));
    assert_eq!(status(json!({"service": "s", "instances": instances, "status": "Active"})), (false, 1));
    assert_eq!(status(json!({"service": "s", "instances": instances, "status": 1})), (false, 1));
    assert_eq!(status(json!({"service": "s", "instances": instances})), (false, 1));
    assert_eq!(status(json!({"service": "s", "credentials": {}})), (true, 0));
    assert_eq!(status(json!({"service": "s", "credentials": {}, "status": "inactive"})), (false, 0));
    assert_eq!(status(json!({"service": "s", "credentials": {}, "status": null})), (false, 1));
}

#[test]
fn what_is_odd_about_a_record_is_reported_and_affects_only_itself() {
    let (record, diagnostics) = read(&json!({
        "id": 7, "service": "Loki", "status": "active",
        "instances": [
            "text", {"name": 5, "tags": ["x"], "credentials": "text"}, {"name": {}, "credentials": null},
            {"name": "a", "credentials": {"k": "v"}}, {"name": "A ", "tags": null, "credentials": {}},
        ],
    }));
    assert_eq!(record.id, "7");
    assert_eq!(record.instances.iter().map(|i| i.name.as_str()).collect::<Vec<_>>(), ["5", "default", "a", "a"]);
    assert_eq!(Json::Object(record.instances[2].credentials.clone()), json!({"k": "v"}));
    let diagnostics: Vec<_> = diagnostics.iter().map(|line| line.split(" (store").next().unwrap_or_default()).collect();
    insta::assert_snapshot!(diagnostics.join("\n"), @"
    loki: instances[0] of integrations[0] is a text, not an instance
    loki/5 name: the name of instances[1] is a number; it is read as text
    loki/5 tags: the tags are a list, not an object; they are read as empty
    loki/5 credentials: the credentials are a text, not an object; they are read as empty
    loki/default name: the name of instances[2] is an object; it is read as `default`
    loki/default credentials: the credentials are null, not an object; they are read as empty
    loki/a name: integrations[0] has more than one instance of this name; lookups take the first
    ");
}

#[test]
fn what_is_no_record_is_left_out() {
    for value in [json!(null), json!([]), json!("x"), json!({}), json!({"service": " "}), json!({"service": 3})] {
        let (record, diagnostics) = Record::from_json(&value, &store(), 4);
        assert_eq!(record, None, "{value}");
        assert_eq!(diagnostics.len(), 1);
        assert_eq!(diagnostics[0].severity, Severity::Error);
        assert!(diagnostics[0].reason.contains("integrations[4]"), "{}", diagnostics[0]);
    }
}

#[test]
fn values_of_unexpected_type_survive_the_migration() {
    for odd in [json!("text"), json!(5), json!([1]), json!(false)] {
        let record = json!({"service": "s", "credentials": odd, "extra": 1});
        let (read, diagnostics) = read(&record);
        assert_eq!(Json::Object(read.instances[0].credentials.clone()), json!({"extra": 1}));
        assert_eq!(diagnostics.len(), 1, "{odd}");
        assert_eq!(read.raw["unreadable_credentials"], odd);
    }
    let (read, diagnostics) = read(&json!({"service": "s", "instances": {"prod": 1}, "credentials": {"a": 1}}));
    assert_eq!(Json::Object(read.instances[0].credentials.clone()), json!({"a": 1}));
    assert_eq!(read.raw["unreadable_instances"], json!({"prod": 1}));
    assert_eq!(diagnostics.len(), 1);
}

#[test]
fn a_document_that_is_no_store_is_empty_and_says_so() {
    for (value, error) in [
        (json!([]), NotAStore::TopLevel("a list")),
        (json!({"version": 2}), NotAStore::NoIntegrations),
        (json!({"integrations": null}), NotAStore::Integrations("null")),
    ] {
        let (records, diagnostics) = read_document(&value, &store());
        assert!(records.is_empty());
        assert_eq!(diagnostics.len(), 1);
        assert_eq!(diagnostics[0].hint.as_deref(), Some(NotAStore::HINT));
        assert_eq!(Document::from_json(value), Err(error));
    }
}

#[test]
fn versions_are_told_apart() {
    let cases = [
        (json!(null), Version::One),
        (json!(1), Version::One),
        (json!(2), Version::Two),
        (json!(2.0), Version::Two),
        (json!("2"), Version::Two),
        (json!(3), Version::Newer),
        (json!("2.5"), Version::Newer),
        (json!(1e300), Version::Newer),
        (json!(0), Version::Unknown),
        (json!(true), Version::Unknown),
        (json!("two"), Version::Unknown),
        (json!("nan"), Version::Unknown),
        (json!([2]), Version::Unknown),
    ];
    for (version, expected) in cases {
        assert_eq!(Version::read(Some(&version)), expected, "{version}");
    }
    assert_eq!(Version::read(None), Version::One);
    let (records, diagnostics) =
        read_document(&json!({"version": 3, "integrations": [{"service": "s", "credentials": {}}]}), &store());
    assert_eq!(records.len(), 1, "a newer version is read as far as understood");
    assert_eq!(diagnostics[0].field.as_deref(), Some("version"));
}

#[test]
fn migrating_a_document_keeps_everything_else() {
    let mut document = Document::from_json(json!({
        "comment": "mine",
        "integrations": [{"service": "s", "credentials": {"k": 1}}, "junk", {"no": "service"},
                         {"id": "x", "service": "t", "instances": [], "extra": true}],
        "last": 1,
    }))
    .expect("a store");
    document.migrate();
    let migrated = document.clone().into_json();
    assert_eq!(
        migrated.to_string(),
        concat!(
            r#"{"version":2,"comment":"mine","integrations":[{"id":"","service":"s","status":"active","#,
            r#""instances":[{"name":"default","tags":{},"credentials":{"k":1}}]},"junk",{"no":"service"},"#,
            r#"{"id":"x","service":"t","instances":[],"extra":true}],"last":1}"#
        )
    );
    document.migrate();
    assert_eq!(document.into_json(), migrated);
}

#[test]
fn reading_operations_see_active_records_under_any_spelling() {
    let document = document(&json!([
        {"id": "off", "service": "aws", "status": "inactive", "instances": [{"name": "hidden", "credentials": {}}]},
        {"id": "one", "service": "EKS", "status": "active", "instances": [
            {"name": "Prod", "tags": {"Env": "Prod", "tier": 1}, "credentials": {"k": "1"}},
            {"name": "staging", "tags": {"env": "staging"}, "credentials": {"k": "2"}}]},
        {"id": "two", "service": "aws", "credentials": {"k": "3"}},
    ]));
    let catalogue = catalogue();
    assert_eq!(names(&document, "Amazon EKS"), ["prod", "staging", "default"]);
    let ids: Vec<_> = document.instances(&catalogue, "aws").into_iter().map(|stored| stored.integration_id).collect();
    assert_eq!(ids, ["one", "one", "two"]);
    assert_eq!(document.record(&catalogue, "aws").map(|record| record["credentials"].clone()), Some(json!({"k": "1"})));
    assert_eq!(document.record(&catalogue, "loki"), None);
    assert_eq!(document.list()[0].instances, ["hidden"]);
    assert_eq!(document.list().len(), 3);

    let found = |name: Option<&str>, tags: &[(&str, &str)]| {
        document.instance(&catalogue, "aws", name, tags).map(|stored| stored.instance.name)
    };
    assert_eq!(found(None, &[]).as_deref(), Some("prod"));
    assert_eq!(found(Some(" STAGING "), &[]).as_deref(), Some("staging"));
    assert_eq!(found(Some(""), &[]), None);
    assert_eq!(found(Some("hidden"), &[]), None);
    assert_eq!(found(None, &[("ENV", "prod "), ("tier", "1")]).as_deref(), Some("prod"));
    assert_eq!(found(None, &[("env", "prod"), ("tier", "2")]), None);
    assert_eq!(found(None, &[("", "prod")]), None);
    assert_eq!(found(Some("staging"), &[("env", "prod")]), None);
}

#[test]
fn an_upsert_replaces_one_instance_in_place_and_nothing_else() {
    let before = json!([
        {"id": "g", "service": "Grafana", "status": "active", "note": 1, "instances": [
            {"name": "a", "credentials": {"k": "a"}, "color": "red"},
            {"name": "B", "tags": {"x": 1}, "credentials": {"k": "b", "old": true}, "color": "blue"}]},
        {"id": "l", "service": "grafana_local", "status": "active", "instances": []},
    ]);
    let mut document = document(&before);
    let outcome = document.upsert_instance(&catalogue(), "grafana", &named(" b"), None, 1);
    assert_eq!((outcome.record_id.as_str(), outcome.replaced, outcome.record_created), ("g", true, false));
    let after = document.clone().into_json();
    assert_eq!(after["integrations"][1], before[1]);
    assert_eq!(after["integrations"][0]["service"], "Grafana");
    assert_eq!(after["integrations"][0]["instances"][0], before[0]["instances"][0]);
    assert_eq!(
        after["integrations"][0]["instances"][1],
        json!({"name": "b", "tags": {}, "credentials": {"api_key": "new"}, "color": "blue"})
    );

    assert!(!document.upsert_instance(&catalogue(), "grafana", &named("c"), None, 1).replaced);
    assert_eq!(names(&document, "grafana"), ["a", "b", "c"]);
    let other = document.upsert_instance(&catalogue(), "grafana", &named("c"), Some("new-record"), 1);
    assert_eq!((other.record_id.as_str(), other.record_created), ("new-record", true));
    assert_eq!(names(&document, "grafana"), ["a", "b", "c", "c"]);
}

#[test]
fn an_upsert_goes_where_the_name_is_then_where_it_will_be_used() {
    let mut document = document(&json!([
        {"id": "off", "service": "aws", "status": "inactive", "instances": [{"name": "old", "credentials": {}}]},
        {"id": "on", "service": "aws", "status": "active", "instances": []},
    ]));
    assert_eq!(document.upsert_instance(&catalogue(), "aws", &named("new"), None, 1).record_id, "on");
    let old = document.upsert_instance(&catalogue(), "eks", &named("old"), None, 1);
    assert_eq!((old.record_id.as_str(), old.active), ("off", false));
    assert_eq!(document.set_status(&catalogue(), "aws", Some("off"), "active"), 1);
    assert_eq!(names(&document, "aws"), ["old", "new"]);
}

#[test]
fn adding_to_a_version_1_record_keeps_its_credentials() {
    let mut document =
        document(&json!([{"id": "a", "service": "eks", "role_arn": "r", "credentials": {"region": "x"}}]));
    document.upsert_instance(&catalogue(), "aws", &named("prod"), None, 1);
    assert_eq!(names(&document, "aws"), ["default", "prod"]);
    let first = document.instance(&catalogue(), "aws", Some("default"), &[]).expect("still there");
    assert_eq!(Json::Object(first.instance.credentials), json!({"region": "x", "role_arn": "r"}));
}

#[test]
fn ids_of_new_records_are_unused() {
    let mut document = document(&json!([{"id": "loki-ffffffff", "service": "other", "credentials": {}}]));
    let outcome = document.upsert_instance(&catalogue(), " Loki", &named("x"), None, u32::MAX);
    assert_eq!(outcome.record_id, "loki-00000000");
    assert_eq!(document.into_json()["integrations"][1]["service"], "loki");
}

#[test]
fn upserting_a_record_touches_its_instances_only() {
    let mut document = document(&json!([{"id": "g", "service": "grafana", "status": "active", "instances": [
        {"name": "default", "credentials": {"k": 1}}, {"name": "x", "credentials": {"k": 2}}]}]));
    let catalogue = catalogue();
    let old_shape = object(json!({"credentials": {"k": 9}, "extra": "field"}));
    assert!(document.upsert_record(&catalogue, "grafana", &old_shape, 1)[0].replaced);
    assert_eq!(names(&document, "grafana"), ["default", "x"]);
    let default = document.instance(&catalogue, "grafana", None, &[]).expect("the first");
    assert_eq!(Json::Object(default.instance.credentials), json!({"k": 9, "extra": "field"}));

    let new_shape = object(json!({"status": "inactive", "owner": "me", "instances": [{"name": "Y", "note": 1}, 3]}));
    let outcomes = document.upsert_record(&catalogue, "grafana", &new_shape, 1);
    assert_eq!((outcomes.len(), outcomes[0].active), (1, false));
    let after = document.clone().into_json();
    assert_eq!(after["integrations"][0]["owner"], "me");
    assert_eq!(after["integrations"][0]["instances"][2], json!({"name": "y", "note": 1}));
    assert_eq!(document.list()[0].instances, ["default", "x", "y"]);

    let two = object(json!({"instances": [{"name": "a"}, {"name": "b"}]}));
    document.upsert_record(&catalogue, "loki", &two, 1);
    assert_eq!(names(&document, "loki"), ["a", "b"]);
    assert_eq!(document.list().len(), 2);
}

#[test]
fn replacing_a_record_is_explicit() {
    let mut document = document(&json!([
        {"id": "1", "service": "EKS", "status": "active", "instances": []}, {"service": "loki", "credentials": {}},
        {"id": "2", "service": "aws", "status": "active", "instances": []},
    ]));
    let id = document.replace_record(&catalogue(), "aws", &object(json!({"credentials": {"k": 1}})), 1);
    assert_eq!(id, "1");
    let services: Vec<_> = document.list().into_iter().map(|record| record.service).collect();
    assert_eq!(services, ["EKS", "loki"]);
    assert_eq!(names(&document, "aws"), ["default"]);
}

#[test]
fn removing_takes_the_named_instance_and_emptied_records() {
    let before = json!([
        {"id": "1", "service": "aws", "status": "active", "instances": [{"name": " PROD "}, {"name": "b"}]},
        {"id": "2", "service": "eks", "status": "inactive", "instances": [{"name": "prod"}]},
        {"id": "3", "service": "aws", "status": "active", "instances": []},
        {"id": "4", "service": "aws", "credentials": {"k": 1}},
        {"id": "5", "service": "aws", "status": "active", "instances": [{"name": "prod"}, "junk"]},
        {"id": "6", "service": "loki", "status": "active", "instances": [{"name": "prod"}]},
        "junk",
    ]);
    let mut document = document(&before);
    let catalogue = catalogue();
    for name in ["", "  ", "nobody"] {
        assert!(!document.remove_instance(&catalogue, "aws", name));
        assert_eq!(document.clone().into_json()["integrations"], before);
    }
    assert!(document.remove_instance(&catalogue, "AWS", "Prod"));
    let after = document.clone().into_json();
    assert_eq!(
        after["integrations"],
        json!([
            {"id": "1", "service": "aws", "status": "active", "instances": [{"name": "b"}]},
            before[2], before[3],
            {"id": "5", "service": "aws", "status": "active", "instances": ["junk"]},
            before[5], "junk",
        ])
    );
    assert!(document.remove_instance(&catalogue, "aws", "default"), "the one of the version 1 record");
    assert_eq!(document.remove_record(&catalogue, "eks"), 3);
    assert_eq!(document.remove_record(&catalogue, "eks"), 0);
    assert_eq!(document.list().len(), 1);
}

#[test]
fn renaming_keeps_the_place_and_never_collides() {
    let mut document = document(&json!([{"id": "1", "service": "aws", "status": "active", "instances": [
        {"name": "a", "credentials": {"k": 1}}, {"name": "b"}]}]));
    let catalogue = catalogue();
    assert_eq!(document.rename_instance(&catalogue, "eks", "A", " Main "), Ok(true));
    assert_eq!(names(&document, "aws"), ["main", "b"]);
    assert_eq!(document.rename_instance(&catalogue, "aws", "nobody", "x"), Ok(false));
    assert_eq!(document.rename_instance(&catalogue, "aws", "b", " "), Err(EditError::BlankName));
    let taken = EditError::NameTaken { service: "aws".to_owned(), name: "main".to_owned() };
    assert_eq!(document.rename_instance(&catalogue, "aws", "b", "MAIN"), Err(taken));
    assert_eq!(document.rename_instance(&catalogue, "aws", "main", "MAIN"), Ok(true));
}

#[test]
fn the_default_is_the_first_of_the_first_record() {
    let mut document = document(&json!([
        "junk",
        {"id": "1", "service": "aws", "status": "active", "instances": [{"name": "a"}, {"name": "b"}]},
        {"id": "l", "service": "loki", "credentials": {}},
        {"id": "2", "service": "aws", "status": "active", "instances": [{"name": "c"}]},
        {"id": "3", "service": "eks", "status": "active", "instances": [{"name": "d"}, {"name": "e"}]},
    ]));
    let catalogue = catalogue();
    assert!(document.make_default(&catalogue, "aws", "E"));
    assert_eq!(names(&document, "aws"), ["e", "d", "a", "b", "c"]);
    assert_eq!(document.list()[1].service, "loki", "other records keep their place");
    assert!(document.make_default(&catalogue, "aws", "b"));
    assert_eq!(names(&document, "aws"), ["b", "a", "e", "d", "c"]);
    assert!(!document.make_default(&catalogue, "aws", "nobody"));
}

const CANARY: &str = "canary-5f3a";

/// Any JSON made of the words that matter to a store, with secrets where texts are.
fn any_json() -> impl Strategy<Value = Json> {
    let leaf = prop_oneof![
        Just(Json::Null),
        any::<bool>().prop_map(Json::Bool),
        any::<i64>().prop_map(|number| json!(number)),
        any::<f64>().prop_map(|number| json!(number)),
        prop_oneof![Just("active"), Just("inactive"), Just("1"), Just("2"), Just("aws"), Just(" EKS"), Just("")]
            .prop_map(|text| json!(text)),
        "[a-z]{0,3}".prop_map(|text| json!(format!("{CANARY}{text}"))),
    ];
    leaf.prop_recursive(5, 48, 6, |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..5).prop_map(Json::Array),
            proptest::collection::vec((key(), inner), 0..7).prop_map(|pairs| Json::Object(pairs.into_iter().collect())),
        ]
    })
}

fn key() -> impl Strategy<Value = String> {
    proptest::sample::select(vec![
        "id",
        "service",
        "status",
        "instances",
        "credentials",
        "name",
        "tags",
        "api_key",
        "version",
        "integrations",
        "x",
    ])
    .prop_map(str::to_owned)
}

/// A record-like object: any JSON at every place, with a service more often than not.
fn any_record() -> impl Strategy<Value = Json> {
    let instance = prop_oneof![
        any_json(),
        (prop_oneof![Just(json!("a")), Just(json!(" B")), any_json()], any_json(), any_json(), any_json()).prop_map(
            |(name, tags, credentials, extra)| json!({"name": name, "tags": tags, "credentials": credentials, "x": extra})
        ),
    ];
    let service = proptest::sample::select(vec!["aws", "EKS ", "grafana", "loki"]);
    let new_shape = (service.clone(), proptest::collection::vec(instance, 0..4), any_json()).prop_map(
        |(service, instances, extra)| json!({"service": service, "status": "active", "instances": instances, "x": extra}),
    );
    let old_shape = (service, any_json(), any_json())
        .prop_map(|(service, credentials, extra)| json!({"service": service, "credentials": credentials, "x": extra}));
    prop_oneof![any_json(), new_shape, old_shape]
}

/// Puts an ordinary word where a diagnostic may name something: services, and names of instances.
fn with_harmless_names(mut record: Json) -> Json {
    let rename = |value: Option<&mut Json>| {
        if let Some(text) = value
            && text.as_str().is_some_and(|text| text.contains(CANARY))
        {
            *text = json!("harmless");
        }
    };
    rename(record.get_mut("service"));
    if let Some(Json::Array(instances)) = record.get_mut("instances") {
        for instance in instances {
            rename(instance.get_mut("name"));
        }
    }
    record
}

fn assert_no_canary(diagnostics: &[Diagnostic]) {
    let printed = format!("{diagnostics:?} {}", json!(diagnostics));
    assert!(!printed.contains(CANARY), "{printed}");
    for diagnostic in diagnostics {
        assert!(!diagnostic.to_string().contains(CANARY), "{diagnostic}");
    }
}

/// Every scalar under a value, to see that none is lost.
fn scalars(value: &Json, into: &mut Vec<String>) {
    match value {
        Json::Array(items) => items.iter().for_each(|item| scalars(item, into)),
        Json::Object(map) => map.values().for_each(|item| scalars(item, into)),
        scalar => into.push(scalar.to_string()),
    }
}

proptest! {
    #[test]
    fn reading_never_panics_and_never_shows_a_secret(value in any_record(), position in 0..3_usize) {
        let value = with_harmless_names(value);
        let (record, diagnostics) = Record::from_json(&value, &store(), position);
        assert_no_canary(&diagnostics);
        if let Some(record) = record {
            assert!(!format!("{:?}", record.instances).contains(CANARY));
        }
        let document = json!({"version": value.get("x").cloned(), "integrations": [value]});
        assert_no_canary(&read_document(&document, &store()).1);
        assert_no_canary(&read_document(&document["integrations"][0], &store()).1);
    }

    #[test]
    fn migrating_a_record_loses_nothing_and_is_done_once(value in any_record()) {
        let Json::Object(record) = value else { return Ok(()) };
        let migrated = migrate_record(&record);
        prop_assert_eq!(&migrate_record(&migrated), &migrated);
        let (mut before, mut after) = (Vec::new(), Vec::new());
        // A key inside `credentials` wins over one beside it: that one value is given up by the rule.
        let mut kept = record.clone();
        if let (Some(Json::Object(inner)), true) = (record.get("credentials"), record != migrated) {
            kept.retain(|key, _| !inner.contains_key(key) || ["id", "service", "status", "instances"].contains(&key.as_str()));
        }
        scalars(&Json::Object(kept), &mut before);
        scalars(&Json::Object(migrated), &mut after);
        for scalar in before.into_iter().filter(|scalar| scalar != "null") {
            let position = after.iter().position(|other| *other == scalar);
            prop_assert!(position.is_some(), "{} is lost", scalar);
            after.swap_remove(position.unwrap_or_default());
        }
    }

    #[test]
    fn changing_one_instance_leaves_all_else_alone(records in proptest::collection::vec(any_record(), 0..5), extra in any_json()) {
        let catalogue = catalogue();
        let Ok(before) = Document::from_json(json!({"version": 2, "first": extra, "integrations": records, "last": 1}))
        else { return Err(TestCaseError::fail("it is a store")) };

        let mut after = before.clone();
        let outcome = after.upsert_instance(&catalogue, "aws", &named("a"), None, 7);
        let found = after.instance(&catalogue, "aws", Some("a"), &[]);
        if outcome.active {
            prop_assert_eq!(found.map(|stored| Json::Object(stored.instance.credentials)), Some(json!({"api_key": "new"})));
        }
        let (old, new) = (before.clone().into_json(), after.clone().into_json());
        prop_assert_eq!(&old["first"], &new["first"]);
        prop_assert_eq!(old.as_object().map(|root| root.keys().collect::<Vec<_>>()), new.as_object().map(|root| root.keys().collect::<Vec<_>>()));
        let other = |record: &Json| record.get("service").and_then(Json::as_str).is_none_or(|service| catalogue.canonical(service) != "aws");
        let others = |document: &Json| document["integrations"].as_array().cloned().unwrap_or_default().into_iter().filter(other).collect::<Vec<_>>();
        prop_assert_eq!(others(&old), others(&new));

        if !outcome.replaced {
            // Taking it out again gives back what was there, in version 2 shape.
            prop_assert!(after.remove_instance(&catalogue, "aws", "a"));
            let mut expected = before;
            expected.migrate();
            after.migrate();
            let (expected, after) = (expected.into_json(), after.into_json());
            if expected != after {
                // Only a record that was empty to begin with has gone.
                let count = |document: &Json| document["integrations"].as_array().map_or(0, Vec::len);
                prop_assert_eq!(count(&expected), count(&after) + 1);
            }
        }
    }
}
