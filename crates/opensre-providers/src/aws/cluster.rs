//! Reaching an EKS cluster through an instance of AWS: where its API is, whom to trust, and a token.
//!
//! The token is a presigned `GetCallerIdentity` that the cluster sends to STS itself ("aws eks get-token"; the API of the
//! AWS IAM Authenticator for Kubernetes). The identity has to have an access entry in the cluster. "DescribeCluster" and
//! "Resource types defined by Amazon EKS" (the form of an ARN) are pages of AWS's references.

use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use futures::future::join_all;
use jiff::{SignedDuration, Timestamp};
use opensre_model::evidence::GapKind;
use opensre_model::secret::Secret;
use serde_json::Value as Json;
use url::Url;

use super::caller::{Caller, EKS, Region, STS};
use super::sigv4::SigV4;
use super::{identity, queries};
use crate::access::Access;
use crate::failure::Failure;

/// How long STS accepts what is presigned.
const EXPIRES: Duration = Duration::from_mins(1);
/// How long a cluster takes a token: 15 minutes, of which one is left for clocks that differ, as `aws eks get-token` does.
const LIFE: SignedDuration = SignedDuration::from_mins(14);

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
    /// Until when the cluster takes it.
    pub expires: Timestamp,
}

/// A cluster as it is written: by its name, or by its ARN, which says its region and account too.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Written<'a> {
    /// Its name.
    pub name: &'a str,
    /// Its region.
    pub region: Option<&'a str>,
    /// The whole ARN.
    pub arn: Option<&'a str>,
}

impl<'a> Written<'a> {
    /// Reads `shop` or `arn:aws:eks:eu-west-1:123456789012:cluster/shop`; `None` for an ARN of something else, and for
    /// what no cluster can be called (letters, digits, `-` and `_`, at most 100).
    pub fn parse(text: &'a str) -> Option<Self> {
        let text = text.trim();
        let parts: Vec<&str> = text.splitn(6, ':').collect();
        let (name, region, arn) = match parts.as_slice() {
            ["arn", _, "eks", region, _, resource] => (resource.strip_prefix("cluster/")?, Some(*region), Some(text)),
            _ => (text, None, None),
        };
        let fits = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
        let is_name = (1..=100).contains(&name.len()) && name.bytes().all(fits);
        // The region becomes part of a host.
        (is_name && region.is_none_or(queries::is_region)).then_some(Self { name, region, arn })
    }
}

/// A cluster of an instance's account, by its name or ARN. A name is looked for in all of the instance's regions, and must
/// be in one of them only.
pub async fn reach(access: &Access, written: &str) -> Result<Cluster, Failure> {
    let Some(written) = Written::parse(written) else {
        return Err(Failure::new(GapKind::Failed, "what is written is neither the name nor the ARN of an EKS cluster")
            .with_hint("such as shop, or arn:aws:eks:eu-west-1:123456789012:cluster/shop"));
    };
    let caller = Caller::new(access, queries::BOUNDS);
    let regions = match written.region {
        Some(region) => vec![region.to_owned()],
        None => queries::regions(access),
    };
    let asked = join_all(regions.iter().map(|region| describe(&caller, region, written.name))).await;
    let mut found = Vec::new();
    let mut refused = None;
    for answer in asked {
        match answer {
            Ok(Some(answer)) => found.push(answer),
            Ok(None) => {}
            Err(failure) => refused = refused.or(Some(failure)),
        }
    }
    let absent = |what: String| {
        Failure::new(GapKind::Failed, format!("there is no EKS cluster {what}"))
            .with_hint("check its name, and the region and account of this instance of AWS")
    };
    let mut found = found.into_iter();
    match (found.next(), found.next(), refused) {
        (Some((one, _)), Some((other, _)), _) => {
            let regions = format!("{} and {}", one.name, other.name);
            Err(Failure::new(GapKind::Failed, format!("there is an EKS cluster {} in {regions}", written.name))
                .with_hint("write its ARN instead of its name"))
        }
        (Some((region, answer)), None, _) => {
            let arn = answer.pointer("/cluster/arn").and_then(Json::as_str);
            // Another account may have a cluster of that name, too.
            match written.arn {
                Some(wanted) if arn != Some(wanted) => Err(absent(format!("{wanted} in this account"))),
                _ => read(&region, written.name, &answer),
            }
        }
        (None, _, Some(failure)) => Err(failure),
        (None, _, None) => Err(absent(format!("{} in {}", written.name, regions.join(", ")))),
    }
}

/// What a region says of a cluster; `None` where it has none of that name.
async fn describe(caller: &Caller, region: &str, name: &str) -> Result<Option<(Region, Json)>, Failure> {
    let credentials = identity::credentials(caller, region).await?;
    let region = Region { caller: caller.clone(), credentials, name: region.to_owned() };
    match region.get(&EKS, "DescribeCluster", &["clusters", name], &[]).await {
        Ok(answer) => Ok(Some((region, answer))),
        Err(refusal) if refusal.is_absent() => Ok(None),
        Err(refusal) => Err(refusal.into()),
    }
}

fn read(region: &Region, name: &str, answer: &Json) -> Result<Cluster, Failure> {
    let text = |path: &str| answer.pointer(path).and_then(Json::as_str);
    let (Some(endpoint), Some(authority)) = (text("/cluster/endpoint"), text("/cluster/certificateAuthority/data"))
    else {
        return Err(Failure::new(GapKind::Failed, format!("EKS cluster {name} has no endpoint yet"))
            .with_hint("it may still be in creation; see `aws eks describe-cluster`"));
    };
    let authority = STANDARD.decode(authority).ok().and_then(|bytes| String::from_utf8(bytes).ok());
    let certificate_authority =
        authority.ok_or_else(|| Failure::nonsense(format!("EKS cluster {name} has no certificate authority")))?;
    let now = region.caller.access.http.now();
    Ok(Cluster {
        region: region.name.clone(),
        endpoint: endpoint.to_owned(),
        certificate_authority,
        token: token(region, name, now)?,
        expires: now.checked_add(LIFE).unwrap_or(Timestamp::MAX),
    })
}

fn token(region: &Region, name: &str, now: Timestamp) -> Result<Secret, Failure> {
    let base = region.caller.base(&STS, &region.name);
    let mut url = Url::parse(&base).map_err(|_| Failure::new(GapKind::Failed, "endpoint_url is no URL"))?;
    url.query_pairs_mut().append_pair("Action", "GetCallerIdentity").append_pair("Version", STS.version);
    let signer =
        SigV4 { credentials: region.credentials.clone(), region: region.name.clone(), service: STS.signed_for };
    let presigned = signer.presigned(&url, &[("x-k8s-aws-id", name)], EXPIRES, now);
    Ok(Secret::new(format!("k8s-aws-v1.{}", URL_SAFE_NO_PAD.encode(presigned.expose()))))
}
