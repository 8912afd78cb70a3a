//! The tests of `opensre-store`, one binary. Processes that must run beside a test are this binary again, see `child`.

#![expect(
    clippy::disallowed_methods,
    reason = "tests write files as users and other programs do, and re-run this binary as a child"
)]

mod child;
mod file;
mod fire;
mod migration;
mod properties;
mod references;
mod refusal;
mod support;
