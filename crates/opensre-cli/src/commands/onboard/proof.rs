//! The proof of an instance: the same probe as `integrations verify`, and its outcome in words.

use std::time::{Duration, Instant};

use opensre_model::diagnostic::Source;
use opensre_model::instance::Instance;
use opensre_model::resolution::Resolved;
use opensre_model::secret::{SecretReference, SecretSource, SecretValue};
use opensre_providers::alert_labels;
use opensre_providers::driver::{Access, Neighbours, Probe, ProbeStatus};
use opensre_store::references::LocalSecrets;

use crate::app::App;
use crate::commands::integrations::verify;
use crate::failure::Failure;

/// Longest time of a proof; a person waits for it.
const LIMIT: Duration = Duration::from_secs(10);

/// Proves an instance with a real call. Ctrl-C ends the program, as it does everywhere: nothing is saved yet, and what
/// was saved before stays. (A handler of our own would stay behind and keep Ctrl-C from ending a later question.)
pub(super) fn run(app: &App, instance: Instance) -> Result<Probe, Failure> {
    let provider = app.providers.iter().find(|provider| provider.spec.key == instance.service).copied();
    let (http, secrets) = app.network();
    let runtime = App::runtime()?;
    let neighbours = Neighbours::of(&app.effective()?.resolved);
    let access = Access { instance, http, secrets, deadline: Instant::now() + LIMIT, neighbours };
    let probe = runtime.block_on(verify::prove(provider, access, LIMIT));
    runtime.shutdown_background();
    Ok(probe)
}

/// Longest time of a look at firing alerts, and most instances that are looked at: it only feeds suggestions.
const LOOK: Duration = Duration::from_secs(2);
const MOST_LOOKED_AT: usize = 8;

/// The labels of the alerts that fire now at the instances that can tell. What does not answer in time is passed over.
pub(super) fn firing_labels(app: &App, resolved: &Resolved) -> Vec<(String, String)> {
    let instances: Vec<Instance> = resolved
        .instances()
        .filter(|instance| alert_labels::can_tell(&instance.service))
        .take(MOST_LOOKED_AT)
        .cloned()
        .collect();
    if instances.is_empty() {
        return Vec::new();
    }
    let (http, secrets) = app.network();
    let Ok(runtime) = App::runtime() else { return Vec::new() };
    let neighbours = Neighbours::of(resolved);
    let labels = runtime.block_on(async move {
        let deadline = Instant::now() + LOOK;
        let looks = instances.into_iter().map(|instance| {
            let (http, secrets, neighbours) = (http.clone(), secrets.clone(), neighbours.clone());
            let access = Access { instance, http, secrets, deadline, neighbours };
            async move { alert_labels::alert_labels(&access).await.unwrap_or_default() }
        });
        tokio::time::timeout(LOOK + LOOK / 4, futures::future::join_all(looks)).await.unwrap_or_default()
    });
    // What has not ended is left behind, not waited for.
    runtime.shutdown_background();
    labels.into_iter().flatten().flatten().collect()
}

/// What a proof came to, line by line.
pub(super) fn in_words(probe: &Probe) -> Vec<String> {
    let known = |key: &str| key != VERSION;
    let who: Vec<String> = probe
        .identity
        .iter()
        .filter(|(key, _)| known(key))
        .map(|(key, value)| format!("{} {value}", key.replace('_', " ")))
        .collect();
    let outcome = match probe.status {
        ProbeStatus::Passed => "Passed",
        ProbeStatus::Configured | ProbeStatus::NotProbed => "Complete, but not proved",
        ProbeStatus::Missing => "Incomplete",
        ProbeStatus::Failed => "Failed",
    };
    let version = probe.identity.get(VERSION).map(|version| format!("version {version}"));
    let connected = match (who.is_empty(), version) {
        (true, None) => String::new(),
        (true, Some(version)) => format!(" It is {version}."),
        (false, version) => {
            let version = version.map(|version| format!(" ({version})")).unwrap_or_default();
            format!(" Connected as {}{version}.", who.join(", "))
        }
    };
    let mut lines = vec![format!("{outcome}: {}.{connected}", probe.detail)];
    if let Some(hint) = &probe.hint {
        lines.push(format!("hint: {hint}"));
    }
    lines
}

/// The name of an identity that tells what is there, not who we are there.
const VERSION: &str = "version";

/// Why a script saves nothing.
pub(super) fn refusal(instance: &Instance, probe: &Probe) -> Failure {
    let failure = Failure::failed(format!("{} did not pass: {}; it was not saved", instance.address(), probe.detail));
    let anyway = "--save-anyway saves it all the same";
    failure.hint(match &probe.hint {
        Some(hint) => format!("{hint}; {anyway}"),
        None => anyway.to_owned(),
    })
}

/// What is wrong with a reference on this machine, as it was typed for a secret; a command is not run to find out.
pub(super) fn unresolved(app: &App, typed: &str) -> Option<String> {
    let reference = SecretReference::parse(typed.trim()).ok().flatten()?;
    if matches!(reference, SecretReference::Exec(_)) {
        return None;
    }
    let secrets = LocalSecrets::new(app.surroundings.environment.clone());
    let source = Source::Store { path: String::new() };
    let failure = secrets.resolve(&SecretValue::Reference(reference), &source).err()?;
    Some(crate::text::printable(&format!("Note: {} here; the reference is kept as it is written.", failure.reason)))
}

#[cfg(test)]
mod tests {
    use opensre_providers::driver::Probe;

    use super::in_words;

    #[test]
    fn who_we_are_is_said() {
        let probe = Probe::passed("the API answers").with("version", Some("11.2.0")).with("org_id", Some("7"));
        assert_eq!(in_words(&probe), ["Passed: the API answers. Connected as org id 7 (version 11.2.0)."]);
    }
}
