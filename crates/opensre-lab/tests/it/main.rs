//! Tests of the lab through its sockets, as any client meets it.

mod alerts;
mod bundled;
mod faults;
mod grafana;
mod prometheus;
mod real_prometheus;
mod support;
