//! Simulators that speak the wire formats of Grafana, Prometheus, Loki, Tempo and Alertmanager on loopback, and the
//! incidents they play.
//!
//! A [`Scenario`] is a YAML file: what the systems hold, who serves it, the alert that starts the investigation, and
//! the known cause. [`Lab::start`] generates the data (the same for the same scenario and time) and puts every
//! instance on its own port. The crate depends on no other crate of the workspace: it is the independent peer that
//! the clients are tested against, written from the vendors' documentation.
//!
//! ```no_run
//! # async fn example() -> Result<(), Box<dyn std::error::Error>> {
//! use opensre_lab::{Lab, scenario_named};
//!
//! let scenario = scenario_named("staging-bad-deploy").expect("bundled").load()?;
//! let lab = Lab::start(scenario, jiff::Timestamp::now()).await?;
//! println!("{}", lab.store_document());
//! println!("{}", lab.alert());
//! # Ok(())
//! # }
//! ```

mod alert;
mod bundled;
mod data;
mod fault;
pub mod front;
mod lab;
mod logql;
mod promql;
mod random;
pub mod scenario;
mod server;
mod traceql;
pub mod vendors;

pub use bundled::{BundledScenario, scenario_named, scenarios};
pub use fault::{Fault, FaultKind};
pub use lab::{Lab, LabError};
pub use scenario::{Scenario, ScenarioError};
pub use server::record::{SeenAuthorization, SeenRequest};
