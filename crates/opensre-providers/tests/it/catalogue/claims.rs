//! The support table as it is rendered, cell by cell: each claim is done, for every provider. What `Verify`, `Identity` and
//! `Delivery` claim is done in `proofs`, for every provider that has them.

use opensre_model::alert::Alert;
use opensre_model::instance::Settings;
use opensre_model::provider::{FieldSpec, Identifies, ProviderSpec};
use opensre_model::resolution::Resolved;
use opensre_model::routing::{ExplicitChoice, RoutingMode, route};
use opensre_providers::docs::{provider_page, support_table};
use opensre_providers::driver::Provider;
use opensre_providers::{catalogue, providers};
use serde_json::{Map, Value as Json, json};

use super::support::{from_records, from_variables, messages};

/// The cells of each row by the header's names, and the provider that the row is about.
fn rows() -> Vec<(Provider, Vec<(String, String)>)> {
    let mut header = Vec::new();
    let mut found = Vec::new();
    for line in support_table(&providers()).lines().filter(|line| line.starts_with("| ")) {
        let cells: Vec<String> = line.trim_matches('|').split('|').map(|cell| cell.trim().to_owned()).collect();
        if cells[0] == "Provider" {
            header = cells;
        } else if !cells[0].starts_with("---") {
            let own = |provider: &Provider| cells[0].ends_with(&format!("(docs/providers/{}.md)", provider.spec.key));
            let provider = providers().into_iter().find(own).expect("a row is about a provider");
            found.push((provider, header.iter().cloned().zip(cells).collect()));
        }
    }
    found
}

/// Every row, with one of its cells.
fn cells(name: &str) -> Vec<(Provider, String)> {
    let rows = rows();
    assert_eq!(rows.len(), providers().len());
    rows.into_iter()
        .map(|(provider, cells)| (provider, cells.into_iter().find(|(header, _)| header.contains(name)).expect(name).1))
        .collect()
}

/// The credentials of the example on a provider's page.
fn credentials(provider: &Provider) -> Map<String, Json> {
    let page = provider_page(provider);
    let (_, rest) = page.split_once("```json\n").expect("an example");
    let record: Json = serde_json::from_str(rest.split_once("\n```").expect("its end").0).expect("JSON");
    record["instances"][0]["credentials"].as_object().expect("credentials").clone()
}

/// The value of a field for the first or second of two instances, by which the two can be told apart.
fn telling(spec: &ProviderSpec, field: &FieldSpec, second: bool) -> Option<Json> {
    let pick = |one: &str, other: &str| json!(if second { other } else { one });
    Some(match field.identifies? {
        Identifies::Url if spec.key == "grafana_local" => pick("http://localhost:3000", "http://localhost:3001"),
        Identifies::Url => pick("https://one.example.com/at", "https://two.example.com/at"),
        Identifies::AwsArn => pick("arn:aws:iam::111111111111:role/r", "arn:aws:iam::222222222222:role/r"),
        Identifies::AwsAccount => pick("111111111111", "222222222222"),
        Identifies::AwsRegion => pick("eu-west-1", "us-east-1"),
        Identifies::DatadogSite => pick("datadoghq.com", "datadoghq.eu"),
        Identifies::Cluster => pick("cluster-one", "cluster-two"),
    })
}

/// A store with two instances of a provider; with `word`, what the table calls so tells them apart.
fn two(provider: &Provider, word: Option<&str>) -> Resolved {
    let instance = |name: &str, second: bool| {
        let mut credentials = credentials(provider);
        let fields =
            provider.spec.fields.iter().filter(|field| word.is_some_and(|word| field_word(field) == Some(word)));
        // One field at a time: of an account's two, or a cluster's, either may be set.
        for field in fields.take(1) {
            let value = telling(provider.spec, field, second).expect("it identifies");
            credentials.insert(field.key.to_owned(), value);
        }
        json!({"name": name, "tags": {"env": name}, "credentials": credentials})
    };
    from_records(&[json!({"id": "two", "service": provider.spec.key, "status": "active",
        "instances": [instance("prod", false), instance("staging", true)]})])
}

fn field_word(field: &FieldSpec) -> Option<&'static str> {
    Some(match field.identifies? {
        Identifies::Url => "URL",
        Identifies::AwsArn | Identifies::AwsAccount => "account",
        Identifies::AwsRegion => "region",
        Identifies::DatadogSite => "site",
        Identifies::Cluster => "cluster",
    })
}

