//! Tests of the lab through its sockets, as any client meets it.

#![expect(
    clippy::disallowed_methods,
    reason = "tests write files and make calls of their own, without the program's HTTP layer"
)]

mod alertmanager;
mod alerts;
mod bundled;
mod faults;
mod grafana;
mod loki;
mod prometheus;
mod properties;
mod real_prometheus;
mod support;
mod tempo;
