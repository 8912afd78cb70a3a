//! The one call: a DataPrime query over a time, answered with JSON lines.
//!
//! Facts from the vendor's page "Direct Archive Query HTTP API": `metadata` has `startDate` and `endDate` in UTC,
//! `defaultSource`, and `tier` (frequent search unless told otherwise).

use std::sync::Arc;

use jiff::Timestamp;
use opensre_http::{Client, FailureKind, Request};
use opensre_model::window::Window;
use serde_json::{Value as Json, json};
use url::Url;

use super::dataprime::Source;
use super::wire::{self, NotRows, Rows};
use crate::access::{Access, HttpFields};
use crate::backend::{Backend, LinkBuilder, LinkTarget};
use crate::driver::Bounds;
use crate::failure::Failure;

const FIELDS: HttpFields = HttpFields::at("base_url").bearer("api_key");

/// Where the data is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Tier {
    /// What is indexed: Coralogix's own default.
    Usual,
    /// Everything that is kept, slower.
    Archive,
}

/// A team that can be asked.
pub(super) struct Coralogix<'a> {
    pub(super) access: &'a Access,
    pub(super) client: Client,
}

impl<'a> Coralogix<'a> {
    /// The instance's team, within bounds.
    pub(super) async fn open(access: &'a Access, bounds: Bounds) -> Result<Self, Failure> {
        Ok(Self { access, client: bounds.keep(access.client(&FIELDS).await?) })
    }

    /// The back end, with links to the team's pages where their address is known.
    pub(super) fn backend(&self, source: Source) -> Backend {
        let app = self.access.instance.config().text("app_url").and_then(|url| Url::parse(url).ok());
        Backend::direct(&self.access.instance, self.client.clone(), links(app, source))
    }

    /// Runs a query.
    pub(super) async fn query(
        &self,
        dataprime: &str,
        (from, to): (Timestamp, Timestamp),
        tier: Tier,
    ) -> Result<Rows, Failure> {
        let mut metadata = json!({
            "startDate": from.to_string(),
            "endDate": to.to_string(),
            "defaultSource": "logs",
        });
        if tier == Tier::Archive {
            metadata["tier"] = "TIER_ARCHIVE".into();
        }
        let body = json!({"query": dataprime, "metadata": metadata});
        let request = Request::post_json("api/v1/dataprime/query", &body).is_read();
        let reply = self.client.send(request).await.map_err(|failure| {
            let denied = matches!(failure.kind, FailureKind::Forbidden | FailureKind::Unauthorized);
            let failure = Failure::from(failure);
            if denied {
                failure
                    .with_hint("check that the key is of this domain (base_url) and has the role preset DataQuerying")
            } else {
                failure
            }
        })?;
        // A server may write what it was sent into what it says.
        match wire::rows(&self.client.redact(&reply.text())) {
            Ok(rows) => Ok(rows),
            // What is no JSON at all is told by the HTTP layer: a login page, an empty answer.
            Err(NotRows::NoJson(1)) => match reply.json::<Json>() {
                Err(failure) => Err(failure.into()),
                Ok(_) => Err(NotRows::Foreign.into()),
            },
            Err(NotRows::Foreign) if reply.body.is_empty() => Err(Failure::nonsense("answered with an empty body")),
            Err(odd) => Err(odd.into()),
        }
    }
}

/// Explore, at the team's own address, which no API tells.
fn links(app: Option<Url>, source: Source) -> LinkBuilder {
    Arc::new(move |target, window: &Window| {
        let (Some(app), LinkTarget::Query(query), Source::Logs) = (&app, target, source) else { return None };
        let (from, to) = (window.baseline_start.as_millisecond(), window.end.as_millisecond());
        let parameters = url::form_urlencoded::Serializer::new(String::new())
            .append_pair("querySyntax", "dataprime")
            .append_pair("time", &format!("from:{from},to:{to}"))
            .append_pair("query", query)
            .finish();
        Some(format!("{}/#/query-new/logs?{parameters}", app.as_str().trim_end_matches('/')))
    })
}
