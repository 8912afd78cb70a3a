//! Which metrics are asked for, given what a server has: the whole way from label sets to queries.

use opensre_model::alert::Labels;
use opensre_model::evidence::EvidenceData;
use opensre_providers::driver::Answer;
use opensre_providers::prometheus::PROVIDER;
use serde_json::{Value as Json, json};

use crate::stub::{Said, Stub, access, ask, reasons};

/// Runs `related` against a server with these series (`name{label=value,...}`), each with data.
async fn related(alert: &Json, title: &str, series: &[&str]) -> (Answer, Stub) {
    let sets: Vec<Labels> = series.iter().map(|text| label_set(text)).collect();
    let stub = Stub::start(move |seen| {
        Said::Json(match seen.path.as_str() {
            "/api/v1/series" => json!({"status": "success", "data": sets}),
            "/api/v1/query_range" => json!({"status": "success", "data": {"resultType": "matrix", "result": [
                {"metric": {"service": "checkout"}, "values": [[1_714_561_200, "1"], [1_714_566_600, "2"]]}
            ]}}),
            path => panic!("{path} is not asked for"),
        })
    })
    .await;
    let input = opensre_providers::driver::Input(
        [("labels".to_owned(), alert.clone()), ("title".to_owned(), title.into())].into_iter().collect(),
    );
    let answer = ask(&PROVIDER, &access(&PROVIDER, &[("base_url", &stub.url)]), "related", &input).await;
    (answer, stub)
}

fn label_set(text: &str) -> Labels {
    let (name, rest) = text.split_once('{').unwrap_or((text, "}"));
    let mut labels = Labels::from([("__name__".to_owned(), name.to_owned())]);
    for pair in rest.trim_end_matches('}').split(',').filter(|pair| !pair.is_empty()) {
        let (label, value) = pair.split_once('=').unwrap();
        labels.insert(label.to_owned(), value.to_owned());
    }
    labels
}

/// The queries, one a line, with what they mean.
fn queries(answer: &Answer) -> String {
    let lines: Vec<String> = answer
        .evidence
        .iter()
        .map(|evidence| match &evidence.data {
            EvidenceData::Metrics { meaning, unit, .. } => {
                format!("{meaning:?} {}: {}", unit.as_deref().unwrap_or("-"), evidence.origin.query)
            }
            other => panic!("these are {}", other.kind()),
        })
        .collect();
    lines.join("\n")
}

