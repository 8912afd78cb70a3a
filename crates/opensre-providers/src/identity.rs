//! The probe of an instance together with its pin: the one place where `expect` is enforced.

use opensre_model::identity::Expect;

use crate::driver::{Access, Probe, ProbeStatus, Provider};

/// Probes an instance and holds it to its pin: a probe that passed at somebody else has failed, and so has one that
/// cannot tell who we are there. Verification shows the result; an investigation asks nothing of a pinned instance
/// unless it passed.
pub async fn verify(provider: &Provider, access: &Access) -> Probe {
    let probe = match provider.probe {
        Some(probe) => probe(access).await,
        None => Probe { detail: format!("opensre cannot probe {} yet", provider.spec.name), ..Probe::not_probed() },
    };
    pinned(&access.instance.expect, probe)
}

/// What a probe comes to under a pin. Without a pin it is what it is; one that failed anyway says so itself.
fn pinned(expect: &Expect, probe: Probe) -> Probe {
    let trusted = match probe.status {
        _ if expect.is_empty() => return probe,
        ProbeStatus::Failed | ProbeStatus::Missing => return probe,
        ProbeStatus::Passed => true,
        ProbeStatus::Configured | ProbeStatus::NotProbed => false,
    };
    let refusal = match expect.compare(&probe.identity) {
        Ok(()) if trusted => return probe,
        Ok(()) => format!("{expect} is expected, and nothing proves it: {}", probe.detail),
        Err(mismatch) => mismatch.to_string(),
    };
    Probe {
        status: ProbeStatus::Failed,
        detail: refusal,
        identity: probe.identity,
        hint: Some("give the instance the credentials of what it expects, or correct its `expect`".to_owned()),
    }
}
