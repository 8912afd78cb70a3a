//! What things are: providers, instances, selection, alerts, routing, evidence, report data.
//!
//! No network, no files, no clock, no process environment, and no provider known by name: everything comes in as
//! an argument. Each step of the two walks that the program does has a module here:
//!
//! * how an instance walks: [`record`] and [`environment`] (lenient) → [`classify`] (strict, with [`diagnostic`]s) →
//!   [`resolution`] → [`selector`] or [`routing`] → somebody else's client; [`compatible`], [`schema`] and
//!   [`redaction`] are the faces of it that people and the Python product's users read;
//! * how an alert walks: bytes → [`alert`] → [`routing`] → [`window`] → [`evidence`] → [`report`].

pub mod alert;
pub mod classify;
pub mod compatible;
pub mod diagnostic;
pub mod environment;
pub mod evidence;
pub mod fields;
pub mod identity;
pub mod instance;
pub mod message;
pub mod policy;
pub mod provider;
pub mod record;
pub mod redaction;
pub mod report;
pub mod resolution;
pub mod routing;
pub mod rule;
pub mod schema;
pub mod secret;
pub mod selector;
pub mod value;
pub mod window;
mod wording;
