//! VictoriaMetrics: Prometheus' HTTP API, below a prefix in a cluster; the queries are those of
//! [`crate::prometheus`].

pub mod declaration;

use futures::FutureExt;
use futures::future::BoxFuture;
use opensre_http::Client;
use opensre_model::window::Window;

use crate::access::{Access, HttpFields};
use crate::backend::{Backend, LinkBuilder};
use crate::driver::{Answer, Input, Probe, Provider, Query};
use crate::failure::Failure;
use crate::prometheus::{self, ALERT_RULE, ALERTS, ApiQuery, BOUNDS, RANGE, RELATED};

/// VictoriaMetrics.
pub const PROVIDER: Provider = Provider {
    spec: &declaration::SPEC,
    probe: Some(probe),
    identity: &["version"],
    queries: QUERIES,
    deliver: None,
    alert_labels: None,
};

const FIELDS: HttpFields =
    HttpFields::at("base_url").bearer("bearer_token").basic("username", "password").header_map("headers");

/// Without `targets`: those are the scraping vmagent's, not the store's.
const QUERIES: &[Query] = &[
    ALERT_RULE.with(|access, input, window| run(access, &ALERT_RULE, input, window).boxed()),
    RELATED.with(|access, input, window| run(access, &RELATED, input, window).boxed()),
    ALERTS.with(|access, input, window| run(access, &ALERTS, input, window).boxed()),
    RANGE.with(|access, input, window| run(access, &RANGE, input, window).boxed()),
];

async fn run(access: &Access, query: &ApiQuery, input: &Input, window: Window) -> Answer {
    match client(access).await {
        Ok((client, links)) => {
            let client = BOUNDS.keep(client);
            query.ask_alone(&Backend::direct(&access.instance, client, links), input, window).await
        }
        Err(failure) => Answer::unanswered(access, query.name, failure),
    }
}

fn probe(access: &Access) -> BoxFuture<'_, Probe> {
    async move {
        let proved = async { prometheus::prove(&client(access).await?.0).await };
        Probe::from(proved.await)
    }
    .boxed()
}

/// A single node has the API at its root and below `/prometheus`, a cluster's vmselect below
/// `/select/<account>/prometheus` (VictoriaMetrics documentation, "URL format").
async fn client(access: &Access) -> Result<(Client, LinkBuilder), Failure> {
    let client = access.client(&FIELDS).await?;
    let Some(account) = access.instance.config().text("account_id") else {
        let links = prometheus::vmui(client.base(), &["vmui", ""]);
        return Ok((client, links));
    };
    let links = prometheus::vmui(client.base(), &["select", account, "vmui", ""]);
    Ok((client.under(&["select", account, "prometheus"])?, links))
}
