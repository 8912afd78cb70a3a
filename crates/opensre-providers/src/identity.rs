//! Probing an instance, and delivering to it, under its pin: the one place where `expect` is enforced.

use opensre_model::evidence::GapKind;
use opensre_model::identity::Expect;
use opensre_model::message::Message;

use crate::driver::{Access, Failure, Probe, ProbeStatus, Provider, Receipt};

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

/// Names of an identity that an instance may well be pinned to, best first: what cannot change without the back end
/// being another one.
const PINS: &[&str] =
    &["account_id", "cluster_uid", "system_identifier", "org_id", "enterprise_id", "team_id", "organisation", "org"];

/// What an instance may well be pinned to, if its back end tells.
pub fn to_pin(probe: &Probe) -> Option<(&str, &str)> {
    if probe.status != ProbeStatus::Passed {
        return None;
    }
    PINS.iter().find_map(|key| probe.identity.get_key_value(*key)).map(|(key, value)| (key.as_str(), value.as_str()))
}

/// Delivers a message to an instance; to a pinned one only when it is confirmed.
pub async fn deliver(provider: &Provider, access: &Access, message: &Message) -> Result<Receipt, Failure> {
    let Some(send) = provider.deliver else {
        let reason = format!("opensre cannot deliver to {}", provider.spec.name);
        return Err(Failure::new(GapKind::NotSupported, reason));
    };
    confirmed(provider, access).await.map_err(|failure| failure.about("not sent"))?;
    send(access, message).await
}

/// Holds an instance to its pin before something is done with it; one without a pin is asked nothing.
pub(crate) async fn confirmed(provider: &Provider, access: &Access) -> Result<(), Failure> {
    if access.instance.expect.is_empty() {
        return Ok(());
    }
    let probe = verify(provider, access).await;
    if probe.status == ProbeStatus::Passed {
        return Ok(());
    }
    let reason = format!("{} is pinned and not confirmed: {}", access.instance.address(), probe.detail);
    Err(Failure { kind: GapKind::Denied, reason, hint: probe.hint })
}
