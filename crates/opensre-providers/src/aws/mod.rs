//! AWS: CloudWatch metrics, alarms and logs, CloudTrail, RDS, EC2, ECS, EKS, Lambda, load balancers.
//!
//! Either a role to assume, with an external id, or static keys, or a profile; a role wins. `eks` is an alias. Records of
//! version 1 have `role_arn` and `external_id` beside `credentials`; the resolved config has the static keys inside
//! `credentials` (`shape`).
//!
//! Calls are signed here ([`sigv4`]) and sent by the shared HTTP layer (`caller`) with credentials of `identity`; what a
//! label names is decided by [`resources`]; each part of AWS has a module of `queries`. No operation is used that changes
//! anything or reads a secret: no secrets, parameters, user data or task definitions, and no environment's values.

mod caller;
pub mod cluster;
pub mod declaration;
mod identity;
pub mod profile;
mod queries;
pub mod refusal;
pub mod resources;
mod shape;
pub mod sigv4;
pub mod xml;

use futures::FutureExt;
use futures::future::BoxFuture;
use opensre_model::evidence::GapKind;

use self::caller::{Caller, Parameters, STS};
use crate::access::Access;
use crate::driver::{Bounds, Probe, Provider};
use crate::failure::Failure;

pub use self::queries::series;

/// AWS.
pub const PROVIDER: Provider = Provider {
    spec: &declaration::SPEC,
    probe: Some(probe),
    identity: &["account_id", "arn", "regions"],
    queries: queries::QUERIES,
    deliver: None,
    alert_labels: None,
};

/// As many bytes as queries have: answers are shared by callers with the same limit only, and so are sessions.
const PROBE_BOUNDS: Bounds = Bounds { rows: 1, ..queries::BOUNDS };

fn probe(access: &Access) -> BoxFuture<'_, Probe> {
    async move { Probe::from(prove(access).await) }.boxed()
}

/// `GetCallerIdentity`, which needs no permission, with the credentials that queries use.
async fn prove(access: &Access) -> Result<Probe, Failure> {
    let regions = queries::regions(access);
    let Some(region) = regions.first() else {
        return Err(Failure::new(GapKind::Failed, "region names no AWS region").with_hint("such as eu-central-1"));
    };
    let caller = Caller::new(access, PROBE_BOUNDS);
    let credentials = identity::credentials(&caller, region).await?;
    let answer =
        caller.query(&STS, region, Some(&credentials), "GetCallerIdentity", Parameters::default(), None).await?;
    let text = |name: &str| answer.text(&format!("GetCallerIdentityResult/{name}"));
    let (Some(account), Some(arn)) = (text("Account"), text("Arn")) else {
        return Err(Failure::nonsense("answered GetCallerIdentity without an account"));
    };
    if let Some(expected) = access.instance.config().text("account_id").filter(|expected| *expected != account) {
        return Err(Failure::new(
            GapKind::Denied,
            format!("the credentials are of account {account}, not of {expected}, as account_id says"),
        )
        .with_hint("correct account_id, or use that account's role or keys"));
    }
    Ok(Probe::passed(format!("account {account} knows us as {arn}"))
        .with("account_id", Some(account))
        .with("arn", Some(arn))
        .with("regions", Some(regions.join(", "))))
}
