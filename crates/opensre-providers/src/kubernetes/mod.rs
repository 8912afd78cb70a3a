//! Kubernetes: pods, their logs, events, nodes, workloads.
//!
//! An instance is a context of a kubeconfig, or the service account of the pod that the program runs in. No field is
//! a secret: tokens, client keys and exec plug-ins are in the kubeconfig, and so is how TLS is verified.
//!
//! [`session`] is the way in, `api` the thin client, [`wire`] the formats, [`scope`] what of the cluster an alert is
//! about, `gather` what each query does with them.

mod api;
pub mod declaration;
mod gather;
mod inquiry;
mod probe;
mod queries;
pub mod scope;
mod session;
pub mod wire;

use crate::driver::Provider;

/// Kubernetes.
pub const PROVIDER: Provider =
    Provider { spec: &declaration::SPEC, probe: Some(probe::probe), queries: queries::QUERIES, deliver: None };
