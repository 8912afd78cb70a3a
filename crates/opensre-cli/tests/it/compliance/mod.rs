//! What every provider and every query of the registry must hold, walked over all of them: a new provider is in it by
//! existing, and fails here until the [`table`] says how to stand in for it.
//!
//! Each test lists every offence that it finds, not the first.

mod asking;
mod bounds;
mod failures;
mod isolation;
mod modes;
mod probes;
mod reports;
mod scene;
mod server;
mod table;

use std::future::Future;
use std::io::Write as _;
use std::path::Path;

use futures::StreamExt as _;
use opensre_providers::driver::ProbeStatus;
use opensre_providers::providers;

/// Cases that run at a time.
const AT_A_TIME: usize = 8;

/// Runs all cases and fails with every offence that they return.
async fn walk<F: Future<Output = Vec<String>>>(cases: impl IntoIterator<Item = F>) {
    let (mut ran, mut offences) = (0, Vec::new());
    let mut running = futures::stream::iter(cases).buffer_unordered(AT_A_TIME);
    while let Some(found) = running.next().await {
        ran += 1;
        offences.extend(found);
    }
    offences.sort();
    offences.dedup();
    assert!(offences.is_empty(), "{} offences in {ran} cases:\n{}", offences.len(), offences.join("\n"));
    assert!(ran > 0, "nothing was walked");
}

fn write(path: &Path, text: &str) {
    std::fs::File::create(path).and_then(|mut file| file.write_all(text.as_bytes())).expect("a temporary file");
}

#[test]
fn every_provider_that_can_be_asked_has_a_row() {
    let missing: Vec<&str> = providers()
        .iter()
        .filter(|provider| provider.probe.is_some() || !provider.queries.is_empty())
        .map(|provider| provider.spec.key)
        .filter(|key| !table::TABLE.iter().any(|row| row.key == *key))
        .collect();
    assert!(missing.is_empty(), "rows are missing in the table of the compliance suite: {missing:?}");
}

/// A provider that is only declared says so; it never claims to have proved anything.
#[tokio::test]
async fn a_provider_that_is_only_declared_proves_nothing() {
    let declared = providers().into_iter().filter(|provider| provider.probe.is_none());
    walk(declared.map(|provider| async move {
        let access = asking::declared(&provider);
        let probe = opensre_providers::driver::verify(&provider, &access).await;
        let key = provider.spec.key;
        let mut offences = Vec::new();
        if !matches!(probe.status, ProbeStatus::NotProbed | ProbeStatus::Configured) {
            offences.push(format!("{key}: {probe:?}"));
        }
        if !probe.detail.contains(provider.spec.name) {
            offences.push(format!("{key}: does not say that it is {}: {probe:?}", provider.spec.name));
        }
        if !probe.identity.is_empty() || !provider.queries.is_empty() {
            offences.push(format!("{key}: has an identity or queries without a probe"));
        }
        offences
    }))
    .await;
}
