//! Alarms: which changed their state in the window, and the state of the alert's own.
//!
//! "DescribeAlarmHistory", "DescribeAlarms" (CloudWatch API Reference).

use std::collections::{BTreeMap, BTreeSet};

use futures::future::join;
use opensre_model::evidence::{Event, EventKind, EvidenceData};
use opensre_model::window::Window;
use serde_json::Value as Json;

use super::super::caller::{CLOUDWATCH, Parameters, Region};
use super::super::refusal::Refusal;
use super::super::xml::Node;
use super::{ALARM, Found, Piece, Target, count, metrics, series, state};
use crate::failure::Failure;

/// Most changes of state that are read, and most alarms whose definition is read (the service's limits for one answer).
const MOST: usize = 100;

pub(super) async fn ask(region: &Region, target: &Target, window: Window) -> Found {
    let own = target.input.text(ALARM.key);
    let (mut found, state) = join(history(region, own, window), own_state(region, own)).await;
    found.pieces.extend(state.pieces);
    found.failures.extend(state.failures);
    found
}

async fn history(region: &Region, own: Option<&str>, window: Window) -> Found {
    let mut found = Found::default();
    let parameters = Parameters::default()
        .with("HistoryItemType", "StateUpdate")
        .with("StartDate", window.baseline_start.to_string())
        .with("EndDate", window.end.to_string())
        .with("ScanBy", "TimestampDescending")
        .with("MaxRecords", MOST.to_string());
    let answer = match region.query(&CLOUDWATCH, "DescribeAlarmHistory", parameters).await {
        Ok(answer) => answer,
        Err(refusal) => {
            found.fail(refusal);
            return found;
        }
    };
    let items: Vec<&Node> = answer
        .list("DescribeAlarmHistoryResult/AlarmHistoryItems")
        .iter()
        .filter(|item| item.text("AlarmName").is_some_and(|name| Some(name) != own) && raised(item))
        .collect();
    let names: BTreeSet<&str> = items.iter().filter_map(|item| item.text("AlarmName")).collect();
    let known = definitions(region, &names).await.unwrap_or_else(|refusal| {
        found.fail(Failure::from(refusal).about("what the alarms are about"));
        BTreeMap::new()
    });
    let mut events: Vec<Event> = items.iter().filter_map(|item| event(item, &known)).collect();
    events.sort_by(|one, other| (one.time, &one.title).cmp(&(other.time, &other.title)));
    let summary = match events.len() {
        0 => "no other alarm was raised in the window".to_owned(),
        _ => format!("{} in the window", count(events.len(), "alarm raised").replace("raiseds", "raised")),
    };
    let more = answer.text("DescribeAlarmHistoryResult/NextToken").is_some();
    found.add(
        Piece::new("DescribeAlarmHistory StateUpdate", summary, EvidenceData::Events { events })
            .cut(more.then(|| format!("the latest {MOST} changes of state were read")))
            .at("cloudwatch/home#alarmsV2:"),
    );
    found
}

/// Whether an entry of the history tells that an alarm was raised. `HistoryData` is a JSON text.
fn raised(item: &Node) -> bool {
    let data: Option<Json> = item.text("HistoryData").and_then(|text| serde_json::from_str(text).ok());
    match data.as_ref().and_then(|data| data.pointer("/newState/stateValue")).and_then(Json::as_str) {
        Some(state) => state == "ALARM",
        None => item.text("HistorySummary").is_some_and(|summary| summary.ends_with("to ALARM")),
    }
}

fn event(item: &Node, known: &BTreeMap<String, Node>) -> Option<Event> {
    let name = item.text("AlarmName")?;
    let alarm = known.get(name);
    let data: Option<Json> = item.text("HistoryData").and_then(|text| serde_json::from_str(text).ok());
    let reason = data.as_ref().and_then(|data| data.pointer("/newState/stateReason")).and_then(Json::as_str);
    let description = alarm.and_then(|alarm| alarm.text("AlarmDescription"));
    let text: Vec<&str> = description.into_iter().chain(reason).collect();
    Some(Event {
        time: item.time("Timestamp")?,
        kind: EventKind::Alert,
        title: format!("alarm {name}"),
        text: text.join(": "),
        labels: alarm.map(series::dimensions).unwrap_or_default(),
    })
}

/// What alarms are about.
async fn definitions(region: &Region, names: &BTreeSet<&str>) -> Result<BTreeMap<String, Node>, Refusal> {
    if names.is_empty() {
        return Ok(BTreeMap::new());
    }
    let parameters = Parameters::default()
        .list("AlarmNames.member", names.iter().take(MOST).copied())
        .with("MaxRecords", MOST.to_string());
    let answer = region.query(&CLOUDWATCH, "DescribeAlarms", parameters).await?;
    let alarms = answer.list("DescribeAlarmsResult/MetricAlarms").iter();
    Ok(alarms.filter_map(|alarm| Some((alarm.text("AlarmName")?.to_owned(), alarm.clone()))).collect())
}

async fn own_state(region: &Region, own: Option<&str>) -> Found {
    let mut found = Found::default();
    let Some(name) = own else { return found };
    match metrics::alarm(region, name).await {
        Ok(Some(alarm)) => {
            let text = |key: &str| alarm.text(key).map(str::to_owned);
            let value = alarm.text("StateValue").unwrap_or("unknown");
            let healthy = match value {
                "OK" => Some(true),
                "ALARM" => Some(false),
                _ => None,
            };
            let states = vec![state(
                region,
                "alarm",
                name,
                healthy,
                &[
                    ("state", Some(value.to_owned())),
                    ("since", text("StateUpdatedTimestamp")),
                    ("reason", text("StateReason")),
                    ("metric", text("MetricName")),
                    ("threshold", text("Threshold")),
                    ("comparison", text("ComparisonOperator")),
                ],
            )];
            let data = EvidenceData::States { states };
            found.add(Piece::new(format!("DescribeAlarms {name}"), format!("alarm {name} is {value} now"), data));
        }
        // The query `metrics` tells that it is not there.
        Ok(None) => {}
        Err(refusal) => found.fail(refusal),
    }
    found
}
