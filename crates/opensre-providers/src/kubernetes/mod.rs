//! Kubernetes: pods, their logs, events, nodes, workloads.
//!
//! An instance is a context of a kubeconfig, the service account of the pod that the program runs in, or an EKS cluster
//! that is reached through an instance of AWS. No field is a secret: tokens, client keys and exec plug-ins are in the
//! kubeconfig, and so is how TLS is verified; EKS gives both to whom it lets in.
//!
//! `session` is the way in (`kubeconfig` and `eks` make sessions), `way` what to look at when it fails, `api` the thin client, [`wire`] the formats, [`scope`] what of the cluster an alert is
//! about, `gather` what each query does with them.

mod api;
pub mod declaration;
mod eks;
mod gather;
mod inquiry;
mod kubeconfig;
mod probe;
mod queries;
pub mod scope;
mod session;
mod way;
pub mod wire;

use crate::driver::Provider;

/// Kubernetes.
pub const PROVIDER: Provider = Provider {
    spec: &declaration::SPEC,
    probe: Some(probe::probe),
    identity: &["user", "cluster_uid", "cluster", "context", "server", "version"],
    queries: queries::QUERIES,
    deliver: None,
    alert_labels: None,
};
