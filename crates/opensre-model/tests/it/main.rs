//! The tests of `opensre-model`, one binary: behaviour through the public surface.

mod alert;
mod catalogue;
mod classify;
mod compatible;
mod environment;
mod fields;
mod laws;
mod pins;
mod record;
mod record_routing;
mod redaction;
mod resolution;
mod routing;
mod rule;
mod schema;
mod secret;
mod selector;
mod support;
mod window;
