//! Argo CD: applications, their sync state, resources and diffs.
//!
//! A token, or user name and password from which a session is made; both together are refused, since nobody could
//! tell which account would act. The address must be https, unless it is this machine's.

pub mod declaration;

use crate::driver::Provider;

/// Argo CD.
pub const PROVIDER: Provider = Provider { spec: &declaration::SPEC, probe: None, queries: &[], deliver: None };
