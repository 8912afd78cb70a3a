//! The tests of `opensre-model`, one binary.

mod selector;
mod window;
