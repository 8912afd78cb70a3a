//! Kafka: topics, partitions, consumer lag, configuration.
//!
//! Metadata only; no message is ever read. The protocol decides about TLS and SASL and is read in any letter case.

pub mod declaration;

use crate::driver::Provider;

/// Kafka.
pub const PROVIDER: Provider = Provider::declared(&declaration::SPEC);
