//! Behaviour of the HTTP layer against servers on loopback.

mod binding;
mod limits;
mod refusals;
mod replies;
mod retries;
mod sharing;
mod signing;
mod support;
mod tls;
