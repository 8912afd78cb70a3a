//! What was changed in the account: CloudTrail's events that are no reads.
//!
//! "LookupEvents" (CloudTrail API Reference): 90 days, one attribute per call, 50 events per answer, two calls per
//! second and account. Events arrive some five minutes late.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use opensre_model::alert::Labels;
use opensre_model::evidence::{Event, EventKind, EvidenceData};
use opensre_model::window::Window;
use serde_json::{Value as Json, json};

use super::super::caller::{CLOUDTRAIL, Region};
use super::{Found, Piece, Target, count};

/// Most resources whose events are looked up.
const MOST_NAMES: usize = 3;
/// Most pages of the whole account's events.
const MOST_PAGES: usize = 2;
/// Most events that are kept, those nearest to the onset.
const MOST: usize = 60;

pub(super) async fn ask(region: &Region, target: &Target, window: Window) -> Found {
    let mut found = Found::default();
    let mut events: BTreeMap<String, Event> = BTreeMap::new();
    let names: Vec<&str> = target.resources.names().into_iter().take(MOST_NAMES).collect();
    let mut more = false;
    let own = names.iter().map(|name| (json!({"AttributeKey": "ResourceName", "AttributeValue": name}), 1));
    let all = [(json!({"AttributeKey": "ReadOnly", "AttributeValue": "false"}), MOST_PAGES)];
    // One after the other: CloudTrail allows two calls a second.
    for (attribute, pages) in own.chain(all) {
        match lookup(region, &attribute, window, pages).await {
            Ok((read, cut)) => {
                events.extend(read);
                more |= cut;
            }
            Err(failure) => {
                if !found.failures.contains(&failure) {
                    found.fail(failure);
                }
            }
        }
    }
    if events.is_empty() && !found.failures.is_empty() {
        return found;
    }
    let mut events: Vec<Event> = events.into_values().collect();
    let total = events.len();
    events.sort_by_key(|event| (event.time.duration_since(window.onset).abs(), event.title.clone()));
    events.truncate(MOST);
    events.sort_by(|one, other| (one.time, &one.title).cmp(&(other.time, &other.title)));
    let summary = match total {
        0 => "nothing was changed in the window, by CloudTrail".to_owned(),
        _ => format!("{} in the window, by CloudTrail", count(total, "change")),
    };
    let notes: Vec<String> = [
        (total > MOST).then(|| format!("{MOST} of {total} are kept, those nearest to the onset")),
        more.then(|| "the latest events were read; CloudTrail has more in the window".to_owned()),
    ]
    .into_iter()
    .flatten()
    .collect();
    let query = match names.as_slice() {
        [] => "LookupEvents ReadOnly=false".to_owned(),
        names => format!("LookupEvents ReadOnly=false; ResourceName={}", names.join(", ")),
    };
    found.add(
        Piece::new(query, summary, EvidenceData::Events { events })
            .cut((!notes.is_empty()).then(|| notes.join("; ")))
            .at("cloudtrailv2/home#/events?ReadOnly=false"),
    );
    found
}

async fn lookup(
    region: &Region,
    attribute: &Json,
    window: Window,
    pages: usize,
) -> Result<(BTreeMap<String, Event>, bool), crate::failure::Failure> {
    let mut events = BTreeMap::new();
    let mut token: Option<String> = None;
    for _ in 0..pages {
        let mut body = json!({
            "LookupAttributes": [attribute],
            "StartTime": window.baseline_start.as_second(),
            "EndTime": window.end.as_second(),
            "MaxResults": 50,
        });
        if let Some(token) = &token {
            body["NextToken"] = json!(token);
        }
        let answer = region.json(&CLOUDTRAIL, "LookupEvents", &body).await?;
        let list = answer.get("Events").and_then(Json::as_array).map(Vec::as_slice).unwrap_or_default();
        events.extend(list.iter().filter_map(read));
        token = answer.get("NextToken").and_then(Json::as_str).map(str::to_owned);
        if token.is_none() {
            break;
        }
    }
    Ok((events, token.is_some()))
}

