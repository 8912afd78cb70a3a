//! Argo CD: applications, their sync state and health, what was deployed when, and where the cluster differs from
//! what is wanted.
//!
//! A token, or user name and password from which a session is made; both together are refused, since nobody could
//! tell which account would act. The address must be https, unless it is this machine's.
//!
//! Facts from the vendor's pages "API Docs" (session, bearer token, 403 for applications that are not there unless the
//! `project` is given), "User Management" (failed log-ins are limited, so that a refused one is not tried again at
//! once), "Applications in any namespace" (`appNamespace`) and from its OpenAPI description (`/swagger.json`):
//! `ApplicationService` List, Get, RevisionMetadata, ManagedResources and ResourceTree, `SessionService` Create and
//! GetUserInfo, `VersionService` Version. Of the two ways to get a diff only `managed-resources` is asked: it answers
//! with what the server computed and masked, while `server-side-diff` wants whole manifests sent to it and dry-runs
//! them against the cluster.

pub mod declaration;
pub mod drift;
pub mod select;
pub mod wire;

mod applications;
mod client;
mod diff;
mod history;
mod queries;

use crate::driver::Provider;

/// Argo CD.
pub const PROVIDER: Provider = Provider {
    spec: &declaration::SPEC,
    probe: Some(client::probe),
    identity: &["user", "issuer", "version", "project"],
    queries: queries::QUERIES,
    deliver: None,
    alert_labels: None,
};
