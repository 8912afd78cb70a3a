//! The probe: whose the token is.

use futures::FutureExt;
use futures::future::BoxFuture;
use serde_json::Value as Json;

use super::{HTTP, wire};
use opensre_providers::driver::{Access, Failure, Probe};

pub(super) fn probe(access: &Access) -> BoxFuture<'_, Probe> {
    async move { Probe::from(prove(access).await) }.boxed()
}

/// `GET /v1/me` names the token's user, which no login page and no proxy does.
async fn prove(access: &Access) -> Result<Probe, Failure> {
    let me: Json = access.client(&HTTP).await?.get_json("v1/me", &[]).await?;
    let user = wire::user(&me)?;
    Ok(Probe::passed(format!("{user} may read incidents")).with("user", Some(user)))
}
