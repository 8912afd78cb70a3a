//! Which metrics are asked for, what they mean, and how CloudWatch answers with them.
//!
//! The names are those of each service's page "CloudWatch metrics"; answers are of "GetMetricData".

use std::collections::BTreeMap;

use jiff::Timestamp;
use opensre_model::alert::Labels;
use opensre_model::evidence::{Meaning, Series};

use super::super::xml::Node;

/// A metric whose meaning is known.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Known {
    /// What it measures.
    pub meaning: Meaning,
    /// How its values within a period are put together.
    pub statistic: &'static str,
    /// Its unit.
    pub unit: Option<&'static str>,
}

/// A metric that is there.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Metric {
    /// Namespace (`AWS/RDS`).
    pub namespace: String,
    /// Name (`CPUUtilization`).
    pub name: String,
    /// Dimensions.
    pub dimensions: BTreeMap<String, String>,
}

type Row = (&'static str, &'static str, Meaning, &'static str, Option<&'static str>);

const PERCENT: Option<&str> = Some("percent");
const SECONDS: Option<&str> = Some("seconds");
const MILLISECONDS: Option<&str> = Some("milliseconds");
const BYTES: Option<&str> = Some("bytes");

const KNOWN: &[Row] = &[
    ("AWS/RDS", "CPUUtilization", Meaning::Cpu, "Average", PERCENT),
    ("AWS/RDS", "DatabaseConnections", Meaning::Pool, "Maximum", None),
    ("AWS/RDS", "FreeableMemory", Meaning::Other, "Minimum", BYTES),
    ("AWS/RDS", "FreeStorageSpace", Meaning::Disk, "Minimum", BYTES),
    ("AWS/RDS", "ReadLatency", Meaning::Latency, "Average", SECONDS),
    ("AWS/RDS", "WriteLatency", Meaning::Latency, "Average", SECONDS),
    ("AWS/RDS", "CommitLatency", Meaning::Latency, "Average", MILLISECONDS),
    ("AWS/RDS", "DiskQueueDepth", Meaning::Pool, "Average", None),
    ("AWS/RDS", "Deadlocks", Meaning::Errors, "Average", Some("per_second")),
    ("AWS/RDS", "ReplicaLag", Meaning::Latency, "Maximum", SECONDS),
    ("AWS/RDS", "ReadIOPS", Meaning::Traffic, "Average", Some("per_second")),
    ("AWS/RDS", "WriteIOPS", Meaning::Traffic, "Average", Some("per_second")),
    ("AWS/RDS", "BurstBalance", Meaning::Other, "Minimum", PERCENT),
    ("AWS/Lambda", "Errors", Meaning::Errors, "Sum", None),
    ("AWS/Lambda", "Throttles", Meaning::Errors, "Sum", None),
    ("AWS/Lambda", "Duration", Meaning::Latency, "Average", MILLISECONDS),
    ("AWS/Lambda", "Invocations", Meaning::Traffic, "Sum", None),
    ("AWS/Lambda", "ConcurrentExecutions", Meaning::Pool, "Maximum", None),
    ("AWS/EC2", "CPUUtilization", Meaning::Cpu, "Average", PERCENT),
    ("AWS/EC2", "StatusCheckFailed", Meaning::Errors, "Maximum", None),
    ("AWS/EC2", "CPUCreditBalance", Meaning::Other, "Minimum", None),
    ("AWS/EC2", "NetworkIn", Meaning::Traffic, "Average", BYTES),
    ("CWAgent", "mem_used_percent", Meaning::Memory, "Average", PERCENT),
    ("CWAgent", "disk_used_percent", Meaning::Disk, "Average", PERCENT),
    ("AWS/ECS", "CPUUtilization", Meaning::Cpu, "Average", PERCENT),
    ("AWS/ECS", "MemoryUtilization", Meaning::Memory, "Average", PERCENT),
    ("AWS/ApplicationELB", "HTTPCode_Target_5XX_Count", Meaning::Errors, "Sum", None),
    ("AWS/ApplicationELB", "HTTPCode_ELB_5XX_Count", Meaning::Errors, "Sum", None),
    ("AWS/ApplicationELB", "TargetConnectionErrorCount", Meaning::Errors, "Sum", None),
    ("AWS/ApplicationELB", "RejectedConnectionCount", Meaning::Errors, "Sum", None),
    ("AWS/ApplicationELB", "UnHealthyHostCount", Meaning::Errors, "Maximum", None),
    ("AWS/ApplicationELB", "TargetResponseTime", Meaning::Latency, "Average", SECONDS),
    ("AWS/ApplicationELB", "RequestCount", Meaning::Traffic, "Sum", None),
    ("AWS/NetworkELB", "UnHealthyHostCount", Meaning::Errors, "Maximum", None),
    ("AWS/NetworkELB", "TCP_Target_Reset_Count", Meaning::Errors, "Sum", None),
    ("AWS/SQS", "ApproximateNumberOfMessagesVisible", Meaning::Pool, "Maximum", None),
    ("AWS/SQS", "ApproximateAgeOfOldestMessage", Meaning::Latency, "Maximum", SECONDS),
    ("AWS/SQS", "NumberOfMessagesSent", Meaning::Traffic, "Sum", None),
    ("AWS/DynamoDB", "ThrottledRequests", Meaning::Errors, "Sum", None),
    ("AWS/DynamoDB", "SystemErrors", Meaning::Errors, "Sum", None),
    ("AWS/DynamoDB", "SuccessfulRequestLatency", Meaning::Latency, "Average", MILLISECONDS),
    ("AWS/ApiGateway", "5XXError", Meaning::Errors, "Sum", None),
    ("AWS/ApiGateway", "Latency", Meaning::Latency, "Average", MILLISECONDS),
    ("AWS/ApiGateway", "Count", Meaning::Traffic, "Sum", None),
    ("AWS/ElastiCache", "EngineCPUUtilization", Meaning::Cpu, "Average", PERCENT),
    ("AWS/ElastiCache", "DatabaseMemoryUsagePercentage", Meaning::Memory, "Average", PERCENT),
    ("AWS/ElastiCache", "Evictions", Meaning::Errors, "Sum", None),
    ("AWS/ElastiCache", "CurrConnections", Meaning::Pool, "Maximum", None),
    ("AWS/Kinesis", "GetRecords.IteratorAgeMilliseconds", Meaning::Latency, "Maximum", MILLISECONDS),
    ("AWS/Kinesis", "WriteProvisionedThroughputExceeded", Meaning::Errors, "Sum", None),
    ("AWS/States", "ExecutionsFailed", Meaning::Errors, "Sum", None),
    ("ECS/ContainerInsights", "RunningTaskCount", Meaning::Availability, "Minimum", None),
    ("ContainerInsights", "pod_number_of_container_restarts", Meaning::Restarts, "Maximum", None),
];

