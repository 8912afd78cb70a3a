//! Payloads inside payloads: an Amazon SNS message, and the Lambda event around it ("Parsing Amazon SNS message
//! formats", "Invoking Lambda functions with Amazon SNS notifications").

use serde_json::{Map, Value as Json};

use super::lenient::Object;
use super::reading::Reading;
use super::{Alert, AlertFormat, text};

/// Takes a payload out of its envelopes and reads it; paths are those inside the envelope. The topic's own ARN is not
/// looked at: it says where the notification went, not what the alert is about.
pub(super) fn unwrap(map: &Map<String, Json>, read: fn(&Map<String, Json>) -> Alert) -> Alert {
    let payload = Object::new(map, "");
    let in_lambda = payload.children("Records").into_iter().find_map(|record| record.child("Sns"));
    let message = in_lambda.filter(is_sns).or_else(|| is_sns(&payload).then_some(payload));
    let Some(message) = message else { return read(map) };
    let inner = message.text("Message").unwrap_or_default();
    let mut alert = if let Ok(Json::Object(inner)) = serde_json::from_str(&inner) {
        read(&inner)
    } else {
        let mut reading = Reading::new(AlertFormat::Text);
        text::read(&inner, &mut reading);
        if let Some(subject) = message.text("Subject") {
            text::title(&subject, &mut reading);
        }
        reading.finish()
    };
    // A hint that was put beside the message (by whoever forwards it) counts, and before what is inside.
    let mut beside = Reading::new(alert.format);
    beside.hints(&message);
    beside.alert.hints.append(&mut alert.hints);
    alert.hints = beside.alert.hints;
    alert
}

fn is_sns(object: &Object<'_>) -> bool {
    object.text("Message").is_some() && object.has_any(&["TopicArn", "SignatureVersion", "MessageId"])
}
