//! The Grafana HTTP API (vendor pages "Data source API", "Annotations API", "Alerting provisioning HTTP API"),
//! version 11, with the data-source proxy in front of the other simulators.

use std::sync::Arc;

use axum::http::StatusCode;
use serde_json::{Value, json};

use super::exchange::{Call, Reply};
use super::{loki, prometheus, rules, tempo};
use crate::data::DataPool;
use crate::data::clock::Clock;
use crate::scenario::{AlertRule, Annotation, DataSource, Instance};

/// A Grafana with the data its data sources show.
#[derive(Debug)]
pub(crate) struct Grafana {
    pub(crate) name: String,
    pub(crate) clock: Clock,
    pub(crate) sources: Vec<(DataSource, Option<Arc<DataPool>>)>,
    pub(crate) annotations: Vec<Annotation>,
    pub(crate) alert_rules: Vec<AlertRule>,
}

impl Grafana {
    pub(crate) fn new(instance: &Instance, clock: Clock, pool: impl Fn(&str) -> Option<Arc<DataPool>>) -> Self {
        let sources = instance.datasources.iter().map(|source| {
            let data = source.backend.as_ref().and_then(|name| pool(&name.value));
            (source.clone(), data)
        });
        Self {
            name: instance.name.value.clone(),
            clock,
            sources: sources.collect(),
            annotations: instance.annotations.clone(),
            alert_rules: instance.alert_rules.clone(),
        }
    }

    /// Answers one request that has passed authentication.
    pub(crate) fn answer(&self, call: &Call) -> Reply {
        let path = call.path();
        match (call.method.as_str(), path.as_slice()) {
            ("GET", ["api", "org"]) => Reply::ok(&json!({
                "id": 1, "name": self.name,
                "address": {"address1": "", "address2": "", "city": "", "zipCode": "", "state": "", "country": ""},
            })),
            ("GET", ["api", "datasources"]) => {
                let list = (0..self.sources.len()).map(|index| self.source_json(index, false));
                Reply::ok(&list.collect())
            }
            ("GET", ["api", "datasources", "uid", uid]) => self.one_source(|source| source.uid == *uid),
            ("GET", ["api", "datasources", "name", name]) => self.one_source(|source| source.name == *name),
            ("GET", ["api", "datasources", "uid", uid, "health"]) => self.health(uid),
            (_, ["api", "datasources", "proxy", "uid", uid, ..]) => self.proxy(uid, &call.below(5)),
            ("GET", ["api", "annotations"]) => self.find_annotations(call),
            ("GET", ["api", "v1", "provisioning", "alert-rules"]) => {
                let list = self.alert_rules.iter().enumerate();
                Reply::ok(
                    &list.map(|(index, rule)| rules::grafana_provisioned(rule, index + 1, self.clock.start)).collect(),
                )
            }
            ("GET", ["api", "v1", "provisioning", "alert-rules", uid]) => {
                match self.alert_rules.iter().enumerate().find(|(_, rule)| rule.uid == *uid) {
                    Some((index, rule)) => Reply::ok(&rules::grafana_provisioned(rule, index + 1, self.clock.start)),
                    // The vendor documents an empty answer.
                    None => Reply::text(StatusCode::NOT_FOUND, ""),
                }
            }
            ("GET", ["api", "ruler", "grafana", "api", "v1", "rules"]) => {
                Reply::ok(&rules::grafana_ruler(&self.alert_rules, self.clock.start))
            }
            (_, ["api", ..]) => message(StatusCode::NOT_FOUND, "Not found"),
            _ => Reply::html(StatusCode::OK, LOGIN_PAGE),
        }
    }

    fn source_json(&self, index: usize, single: bool) -> Value {
        let (source, _) = &self.sources[index];
        let mut item = json!({
            "id": index + 1,
            "uid": source.uid,
            "orgId": 1,
            "name": source.name,
            "type": source.kind,
            "typeName": capitalised(&source.kind),
            "typeLogoUrl": format!("public/app/plugins/datasource/{0}/img/{0}_logo.svg", source.kind),
            "access": "proxy",
            "url": format!("http://{}.monitoring.svc:{}", source.kind, port(&source.kind)),
            "user": "",
            "database": "",
            "basicAuth": false,
            "isDefault": source.is_default,
            "jsonData": {},
            "readOnly": true,
        });
        if single {
            for (key, value) in [
                ("basicAuthUser", json!("")),
                ("withCredentials", json!(false)),
                ("secureJsonFields", json!({})),
                ("version", json!(1)),
                ("apiVersion", json!("")),
            ] {
                item[key] = value;
            }
        }
        item
    }

    fn one_source(&self, wanted: impl Fn(&DataSource) -> bool) -> Reply {
        match self.sources.iter().position(|(source, _)| wanted(source)) {
            Some(index) => Reply::ok(&self.source_json(index, true)),
            None => message(StatusCode::NOT_FOUND, "Data source not found"),
        }
    }

