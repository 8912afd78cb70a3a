//! The calls to one organisation: sent, read, and told apart when they fail.
//!
//! Facts from the vendor's API reference, and from "Rate Limits": a search of spans may be asked 300 times an hour, so
//! pages are few and large.

use jiff::Timestamp;
use opensre_http::{Client, FailureKind, HttpFailure, Request};
use opensre_model::alert::Labels;
use opensre_model::evidence::Series;
use opensre_model::instance::Settings;
use opensre_model::value::Value;
use opensre_model::window::Window;
use serde_json::{Value as Json, json};

use super::site::{Page, Site};
use super::wire;
use crate::access::{Access, HttpFields};
use crate::backend::Backend;
use crate::driver::Bounds;
use crate::failure::Failure;
use crate::lines::Cut;
use crate::{lines, spans};

const BASE_URL: &str = "base_url";

const FIELDS: HttpFields =
    HttpFields::at(BASE_URL).header("DD-API-KEY", "api_key").header("DD-APPLICATION-KEY", "app_key");

/// Most entries of one page.
const PAGE: usize = 250;

/// Most pages of one search.
const PAGES: usize = 3;

/// An instance that can be asked.
#[derive(Clone)]
pub(super) struct Datadog<'a> {
    access: &'a Access,
    pub(super) client: Client,
    pub(super) site: Site,
}

impl<'a> Datadog<'a> {
    /// The instance's organisation: at its site's API, or where `base_url` says.
    pub(super) async fn open(access: &'a Access) -> Result<Self, Failure> {
        let config = access.instance.config();
        let site = Site::parse(config.text("site").unwrap_or("datadoghq.com"))?;
        let mut reached = access.clone();
        if config.text(BASE_URL).is_none()
            && let Settings::Typed(config) = &mut reached.instance.settings
        {
            config.set(BASE_URL, Value::Text(site.api()));
        }
        Ok(Self { access, client: reached.client(&FIELDS).await?, site })
    }

    /// The same within bounds.
    pub(super) async fn within(access: &'a Access, bounds: Bounds) -> Result<Self, Failure> {
        let datadog = Self::open(access).await?;
        Ok(Self { client: bounds.keep(datadog.client), ..datadog })
    }

    /// The back end whose links lead to a page.
    pub(super) fn backend(&self, page: Page) -> Backend {
        Backend::direct(&self.access.instance, self.client.clone(), self.site.links(page))
    }
}

/// A failure, with the scope that the application key needs where it was refused.
pub(super) fn refused(failure: HttpFailure, scope: &str) -> Failure {
    let forbidden = matches!(failure.kind, FailureKind::Forbidden | FailureKind::Unauthorized);
    let failure = Failure::from(failure);
    if forbidden {
        failure.with_hint(format!(
            "check that both keys are of this organisation and site, and that the application key has the scope {scope}"
        ))
    } else {
        failure
    }
}

/// Sends a search that only reads.
async fn post(client: &Client, path: &str, body: &Json, scope: &str) -> Result<Json, Failure> {
    let reply = client.send(Request::post_json(path, body).is_read()).await.map_err(|f| refused(f, scope))?;
    Ok(reply.json::<Json>()?)
}

/// What all pages of a search hold, up to a limit.
struct Pages {
    entries: Vec<Json>,
    more: bool,
    said: Vec<String>,
}

/// Asks page by page. `body` makes the request of a page; a page that fails after the first ends the search, in words.
async fn pages(
    client: &Client,
    path: &str,
    scope: &str,
    limit: usize,
    body: impl Fn(Json) -> Json,
) -> Result<Pages, Failure> {
    let mut all = Pages { entries: Vec::new(), more: false, said: Vec::new() };
    let mut cursor: Option<String> = None;
    for number in 0..PAGES {
        let size = PAGE.min(limit - all.entries.len());
        let page = match &cursor {
            Some(cursor) => json!({"limit": size, "cursor": cursor}),
            None => json!({"limit": size}),
        };
        let answered = post(client, path, &body(page), scope).await.and_then(|answer| wire::page(&answer));
        let page = match answered {
            Ok(page) => page,
            Err(failure) if number > 0 => {
                all.more = true;
                all.said.push(format!("a further page could not be read: {}", failure.reason));
                break;
            }
            Err(failure) => return Err(failure),
        };
        // A server that does not keep to the limit has more, whether or not it says so.
        all.more = page.after.is_some() || page.entries.len() > size;
        all.entries.extend(page.entries.into_iter().take(size));
        all.said.extend(page.said);
        if all.entries.len() >= limit || page.after.is_none() || page.after == cursor {
            break;
        }
        cursor = page.after;
    }
    Ok(all)
}

