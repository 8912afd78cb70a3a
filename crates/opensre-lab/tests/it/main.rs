//! Tests of the lab through its sockets, as any client meets it.

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
