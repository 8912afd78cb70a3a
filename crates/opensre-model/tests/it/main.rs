//! Behaviour of the model through its public surface.

mod catalogue;
mod classify;
mod compatible;
mod environment;
mod fields;
mod laws;
mod redaction;
mod resolution;
mod rule;
mod schema;
mod support;
