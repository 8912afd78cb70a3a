//! Links to the pages that Prometheus and VictoriaMetrics have for a query.

use std::sync::Arc;

use opensre_model::window::Window;
use url::Url;

use super::api;
use crate::backend::{LinkBuilder, LinkTarget};

/// Prometheus' graph page (`/graph`), below the instance's base URL.
pub(super) fn graph(base: &Url) -> LinkBuilder {
    let page = below(base, &["graph"]);
    Arc::new(move |target, window| {
        let LinkTarget::Query(query) = target else { return None };
        let mut url = page.clone();
        url.query_pairs_mut().extend_pairs(parameters(query, window)).append_pair("g0.tab", "0");
        Some(url.into())
    })
}

/// VictoriaMetrics' own page (`vmui`); its parameters are behind the `#`.
pub(crate) fn vmui(base: &Url, segments: &[&str]) -> LinkBuilder {
    let page = below(base, segments);
    Arc::new(move |target, window| {
        let LinkTarget::Query(query) = target else { return None };
        let parameters =
            url::form_urlencoded::Serializer::new(String::new()).extend_pairs(parameters(query, window)).finish();
        Some(format!("{page}#/?{parameters}"))
    })
}

fn below(base: &Url, segments: &[&str]) -> Url {
    let mut page = base.clone();
    if let Ok(mut path) = page.path_segments_mut() {
        path.pop_if_empty().extend(segments);
    }
    page
}

fn parameters<'a>(query: &'a str, window: &Window) -> [(&'static str, std::borrow::Cow<'a, str>); 3] {
    [
        ("g0.expr", query.into()),
        ("g0.range_input", api::span(window.length()).into()),
        ("g0.end_input", window.end.strftime("%Y-%m-%d %H:%M:%S").to_string().into()),
    ]
}
