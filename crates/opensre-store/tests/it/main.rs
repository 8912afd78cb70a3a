//! The tests of `opensre-store`, one binary. Processes that must run beside a test are this binary again, see `child`.

mod child;
mod file;
mod fire;
mod migration;
mod properties;
mod references;
mod refusal;
mod support;
