//! Reaching an EKS cluster through an instance of AWS: where its API is, whom to trust, and a token.
//!
//! The token is a presigned `GetCallerIdentity` that the cluster sends to STS itself ("aws eks get-token"; the API of the
//! AWS IAM Authenticator for Kubernetes). The identity has to have an access entry in the cluster.

use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use opensre_model::evidence::GapKind;
use opensre_model::secret::Secret;
use serde_json::Value as Json;
use url::Url;

use super::caller::{Caller, EKS, Region, STS};
use super::sigv4::SigV4;
use super::{identity, queries};
use crate::access::Access;
use crate::failure::Failure;

/// How long STS accepts what is presigned. The cluster takes the token for 15 minutes.
const EXPIRES: Duration = Duration::from_mins(1);

/// A cluster, ready to be asked. Its `Debug` shows no secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cluster {
    /// The region that it is in.
    pub region: String,
    /// URL of its API server.
    pub endpoint: String,
    /// The authority that its certificate is signed by, as PEM.
    pub certificate_authority: String,
    /// The bearer token.
    pub token: Secret,
}

/// A cluster of an instance's account, in the first of its regions that has one of that name.
pub async fn reach(access: &Access, name: &str) -> Result<Cluster, Failure> {
    let caller = Caller::new(access, queries::BOUNDS);
    let mut absent = Failure::new(GapKind::NotRelevant, format!("there is no EKS cluster {name}"));
    for region in queries::regions(access) {
        let credentials = identity::credentials(&caller, &region).await?;
        let region = Region { caller: caller.clone(), credentials, name: region };
        match region.get(&EKS, "DescribeCluster", &["clusters", name], &[]).await {
            Ok(answer) => return read(&region, name, &answer),
            Err(refusal) if refusal.is_absent() => absent = absent.with_hint("check the instance's region"),
            Err(refusal) => return Err(refusal.into()),
        }
    }
    Err(absent)
}

fn read(region: &Region, name: &str, answer: &Json) -> Result<Cluster, Failure> {
    let text = |path: &str| answer.pointer(path).and_then(Json::as_str);
    let (Some(endpoint), Some(authority)) = (text("/cluster/endpoint"), text("/cluster/certificateAuthority/data"))
    else {
        return Err(Failure::new(GapKind::Failed, format!("EKS cluster {name} has no endpoint yet")));
    };
    let authority = STANDARD.decode(authority).ok().and_then(|bytes| String::from_utf8(bytes).ok());
    let certificate_authority =
        authority.ok_or_else(|| Failure::nonsense(format!("EKS cluster {name} has no certificate authority")))?;
    let token = token(region, name)?;
    Ok(Cluster { region: region.name.clone(), endpoint: endpoint.to_owned(), certificate_authority, token })
}

fn token(region: &Region, name: &str) -> Result<Secret, Failure> {
    let base = region.caller.base(&STS, &region.name);
    let mut url = Url::parse(&base).map_err(|_| Failure::new(GapKind::Failed, "endpoint_url is no URL"))?;
    url.query_pairs_mut().append_pair("Action", "GetCallerIdentity").append_pair("Version", STS.version);
    let signer =
        SigV4 { credentials: region.credentials.clone(), region: region.name.clone(), service: STS.signed_for };
    let now = region.caller.access.http.now();
    let presigned = signer.presigned(&url, &[("x-k8s-aws-id", name)], EXPIRES, now);
    Ok(Secret::new(format!("k8s-aws-v1.{}", URL_SAFE_NO_PAD.encode(presigned.expose()))))
}
