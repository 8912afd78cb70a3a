//! Kubernetes: pods, their logs, events, nodes, workloads.
//!
//! An instance is a context of a kubeconfig, or the service account of the pod that the program runs in. No field is
//! a secret: tokens, client keys and exec plug-ins are in the kubeconfig, and so is how TLS is verified.

pub mod declaration;

use crate::driver::Provider;

/// Kubernetes.
pub const PROVIDER: Provider = Provider { spec: &declaration::SPEC, probe: None, queries: &[], deliver: None };
