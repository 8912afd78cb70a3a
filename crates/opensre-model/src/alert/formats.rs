//! The list of formats, in the order in which they are asked. Adding one is one line here.

use serde_json::{Map, Value as Json};

use super::lenient::Object;
use super::reading::Reading;
use super::{Alert, AlertFormat};
use super::{alertmanager, cloudwatch, datadog, envelope, flat, grafana, opsgenie, pagerduty, sentry, text};

/// A format: how it is recognised, and how it is read.
struct Format {
    name: AlertFormat,
    recognises: fn(&Object<'_>) -> bool,
    read: fn(&Object<'_>, &mut Reading),
}

/// The more telling a shape is, the earlier it is asked; the flat form takes every object that is left.
const FORMATS: [Format; 8] = [
    Format { name: AlertFormat::Cloudwatch, recognises: cloudwatch::recognises, read: cloudwatch::read },
    Format { name: AlertFormat::Pagerduty, recognises: pagerduty::recognises, read: pagerduty::read },
    Format { name: AlertFormat::Opsgenie, recognises: opsgenie::recognises, read: opsgenie::read },
    Format { name: AlertFormat::Sentry, recognises: sentry::recognises, read: sentry::read },
    Format { name: AlertFormat::Grafana, recognises: grafana::recognises, read: grafana::read },
    Format { name: AlertFormat::Alertmanager, recognises: alertmanager::recognises, read: alertmanager::read },
    Format { name: AlertFormat::Datadog, recognises: datadog::recognises, read: datadog::read },
    Format { name: AlertFormat::Flat, recognises: |_| true, read: flat::read },
];

/// Reads a payload.
pub(super) fn parse(bytes: &[u8]) -> Alert {
    let written = String::from_utf8_lossy(bytes);
    let written = written.trim_start_matches('\u{feff}').trim();
    let mut why = None;
    match serde_json::from_str::<Json>(written) {
        Ok(Json::Object(map)) => return envelope::unwrap(&map, object),
        Ok(Json::String(text)) => return text_alert(&text, None),
        Ok(_) => why = Some("the payload is JSON but no object; read as text".to_owned()),
        // Only what starts like an object was meant as JSON; a person's words need no remark.
        Err(error) if written.starts_with('{') => {
            why = Some(format!(
                "the payload is no valid JSON (line {}, column {}); read as text",
                error.line(),
                error.column()
            ));
        }
        Err(_) => {}
    }
    text_alert(written, why)
}

fn object(map: &Map<String, Json>) -> Alert {
    let payload = Object::new(map, "");
    let format = FORMATS.iter().find(|format| (format.recognises)(&payload));
    let mut reading = Reading::new(format.map_or(AlertFormat::Flat, |format| format.name));
    if let Some(format) = format {
        // Every format may carry hints at the top level, in annotations and in labels: whoever forwards an alert adds
        // them there, whatever the vendor's own shape. They come before what the vendor's shape holds.
        reading.hints(&payload);
        (format.read)(&payload, &mut reading);
    }
    reading.finish()
}

fn text_alert(text: &str, oddity: Option<String>) -> Alert {
    let mut reading = Reading::new(AlertFormat::Text);
    text::read(text, &mut reading);
    if let Some(oddity) = oddity {
        reading.odd("", &oddity);
    }
    reading.finish()
}