    fn health(&self, uid: &str) -> Reply {
        match self.sources.iter().find(|(source, _)| source.uid == uid) {
            Some((_, Some(_))) => {
                Reply::ok(&json!({"message": "Successfully queried the data source.", "status": "OK"}))
            }
            Some((_, None)) => Reply::json(
                StatusCode::BAD_REQUEST,
                &json!({"message": "dial tcp: connect: connection refused", "status": "ERROR"}),
            ),
            None => message(StatusCode::NOT_FOUND, "Data source not found"),
        }
    }

    fn proxy(&self, uid: &str, call: &Call) -> Reply {
        match self.sources.iter().find(|(source, _)| source.uid == uid) {
            None => message(StatusCode::NOT_FOUND, "Unable to find datasource"),
            Some((_, None)) => Reply::text(StatusCode::BAD_GATEWAY, ""),
            Some((source, Some(pool))) => match source.kind.as_str() {
                "prometheus" => prometheus::answer(pool, &[], call),
                "loki" => loki::answer(pool, call),
                "tempo" => tempo::answer(pool, call),
                _ => Reply::not_found(),
            },
        }
    }

    fn find_annotations(&self, call: &Call) -> Reply {
        let number = |name| call.param(name).map_or(Ok(None), |text| text.parse::<i64>().map(Some));
        let (Ok(from), Ok(to), Ok(limit), Ok(panel)) =
            (number("from"), number("to"), number("limit"), number("panelId"))
        else {
            return message(StatusCode::BAD_REQUEST, "bad request data");
        };
        let tags: Vec<&str> = call.all("tags").collect();
        let any = call.param("matchAny") == Some("true");
        let dashboard = call.param("dashboardUID");
        let mut found: Vec<(i64, Value)> = Vec::new();
        if call.param("type") != Some("alert") {
            for (index, annotation) in self.annotations.iter().enumerate() {
                let time = self.clock.at(annotation.at);
                let end = annotation.until.map_or(time, |until| self.clock.at(until));
                let has = |tag: &&str| annotation.tags.iter().any(|own| own == tag);
                let tagged = tags.is_empty() || if any { tags.iter().any(has) } else { tags.iter().all(has) };
                let fits = tagged
                    && time <= self.clock.now
                    && from.is_none_or(|from| end >= from)
                    && to.is_none_or(|to| time <= to)
                    && dashboard.is_none_or(|wanted| annotation.dashboard_uid.as_deref() == Some(wanted))
                    && panel.is_none_or(|panel| annotation.panel_id.is_some_and(|own| i64::try_from(own) == Ok(panel)));
                if fits {
                    found.push((time, annotation_json(annotation, index + 1, time, end)));
                }
            }
        }
        found.sort_by_key(|(time, _)| std::cmp::Reverse(*time));
        let limit = limit.and_then(|limit| usize::try_from(limit).ok()).filter(|limit| *limit > 0).unwrap_or(100);
        Reply::ok(&found.into_iter().take(limit).map(|(_, item)| item).collect())
    }
}

fn annotation_json(annotation: &Annotation, id: usize, time: i64, end: i64) -> Value {
    json!({
        "id": id, "alertId": 0, "alertName": "",
        "dashboardId": i32::from(annotation.dashboard_uid.is_some()),
        "dashboardUID": annotation.dashboard_uid.as_deref().unwrap_or_default(),
        "panelId": annotation.panel_id.unwrap_or(0), "userId": 0, "newState": "", "prevState": "",
        "created": time, "updated": time, "time": time, "timeEnd": end,
        "text": annotation.text, "tags": annotation.tags,
        "login": "sa-1-deployer", "email": "sa-1-deployer", "avatarUrl": "/avatar/6d2c", "data": {},
    })
}

/// `/api/health`, which needs no credentials.
pub(crate) fn health() -> Reply {
    Reply::ok(&json!({"commit": "2a88694fd3ced0335bf3726cc5d0adc2d1858855", "database": "ok", "version": "11.2.0"}))
}

/// What Grafana answers to a request without a token, or with one that it does not know.
pub(crate) fn unauthorized(token_given: bool) -> Reply {
    let (message, id) =
        if token_given { ("Invalid API key", "api-key.invalid") } else { ("Unauthorized", "auth.unauthorized") };
    let body = json!({"extra": null, "message": message, "messageId": id, "statusCode": 401, "traceID": ""});
    Reply::json(StatusCode::UNAUTHORIZED, &body)
}

/// An error body of the API.
pub(crate) fn message(status: StatusCode, text: &str) -> Reply {
    Reply::json(status, &json!({"message": text, "traceID": ""}))
}

/// The page that a proxy or Grafana itself shows to people.
pub(crate) const LOGIN_PAGE: &str = "<!DOCTYPE html>\n<html lang=\"en-US\">\n<head><meta charset=\"utf-8\"><title>Grafana</title></head>\n<body class=\"login-page\"><div id=\"reactRoot\"></div><form action=\"/login\" method=\"post\"><input name=\"user\"><input name=\"password\" type=\"password\"><button>Log in</button></form></body>\n</html>\n";

fn capitalised(word: &str) -> String {
    let mut characters = word.chars();
    characters.next().map_or_else(String::new, |first| first.to_uppercase().chain(characters).collect())
}

fn port(kind: &str) -> u16 {
    match kind {
        "loki" => 3100,
        "tempo" => 3200,
        _ => 9090,
    }
}
