//! The tests of `opensre-model`, one binary.

mod record;
mod secret;