/// What is known of a metric. Of a namespace of AWS's own only the metrics of the table are worth asking for; of
/// others all are, with what their names say.
pub fn known(metric: &Metric) -> Option<Known> {
    let row = KNOWN.iter().find(|(namespace, name, ..)| *namespace == metric.namespace && *name == metric.name);
    if let Some((_, _, meaning, statistic, unit)) = row {
        return Some(Known { meaning: *meaning, statistic, unit: *unit });
    }
    if metric.namespace.starts_with("AWS/") || KNOWN.iter().any(|(namespace, ..)| *namespace == metric.namespace) {
        return None;
    }
    let name = metric.name.to_lowercase();
    let has = |words: &[&str]| words.iter().any(|word| name.contains(word));
    Some(if has(&["error", "fail", "fault", "exception", "5xx", "reject"]) {
        Known { meaning: Meaning::Errors, statistic: "Sum", unit: None }
    } else if has(&["latency", "duration", "responsetime", "response_time"]) {
        Known { meaning: Meaning::Latency, statistic: "Average", unit: None }
    } else if has(&["request", "count", "invocation", "throughput"]) {
        Known { meaning: Meaning::Traffic, statistic: "Sum", unit: None }
    } else {
        Known { meaning: Meaning::Other, statistic: "Average", unit: None }
    })
}

/// The metrics of an answer to `ListMetrics`.
pub fn listed(answer: &Node) -> Vec<Metric> {
    answer
        .list("ListMetricsResult/Metrics")
        .iter()
        .filter_map(|node| {
            Some(Metric {
                namespace: node.text("Namespace")?.to_owned(),
                name: node.text("MetricName")?.to_owned(),
                dimensions: dimensions(node),
            })
        })
        .collect()
}

/// `Dimensions` of a metric or alarm.
pub fn dimensions(node: &Node) -> BTreeMap<String, String> {
    let pair = |one: &Node| Some((one.text("Name")?.to_owned(), one.text("Value")?.to_owned()));
    node.list("Dimensions").iter().filter_map(pair).collect()
}

/// The series of an answer to `GetMetricData`, by the id that they were asked for with; whether AWS had more.
pub fn answered(answer: &Node, labels: &BTreeMap<String, Labels>) -> (BTreeMap<String, Vec<Series>>, bool) {
    let mut found: BTreeMap<String, Vec<Series>> = BTreeMap::new();
    let mut partial = answer.text("GetMetricDataResult/NextToken").is_some();
    for result in answer.list("GetMetricDataResult/MetricDataResults") {
        let Some(id) = result.text("Id") else { continue };
        partial |= result.text("StatusCode") == Some("PartialData");
        let times = result.list("Timestamps").iter().map(|node| node.text.parse::<Timestamp>().ok());
        let values = result.list("Values").iter().map(|node| node.text.parse::<f64>().ok());
        let mut points: Vec<(Timestamp, f64)> = times
            .zip(values)
            .filter_map(|(time, value)| Some((time?, value?)))
            .filter(|(_, value)| value.is_finite())
            .collect();
        points.sort_by_key(|(time, _)| *time);
        points.dedup_by_key(|(time, _)| *time);
        if !points.is_empty() {
            let labels = labels.get(id).cloned().unwrap_or_default();
            found.entry(id.to_owned()).or_default().push(Series { labels, points });
        }
    }
    (found, partial)
}

impl Metric {
    /// The metric in words: `AWS/RDS CPUUtilization (DBInstanceIdentifier=orders)`.
    pub fn words(&self) -> String {
        let pairs: Vec<String> = self.dimensions.iter().map(|(name, value)| format!("{name}={value}")).collect();
        format!("{} {} ({})", self.namespace, self.name, pairs.join(", "))
    }

    /// The labels of its series: the dimensions, and its name.
    pub fn labels(&self) -> Labels {
        let mut labels: Labels = self.dimensions.clone();
        labels.insert("__name__".to_owned(), self.name.clone());
        labels
    }
}
