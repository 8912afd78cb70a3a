//! RabbitMQ: nodes, queues, consumers, connections.
//!
//! Asked through the management plug-in, not through AMQP.

pub mod declaration;

use crate::driver::Provider;

/// RabbitMQ.
pub const PROVIDER: Provider = Provider::declared(&declaration::SPEC);