/// Log lines of a cut.
pub(super) async fn logs(client: &Client, search: &str, cut: Cut) -> Result<lines::Found, Failure> {
    let body = |page: Json| {
        json!({
            "filter": {"query": search, "from": cut.from.to_string(), "to": cut.to.to_string()},
            "sort": if cut.oldest_first { "timestamp" } else { "-timestamp" },
            "page": page,
        })
    };
    let pages = pages(client, "api/v2/logs/events/search", "logs_read_data", cut.limit, body).await?;
    let mut found = lines::Found { more: pages.more, said: pages.said, ..lines::Found::default() };
    wire::logs(&pages.entries, &mut found);
    Ok(found)
}

/// Spans of a time, the newest first.
pub(super) async fn spans(
    client: &Client,
    search: &str,
    (from, to): (Timestamp, Timestamp),
    limit: usize,
) -> Result<spans::Found, Failure> {
    let body = |page: Json| {
        let filter = json!({"query": search, "from": from.to_string(), "to": to.to_string()});
        json!({"data": {"type": "search_request", "attributes": {"filter": filter, "sort": "-timestamp", "page": page}}})
    };
    let pages = pages(client, "api/v2/spans/events/search", "apm_read", limit, body).await?;
    let mut found = spans::Found { more: pages.more, ..spans::Found::default() };
    wire::spans(&pages.entries, &mut found);
    Ok(found)
}

/// Events as they came, whether there are more, and what Datadog said.
pub(super) type Events = (Vec<Json>, bool, Vec<String>);

/// Events of the whole window, the newest first; also whether there are more, and what Datadog said.
pub(super) async fn events(client: &Client, search: &str, window: &Window, limit: usize) -> Result<Events, Failure> {
    let body = |page: Json| {
        let filter = json!({"query": search, "from": window.baseline_start.to_string(), "to": window.end.to_string()});
        json!({"filter": filter, "sort": "-timestamp", "page": page})
    };
    let pages = pages(client, "api/v2/events/search", "events_read", limit, body).await?;
    Ok((pages.entries, pages.more, pages.said))
}

/// How many logs there are in each step of the window, by facets.
pub(super) async fn count_logs(
    client: &Client,
    search: &str,
    window: &Window,
    interval: &str,
    facets: &[String],
) -> Result<Vec<(Labels, wire::Counts)>, Failure> {
    let body = json!({
        "filter": {"query": search, "from": window.baseline_start.to_string(), "to": window.end.to_string()},
        "compute": [{"aggregation": "count", "type": "timeseries", "interval": interval}],
        "group_by": facets.iter().map(|facet| json!({"facet": facet, "limit": 10})).collect::<Vec<_>>(),
    });
    wire::buckets(&post(client, "api/v2/logs/analytics/aggregate", &body, "logs_read_data").await?)
}

/// Series of a metric query over the whole window, and their unit.
pub(super) async fn query(
    client: &Client,
    query: &str,
    window: &Window,
) -> Result<(Vec<Series>, Option<String>), Failure> {
    let (from, to) = (window.baseline_start.as_second().to_string(), window.end.as_second().to_string());
    let parameters = [("from", from.as_str()), ("to", to.as_str()), ("query", query)];
    let reply = client.get("api/v1/query", &parameters).await.map_err(|f| refused(f, "timeseries_query"))?;
    wire::series(&reply.json::<Json>()?)
}

/// Names of the metrics that carry a tag and were sent since the window's beginning.
pub(super) async fn active_metrics(client: &Client, tag: &str, window: &Window) -> Result<Vec<String>, Failure> {
    let from = window.baseline_start.as_second().to_string();
    let parameters = [("from", from.as_str()), ("tag_filter", tag)];
    let reply = client.get("api/v1/metrics", &parameters).await.map_err(|f| refused(f, "metrics_read"))?;
    match reply.json::<Json>()?.get("metrics") {
        Some(Json::Array(names)) => Ok(names.iter().filter_map(Json::as_str).map(str::to_owned).collect()),
        _ => Err(Failure::nonsense("the answer is not Datadog's: `metrics` is no list")),
    }
}
