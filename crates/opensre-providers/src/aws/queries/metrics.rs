//! The alarm's own metric, and the standard metrics of the alert's resources.
//!
//! "DescribeAlarms", "ListMetrics", "GetMetricData" (CloudWatch API Reference).

use std::collections::{BTreeMap, BTreeSet};

use futures::future::{join, join_all};
use jiff::SignedDuration;
use opensre_model::alert::Labels;
use opensre_model::evidence::{EvidenceData, GapKind, Meaning, Series, Threshold};
use opensre_model::window::Window;

use super::super::caller::{CLOUDWATCH, Parameters, Region};
use super::super::refusal::Refusal;
use super::super::xml::Node;
use super::series::{self, Known, Metric};
use super::{ALARM, Found, Piece, Target, count};
use crate::failure::Failure;

/// Most metrics that are asked for in one region.
const MOST: usize = 40;
/// Most metrics of other namespaces than AWS's own.
const MOST_CUSTOM: usize = 10;

pub(super) async fn ask(region: &Region, target: &Target, window: Window) -> Found {
    let (own, standard) = join(own(region, target, window), standard(region, target, window)).await;
    let mut found = own;
    found.pieces.extend(standard.pieces);
    found.failures.extend(standard.failures);
    found
}

/// The alarm with a name, as several queries need it; `None` where there is none of that name.
pub(super) async fn alarm(region: &Region, name: &str) -> Result<Option<Node>, Refusal> {
    let parameters = Parameters::default().list("AlarmNames.member", [name]);
    let answer = region.query_shared(&CLOUDWATCH, "DescribeAlarms", parameters).await?;
    Ok(answer.list("DescribeAlarmsResult/MetricAlarms").first().cloned())
}

/// What the alarm itself measures, by its own definition.
async fn own(region: &Region, target: &Target, window: Window) -> Found {
    let mut found = Found::default();
    let Some(name) = target.input.text(ALARM.key) else { return found };
    let alarm = match alarm(region, name).await {
        Ok(Some(alarm)) => alarm,
        Ok(None) => {
            found.fail(Failure::new(GapKind::NotRelevant, format!("there is no metric alarm {name}")));
            return found;
        }
        Err(refusal) => {
            found.fail(refusal);
            return found;
        }
    };
    let Some((parameters, words, id, labels)) = definition(&alarm) else {
        found.fail(Failure::new(GapKind::NotRelevant, format!("alarm {name} is of a kind that has no metric")));
        return found;
    };
    let labels = BTreeMap::from([(id.clone(), labels)]);
    let asked = fetch(region, parameters, &labels, window, 60).await;
    match asked {
        Ok((mut series, partial)) => {
            let series: Vec<Series> = series.remove(&id).unwrap_or_default();
            let threshold = threshold(&alarm);
            let compared =
                threshold.map_or(String::new(), |threshold| format!("; the alarm's limit is {}", threshold.value));
            let summary = match series.iter().map(|one| one.points.len()).sum() {
                0 => format!("alarm {name} has no data in the window{compared}"),
                points => format!("{} of alarm {name}{compared}", count(points, "value")),
            };
            let data = EvidenceData::Metrics { meaning: Meaning::AlertCondition, unit: None, threshold, series };
            let encoded: String = url::form_urlencoded::byte_serialize(name.as_bytes()).collect();
            found.add(
                Piece::new(format!("GetMetricData {words}"), summary, data)
                    .cut(partial.then(|| "CloudWatch had more values than one answer holds".to_owned()))
                    .at(format!("cloudwatch/home#alarmsV2:alarm/{}", encoded.replace('+', "%20"))),
            );
        }
        Err(refusal) => found.fail(refusal),
    }
    found
}

