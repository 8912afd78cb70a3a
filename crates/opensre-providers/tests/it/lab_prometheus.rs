//! Prometheus and Alertmanager against the lab's simulators, which were written from the vendors' documentation by
//! other hands and compared with the real Prometheus.

use opensre_lab::{Lab, scenario_named};
use opensre_model::evidence::{EvidenceData, GapKind, Meaning, Series};
use opensre_model::window::Window;
use opensre_providers::driver::{Answer, Input, ProbeStatus, Provider};
use opensre_providers::{alertmanager, prometheus};
use serde_json::{Value as Json, json};

use crate::stub::{access, probe};

async fn start(scenario: &str) -> Lab {
    let scenario = scenario_named(scenario).expect("bundled").load().unwrap();
    Lab::start(scenario, "2024-05-01T12:30:00Z".parse().unwrap()).await.unwrap()
}

/// Probes an instance of the lab with the credentials of its store file, and asks it.
async fn ask(lab: &Lab, provider: &Provider, name: &str, query: &str, input: Json) -> Answer {
    let document = lab.store_document();
    let records = document["integrations"].as_array().unwrap();
    let record = records.iter().find(|record| record["service"] == provider.spec.key).unwrap();
    let instance = record["instances"].as_array().unwrap().iter().find(|instance| instance["name"] == name).unwrap();
    let fields: Vec<(&'static str, &str)> = instance["credentials"]
        .as_object()
        .unwrap()
        .iter()
        .filter_map(|(key, value)| Some((provider.spec.field(key)?.key, value.as_str()?)))
        .collect();
    let access = access(provider, &fields);
    assert_eq!(probe(provider, &access).await.status, ProbeStatus::Passed);
    let window = Window::around(Some(lab.onset()), None, lab.now(), None);
    let query = provider.queries.iter().find(|known| known.name == query).unwrap();
    (query.run)(&access, &Input(input.as_object().unwrap().clone()), window).await
}

/// The series of a meaning whose query names a metric.
fn series<'a>(answer: &'a Answer, wanted: Meaning, metric: &str) -> &'a [Series] {
    answer
        .evidence
        .iter()
        .find_map(|evidence| match &evidence.data {
            EvidenceData::Metrics { meaning, series, .. }
                if *meaning == wanted && evidence.origin.query.contains(metric) =>
            {
                Some(series.as_slice())
            }
            _ => None,
        })
        .unwrap_or_else(|| panic!("{wanted:?} of {metric} among {:?}", crate::stub::summaries(answer)))
}

fn highest(series: &[Series]) -> f64 {
    series.iter().flat_map(|one| &one.points).map(|(_, value)| *value).fold(f64::MIN, f64::max)
}

#[tokio::test]
async fn memory_that_runs_out_shows_where_it_does_and_nowhere_else() {
    let lab = start("memory-leak-oom").await;
    let labels = json!({"labels": {"alertname": "KubePodCrashLooping", "cluster": "us-east-1", "container": "recommender",
        "namespace": "ml", "pod": "recommender-0", "prometheus": "monitoring/k8s", "severity": "critical"}});
    let us = ask(&lab, &prometheus::PROVIDER, "us", "related", labels.clone()).await;
    let memory = series(&us, Meaning::Memory, "container_memory_working_set_bytes");
    assert!((0.9..=1.0).contains(&highest(memory)), "{}", highest(memory));
    assert_eq!(memory[0].labels["pod"], "recommender-0");
    assert!(highest(series(&us, Meaning::Restarts, "kube_pod_container_status_restarts_total")) >= 2.0);
    assert_eq!(crate::stub::reasons(&us), Vec::<&str>::new());

    let eu = ask(&lab, &prometheus::PROVIDER, "eu", "related", labels).await;
    assert!(eu.evidence.is_empty());
    assert_eq!((eu.gaps.len(), eu.gaps[0].kind), (1, GapKind::NotRelevant));
}

#[tokio::test]
async fn a_disk_that_fills_is_seen_by_rule_metrics_and_other_alerts() {
    let lab = start("node-disk-pressure").await;
    let alert = json!({"alertname": "NodeFilesystemAlmostOutOfSpace", "device": "/dev/sda1", "instance": "worker-7:9100",
        "job": "node-exporter", "mountpoint": "/", "node": "worker-7", "severity": "critical", "site": "berlin"});
    let labels = json!({ "labels": alert });

    let named = json!({"labels": alert, "name": "NodeFilesystemAlmostOutOfSpace"});
    let rule = ask(&lab, &prometheus::PROVIDER, "berlin", "alert-rule", named).await;
    let EvidenceData::Metrics { threshold: Some(threshold), series: free, .. } = &rule.evidence[0].data else {
        panic!("{:?}", rule.evidence[0].summary)
    };
    assert_eq!((threshold.value, threshold.above, free.len()), (3.0, false, 1));
    let (before, last) = (free[0].points[0].1, free[0].points.last().unwrap().1);
    assert!(before > threshold.value && last < threshold.value, "{before} {last}");
    let EvidenceData::States { states } = &rule.evidence[1].data else { panic!("{:?}", rule.evidence[1].summary) };
    assert_eq!((states[0].attributes["state"].as_str(), states[0].healthy), ("firing", Some(false)));

    let related = ask(&lab, &prometheus::PROVIDER, "berlin", "related", labels.clone()).await;
    let disk = series(&related, Meaning::Disk, "node_filesystem_avail_bytes");
    assert!(highest(disk) > 0.97 && disk.iter().all(|one| one.labels["instance"] == "worker-7:9100"));

    let others = ask(&lab, &alertmanager::PROVIDER, "berlin", "alerts", labels.clone()).await;
    let EvidenceData::Events { events } = &others.evidence[0].data else { panic!("{:?}", others.evidence[0].summary) };
    assert_eq!(events.len(), 3);
    assert!(others.evidence[0].summary.ends_with("the alert itself is still active"));
    let silences = ask(&lab, &alertmanager::PROVIDER, "berlin", "silences", labels).await;
    assert_eq!(silences.evidence[0].summary, "no silence covers the alert in the window");
}

#[tokio::test]
async fn a_threshold_that_is_too_low_is_told_by_the_rule_itself() {
    let lab = start("false-alarm-threshold").await;
    let wanted = json!({"labels": {"alertname": "ThumbnailerCpuHigh", "service": "thumbnailer", "severity": "warning"},
        "name": "ThumbnailerCpuHigh"});
    let rule = ask(&lab, &prometheus::PROVIDER, "media", "alert-rule", wanted).await;
    let EvidenceData::Metrics { threshold: Some(threshold), series, .. } = &rule.evidence[0].data else {
        panic!("{:?}", rule.evidence[0].summary)
    };
    let lowest = series.iter().flat_map(|one| &one.points).map(|(_, value)| *value).fold(f64::MAX, f64::min);
    assert!(lowest > threshold.value, "it is above its threshold all the time: {lowest} {}", threshold.value);
}
