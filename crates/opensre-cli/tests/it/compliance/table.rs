//! The table: one row per provider that can be asked. A provider of the registry without a row fails the suite.

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use opensre_lab::front::{Alter, Heard, Passed};
use serde_json::{Value as Json, json};

use super::asking::rfc3339;
use super::scene::{Scene, canary, onset};

/// Where an instance lives.
pub(crate) struct Place<'a> {
    /// The server's address.
    pub(crate) address: SocketAddr,
    /// The instance's name.
    pub(crate) name: &'a str,
    /// A folder of its own for files.
    pub(crate) folder: &'a Path,
}

impl Place<'_> {
    fn url(&self) -> String {
        format!("http://{}", self.address)
    }
}

/// What a server speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Wire {
    Http,
    Postgres,
}

/// A query's name, and an input for it.
type ByHand = (&'static str, fn() -> Json);

/// One provider.
pub(crate) struct Row {
    /// Its key.
    pub(crate) key: &'static str,
    pub(crate) wire: Wire,
    /// The loopback address of its servers.
    pub(crate) host: Ipv4Addr,
    /// The credentials of an instance at a place; secret fields that are left out get a canary.
    pub(crate) credentials: fn(&Place<'_>) -> Json,
    /// Secret fields that cannot be set beside the others.
    pub(crate) not_beside: &'static [&'static str],
    /// Changes credentials so that they ask for TLS.
    pub(crate) ask_for_tls: fn(&mut Json),
    /// Alerts that together make every planned query relevant.
    pub(crate) alerts: fn(&Scene) -> Vec<Json>,
    /// Inputs of the queries that no alert makes relevant.
    pub(crate) by_hand: &'static [ByHand],
    /// Queries that look one thing up by its id, or ask for what not every server has: a 404 then means that there is none.
    pub(crate) looks_up: &'static [&'static str],
    /// Queries whose answers have no pages, or that need no more than the first: lists by time end with what is older
    /// than the window.
    pub(crate) first_page_only: &'static [&'static str],
    /// Changes an answer so that there is always one more page; `None` where the API has no pages.
    pub(crate) one_more_page: Option<fn() -> Alter>,
}

const HTTP: Row = Row {
    key: "",
    wire: Wire::Http,
    host: Ipv4Addr::LOCALHOST,
    credentials: |place| json!({"base_url": place.url()}),
    not_beside: &[],
    ask_for_tls: with_https,
    alerts: of_checkout,
    by_hand: &[],
    looks_up: &[],
    first_page_only: &[],
    one_more_page: None,
};

