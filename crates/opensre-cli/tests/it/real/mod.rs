//! Against real servers from Debian's packages, on loopback ports: two Prometheus, an Alertmanager whose real webhook is
//! what `investigate` is given, and nginx as a Grafana-style data-source proxy. `cargo xtask setup` installs them.

mod prometheus;
mod servers;
