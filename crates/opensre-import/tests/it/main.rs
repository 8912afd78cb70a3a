//! Imports and exports as their callers see them: fixtures written from the vendors' documentation, and properties.

mod exports;
mod plans;
mod properties;
mod sources;
mod support;
