//! Simulators of single vendors' APIs, for tests of the clients: canned data, a record of what was asked, and failures on
//! demand. Each is written from the vendor's documentation, which its module names.

pub mod kubernetes;
mod serve;

pub use serve::{Serving, serve};
