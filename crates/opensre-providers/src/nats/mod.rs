//! NATS: server, connection, route and JetStream state.
//!
//! Most of it is told by the monitoring port, over HTTP and without credentials. A user name and password (or a
//! token) inside `url` are read as the fields of that name: a URL is shown and logged, a field is not.

pub mod declaration;

use crate::driver::Provider;

/// NATS.
pub const PROVIDER: Provider = Provider::declared(&declaration::SPEC);
