//! What each query gathers.

pub(super) mod configuration;
pub(super) mod events;
pub(super) mod logs;
pub(super) mod namespace;
pub(super) mod nodes;
pub(super) mod pods;
pub(super) mod workloads;
