//! The Alertmanager API, version 2 (the `openapi.yaml` of the project).

use axum::http::StatusCode;
use serde_json::{Value, json};

use super::exchange::{Call, Reply};
use super::matcher::Matcher;
use crate::data::clock::{Clock, timestamp};
use crate::data::labels::Labels;
use crate::scenario::{HeldAlert, Silence};

/// An Alertmanager with what it holds.
#[derive(Debug)]
pub(crate) struct Alertmanager {
    pub(crate) clock: Clock,
    pub(crate) alerts: Vec<HeldAlert>,
    pub(crate) silences: Vec<Silence>,
}

struct Shown {
    labels: Labels,
    silenced_by: Vec<String>,
    inhibited_by: Vec<String>,
    json: Value,
    receivers: Vec<String>,
}

impl Alertmanager {
    /// Answers one request.
    pub(crate) fn answer(&self, call: &Call) -> Reply {
        let path = call.path();
        match (call.method.as_str(), path.as_slice()) {
            ("GET" | "HEAD", ["-", "healthy" | "ready"]) => Reply::text(StatusCode::OK, "OK"),
            ("GET", ["api", "v2", "status"]) => Reply::ok(&self.status()),
            ("GET", ["api", "v2", "alerts"]) => self.list_alerts(call).unwrap_or_else(bad_request),
            ("GET", ["api", "v2", "alerts", "groups"]) => self.groups(call).unwrap_or_else(bad_request),
            ("GET", ["api", "v2", "silences"]) => self.list_silences(call).unwrap_or_else(bad_request),
            ("GET", ["api", "v2", "silence", id]) => match self.silences.iter().find(|silence| silence.id == *id) {
                Some(silence) => Reply::ok(&self.silence_json(silence)),
                None => Reply::text(StatusCode::NOT_FOUND, ""),
            },
            ("GET", ["api", "v2", "receivers"]) => {
                let mut names: Vec<&String> = self.alerts.iter().flat_map(|alert| &alert.receivers).collect();
                names.sort();
                names.dedup();
                Reply::ok(&names.into_iter().map(|name| json!({"name": name})).collect())
            }
            _ => Reply::not_found(),
        }
    }

    fn status(&self) -> Value {
        json!({
            "cluster": {"name": "01J5Z6V6J0N3W0Q8T4KXH2M9PD", "peers": [], "status": "disabled"},
            "versionInfo": {
                "branch": "HEAD", "buildDate": "20240228-11:51:20", "buildUser": "root@lab", "goVersion": "go1.21.7",
                "revision": "0aa3c2aad14cff039931923ab16b26b7481783b5", "version": "0.27.0"
            },
            "config": {"original": "route:\n  receiver: default\nreceivers:\n- name: default\n"},
            "uptime": timestamp(self.clock.start).to_string(),
        })
    }

    fn active_silences(&self) -> impl Iterator<Item = &Silence> {
        self.silences.iter().filter(|silence| self.state(silence) == "active")
    }