/// The table.
pub(crate) static TABLE: &[Row] = &[
    Row {
        key: "grafana",
        // On 127.0.0.1 it would be the local one.
        host: Ipv4Addr::new(127, 0, 0, 2),
        credentials: |place| json!({"endpoint": place.url()}),
        alerts: of_a_grafana_rule,
        looks_up: &["alert-rule"],
        ..HTTP
    },
    Row {
        key: "grafana_local",
        credentials: |place| json!({"endpoint": place.url()}),
        alerts: of_a_grafana_rule,
        looks_up: &["alert-rule"],
        ..HTTP
    },
    Row { key: "prometheus", by_hand: &[("range", || json!({"query": "up"}))], looks_up: &["targets"], ..HTTP },
    Row { key: "victoriametrics", by_hand: &[("range", || json!({"query": "up"}))], looks_up: &["targets"], ..HTTP },
    Row { key: "loki", by_hand: &[("query", || json!({"query": "{service_name=\"checkout\"}"}))], ..HTTP },
    Row { key: "tempo", looks_up: &["trace"], ..HTTP },
    Row { key: "alertmanager", ..HTTP },
    Row {
        key: "datadog",
        credentials: |place| json!({"base_url": place.url(), "site": "datadoghq.eu"}),
        alerts: |_| vec![alert(&[("service", "checkout-api"), ("trace_id", VENDORS_TRACE), ("monitorid", "4711")])],
        by_hand: &[
            ("log-search", || json!({"query": "service:checkout-api"})),
            (
                "metric-query",
                || json!({"query": "sum:trace.http.request.errors{env:prod,service:checkout-api}.as_count()"}),
            ),
        ],
        looks_up: &["monitor"],
        first_page_only: &["metric-query", "metrics", "monitor", "monitors"],
        one_more_page: Some(|| Arc::new(more_of_datadog)),
        ..HTTP
    },
    Row {
        key: "honeycomb",
        alerts: |_| vec![alert(&[("service", "checkout-api"), ("trace_id", VENDORS_TRACE)])],
        by_hand: &[("query", || json!({"query": "{\"calculations\":[{\"op\":\"COUNT\"}]}"}))],
        ..HTTP
    },
    Row {
        key: "coralogix",
        alerts: |_| vec![alert(&[("service", "checkout-api"), ("namespace", "shop"), ("trace_id", VENDORS_TRACE)])],
        by_hand: &[("query", || json!({"query": "source logs | limit 5"}))],
        ..HTTP
    },
    Row {
        key: "aws",
        credentials: |place| {
            json!({
                "endpoint_url": place.url(), "region": "eu-west-1",
                "access_key_id": canary("aws", "access_key_id", place.name),
                "secret_access_key": canary("aws", "secret_access_key", place.name),
            })
        },
        alerts: |_| {
            vec![alert(&[
                ("DBInstanceIdentifier", "orders-db"),
                ("service", "checkout"),
                ("cluster", "shop"),
                ("FunctionName", "charge"),
                ("instance", "i-0123456789abcdef0"),
                ("LoadBalancer", "app/front/50dc6c495c0c9188"),
            ])]
        },
        by_hand: &[("insights", || json!({"query": "fields @message", "log_groups": ["/ecs/checkout"]}))],
        looks_up: &["eks", "lambda"],
        first_page_only: &["database-load", "ec2", "insights", "lambda", "rds", "target-health"],
        one_more_page: Some(|| Arc::new(more_of_aws)),
        ..HTTP
    },
    Row {
        key: "kubernetes",
        credentials: |place| json!({"kubeconfig": kubeconfig(place), "context": place.name}),
        ask_for_tls: |credentials| {
            let path = credentials["kubeconfig"].as_str().unwrap_or_default();
            let text = std::fs::read_to_string(path).expect("a kubeconfig").replace("http://", "https://");
            super::write(Path::new(path), &text);
        },
        alerts: |_| vec![alert(&[("namespace", "shop"), ("deployment", "checkout")])],
        one_more_page: Some(more_of_kubernetes),
        ..HTTP
    },
    Row {
        key: "postgresql",
        wire: Wire::Postgres,
        credentials: |place| json!({"host": "127.0.0.1", "port": place.address.port(), "database": "shop", "username": "opensre"}),
        ask_for_tls: |credentials| credentials["ssl_mode"] = json!("require"),
        ..HTTP
    },
    Row { key: "argocd", not_beside: &["password"], ..HTTP },
    Row {
        key: "github",
        credentials: |place| json!({"api_url": place.url(), "repositories": ["shop/checkout"]}),
        first_page_only: &["commits", "deployments", "pull-requests", "releases", "workflow-runs"],
        one_more_page: Some(|| Arc::new(more_of_github)),
        ..HTTP
    },
    Row {
        key: "slack",
        credentials: |place| {
            json!({
                "base_url": format!("{}/api", place.url()), "channel": "#ops",
                "webhook_url": format!("https://hooks.slack.com/services/T/B/{}", canary("slack", "webhook_url", place.name)),
            })
        },
        ..HTTP
    },
];

/// The row of a provider.
pub(crate) fn row(key: &str) -> &'static Row {
    TABLE.iter().find(|row| row.key == key).expect("a row of the table")
}

/// A failed request in the data of Datadog, Honeycomb and Coralogix.
const VENDORS_TRACE: &str = "000000000000000000000000abc0003c";

/// An Alertmanager's notification whose only alert has these labels and those of its environment.
fn alert(labels: &[(&str, &str)]) -> Json {
    let mut all = json!({"alertname": "Checkout fails", "env": "prod", "severity": "critical"});
    for (name, value) in labels {
        all[name] = json!(value);
    }
    let generator = "http://generator.example/graph?g0.tab=1&g0.expr=sum+by+%28service%29+%28rate%28http_requests_total\
                     %7Bservice%3D%22checkout%22%2Cstatus%3D%22500%22%7D%5B5m%5D%29%29+%3E+0.5";
    json!({
        "version": "4", "status": "firing", "receiver": "x", "groupKey": "{}", "groupLabels": {},
        "externalURL": "http://alertmanager.example", "commonLabels": all, "commonAnnotations": {},
        "alerts": [{
            "status": "firing", "startsAt": rfc3339(onset()), "endsAt": "0001-01-01T00:00:00Z", "labels": all,
            "annotations": {"summary": "Checkout fails"}, "generatorURL": generator,
        }],
    })
}

fn of_checkout(scene: &Scene) -> Vec<Json> {
    vec![alert(&[("service", "checkout"), ("namespace", "shop"), ("trace_id", &scene.trace)])]
}