/// An alarm's metric as parameters of `GetMetricData`, in words, the id of what it watches, and the labels of its series.
fn definition(alarm: &Node) -> Option<(Parameters, String, String, Labels)> {
    if let Some(name) = alarm.text("MetricName") {
        let metric = Metric {
            namespace: alarm.text("Namespace")?.to_owned(),
            name: name.to_owned(),
            dimensions: series::dimensions(alarm),
        };
        let statistic = alarm.text("Statistic").or(alarm.text("ExtendedStatistic"))?;
        let period = alarm.text("Period").and_then(|period| period.parse().ok()).unwrap_or(60);
        let parameters = stat(Parameters::default(), 1, "own", &metric, statistic, period);
        let words = format!("{} {statistic} of {period} s", metric.words());
        return Some((parameters, words, "own".to_owned(), metric.labels()));
    }
    // An alarm on an expression: all of its queries, of which it watches one.
    let queries = alarm.list("Metrics");
    let watched = queries.iter().find(|query| query.text("ReturnData") != Some("false"))?.text("Id")?;
    let mut parameters = Parameters::default();
    let mut labels = Labels::new();
    let mut words = Vec::new();
    for (at, query) in queries.iter().enumerate() {
        let at = at + 1;
        let id = query.text("Id")?;
        let prefix = format!("MetricDataQueries.member.{at}");
        if let Some(expression) = query.text("Expression") {
            parameters = parameters.with(format!("{prefix}.Id"), id).with(format!("{prefix}.Expression"), expression);
            if let Some(period) = query.text("Period") {
                parameters = parameters.with(format!("{prefix}.Period"), period);
            }
            words.push(format!("{id}: {expression}"));
        } else {
            let inner = query.at("MetricStat/Metric")?;
            let metric = Metric {
                namespace: inner.text("Namespace")?.to_owned(),
                name: inner.text("MetricName")?.to_owned(),
                dimensions: series::dimensions(inner),
            };
            let statistic = query.text("MetricStat/Stat")?;
            let period = query.text("MetricStat/Period").and_then(|period| period.parse().ok()).unwrap_or(60);
            parameters = stat(parameters, at, id, &metric, statistic, period);
            labels.extend(metric.dimensions.clone());
            words.push(format!("{id}: {} {statistic}", metric.words()));
        }
        let returned = if id == watched { "true" } else { "false" };
        parameters = parameters.with(format!("{prefix}.ReturnData"), returned);
    }
    Some((parameters, words.join("; "), watched.to_owned(), labels))
}

fn threshold(alarm: &Node) -> Option<Threshold> {
    let value = alarm.number("Threshold")?;
    Some(Threshold { value, above: alarm.text("ComparisonOperator")?.starts_with("Greater") })
}

/// The standard metrics of what the alert names, as far as CloudWatch has them.
async fn standard(region: &Region, target: &Target, window: Window) -> Found {
    let mut found = Found::default();
    let sought = target.resources.sought();
    let listed = join_all(sought.iter().map(|(name, value)| {
        let parameters = Parameters::default()
            .with("Dimensions.member.1.Name", name.as_str())
            .with("Dimensions.member.1.Value", value.as_str());
        region.query(&CLOUDWATCH, "ListMetrics", parameters)
    }))
    .await;
    let mut metrics: BTreeSet<Metric> = BTreeSet::new();
    for answer in listed {
        match answer {
            Ok(answer) => metrics.extend(series::listed(&answer)),
            Err(refusal) => {
                found.fail(refusal);
                return found;
            }
        }
    }
    let (chosen, left_out) = choose(metrics);
    if chosen.is_empty() {
        let pairs: Vec<String> = sought.iter().map(|(name, value)| format!("{name}={value}")).collect();
        let reason = format!("CloudWatch has no metric of what the alert names ({})", pairs.join(", "));
        found.fail(Failure::new(GapKind::NotRelevant, reason));
        return found;
    }
    let period = if window.length() > SignedDuration::from_hours(6) { 300 } else { 60 };
    let mut labels = BTreeMap::new();
    let mut parameters = Parameters::default();
    for (at, (metric, known)) in chosen.iter().enumerate() {
        let id = format!("m{at}");
        parameters = stat(parameters, at + 1, &id, metric, known.statistic, period);
        labels.insert(id, metric.labels());
    }
    match fetch(region, parameters, &labels, window, period).await {
        Ok((series, partial)) => pieces(&chosen, series, period, partial, left_out, &mut found),
        Err(refusal) => found.fail(refusal),
    }
    found
}

/// The metrics worth asking for: those with a known meaning, of each name those with the fewest dimensions.
fn choose(metrics: BTreeSet<Metric>) -> (Vec<(Metric, Known)>, usize) {
    let mut fewest: BTreeMap<(String, String), usize> = BTreeMap::new();
    for metric in &metrics {
        let least = fewest.entry((metric.namespace.clone(), metric.name.clone())).or_insert(usize::MAX);
        *least = (*least).min(metric.dimensions.len());
    }
    let mut custom = 0;
    let mut chosen: Vec<(Metric, Known)> = metrics
        .into_iter()
        .filter(|metric| fewest[&(metric.namespace.clone(), metric.name.clone())] == metric.dimensions.len())
        .filter_map(|metric| series::known(&metric).map(|known| (metric, known)))
        .filter(|(metric, _)| {
            custom += usize::from(!metric.namespace.starts_with("AWS/"));
            metric.namespace.starts_with("AWS/") || custom <= MOST_CUSTOM
        })
        .collect();
    let left_out = chosen.len().saturating_sub(MOST);
    chosen.truncate(MOST);
    (chosen, left_out)
}