    fn state(&self, silence: &Silence) -> &'static str {
        if self.clock.at(silence.ends) <= self.clock.now {
            "expired"
        } else if self.clock.at(silence.starts) > self.clock.now {
            "pending"
        } else {
            "active"
        }
    }

    /// Alerts that have not ended; resolved ones disappear from the API.
    fn shown(&self) -> impl Iterator<Item = Shown> {
        let now = self.clock.now;
        self.alerts
            .iter()
            .filter(move |alert| {
                let begun = self.clock.at(alert.starts) <= now;
                begun && alert.ends.is_none_or(|ends| self.clock.at(ends) > now)
            })
            .map(move |alert| self.show(alert))
    }

    fn show(&self, alert: &HeldAlert) -> Shown {
        let labels = Labels::from(&alert.labels);
        let silenced_by: Vec<String> = self
            .active_silences()
            .filter(|silence| silence.matchers.iter().all(|matcher| fits(matcher, &labels)))
            .map(|silence| silence.id.clone())
            .collect();
        let suppressed = !silenced_by.is_empty() || !alert.inhibited_by.is_empty();
        let receivers = if alert.receivers.is_empty() { vec!["default".to_owned()] } else { alert.receivers.clone() };
        let ends = alert.ends.map_or(self.clock.now + 4 * 60_000, |ends| self.clock.at(ends));
        let json = json!({
            "annotations": alert.annotations,
            "endsAt": timestamp(ends).to_string(),
            "fingerprint": format!("{:016x}", labels.fingerprint()),
            "receivers": receivers.iter().map(|name| json!({"name": name})).collect::<Value>(),
            "startsAt": timestamp(self.clock.at(alert.starts)).to_string(),
            "status": {
                "inhibitedBy": alert.inhibited_by,
                "silencedBy": silenced_by,
                "state": if suppressed { "suppressed" } else { "active" },
            },
            "updatedAt": timestamp(self.clock.now).to_string(),
            "generatorURL": alert.generator_url,
            "labels": alert.labels,
        });
        Shown { labels, silenced_by, inhibited_by: alert.inhibited_by.clone(), json, receivers }
    }

    fn filtered(&self, call: &Call) -> Result<Vec<Shown>, String> {
        let flag = |name: &str| match call.param(name) {
            None | Some("true") => Ok(true),
            Some("false") => Ok(false),
            Some(other) => Err(format!("{name} in query must be of type boolean: \"{other}\"")),
        };
        let (active, silenced, inhibited) = (flag("active")?, flag("silenced")?, flag("inhibited")?);
        flag("unprocessed")?;
        let matchers = matchers(call)?;
        let receiver = match call.param("receiver") {
            None => None,
            Some(text) => Some(
                regex::Regex::new(&format!("^(?:{text})$"))
                    .map_err(|_| format!("failed to parse receiver param: {text}"))?,
            ),
        };
        Ok(self
            .shown()
            .filter(|alert| matchers.iter().all(|matcher| matcher.matches(alert.labels.value(&matcher.name))))
            .filter(|alert| {
                receiver.as_ref().is_none_or(|regex| alert.receivers.iter().any(|name| regex.is_match(name)))
            })
            .filter(|alert| silenced || alert.silenced_by.is_empty())
            .filter(|alert| inhibited || alert.inhibited_by.is_empty())
            .filter(|alert| active || !alert.silenced_by.is_empty() || !alert.inhibited_by.is_empty())
            .collect())
    }

    fn list_alerts(&self, call: &Call) -> Result<Reply, String> {
        Ok(Reply::ok(&self.filtered(call)?.into_iter().map(|alert| alert.json).collect()))
    }

    fn groups(&self, call: &Call) -> Result<Reply, String> {
        let groups: Value = self
            .filtered(call)?
            .into_iter()
            .map(|alert| {
                let receiver = alert.receivers.first().cloned().unwrap_or_default();
                json!({
                    "alerts": [alert.json],
                    "labels": alert.labels.only(&["alertname"]).to_json(),
                    "receiver": {"name": receiver},
                })
            })
            .collect();
        Ok(Reply::ok(&groups))
    }

    fn list_silences(&self, call: &Call) -> Result<Reply, String> {
        let filters = matchers(call)?;
        let creators: Vec<&str> = call.all("creator").collect();
        let wanted = |silence: &&Silence| {
            let matchers: Vec<Matcher> =
                silence.matchers.iter().filter_map(|matcher| Matcher::parse(matcher).ok()).collect();
            let named = |filter: &Matcher| {
                let own = matchers.iter().find(|own| own.name == filter.name);
                filter.matches(own.map_or("", |own| &own.value))
            };
            filters.iter().all(named) && (creators.is_empty() || creators.contains(&silence.created_by.as_str()))
        };
        Ok(Reply::ok(&self.silences.iter().filter(wanted).map(|silence| self.silence_json(silence)).collect()))
    }

    fn silence_json(&self, silence: &Silence) -> Value {
        let matchers: Value = silence
            .matchers
            .iter()
            .filter_map(|matcher| Matcher::parse(matcher).ok())
            .map(|matcher| {
                json!({
                    "isEqual": matcher.equal, "isRegex": matcher.is_regex(), "name": matcher.name,
                    "value": matcher.value,
                })
            })
            .collect();
        json!({
            "id": silence.id,
            "status": {"state": self.state(silence)},
            "updatedAt": timestamp(self.clock.at(silence.starts)).to_string(),
            "comment": silence.comment,
            "createdBy": silence.created_by,
            "endsAt": timestamp(self.clock.at(silence.ends)).to_string(),
            "matchers": matchers,
            "startsAt": timestamp(self.clock.at(silence.starts)).to_string(),
        })
    }
}

fn fits(matcher: &str, labels: &Labels) -> bool {
    Matcher::parse(matcher).is_ok_and(|matcher| matcher.matches(labels.value(&matcher.name)))
}

fn matchers(call: &Call) -> Result<Vec<Matcher>, String> {
    call.all("filter").map(Matcher::parse).collect()
}

/// The API's error body is a JSON string.
fn bad_request(message: String) -> Reply {
    Reply::json(StatusCode::BAD_REQUEST, &Value::String(message))
}
