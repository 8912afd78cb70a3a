//! What alerting systems pass on of the alert that they were given: the custom details of PagerDuty and Opsgenie.
//!
//! Details are names and values; and, where Alertmanager or Grafana sent them, the original alerts: as an object, as the
//! text of one, or in the plain text that both make of a list of alerts.

use serde_json::Value as Json;

use super::lenient::{self, Object, scalar};
use super::reading::Reading;
use super::{AlertItem, AlertState, Labels, group, links};

/// The longest value that is a label; a longer one is an annotation.
const LONGEST_LABEL: usize = 200;

/// Reads the details at a key: an object, the text of one, or plain text. What is a short value becomes a label, what is
/// long an annotation.
pub(super) fn read(parent: &Object<'_>, key: &str, reading: &mut Reading) {
    match parent.get(key) {
        None => {}
        Some(Json::Object(map)) => object(&Object::new(map, parent.at(key)), reading),
        Some(Json::String(text)) => match serde_json::from_str::<Json>(text) {
            Ok(Json::Object(map)) => object(&Object::new(&map, parent.at(key)), reading),
            _ => prose(text, &parent.at(key), reading),
        },
        Some(list @ Json::Array(_)) => {
            let (labels, _) = lenient::labels(list);
            add(&parent.at(key), labels, reading);
        }
        Some(other) => prose(&scalar(other).unwrap_or_default(), &parent.at(key), reading),
    }
}

fn object(details: &Object<'_>, reading: &mut Reading) {
    reading.hints(details);
    if is_group(details) {
        nested(details, reading);
        return;
    }
    let mut found = Labels::new();
    for (key, value) in details.entries() {
        match value {
            Json::Object(map) => {
                let inner = Object::new(map, details.at(key));
                if is_group(&inner) {
                    nested(&inner, reading);
                } else if matches!(key, "labels" | "commonLabels" | "tags") {
                    let labels = reading.labels(details, key);
                    found.extend(labels);
                } else if matches!(key, "annotations" | "commonAnnotations") {
                    let annotations = reading.labels(details, key);
                    reading.alert.annotations.extend(annotations);
                } else {
                    reading.alert.annotations.entry(key.to_owned()).or_insert_with(|| value.to_string());
                }
            }
            Json::String(text) if text.trim_start().starts_with('{') => {
                if let Ok(Json::Object(map)) = serde_json::from_str::<Json>(text)
                    && is_group(&Object::new(&map, ""))
                {
                    nested(&Object::new(&map, details.at(key)), reading);
                } else {
                    prose(text, &details.at(key), reading);
                }
            }
            Json::String(text) if text.contains('\n') => prose(text, &details.at(key), reading),
            Json::Array(_) if key == "alerts" || key == "tags" => {
                found.extend(lenient::labels(value).0);
            }
            other => {
                if let Some(text) = scalar(other) {
                    found.insert(key.to_owned(), text);
                }
            }
        }
    }
    add(details.path(), found, reading);
}

/// Whether an object is a group of alerts as Alertmanager and Grafana send it.
fn is_group(object: &Object<'_>) -> bool {
    object.get("alerts").is_some_and(Json::is_array)
        || object.child("commonLabels").is_some()
        || (object.child("labels").is_some() && object.has_any(&["annotations", "startsAt", "status"]))
}

/// Reads a group inside; what the outer alert says of title, state and times stands.
fn nested(inner: &Object<'_>, reading: &mut Reading) {
    let (state, starts, ends) = (reading.alert.state, reading.alert.starts_at, reading.alert.ends_at);
    group::read(inner, reading);
    if state != AlertState::Unknown {
        reading.alert.state = state;
    }
    reading.alert.starts_at = starts.or(reading.alert.starts_at);
    reading.alert.ends_at = ends.or(reading.alert.ends_at);
}

fn add(path: &str, found: Labels, reading: &mut Reading) {
    reading.absorb(path, &found);
    for (key, value) in found {
        let place = if value.chars().count() > LONGEST_LABEL {
            &mut reading.alert.annotations
        } else {
            &mut reading.alert.labels
        };
        place.entry(key).or_insert(value);
    }
}

/// Reads a text: the list of alerts that Alertmanager's and Grafana's templates make, else free text.
fn prose(text: &str, path: &str, reading: &mut Reading) {
    for block in blocks(text) {
        reading.absorb(path, &block.annotations);
        reading.absorb(path, &block.labels);
        for url in &block.urls {
            links::from_url(url, path, reading);
        }
        reading.alert.items.push(AlertItem {
            path: path.to_owned(),
            labels: block.labels,
            annotations: block.annotations,
            ..AlertItem::default()
        });
    }
    reading.prose(text);
}

#[derive(Default)]
struct Block {
    labels: Labels,
    annotations: Labels,
    urls: Vec<String>,
}

#[derive(Clone, Copy)]
enum Section {
    None,
    Labels,
    Annotations,
}

/// The alerts of such a list. Each begins with a line `Labels:`; lines ` - name = value` follow, then `Annotations:` with
/// more of them, and `Source: URL` (Grafana also `Silence:`, `Dashboard:`, `Panel:`). Any other text has none.
fn blocks(text: &str) -> Vec<Block> {
    let mut blocks: Vec<Block> = Vec::new();
    let mut section = Section::None;
    for line in text.lines().map(str::trim) {
        if line == "Labels:" {
            blocks.push(Block::default());
            section = Section::Labels;
            continue;
        }
        let Some(block) = blocks.last_mut() else { continue };
        if line == "Annotations:" {
            section = Section::Annotations;
        } else if let Some(pair) = line.strip_prefix("- ") {
            let Some((key, value)) = pair.split_once(" = ") else { continue };
            let (key, value) = (key.trim().to_owned(), value.trim().to_owned());
            match section {
                Section::Labels => block.labels.insert(key, value),
                Section::Annotations => block.annotations.insert(key, value),
                Section::None => None,
            };
        } else if let Some((name, url)) = line.split_once(": ")
            && matches!(name, "Source" | "Silence" | "Dashboard" | "Panel")
        {
            block.urls.push(url.trim().to_owned());
            section = Section::None;
        }
    }
    blocks
}
