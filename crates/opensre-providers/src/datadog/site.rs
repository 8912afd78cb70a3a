//! Datadog's sites: where an organisation's API and its pages are.
//!
//! Facts from the vendor's page "Getting Started with Datadog Sites": the API of every site is at `api.` before the
//! site; the pages of a site of two words (`datadoghq.eu`) are at `app.` before it, those of a longer one
//! (`us3.datadoghq.com`) at the site itself.

use std::sync::Arc;

use opensre_model::evidence::GapKind;
use opensre_model::window::Window;
use url::Url;

use crate::backend::{LinkBuilder, LinkTarget};
use crate::failure::Failure;

/// A site, without `app.` or `api.` before it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Site(String);

/// A page on which a person can look at something over a window.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Page {
    /// The log explorer.
    Logs,
    /// The event explorer.
    Events,
    /// The trace explorer, and single traces.
    Traces,
    /// A metric's summary.
    Metric(String),
    /// A monitor.
    Monitor(String),
    /// There is none.
    Nowhere,
}

impl Site {
    /// A site as people write it: also with `https://`, with `app.` or `api.` before it, or with a path behind it.
    pub fn parse(written: &str) -> Result<Self, Failure> {
        let written = written.trim().to_ascii_lowercase();
        let bare = written.split_once("://").map_or(written.as_str(), |(_, rest)| rest);
        let host = bare.split(['/', '?', '#']).next().unwrap_or_default();
        let site = host.strip_prefix("app.").or_else(|| host.strip_prefix("api.")).unwrap_or(host);
        let is_host = site.split('.').count() >= 2
            && site
                .split('.')
                .all(|word| !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-'));
        if is_host {
            return Ok(Self(site.to_owned()));
        }
        let reason = "the site is not the name of a Datadog site";
        Err(Failure::new(GapKind::Failed, reason)
            .with_hint("set site to one such as datadoghq.com or us3.datadoghq.com"))
    }

    /// The site's name.
    pub fn name(&self) -> &str {
        &self.0
    }

    /// Base URL of the API.
    pub fn api(&self) -> String {
        format!("https://api.{}", self.0)
    }

    /// Base URL of the pages.
    pub fn app(&self) -> String {
        let prefix = if self.0.split('.').count() == 2 { "app." } else { "" };
        format!("https://{prefix}{}", self.0)
    }

    /// Makes links to a kind of page.
    pub fn links(&self, page: Page) -> LinkBuilder {
        let app = Url::parse(&self.app()).ok();
        Arc::new(move |target, window| link(app.clone()?, &page, target, window))
    }
}

fn link(mut url: Url, page: &Page, target: LinkTarget<'_>, window: &Window) -> Option<String> {
    let path: Vec<&str> = match (page, &target) {
        (Page::Traces, LinkTarget::Trace(id)) => vec!["apm", "trace", id],
        (Page::Logs, _) => vec!["logs"],
        (Page::Events, _) => vec!["event", "explorer"],
        (Page::Traces, _) => vec!["apm", "traces"],
        (Page::Metric(_), _) => vec!["metric", "summary"],
        (Page::Monitor(id), _) => vec!["monitors", id],
        (Page::Nowhere, _) => return None,
    };
    url.path_segments_mut().ok()?.pop_if_empty().extend(path);
    let (from, to) = (window.baseline_start.as_millisecond().to_string(), window.end.as_millisecond().to_string());
    match (page, target) {
        (Page::Traces, LinkTarget::Trace(_)) => {}
        (Page::Traces, LinkTarget::Query(query)) => {
            url.query_pairs_mut().append_pair("query", query).append_pair("start", &from).append_pair("end", &to);
        }
        (Page::Logs | Page::Events, LinkTarget::Query(query)) => {
            let mut pairs = url.query_pairs_mut();
            pairs.append_pair("query", query).append_pair("from_ts", &from).append_pair("to_ts", &to);
            pairs.append_pair("live", "false");
        }
        (Page::Metric(name), _) => {
            url.query_pairs_mut().append_pair("metric", name);
        }
        _ => {
            url.query_pairs_mut().append_pair("from_ts", &from).append_pair("to_ts", &to);
        }
    }
    Some(url.into())
}
