//! The probe: proves both keys, and tells which of them was refused.

use futures::FutureExt;
use futures::future::join;
use opensre_http::{FailureKind, HttpFailure};
use serde_json::Value as Json;

use super::api::{Datadog, refused};
use super::monitor;
use crate::driver::Probe;
use crate::failure::Failure;

/// `GET /api/v1/monitor` answers with a list; who we are is told where it may be known.
pub(super) async fn prove(datadog: &Datadog<'_>) -> Result<Probe, Failure> {
    let client = &datadog.client;
    let (monitors, (valid, org)) = join(
        client.get("api/v1/monitor", &[("page", "0"), ("page_size", "50")]).boxed(),
        join(
            client.get::<&str, &str>("api/v1/validate", &[]).boxed(),
            client.get::<&str, &str>("api/v1/org", &[]).boxed(),
        ),
    )
    .await;
    let monitors = match monitors {
        Ok(reply) => monitor::monitors(&reply.json::<Json>()?)?.0,
        Err(failure) => return Err(told_apart(failure, valid.is_ok(), datadog.site.name())),
    };
    let org = org.ok().and_then(|reply| reply.json::<Json>().ok());
    let text = |place: &str| org.as_ref()?.pointer(place)?.as_str().map(str::to_owned);
    let many = if monitors.len() >= 50 { "50 monitors or more" } else { "its monitors" };
    Ok(Probe::passed(format!("both keys are accepted; {many} can be read"))
        .with("site", Some(datadog.site.name()))
        .with("org", text("/orgs/0/name"))
        .with("org_id", text("/orgs/0/public_id")))
}

/// Which of the two keys was refused: `validate` asks for the API key alone.
fn told_apart(failure: HttpFailure, api_key_is_valid: bool, site: &str) -> Failure {
    let denied = matches!(failure.kind, FailureKind::Forbidden | FailureKind::Unauthorized);
    let failure = refused(failure, "monitors_read");
    match (denied, api_key_is_valid) {
        (false, _) => failure,
        (true, true) => failure.with_hint(
            "the API key is valid, the application key is refused: check that it is of the same organisation and has \
             the scope monitors_read",
        ),
        (true, false) => failure.with_hint(format!("the API key is not one of {site}: check the key and the site")),
    }
}
