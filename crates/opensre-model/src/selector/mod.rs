//! Selecting instances: the tag-selector language, the selectors over what was resolved, and what a hint or
//! `--instance` may say.
//!
//! Everything here is pure and compares names, tag names and tag values trimmed and lower-cased on both sides. What is
//! blank selects nothing, and nothing falls back to something else: whoever wants a fallback says so.

mod groups;
mod language;
mod parse;
pub mod rule;
mod select;
mod wanted;

pub use crate::wording::nearest;
pub use groups::{Group, GroupError, Groups};
pub use language::{Requirement, Selector, SelectorError};
pub use rule::{Candidate, Wish};
pub use select::Selectors;
pub use wanted::Wanted;