/// One piece of evidence per metric, with the series of all its resources.
fn pieces(
    chosen: &[(Metric, Known)],
    mut series: BTreeMap<String, Vec<Series>>,
    period: u32,
    partial: bool,
    left_out: usize,
    found: &mut Found,
) {
    let mut grouped: BTreeMap<(&str, &str), (Known, Vec<Series>)> = BTreeMap::new();
    for (at, (metric, known)) in chosen.iter().enumerate() {
        let points = series.remove(&format!("m{at}")).unwrap_or_default();
        grouped.entry((&metric.namespace, &metric.name)).or_insert((*known, Vec::new())).1.extend(points);
    }
    let mut empty = Vec::new();
    for ((namespace, name), (known, mut series)) in grouped {
        if series.is_empty() {
            empty.push(name.to_owned());
            continue;
        }
        series.sort_by(|one, other| one.labels.cmp(&other.labels));
        // What is left rather than used is told by a word that readers of the query know.
        let free = if name.starts_with("Free") { ", available" } else { "" };
        let query = format!("GetMetricData {namespace} {name}{free}, {} of {period} s", known.statistic);
        let summary = format!("{namespace} {name}: {}", count(series.len(), "series").replace("seriess", "series"));
        let data = EvidenceData::Metrics {
            meaning: known.meaning,
            unit: known.unit.map(str::to_owned),
            threshold: None,
            series,
        };
        let notes: Vec<String> = [
            partial.then(|| "CloudWatch had more values than one answer holds".to_owned()),
            (left_out > 0).then(|| format!("{left_out} more metrics were left out")),
        ]
        .into_iter()
        .flatten()
        .collect();
        found.add(
            Piece::new(query, summary, data)
                .cut((!notes.is_empty()).then(|| notes.join("; ")))
                .at(format!("cloudwatch/home#metricsV2:namespace={namespace}")),
        );
    }
    if !empty.is_empty() {
        let reason = format!("no values in the window of {}", empty.join(", "));
        found.fail(Failure::new(GapKind::NotRelevant, reason));
    }
}

/// Asks for the values of the whole window. Of data older than 15 days CloudWatch keeps five minutes only: where finer
/// periods have nothing, the coarser are asked for.
async fn fetch(
    region: &Region,
    parameters: Parameters,
    labels: &BTreeMap<String, Labels>,
    window: Window,
    period: u32,
) -> Result<(BTreeMap<String, Vec<Series>>, bool), Refusal> {
    let bounded = |parameters: Parameters| {
        parameters
            .with("StartTime", window.baseline_start.to_string())
            .with("EndTime", window.end.to_string())
            .with("ScanBy", "TimestampAscending")
    };
    let answer = region.query(&CLOUDWATCH, "GetMetricData", bounded(parameters.clone())).await?;
    let (found, partial) = series::answered(&answer, labels);
    if !found.is_empty() || period >= 300 {
        return Ok((found, partial));
    }
    let answer = region.query(&CLOUDWATCH, "GetMetricData", bounded(parameters.coarser())).await?;
    Ok(series::answered(&answer, labels))
}

/// Adds one metric to the parameters of `GetMetricData`.
fn stat(parameters: Parameters, at: usize, id: &str, metric: &Metric, statistic: &str, period: u32) -> Parameters {
    let prefix = format!("MetricDataQueries.member.{at}");
    let inner = format!("{prefix}.MetricStat");
    let mut parameters = parameters
        .with(format!("{prefix}.Id"), id)
        .with(format!("{inner}.Metric.Namespace"), metric.namespace.as_str())
        .with(format!("{inner}.Metric.MetricName"), metric.name.as_str())
        .with(format!("{inner}.Stat"), statistic)
        .with(format!("{inner}.Period"), period.to_string());
    for (number, (name, value)) in metric.dimensions.iter().enumerate() {
        let dimension = format!("{inner}.Metric.Dimensions.member.{}", number + 1);
        parameters = parameters
            .with(format!("{dimension}.Name"), name.as_str())
            .with(format!("{dimension}.Value"), value.as_str());
    }
    parameters
}
