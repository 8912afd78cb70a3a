//! Simulators of vendors' hosted APIs, one module per vendor.

pub mod postgresql;