/// Reads an event; reads, log-ins and what services do for themselves all the time are none.
fn read(event: &Json) -> Option<(String, Event)> {
    let text = |key: &str| event.get(key).and_then(Json::as_str).unwrap_or_default();
    let name = text("EventName");
    if text("ReadOnly") == "true" || name.is_empty() || is_noise(name) {
        return None;
    }
    let time = event.get("EventTime")?;
    let time = match time.as_f64() {
        Some(seconds) => Timestamp::from_millisecond((seconds * 1000.0) as i64).ok()?,
        None => time.as_str()?.parse().ok()?,
    };
    let detail: Json = serde_json::from_str(text("CloudTrailEvent")).unwrap_or_default();
    let said = |key: &str| detail.get(key).and_then(Json::as_str).unwrap_or_default();
    let mut labels = Labels::new();
    let mut resources: BTreeSet<&str> = BTreeSet::new();
    for resource in event.get("Resources").and_then(Json::as_array).map(Vec::as_slice).unwrap_or_default() {
        let Some(full) = resource.get("ResourceName").and_then(Json::as_str) else { continue };
        let short = full.rsplit(['/', ':']).next().unwrap_or(full);
        resources.insert(short);
        let kind = resource.get("ResourceType").and_then(Json::as_str).unwrap_or_default();
        let label = match kind {
            "AWS::RDS::DBInstance" => "DBInstanceIdentifier",
            "AWS::Lambda::Function" => "FunctionName",
            "AWS::ECS::Service" => "service",
            "AWS::ECS::Cluster" | "AWS::EKS::Cluster" => "cluster",
            "AWS::EC2::Instance" => "instance",
            _ => continue,
        };
        labels.entry(label.to_owned()).or_insert_with(|| short.to_owned());
    }
    // What was asked for names the thing where the list of resources does not.
    for (parameter, label) in [
        ("functionName", "FunctionName"),
        ("dBInstanceIdentifier", "DBInstanceIdentifier"),
        ("service", "service"),
        ("cluster", "cluster"),
    ] {
        if let Some(value) = detail.get("requestParameters").and_then(|asked| asked.get(parameter)?.as_str()) {
            let short = value.rsplit(['/', ':']).next().unwrap_or(value);
            labels.entry(label.to_owned()).or_insert_with(|| short.to_owned());
            resources.insert(short);
        }
    }
    let on = if resources.is_empty() {
        String::new()
    } else {
        format!(" on {}", resources.iter().copied().take(5).collect::<Vec<_>>().join(", "))
    };
    let failed = said("errorCode");
    let failed = if failed.is_empty() { String::new() } else { format!("; refused: {failed}") };
    let by = match text("Username") {
        "" => text("EventSource"),
        user => user,
    };
    let event = Event {
        time,
        kind: if failed.is_empty() { kind(name) } else { EventKind::Other },
        title: format!("{name}{on}"),
        text: format!("by {by}{failed}"),
        labels,
    };
    let id = match text("EventId") {
        "" => format!("{time} {name}"),
        id => id.to_owned(),
    };
    Some((id, event))
}

/// Whether an action brings new code or another version of something.
fn kind(name: &str) -> EventKind {
    const DEPLOYS: &[&str] = &[
        "UpdateFunctionCode",
        "PublishVersion",
        "UpdateAlias",
        "UpdateService",
        "RegisterTaskDefinition",
        "CreateDeployment",
        "StartPipelineExecution",
        "UpdateStack",
        "ExecuteChangeSet",
        "CreateStack",
        "UpdateEnvironment",
        "UpdateClusterVersion",
        "UpdateNodegroupVersion",
        "StartInstanceRefresh",
    ];
    // Lambda's names carry the API's version: `UpdateFunctionCode20150331v2`.
    let is_deploy = DEPLOYS.iter().any(|known| {
        name.strip_prefix(known).is_some_and(|rest| rest.is_empty() || rest.starts_with(|c: char| c.is_ascii_digit()))
    });
    if is_deploy { EventKind::Deploy } else { EventKind::Change }
}

/// Actions that say nothing of what runs.
fn is_noise(name: &str) -> bool {
    const NOISE: &[&str] = &[
        "AssumeRole",
        "GetSessionToken",
        "GetFederationToken",
        "ConsoleLogin",
        "SwitchRole",
        "CreateLogStream",
        "PutLogEvents",
        "StartQuery",
        "Decrypt",
        "Encrypt",
        "GenerateDataKey",
        "UpdateInstanceInformation",
        "CreateNetworkInterface",
        "DeleteNetworkInterface",
        "RegisterContainerInstance",
        "SubmitTaskStateChange",
        "DiscoverPollEndpoint",
        "SharedSnapshot",
        "CreateGrant",
        "RetireGrant",
    ];
    NOISE.iter().any(|noise| name.starts_with(noise))
}