/// Grafana's own rule, and one of a data source that Grafana shows.
fn of_a_grafana_rule(scene: &Scene) -> Vec<Json> {
    let mut of_grafana = alert(&[("service", "checkout"), ("namespace", "shop"), ("trace_id", &scene.trace)]);
    let uid = json!("checkout-errors");
    of_grafana["commonLabels"]["__alert_rule_uid__"] = uid.clone();
    of_grafana["alerts"][0]["labels"]["__alert_rule_uid__"] = uid;
    of_grafana["alerts"][0]["generatorURL"] = json!("");
    let mut all = vec![of_grafana];
    all.extend(of_checkout(scene));
    all
}

/// Every URL of a loopback server, as https.
fn with_https(credentials: &mut Json) {
    for value in credentials.as_object_mut().into_iter().flat_map(|all| all.values_mut()) {
        if let Some(url) = value.as_str().filter(|text| text.starts_with("http://127.")) {
            *value = json!(url.replacen("http://", "https://", 1));
        }
    }
}

/// A kubeconfig of one context, named like the instance.
fn kubeconfig(place: &Place<'_>) -> String {
    let path = place.folder.join(format!("{}.kubeconfig", place.name));
    let (name, server, token) = (place.name, place.url(), canary("kubernetes", "token", place.name));
    let text = format!(
        "current-context: {name}\nclusters: [{{name: c, cluster: {{server: '{server}'}}}}]\n\
         contexts: [{{name: {name}, context: {{cluster: c, user: u}}}}]\nusers: [{{name: u, user: {{token: {token}}}}}]\n"
    );
    super::write(&path, &text);
    path.display().to_string()
}

/// A token that the server takes for its first page, and that is never the same twice: longer than the one given.
fn next_token(heard: &Heard, base: &str, filler: char) -> String {
    let asked = format!("{} {}", heard.target, String::from_utf8_lossy(&heard.body));
    let given = asked
        .match_indices(base)
        .map(|(place, _)| asked[place + base.len()..].chars().take_while(|character| *character == filler).count());
    let fillers = given.max().map_or(0, |fillers| fillers + 1);
    base.chars().chain(std::iter::repeat_n(filler, fillers)).collect()
}

fn more_of_datadog(heard: &Heard, passed: &mut Passed) {
    let Some(mut answer) = passed.json().filter(|answer| answer["data"].is_array()) else { return };
    answer["meta"]["page"] = json!({ "after": next_token(heard, "after-0", '0') });
    passed.body = answer.to_string().into_bytes();
}

fn more_of_github(heard: &Heard, passed: &mut Passed) {
    if passed.status != 200 || heard.target.starts_with("/user") {
        return;
    }
    let host = heard.head.lines().find_map(|line| line.strip_prefix("host: ")).unwrap_or_default();
    let path = heard.target.split('?').next().unwrap_or_default();
    let page = heard.target.split(['?', '&']).find_map(|part| part.strip_prefix("page="));
    let next = page.and_then(|page| page.parse::<u32>().ok()).unwrap_or(1) + 1;
    passed.set("link", format!("<http://{host}{path}?per_page=100&page={next}>; rel=\"next\""));
}

/// The first page of a list again and again, each time with another token: the server would not know it.
fn more_of_kubernetes() -> Alter {
    let first: Mutex<BTreeMap<String, Json>> = Mutex::default();
    let pages = AtomicUsize::new(0);
    Arc::new(move |heard: &Heard, passed: &mut Passed| {
        let path = heard.target.split('?').next().unwrap_or_default().to_owned();
        let mut first = first.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(list) = passed.json().filter(|answer| answer["items"].is_array()) {
            first.entry(path.clone()).or_insert(list);
        }
        let Some(mut answer) = first.get(&path).cloned() else { return };
        answer["metadata"]["continue"] = json!(format!("page-{}", pages.fetch_add(1, Ordering::Relaxed)));
        passed.status = 200;
        passed.body = answer.to_string().into_bytes();
    })
}

/// A token for a next page, in each protocol and under each name.
fn more_of_aws(heard: &Heard, passed: &mut Passed) {
    let token = next_token(heard, "one-more", '-');
    if let Some(mut answer) = passed.json() {
        if answer.is_object() {
            for name in ["nextToken", "NextToken"] {
                answer[name] = json!(token);
            }
            passed.body = answer.to_string().into_bytes();
        }
        return;
    }
    let text = String::from_utf8_lossy(&passed.body).into_owned();
    let Some(end) = text.rfind("Result></").and_then(|place| text[..place].rfind("</")) else { return };
    let more = format!("<NextToken>{token}</NextToken><Marker>{token}</Marker><NextMarker>{token}</NextMarker>");
    passed.body = format!("{}{more}{}", &text[..end], &text[end..]).into_bytes();
}
