//! The faces of a report: text for a terminal, Markdown, a chat message, and JSON with its published schema.
//!
//! A report is complete as data ([`opensre_model::report::Report`]) before any face renders it; nothing here decides
//! anything. Back ends write the texts in a report, so every face makes them harmless first: control characters never
//! reach a terminal, markup never reaches a Markdown page.

pub mod evidence;
pub mod json;
pub mod markdown;
mod safe;
pub mod slack;
pub mod sparkline;
pub mod text;
mod words;
