//! A running scenario.

use std::collections::BTreeMap;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use jiff::Timestamp;
use serde_json::{Value, json};

use crate::alert;
use crate::data::DataPool;
use crate::data::clock::{Clock, timestamp};
use crate::fault::Fault;
use crate::scenario::{Instance, Scenario, Service, Token};
use crate::server::Backend;
use crate::server::alertmanager::Alertmanager;
use crate::server::grafana::Grafana;
use crate::server::host::{self, Credentials, Server};
use crate::server::record::{Recorder, SeenRequest};

/// The servers of a scenario, each on its own loopback port. They stop when this is dropped.
#[derive(Debug)]
pub struct Lab {
    scenario: Scenario,
    clock: Clock,
    servers: Vec<Server>,
    recorder: Arc<Recorder>,
}

/// Why a lab cannot do what was asked.
#[derive(Debug, thiserror::Error)]
pub enum LabError {
    /// A server could not listen.
    #[error(
        "{instance} cannot listen on a loopback port: {source}\nhint: instances that stand for remote hosts use 127.0.0.2, which Linux has; elsewhere add it as an alias of the loopback interface"
    )]
    Listen {
        /// `service/name`.
        instance: String,
        /// What the system says.
        source: io::Error,
    },
    /// There is no such instance.
    #[error("the scenario has no instance `{instance}`; it has {known}")]
    UnknownInstance {
        /// What was asked for.
        instance: String,
        /// The instances there are.
        known: String,
    },
}

impl Lab {
    /// Starts all servers of a scenario. To them the present is `now` for as long as they run; the onset lies
    /// `onset_ago` before. The same scenario and the same `now` give the same answers, except for ports in URLs.
    pub async fn start(scenario: Scenario, now: Timestamp) -> Result<Self, LabError> {
        let clock = Clock::new(&scenario, now);
        let recorder = Arc::new(Recorder::default());
        let pools = pools(&scenario, clock);
        let credentials: Credentials =
            scenario.instances.iter().filter_map(|instance| Some((instance.id(), host::expected(instance)?))).collect();
        let credentials = Arc::new(credentials);
        let mut servers = Vec::with_capacity(scenario.instances.len());
        for instance in &scenario.instances {
            let backend = backend(instance, clock, &pools);
            let server = host::start(instance, backend, Arc::clone(&recorder), Arc::clone(&credentials))
                .await
                .map_err(|source| LabError::Listen { instance: instance.id(), source })?;
            servers.push(server);
        }
        Ok(Self { scenario, clock, servers, recorder })
    }

    /// The scenario that runs.
    pub fn scenario(&self) -> &Scenario {
        &self.scenario
    }

    /// When the trouble began.
    pub fn onset(&self) -> Timestamp {
        timestamp(self.clock.onset)
    }

    /// What the servers take for the present.
    pub fn now(&self) -> Timestamp {
        timestamp(self.clock.now)
    }

    /// The base URL of an instance (`service/name`), as a user would configure it.
    pub fn url(&self, instance: &str) -> Option<String> {
        self.server(instance).ok().map(|server| server.base_url.clone())
    }

    /// The address an instance listens on.
    pub fn address(&self, instance: &str) -> Option<SocketAddr> {
        self.server(instance).ok().map(|server| server.address)
    }

    /// The alert, with its times and URLs filled in.
    pub fn alert(&self) -> Value {
        alert::payload(&self.scenario.alert, &self.clock, &|instance| self.url(instance))
    }

    /// A version 2 store file that holds every instance with its tags and credentials, one record per service in the
    /// order of the scenario.
    pub fn store_document(&self) -> Value {
        let mut records: Vec<(Service, Vec<Value>)> = Vec::new();
        for instance in &self.scenario.instances {
            let url = self.url(&instance.id()).unwrap_or_default();
            let entry = json!({
                "name": instance.name.value,
                "tags": instance.tags,
                "credentials": credentials(instance, &url),
            });
            match records.iter_mut().find(|(service, _)| *service == instance.service) {
                Some((_, entries)) => entries.push(entry),
                None => records.push((instance.service, vec![entry])),
            }
        }
        let records: Vec<Value> = records
            .into_iter()
            .map(|(service, instances)| {
                let key = service.key();
                json!({"id": format!("{key}-lab"), "service": key, "status": "active", "instances": instances})
            })
            .collect();
        json!({"version": 2, "integrations": records})
    }

    /// Every request so far, in the order in which they were answered.
    pub fn requests(&self) -> Vec<SeenRequest> {
        self.recorder.all()
    }

    /// Forgets the requests so far.
    pub fn clear_requests(&self) {
        self.recorder.clear();
    }

    /// Adds a fault to an instance (`service/name`), behind those it has.
    pub fn set_fault(&self, instance: &str, fault: Fault) -> Result<(), LabError> {
        self.server(instance)?.faults.add(fault);
        Ok(())
    }

    /// Removes every fault of an instance, also those of the scenario.
    pub fn clear_faults(&self, instance: &str) -> Result<(), LabError> {
        self.server(instance)?.faults.clear();
        Ok(())
    }

    /// Stops all servers, as dropping does.
    pub fn shutdown(self) {
        drop(self);
    }

    fn server(&self, instance: &str) -> Result<&Server, LabError> {
        self.servers.iter().find(|server| server.id == instance).ok_or_else(|| LabError::UnknownInstance {
            instance: instance.to_owned(),
            known: self.servers.iter().map(|server| server.id.as_str()).collect::<Vec<_>>().join(", "),
        })
    }
}

fn pools(scenario: &Scenario, clock: Clock) -> BTreeMap<String, Arc<DataPool>> {
    let pool = |name: &String| {
        let backend = scenario.backend(name)?;
        let root = format!("{}/{name}", scenario.name);
        Some((name.clone(), Arc::new(DataPool::new(backend, root, clock, scenario.scrape_interval))))
    };
    scenario.backends.keys().filter_map(pool).collect()
}

fn backend(instance: &Instance, clock: Clock, pools: &BTreeMap<String, Arc<DataPool>>) -> Backend {
    let named = |name: &str| pools.get(name).cloned();
    let own = || {
        let found = instance.backend.as_deref().and_then(named);
        // A scenario that was parsed names a backend that exists; one built by hand may not and is then empty.
        found.unwrap_or_else(|| {
            let empty = crate::scenario::Backend::default();
            Arc::new(DataPool::new(empty, instance.id(), clock, crate::scenario::Offset::from_seconds(15)))
        })
    };
    match instance.service {
        Service::Grafana => Backend::Grafana(Grafana::new(instance, clock, named)),
        Service::Prometheus => Backend::Prometheus(own(), instance.alert_rules.clone()),
        Service::Loki => Backend::Loki(own()),
        Service::Tempo => Backend::Tempo(own()),
        Service::Alertmanager => Backend::Alertmanager(Alertmanager {
            clock,
            alerts: instance.alerts.clone(),
            silences: instance.silences.clone(),
        }),
    }
}

/// Credentials as users write them into the store, by service.
fn credentials(instance: &Instance, url: &str) -> Value {
    let token = instance.token.as_ref().map(Token::expose);
    if instance.service == Service::Grafana {
        return json!({"endpoint": url, "api_key": token.unwrap_or_default()});
    }
    let mut credentials = json!({"base_url": url});
    if let Some(token) = token {
        credentials["bearer_token"] = token.into();
    }
    if let Some(basic) = &instance.basic {
        credentials["username"] = basic.username.clone().into();
        credentials["password"] = basic.password.expose().into();
    }
    credentials
}
