//! A message to people, complete before anybody sends it.

use serde_json::Value as Json;

/// A message in the form that chat programs with Block Kit show; made by a face of the report, sent by a provider.
/// Holds no secret.
#[derive(Debug, Clone, PartialEq)]
pub struct Message {
    /// The message in one short text: what a notification shows, and what is read aloud.
    pub text: String,
    /// The blocks, top to bottom, as Block Kit has them.
    pub blocks: Vec<Json>,
}