#[test]
fn the_variable_of_the_table_holds_two_instances() {
    for (provider, cell) in cells("env") {
        let Some(variable) = cell.strip_prefix("✅ `").and_then(|rest| rest.strip_suffix('`')) else {
            // A second key of a family is made from the entries of the first one's variable.
            assert_eq!(cell, format!("✅ with `{}`", provider.spec.family));
            let entries = json!([{"name": "here", "endpoint": "http://localhost:3000"}, {"name": "there", "endpoint": "http://localhost:3001"}]);
            let first =
                catalogue().find(provider.spec.family).expect("the family").instances_variable.expect("a variable");
            let (_, resolved) = from_variables(&[(first, &entries.to_string())]);
            let keys: Vec<&str> = resolved.instances().map(|instance| instance.service.as_str()).collect();
            assert_eq!(keys, [provider.spec.key; 2], "{}", messages(&resolved));
            continue;
        };
        let own = credentials(&provider);
        let mut flat = Map::from_iter([("name".to_owned(), json!("staging"))]);
        flat.extend(own.clone());
        let entries = json!([{"name": "prod", "tags": {"env": "prod"}, "credentials": own}, flat]);
        let (_, resolved) = from_variables(&[(variable, &entries.to_string())]);
        let names: Vec<&str> = resolved.instances().map(|instance| instance.name.as_str()).collect();
        assert_eq!(names, ["prod", "staging"], "{}: {}", provider.spec.key, messages(&resolved));
    }
}

#[test]
fn a_record_of_two_instances_is_classified_as_two() {
    for (provider, cell) in cells("Classifier") {
        assert_eq!(cell, "✅");
        let resolved = two(&provider, None);
        let found: Vec<(&str, &str)> =
            resolved.instances().map(|instance| (instance.service.as_str(), instance.name.as_str())).collect();
        assert_eq!(found, [(provider.spec.key, "prod"), (provider.spec.key, "staging")], "{}", messages(&resolved));
        assert!(resolved.instances().all(|instance| matches!(instance.settings, Settings::Typed(_))));
    }
}

#[test]
fn each_way_of_selection_selects_the_second_instance() {
    for (provider, cell) in cells("Selection") {
        let ways = cell.strip_prefix("✅ ").expect("some way").split(", ");
        for way in ways {
            let resolved = two(&provider, Some(way));
            let service = provider.spec.family;
            let mut explicit = Vec::new();
            let mut alert =
                json!({"title": "it is broken", "state": "alerting", "commonLabels": {"service": "checkout"}});
            match way {
                "hint" => alert[format!("{service}_instance")] = json!("staging"),
                "name" => {
                    explicit.push(ExplicitChoice { service: service.to_owned(), wanted: "staging".to_owned() });
                }
                "tag" => alert["commonLabels"]["env"] = json!("staging"),
                "URL" => {
                    let local = provider.spec.key == "grafana_local";
                    let base = if local { "http://localhost:3001" } else { "https://two.example.com/at" };
                    alert["externalURL"] = json!(format!("{base}/alerts/7"));
                }
                "account" => alert["commonLabels"]["account_id"] = json!("222222222222"),
                "region" => alert["commonLabels"]["region"] = json!("us-east-1"),
                "site" => alert["externalURL"] = json!("https://app.datadoghq.eu/monitors/7"),
                "cluster" => alert["commonLabels"]["cluster"] = json!("cluster-two"),
                other => panic!("nothing shows what the table calls {other}"),
            }
            let alert = Alert::parse(alert.to_string().as_bytes());
            let routes = route(&catalogue(), &resolved, &alert, &explicit, RoutingMode::default());
            let route = routes.iter().find(|route| route.service == service).expect("a route");
            let names: Vec<&str> = route.chosen.iter().map(|instance| instance.name.as_str()).collect();
            assert_eq!(names, ["staging"], "{} by {way}: {}", provider.spec.key, route.reason);
        }
    }
}

#[test]
fn abilities_are_those_of_the_registry_and_what_has_none_says_so() {
    for (provider, cells) in rows() {
        let cell = |name: &str| cells.iter().find(|(header, _)| header == name).expect(name).1.as_str();
        if provider.is_only_declared() {
            let told = ["Verify", "Identity", "Queries", "Delivery"].map(cell);
            assert_eq!(told, ["*declared only*", "–", "–", "–"], "{}", provider.spec.key);
            let page = provider_page(&provider);
            assert!(page.contains("declared only so far"), "{}", provider.spec.key);
            continue;
        }
        assert_eq!(cell("Verify") == "✅", provider.probe.is_some());
        assert_eq!(cell("Delivery") == "✅", provider.deliver.is_some());
        let names: Vec<&str> = cell("Identity").split(", ").map(|name| name.trim_matches('`')).collect();
        assert_eq!(names, if provider.identity.is_empty() { &["–"] } else { provider.identity });
        let queries = provider.queries.len();
        assert_eq!(cell("Queries"), if queries == 0 { "–".to_owned() } else { format!("✅ {queries}") });
        let page = provider_page(&provider);
        for query in provider.queries {
            assert!(page.contains(&format!("| `{}` |", query.name)), "{} {}", provider.spec.key, query.name);
        }
    }
}