#[tokio::test]
async fn requests_of_a_service() {
    let (answer, stub) = related(
        &json!({"service": "checkout", "env": "prod", "alertname": "Errors"}),
        "Errors",
        &[
            "http_requests_total{service=checkout,env=prod,code=200,pod=a}",
            "http_requests_total{service=checkout,env=prod,code=503,pod=a}",
            "http_request_duration_seconds_bucket{service=checkout,env=prod,le=0.1}",
            "http_request_duration_seconds_count{service=checkout,env=prod,code=200}",
            "http_request_duration_seconds_sum{service=checkout,env=prod}",
            "http_client_requests_total{service=checkout,outcome=SUCCESS,peer=bank}",
            "http_client_requests_total{service=checkout,outcome=SERVER_ERROR,peer=bank}",
        ],
    )
    .await;
    insta::assert_snapshot!(queries(&answer), @r##"
    Errors ratio: (sum by (service, env) (rate(http_requests_total{service="checkout",env="prod",code=~"5.."}[2m])) or 0 * sum by (service, env) (rate(http_requests_total{service="checkout",env="prod"}[2m]))) / sum by (service, env) (rate(http_requests_total{service="checkout",env="prod"}[2m]))
    Errors ratio: (sum by (service) (rate(http_client_requests_total{service="checkout",outcome=~"SERVER_ERROR"}[2m])) or 0 * sum by (service) (rate(http_client_requests_total{service="checkout"}[2m]))) / sum by (service) (rate(http_client_requests_total{service="checkout"}[2m]))
    Latency seconds: histogram_quantile(0.99, sum by (service, env, le) (rate(http_request_duration_seconds_bucket{service="checkout",env="prod"}[2m])))
    Traffic per_second: sum by (service, env) (rate(http_requests_total{service="checkout",env="prod"}[2m]))
    "##);
    assert_eq!(reasons(&answer), Vec::<&str>::new());
    let asked = stub.asked("/api/v1/series");
    assert_eq!(asked.len(), 1, "one call finds out what there is");
    assert!(asked[0].all("match[]").contains(&r#"{job="checkout",env=~"prod|"}"#), "{asked:?}");
    assert_eq!((asked[0].parameter("start"), asked[0].parameter("end")), ("1714561200", "1714567500"));
}

#[tokio::test]
async fn kinds_of_outcomes() {
    let of = |series: Vec<String>| async move {
        let series: Vec<&str> = series.iter().map(String::as_str).collect();
        let (answer, _) = related(&json!({"service": "s"}), "x", &series).await;
        queries(&answer).lines().filter(|line| line.starts_with("Errors")).map(str::to_owned).collect::<Vec<_>>()
    };
    let series = |label: &str, values: &[&str]| -> Vec<String> {
        values.iter().map(|value| format!("app_requests_total{{service=s,{label}={value}}}")).collect()
    };
    let failed = |lines: Vec<String>| {
        let line = lines.first().cloned().unwrap_or_default();
        line.split(',').nth(1).and_then(|rest| rest.split('}').next()).unwrap_or_default().to_owned()
    };
    for (label, values, matcher) in [
        ("status", &["2xx", "5xx"][..], r#"status=~"5..""#),
        ("grpc_code", &["OK", "Unavailable", "NotFound"], r#"grpc_code=~"Unavailable""#),
        ("grpc_status", &["0", "14", "5"], r#"grpc_status=~"14""#),
        ("result", &["ok", "timed-out"], r#"result=~"timed-out""#),
        ("result", &["a.b", "err"], r#"result=~"err""#),
        ("region", &["eu"], ""),
        ("status", &["open", "closed"], ""),
    ] {
        assert_eq!(failed(of(series(label, values)).await), matcher, "{label} {values:?}");
    }
    let quiet = of(series("result", &["success"])).await;
    assert!(quiet[0].contains(r#"result=~"(?i:error|errors|"#), "what never failed can still be asked: {quiet:?}");
}

#[tokio::test]
async fn containers_of_a_service_are_found_by_their_pods() {
    let pod = "namespace=shop,pod=checkout-7d9f8b6c5d-x2x9z,container=app";
    let (answer, _) = related(
        &json!({"service": "checkout", "namespace": "shop"}),
        "x",
        &[
            &format!("container_memory_working_set_bytes{{{pod}}}"),
            "container_memory_working_set_bytes{namespace=shop,pod=checkout-7d9f8b6c5d-x2x9z}",
            &format!("container_memory_usage_bytes{{{pod}}}"),
            &format!("kube_pod_container_resource_limits{{{pod},resource=memory}}"),
            &format!("container_cpu_cfs_throttled_periods_total{{{pod}}}"),
            &format!("container_cpu_cfs_periods_total{{{pod}}}"),
            &format!("kube_pod_container_status_restarts_total{{{pod}}}"),
            &format!("kube_pod_container_status_last_terminated_reason{{{pod},reason=OOMKilled}}"),
            "container_memory_working_set_bytes{namespace=shop,pod=checkout-worker,container=app}",
        ],
    )
    .await;
    insta::assert_snapshot!(queries(&answer), @r##"
    Restarts -: sum by (pod, namespace, container) (kube_pod_container_status_restarts_total{pod=~"checkout-([a-z0-9]{6,10}-[a-z0-9]{5}|[a-z0-9]{5}|[0-9]{1,3})",namespace="shop"})
    Restarts -: max by (pod, namespace, container, reason) (kube_pod_container_status_last_terminated_reason{pod=~"checkout-([a-z0-9]{6,10}-[a-z0-9]{5}|[a-z0-9]{5}|[0-9]{1,3})",namespace="shop",reason="OOMKilled"})
    Memory ratio: sum by (pod, namespace, container) (container_memory_working_set_bytes{pod=~"checkout-([a-z0-9]{6,10}-[a-z0-9]{5}|[a-z0-9]{5}|[0-9]{1,3})",namespace="shop",container!~"|POD"}) / sum by (pod, namespace, container) (kube_pod_container_resource_limits{pod=~"checkout-([a-z0-9]{6,10}-[a-z0-9]{5}|[a-z0-9]{5}|[0-9]{1,3})",namespace="shop",resource="memory"})
    Cpu ratio: sum by (pod, namespace, container) (rate(container_cpu_cfs_throttled_periods_total{pod=~"checkout-([a-z0-9]{6,10}-[a-z0-9]{5}|[a-z0-9]{5}|[0-9]{1,3})",namespace="shop",container!~"|POD"}[2m])) / sum by (pod, namespace, container) (rate(container_cpu_cfs_periods_total{pod=~"checkout-([a-z0-9]{6,10}-[a-z0-9]{5}|[a-z0-9]{5}|[0-9]{1,3})",namespace="shop",container!~"|POD"}[2m]))
    "##);
}

#[tokio::test]
async fn a_machine() {
    let (answer, _) = related(
        &json!({"instance": "db-1:9100", "job": "node"}),
        "x",
        &[
            "node_filesystem_avail_bytes{instance=db-1:9100,job=node,mountpoint=/,fstype=ext4}",
            "node_filesystem_size_bytes{instance=db-1:9100,job=node,mountpoint=/,fstype=ext4}",
            "node_memory_MemAvailable_bytes{instance=db-1:9100}",
            "node_memory_MemTotal_bytes{instance=db-1:9100}",
            "node_cpu_seconds_total{instance=db-1:9100,cpu=0,mode=idle}",
            "node_load1{instance=db-1:9100}",
            "up{instance=db-1:9100,job=node}",
            "node_scrape_collector_success{instance=db-1:9100}",
        ],
    )
    .await;
    insta::assert_snapshot!(queries(&answer), @r##"
    Availability -: up{instance="db-1:9100"}
    Memory ratio: 1 - node_memory_MemAvailable_bytes{instance="db-1:9100"} / node_memory_MemTotal_bytes{instance="db-1:9100"}
    Cpu ratio: 1 - avg by (instance) (rate(node_cpu_seconds_total{instance="db-1:9100",mode="idle"}[2m]))
    Disk ratio: 1 - node_filesystem_avail_bytes{instance="db-1:9100",fstype!~"tmpfs|ramfs|overlay|squashfs|iso9660|autofs|devtmpfs|nsfs|fuse.lxcfs"} / node_filesystem_size_bytes{instance="db-1:9100",fstype!~"tmpfs|ramfs|overlay|squashfs|iso9660|autofs|devtmpfs|nsfs|fuse.lxcfs"}
    "##);
}

#[tokio::test]
async fn pools_queues_failures_and_the_words_of_the_alert() {
    let (answer, _) = related(
        &json!({"service": "checkout"}),
        "CartSizeTooLarge warning",
        &[
            "db_pool_connections_in_use{service=checkout,pool=a}",
            "db_pool_max{service=checkout,pool=a}",
            "worker_threads_active{service=checkout}",
            "mail_queue_length{service=checkout}",
            "mail_queue_max{service=checkout}",
            "payment_failures_total{service=checkout}",
            "cart_size{service=checkout}",
            "cart_size_created{service=checkout}",
            "carts_opened_total{service=checkout}",
            "unrelated_thing{service=checkout}",
            "go_goroutines{service=checkout}",
            "process_start_time_seconds{service=checkout}",
        ],
    )
    .await;
    insta::assert_snapshot!(queries(&answer), @r##"
    Pool ratio: db_pool_connections_in_use{service="checkout"} / (db_pool_max{service="checkout"} > 0)
    Pool -: mail_queue_length{service="checkout"}
    Errors per_second: sum by (service) (rate(payment_failures_total{service="checkout"}[2m]))
    Pool -: worker_threads_active{service="checkout"}
    Other -: cart_size{service="checkout"}
    Other -: go_goroutines{service="checkout"}
    Restarts -: changes(process_start_time_seconds{service="checkout"}[2m])
    "##);
}

#[tokio::test]
async fn sides_of_a_division_with_different_labels_are_matched_on_those_that_both_have() {
    let (answer, _) = related(
        &json!({"instance": "db-1:9100"}),
        "x",
        &[
            "node_filesystem_avail_bytes{instance=db-1:9100,node=db-1,device=sda}",
            "node_filesystem_size_bytes{instance=db-1:9100,device=sda}",
            "db_pool_used{instance=db-1:9100,pool=a,state=busy}",
            "db_pool_limit{instance=db-1:9100,pool=a}",
        ],
    )
    .await;
    insta::assert_snapshot!(queries(&answer), @r##"
    Disk ratio: 1 - node_filesystem_avail_bytes{instance="db-1:9100"} / on (device, instance) node_filesystem_size_bytes{instance="db-1:9100"}
    Pool ratio: db_pool_used{instance="db-1:9100"} / on (instance, pool) (db_pool_limit{instance="db-1:9100"} > 0)
    "##);
}

#[tokio::test]
async fn values_that_look_like_a_template_stay_values() {
    let (answer, _) = related(
        &json!({"service": "a$1$R$G"}),
        "x",
        &["hikaricp_connections_active{service=a$1$R$G,pool=p}", "hikaricp_connections_max{service=a$1$R$G,pool=p}"],
    )
    .await;
    assert_eq!(
        answer.evidence[0].origin.query,
        r#"hikaricp_connections_active{service="a$1$R$G"} / hikaricp_connections_max{service="a$1$R$G"}"#
    );
}

#[tokio::test]
async fn what_is_not_there_is_dropped_and_told() {
    let (answer, _) = related(
        &json!({"service": "checkout", "pod": "gone-1", "region": "eu", "env": "prod"}),
        "x",
        &["up{service=checkout,env=prod}", "probe_success{service=checkout}"],
    )
    .await;
    assert_eq!(reasons(&answer), ["no series here carries pod=gone-1, region=eu; metrics are not narrowed by it"]);
    let queries: Vec<&str> = answer.evidence.iter().map(|evidence| evidence.origin.query.as_str()).collect();
    assert_eq!(
        queries,
        [r#"up{service="checkout",env="prod"}"#, r#"probe_success{service="checkout"}"#],
        "a scope that a metric lacks does not empty its answer"
    );

    let (nothing, _) = related(&json!({"service": "checkout"}), "x", &[]).await;
    assert!(nothing.evidence.is_empty());
    assert_eq!(reasons(&nothing), ["no series in the window belongs to service=checkout, under any usual label"]);
    assert!(nothing.gaps[0].hint.is_some());
}

#[tokio::test]
async fn no_more_than_the_bound_is_asked_and_the_rest_is_named() {
    let series: Vec<String> = (0..30).map(|number| format!("q{number:02}_queue_length{{service=checkout}}")).collect();
    let series: Vec<&str> = series.iter().map(String::as_str).collect();
    let (answer, stub) = related(&json!({"service": "checkout"}), "x", &series).await;
    assert_eq!((answer.evidence.len(), stub.asked("/api/v1/query_range").len()), (14, 14));
    assert_eq!(answer.gaps.len(), 1);
    assert!(
        answer.gaps[0].reason.starts_with("not asked for, as too many fit: waiting in a queue (q14_queue_length), ")
    );
}

#[tokio::test]
async fn the_order_of_series_changes_nothing() {
    let mut series = [
        "http_requests_total{service=checkout,code=200}",
        "http_requests_total{app=checkout,code=500,zone=z}",
        "up{job=checkout}",
        "up{service=checkout,job=x}",
        "mail_queue_length{container=checkout}",
        "errors_total{service=checkout}",
    ];
    let alert = json!({"service": "checkout", "zone": "z"});
    let (first, _) = related(&alert, "x", &series).await;
    series.reverse();
    let (again, _) = related(&alert, "x", &series).await;
    assert_eq!(queries(&first), queries(&again));
    assert_eq!(reasons(&first), reasons(&again));
    let first_query = &first.evidence[0].origin.query;
    assert!(
        first_query.contains(r#"http_requests_total{service="checkout"}"#),
        "the service's own label wins: {first_query}"
    );
}

#[tokio::test]
async fn nodes_are_asked_for_their_troubles_besides_whether_they_are_ready() {
    let (answer, _) = related(
        &json!({"node": "n1"}),
        "NodePressure",
        &[
            "kube_node_status_condition{node=n1,condition=Ready,status=true}",
            "kube_node_status_condition{node=n1,condition=MemoryPressure,status=true}",
        ],
    )
    .await;
    insta::assert_snapshot!(queries(&answer), @r#"
    Availability -: max by (node) (kube_node_status_condition{node="n1",condition="Ready",status="true"})
    Other -: max by (node, condition) (kube_node_status_condition{node="n1",condition!="Ready",status="true"})
    "#);
}
