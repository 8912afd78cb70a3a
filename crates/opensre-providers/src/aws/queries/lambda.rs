//! Lambda: a function's configuration, without the values of its environment, and when it was last changed.
//!
//! "GetFunctionConfiguration" (Lambda API Reference). The answer holds the environment's values; they are dropped where
//! it is read, before anything else sees them.

use futures::future::join_all;
use jiff::Timestamp;
use opensre_model::alert::Labels;
use opensre_model::evidence::{Event, EventKind, EvidenceData};
use opensre_model::window::Window;
use serde_json::Value as Json;

use super::super::caller::{LAMBDA, Region};
use super::{Found, Piece, Target, state};

pub(super) async fn ask(region: &Region, target: &Target, window: Window) -> Found {
    let mut found = Found::default();
    let named =
        if target.resources.functions.is_empty() { &target.resources.services } else { &target.resources.functions };
    let answers = join_all(named.iter().map(|name| async move {
        let path = ["2015-03-31", "functions", name.as_str(), "configuration"];
        (name, region.get(&LAMBDA, "GetFunctionConfiguration", &path, &[]).await)
    }))
    .await;
    for (name, answer) in answers {
        match answer {
            Ok(answer) => read(region, name, &without_values(answer), window, &mut found),
            Err(refusal) => found.refused(refusal, &format!("Lambda function {name}")),
        }
    }
    found
}

/// The configuration with the names of the environment's variables in place of their values.
fn without_values(mut configuration: Json) -> Json {
    if let Some(environment) = configuration.get_mut("Environment") {
        let names: Vec<Json> = environment
            .get("Variables")
            .and_then(Json::as_object)
            .map(|variables| variables.keys().map(|name| Json::from(name.as_str())).collect())
            .unwrap_or_default();
        *environment = Json::Array(names);
    }
    configuration
}

fn read(region: &Region, name: &str, configuration: &Json, window: Window, found: &mut Found) {
    let text = |key: &str| configuration.get(key).and_then(Json::as_str).map(str::to_owned);
    let number = |key: &str| configuration.get(key).and_then(Json::as_i64).map(|number| number.to_string());
    let names: Vec<&str> = configuration
        .get("Environment")
        .and_then(Json::as_array)
        .into_iter()
        .flatten()
        .filter_map(Json::as_str)
        .collect();
    let healthy = match (text("State").as_deref(), text("LastUpdateStatus").as_deref()) {
        (Some("Failed"), _) | (_, Some("Failed")) => Some(false),
        (Some("Active"), _) => Some(true),
        _ => None,
    };
    let own = state(
        region,
        "Lambda function",
        name,
        healthy,
        &[
            ("FunctionName", Some(name.to_owned())),
            ("state", text("State")),
            ("state_reason", text("StateReason")),
            ("last_update", text("LastUpdateStatus")),
            ("last_update_reason", text("LastUpdateStatusReason")),
            ("runtime", text("Runtime")),
            ("memory_mb", number("MemorySize")),
            ("timeout_seconds", number("Timeout")),
            ("version", text("Version")),
            ("modified", text("LastModified")),
            ("environment_names", Some(names.join(", "))),
        ],
    );
    let summary = format!(
        "Lambda function {name}: {} MB, {} s at most, changed {}",
        number("MemorySize").unwrap_or_default(),
        number("Timeout").unwrap_or_default(),
        text("LastModified").unwrap_or_else(|| "at an unknown time".to_owned())
    );
    let page = format!("lambda/home#/functions/{name}");
    let data = EvidenceData::States { states: vec![own] };
    found.add(Piece::new(format!("GetFunctionConfiguration {name}"), summary, data).at(page.clone()));
    // `2024-05-01T12:00:00.000+0000`: with an offset that has no colon.
    let changed: Option<Timestamp> = text("LastModified").and_then(|text| text.replace("+0000", "Z").parse().ok());
    if let Some(time) = changed.filter(|time| *time >= window.baseline_start && *time <= window.end) {
        let events = vec![Event {
            time,
            kind: EventKind::Deploy,
            title: format!("code or configuration of {name} changed"),
            text: String::new(),
            labels: Labels::from([("FunctionName".to_owned(), name.to_owned())]),
        }];
        let query = format!("GetFunctionConfiguration {name} LastModified");
        let summary = format!("Lambda function {name} was changed in the window");
        found.add(Piece::new(query, summary, EvidenceData::Events { events }).at(page));
    }
}
