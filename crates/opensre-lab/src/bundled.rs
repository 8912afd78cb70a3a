//! The scenarios that come with the crate.

use crate::scenario::{Scenario, ScenarioError};

/// A scenario file compiled into the program.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BundledScenario {
    /// Its name, the same as in the file.
    pub name: &'static str,
    /// The text of the file.
    pub text: &'static str,
}

impl BundledScenario {
    /// Reads it.
    pub fn load(&self) -> Result<Scenario, ScenarioError> {
        Scenario::parse(self.text)
    }
}

macro_rules! bundled {
    ($($name:literal),+ $(,)?) => {
        &[$(BundledScenario { name: $name, text: include_str!(concat!("../scenarios/", $name, ".yaml")) }),+]
    };
}

/// All bundled scenarios; the first one is the demo.
pub fn scenarios() -> &'static [BundledScenario] {
    bundled![
        "staging-bad-deploy",
        "memory-leak-oom",
        "db-pool-exhausted",
        "dependency-timeout",
        "missing-env-config",
        "bad-data-feed",
        "node-disk-pressure",
        "resolved-flap",
        "false-alarm-threshold",
        "no-evidence",
    ]
}

/// The bundled scenario of that name.
pub fn scenario_named(name: &str) -> Option<&'static BundledScenario> {
    scenarios().iter().find(|scenario| scenario.name == name)
}
