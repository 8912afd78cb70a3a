//! Links into Grafana that a person can open.
//!
//! Facts from the vendor's page "Get started with Explore" (`/explore?schemaVersion=1&panes=<JSON>&orgId=<id>`, a pane
//! being `{"datasource": uid, "queries": [...], "range": {"from": ms, "to": ms}}`).

use std::sync::Arc;

use opensre_model::window::Window;
use serde_json::json;
use url::Url;

use super::datasources::{DataSource, Kind};
use crate::backend::{LinkBuilder, LinkTarget};

/// A page below a Grafana's base URL (which may have a path prefix).
fn page(base: &Url, segments: &[&str]) -> Url {
    let mut url = base.clone();
    if let Ok(mut path) = url.path_segments_mut() {
        path.pop_if_empty().extend(segments);
    }
    url
}

/// Makes Explore links for one data source.
pub(super) fn explore(base: &Url, source: &DataSource) -> LinkBuilder {
    let page = page(base, &["explore"]);
    let source = source.clone();
    Arc::new(move |target, window| Some(explore_link(&page, &source, target, window)))
}

fn explore_link(page: &Url, source: &DataSource, target: LinkTarget<'_>, window: &Window) -> String {
    let about = json!({ "type": source.plugin, "uid": source.uid });
    let query = match (source.kind, target) {
        (Kind::Tempo, LinkTarget::Query(query) | LinkTarget::Trace(query)) => {
            json!({ "refId": "A", "datasource": about, "queryType": "traceql", "query": query, "limit": 20 })
        }
        (Kind::Loki, LinkTarget::Query(query) | LinkTarget::Trace(query)) => {
            json!({ "refId": "A", "datasource": about, "queryType": "range", "editorMode": "code", "expr": query })
        }
        (Kind::Prometheus, LinkTarget::Query(query) | LinkTarget::Trace(query)) => {
            json!({ "refId": "A", "datasource": about, "range": true, "editorMode": "code", "expr": query })
        }
    };
    let panes = json!({
        "opensre": {
            "datasource": source.uid,
            "queries": [query],
            "range": {
                "from": window.baseline_start.as_millisecond().to_string(),
                "to": window.end.as_millisecond().to_string(),
            },
        }
    });
    let mut url = page.clone();
    url.query_pairs_mut().append_pair("schemaVersion", "1").append_pair("panes", &panes.to_string());
    if let Some(org) = source.org_id {
        url.query_pairs_mut().append_pair("orgId", &org.to_string());
    }
    url.into()
}

/// The page of an alert rule.
pub(super) fn alert_rule(base: &Url, uid: &str) -> String {
    page(base, &["alerting", "grafana", uid, "view"]).into()
}
