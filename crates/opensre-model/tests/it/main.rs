//! The tests of `opensre-model`, one binary.

mod alert;
mod routing;
mod selector;
mod window;
