//! The tests of `opensre-model`, one binary.

mod alert;
mod selector;
mod window;
