//! Whose a token for a cluster of EKS is: what the AWS IAM Authenticator for Kubernetes, and STS behind it, find out.
//!
//! The signature itself is not computed anew (see the vendor's module), so that for which cluster a token is cannot be
//! told; everything else that it is over is looked at.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::civil::DateTime;
use jiff::tz::Offset;
use jiff::{SignedDuration, Timestamp};
use url::Url;

use super::{Account, lock};

/// How long a token is taken.
const LIFE: SignedDuration = SignedDuration::from_mins(15);

impl Account {
    /// The ARN behind a token; `None` where it is by an unknown key, for another region, too old, or no token at all.
    /// `sts` is this account's endpoint.
    pub fn whose_token(&self, token: &str, region: &str, sts: &str, now: Timestamp) -> Option<String> {
        let url = URL_SAFE_NO_PAD.decode(token.strip_prefix("k8s-aws-v1.")?).ok()?;
        let (url, sts) = (Url::parse(std::str::from_utf8(&url).ok()?).ok()?, Url::parse(sts).ok()?);
        if (url.host_str(), url.port_or_known_default()) != (sts.host_str(), sts.port_or_known_default()) {
            return None;
        }
        let given: BTreeMap<String, String> = url.query_pairs().into_owned().collect();
        let text = |name: &str| given.get(name).map_or("", String::as_str);
        let made = DateTime::strptime("%Y%m%dT%H%M%SZ", text("X-Amz-Date")).ok()?;
        let age = now.duration_since(Offset::UTC.to_timestamp(made).ok()?);
        let fits = text("Action") == "GetCallerIdentity"
            && text("X-Amz-Algorithm") == "AWS4-HMAC-SHA256"
            && text("X-Amz-Signature").len() == 64
            && text("X-Amz-Expires").parse::<u32>().is_ok_and(|seconds| (1..=900).contains(&seconds))
            && text("X-Amz-SignedHeaders") == "host;x-k8s-aws-id"
            && (-LIFE..LIFE).contains(&age);
        let scope: Vec<&str> = text("X-Amz-Credential").split('/').collect();
        let [key, _, signed_for, "sts", "aws4_request"] = scope.as_slice() else { return None };
        (fits && *signed_for == region).then(|| lock(&self.keys).get(*key).cloned()).flatten()
    }
}
