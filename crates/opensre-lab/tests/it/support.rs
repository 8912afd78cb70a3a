//! Starting labs and asking them.

use jiff::Timestamp;
use opensre_lab::{Lab, Scenario, scenario_named};
use reqwest::{Client, Response};
use serde_json::Value;

/// A fixed present, so that every number in a test is known: 2026-03-10 12:00:00 UTC, 1773144000.
pub(crate) const NOW: i64 = 1_773_144_000;

pub(crate) fn now() -> Timestamp {
    Timestamp::from_second(NOW).unwrap()
}

pub(crate) async fn start(text: &str) -> Lab {
    let scenario = Scenario::parse(text).unwrap_or_else(|error| panic!("{error}"));
    Lab::start(scenario, now()).await.unwrap()
}

pub(crate) async fn demo() -> Lab {
    Lab::start(scenario_named("staging-bad-deploy").unwrap().load().unwrap(), now()).await.unwrap()
}

pub(crate) struct Asker<'a> {
    lab: &'a Lab,
    instance: &'static str,
    token: Option<String>,
    client: Client,
}

impl<'a> Asker<'a> {
    /// Asks an instance, with the credentials that the store document has for it.
    pub(crate) fn new(lab: &'a Lab, instance: &'static str) -> Self {
        let token = stored_token(lab, instance);
        Self { lab, instance, token, client: Client::builder().no_proxy().build().unwrap() }
    }

    pub(crate) fn with_token(mut self, token: Option<&str>) -> Self {
        self.token = token.map(str::to_owned);
        self
    }

    pub(crate) async fn send(&self, path: &str, params: &[(&str, &str)]) -> reqwest::Result<Response> {
        let mut request = self.client.get(format!("{}{path}", self.lab.url(self.instance).unwrap())).query(params);
        if let Some(token) = &self.token {
            request = request.bearer_auth(token);
        }
        request.send().await
    }

    /// Status and body; a body that is not JSON comes as a JSON string.
    pub(crate) async fn get(&self, path: &str, params: &[(&str, &str)]) -> (u16, Value) {
        let response = self.send(path, params).await.unwrap();
        let status = response.status().as_u16();
        let text = response.text().await.unwrap();
        (status, serde_json::from_str(&text).unwrap_or(Value::String(text)))
    }

    pub(crate) async fn post(&self, path: &str, params: &[(&str, &str)]) -> (u16, Value) {
        let request = self.client.post(format!("{}{path}", self.lab.url(self.instance).unwrap()));
        let body = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(params).finish();
        let request = request.header("content-type", "application/x-www-form-urlencoded").body(body);
        let response = request.send().await.unwrap();
        (response.status().as_u16(), response.json().await.unwrap())
    }
}

pub(crate) fn stored_token(lab: &Lab, instance: &str) -> Option<String> {
    let (service, name) = instance.split_once('/').unwrap();
    let document = lab.store_document();
    let record = document["integrations"]
        .as_array()
        .unwrap()
        .iter()
        .find(|record| record["service"] == service)
        .unwrap()
        .clone();
    let entry = record["instances"].as_array().unwrap().iter().find(|entry| entry["name"] == name).unwrap().clone();
    let credentials = &entry["credentials"];
    let token = credentials.get("api_key").or_else(|| credentials.get("bearer_token"))?;
    token.as_str().filter(|token| !token.is_empty()).map(str::to_owned)
}
