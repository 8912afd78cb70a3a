//! AWS: CloudWatch logs and metrics, CloudTrail, Lambda, EKS, RDS.
//!
//! Either a role to assume, with an external id, or static keys; a role wins. `eks` is an alias. Records of version 1
//! have `role_arn` and `external_id` beside `credentials`; the resolved config has the static keys inside
//! `credentials` (`shape`).

pub mod declaration;
mod shape;

use crate::driver::Provider;

/// AWS.
pub const PROVIDER: Provider = Provider { spec: &declaration::SPEC, probe: None, queries: &[], deliver: None };
