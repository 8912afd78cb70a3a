//! The load of a database: what its sessions run and wait for.
//!
//! "GetResourceMetrics" (RDS Performance Insights API Reference). Only where Performance Insights is on.

use futures::future::join_all;
use jiff::Timestamp;
use opensre_model::alert::Labels;
use opensre_model::evidence::{EvidenceData, GapKind, Meaning, Series};
use opensre_model::window::Window;
use serde_json::{Value as Json, json};

use super::super::caller::{PERFORMANCE_INSIGHTS, Region};
use super::{Found, Piece, Target, count, rds};
use crate::failure::Failure;

/// What the load is divided by: the wait event, and the statement (digest, without its values).
const DIVIDED: [(&str, &str); 2] = [("db.wait_event", "wait event"), ("db.sql_tokenized", "statement")];
/// Most parts of each.
const MOST: usize = 7;
/// Most characters of a statement that are kept.
const STATEMENT: usize = 200;

pub(super) async fn ask(region: &Region, target: &Target, window: Window) -> Found {
    let mut found = Found::default();
    let answers = join_all(target.resources.databases.iter().map(|name| of(region, name, window))).await;
    for answer in answers {
        found.pieces.extend(answer.pieces);
        found.failures.extend(answer.failures);
    }
    found
}

async fn of(region: &Region, name: &str, window: Window) -> Found {
    let mut found = Found::default();
    let instance = match rds::instance(region, name).await {
        Ok(Some(instance)) => instance,
        Ok(None) => return found,
        // The query `rds` tells that it is not there.
        Err(refusal) if refusal.is_absent() => return found,
        Err(refusal) => {
            found.fail(refusal);
            return found;
        }
    };
    let (on, id) = (instance.boolean("PerformanceInsightsEnabled"), instance.text("DbiResourceId"));
    let (Some(true), Some(id)) = (on, id) else {
        let reason = format!("Performance Insights is off for {name}");
        found
            .fail(Failure::new(GapKind::NotRelevant, reason).with_hint("turn it on to see what its sessions wait for"));
        return found;
    };
    let answers = join_all(DIVIDED.map(|(group, what)| async move {
        let body = json!({
            "ServiceType": "RDS",
            "Identifier": id,
            "StartTime": window.baseline_start.as_second(),
            "EndTime": window.end.as_second(),
            "PeriodInSeconds": 60,
            "MetricQueries": [{"Metric": "db.load.avg", "GroupBy": {"Group": group, "Limit": MOST}}],
        });
        (group, what, region.json(&PERFORMANCE_INSIGHTS, "GetResourceMetrics", &body).await)
    }))
    .await;
    for (group, what, answer) in answers {
        match answer {
            Ok(answer) => {
                let mut series = series(&answer, name, group);
                let left_out = series.len().saturating_sub(MOST);
                series.truncate(MOST);
                let summary = format!("load of {name} by {what}: {}", count(series.len(), "part"));
                let data = EvidenceData::Metrics { meaning: Meaning::Pool, unit: None, threshold: None, series };
                found.add(
                    Piece::new(format!("GetResourceMetrics db.load.avg by {group} of {name}"), summary, data)
                        .cut((left_out > 0).then(|| format!("{MOST} parts are kept, {left_out} are left out"))),
                );
            }
            Err(refusal) => found.fail(refusal),
        }
    }
    found
}

fn series(answer: &Json, name: &str, group: &str) -> Vec<Series> {
    let list = answer.get("MetricList").and_then(Json::as_array).map(Vec::as_slice).unwrap_or_default();
    let mut series: Vec<Series> = list
        .iter()
        .filter_map(|one| {
            // The first has no dimensions: the total, which the alert's own metrics hold already.
            let dimensions = one.pointer("/Key/Dimensions")?.as_object()?;
            let value = |ending: &str| {
                dimensions.iter().find(|(key, _)| key.ends_with(ending)).and_then(|(_, value)| value.as_str())
            };
            let part = value(".name").or(value(".statement")).or(dimensions.values().find_map(Json::as_str))?;
            let part: String = part.split_whitespace().collect::<Vec<_>>().join(" ").chars().take(STATEMENT).collect();
            let points = one.get("DataPoints")?.as_array()?.iter().filter_map(point).collect();
            let labels = Labels::from([("DBInstanceIdentifier".to_owned(), name.to_owned()), (group.to_owned(), part)]);
            Some(Series { labels, points })
        })
        .collect();
    series.sort_by(|one, other| one.labels.cmp(&other.labels));
    series
}

fn point(point: &Json) -> Option<(Timestamp, f64)> {
    let seconds = point.get("Timestamp")?.as_f64()?;
    let value = point.get("Value")?.as_f64().filter(|value| value.is_finite())?;
    Some((Timestamp::from_second(seconds as i64).ok()?, value))
}
