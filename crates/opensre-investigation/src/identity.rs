//! Pinned instances (`expect`): each is probed once, before anything else is asked of it, and not asked when it turns
//! out to be another.

use std::sync::Arc;
use std::time::{Duration, Instant};

use futures::FutureExt;
use futures::future::{BoxFuture, Shared};
use opensre_model::evidence::{Gap, GapKind};
use opensre_model::instance::Instance;
use opensre_providers::driver::{Access, Probe, ProbeStatus, Provider, verify};

use crate::gather::Means;
use crate::plan::Task;

/// Longest time that a probe may take, as long as `integrations verify` gives it.
const LONGEST: Duration = Duration::from_secs(10);

/// Whether an instance is who it must be; everybody who asks waits for the one probe.
pub(crate) type Confirmation = Shared<BoxFuture<'static, Result<(), Gap>>>;

/// One confirmation for each pinned instance of a plan.
pub(crate) struct Confirmations(Vec<(Instance, Confirmation)>);

impl Confirmations {
    /// Prepares the probes; each begins when its instance is first waited for.
    pub(crate) fn of(tasks: &[Task], means: &Means, end: Instant) -> Self {
        let mut all: Vec<(Instance, Confirmation)> = Vec::new();
        for task in tasks.iter().filter(|task| !task.instance.expect.is_empty()) {
            if !all.iter().any(|(instance, _)| *instance == task.instance) {
                let access = Access {
                    instance: task.instance.clone(),
                    http: means.http.clone(),
                    secrets: Arc::clone(&means.secrets),
                    deadline: end.min(Instant::now() + LONGEST),
                    neighbours: means.neighbours.clone(),
                };
                all.push((task.instance.clone(), confirm(task.provider, access).boxed().shared()));
            }
        }
        Self(all)
    }

    /// The confirmation of an instance; `None` when it is not pinned.
    pub(crate) fn for_instance(&self, instance: &Instance) -> Option<Confirmation> {
        self.0.iter().find(|(known, _)| known == instance).map(|(_, confirmation)| confirmation.clone())
    }
}

async fn confirm(provider: Provider, access: Access) -> Result<(), Gap> {
    let own = access.clone();
    // In a task of its own, so that a panic stays there.
    let task = tokio::spawn(async move { verify(&provider, &own).await });
    let probe = match tokio::time::timeout_at(access.deadline.into(), task).await {
        Ok(Ok(probe)) => probe,
        Ok(Err(_)) => Probe { status: ProbeStatus::Failed, ..Probe::passed("the probe broke off") },
        Err(_) => Probe { status: ProbeStatus::Failed, ..Probe::passed("the probe had no answer in time") },
    };
    if probe.status == ProbeStatus::Passed {
        return Ok(());
    }
    let instance = &access.instance;
    Err(Gap {
        service: instance.family.clone(),
        instance: Some(instance.name.as_str().to_owned()),
        operation: None,
        kind: GapKind::Denied,
        reason: format!("not asked, since it is pinned ({}) and not confirmed: {}", instance.expect, probe.detail),
        hint: probe.hint.or_else(|| Some(format!("see `opensre integrations verify {}`", instance.address()))),
    })
}
