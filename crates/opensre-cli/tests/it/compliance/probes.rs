//! Verification: what a probe says of each way in which a server fails.

use std::collections::BTreeMap;
use std::net::Ipv4Addr;
use std::path::Path;

use opensre_lab::front::nobody;
use opensre_lab::vendors::postgresql::Fault;
use opensre_providers::driver::{Access, Probe, ProbeStatus};

use super::asking::{AMPLE, access, probe, provider};
use super::modes::{MODES, Mode};
use super::scene::Scene;
use super::server::Server;
use super::table::{Place, Row, TABLE};
use super::walk;

/// Access to an instance whose server fails so, and what keeps it failing.
pub(crate) async fn at_failing(row: &Row, scene: &Scene, mode: Mode, folder: &Path) -> Option<(Access, Server)> {
    let (how, fault) = mode.of(row)?;
    let server = Server::failing(row, scene, how, fault).await;
    let tls = mode.asks_for_tls();
    Some((super::asking::access_with(row, &server.place("prod", folder), mode.deadline(), tls), server))
}

fn told(probe: &Probe) -> String {
    format!("{} [{}]", probe.detail, probe.hint.as_deref().unwrap_or_default())
}

/// What is wrong with what a probe says of a failure.
fn offences(row: &Row, mode: Mode, probe: &Probe) -> Vec<String> {
    let mut offences = Vec::new();
    let said = told(probe);
    if probe.status != ProbeStatus::Failed {
        offences.push(format!("is {:?}", probe.status));
    }
    if probe.detail.trim().is_empty() || probe.detail.contains('\n') {
        offences.push("does not say what failed in one line".to_owned());
    }
    if probe.hint.as_deref().is_none_or(|hint| hint.trim().is_empty()) {
        offences.push("has no hint".to_owned());
    }
    if !mode.words().iter().any(|word| said.contains(word)) {
        offences.push(format!("says none of {:?}", mode.words()));
    }
    if said.contains("canary") {
        offences.push("holds a secret".to_owned());
    }
    offences.into_iter().map(|offence| format!("{} {mode:?}: {offence}: {said}", row.key)).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_healthy_server_is_proved() {
    let scene = &Scene::start().await;
    walk(TABLE.iter().map(|row| async move {
        let folder = tempfile::tempdir().expect("a folder");
        let server = Server::healthy(row, scene).await;
        let proved = probe(&access(row, &server.place("prod", folder.path()), AMPLE)).await;
        match proved {
            Ok(Probe { status: ProbeStatus::Passed, identity, .. }) if !identity.is_empty() => vec![],
            other => vec![format!("{}: {other:?}", row.key)],
        }
    }))
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_failing_server_is_told_with_what_to_do() {
    let scene = &Scene::start().await;
    let cases = TABLE.iter().flat_map(|row| MODES.iter().map(move |mode| (row, *mode)));
    walk(cases.filter(|(_, mode)| *mode != Mode::Refused).map(|(row, mode)| async move {
        let folder = tempfile::tempdir().expect("a folder");
        let Some((access, server)) = at_failing(row, scene, mode, folder.path()).await else { return vec![] };
        let said = match probe(&access).await {
            Ok(probe) => offences(row, mode, &probe),
            Err(offence) => vec![format!("{} {mode:?}: {offence}", row.key)],
        };
        if server.contacts() == 0 && !mode.asks_for_tls() {
            return vec![format!("{} {mode:?}: the server was not called", row.key)];
        }
        said
    }))
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_is_not_there_is_told_with_what_to_do() {
    walk(TABLE.iter().map(|row| async move {
        let folder = tempfile::tempdir().expect("a folder");
        let (address, _socket) = nobody(row.host).expect("a loopback port");
        let place = Place { address, name: "prod", folder: folder.path() };
        match probe(&access(row, &place, AMPLE)).await {
            Ok(probe) => offences(row, Mode::Refused, &probe),
            Err(offence) => vec![format!("{}: {offence}", row.key)],
        }
    }))
    .await;
}

/// What is denied, not there, limited, late and not what was expected is told in different words.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn failures_of_different_kinds_are_told_in_different_words() {
    let scene = &Scene::start().await;
    let modes =
        [Mode::Unauthorized, Mode::NotFound, Mode::RateLimited, Mode::Broken, Mode::Silent, Mode::LoginPage, Mode::Cut];
    walk(TABLE.iter().map(|row| async move {
        let mut words: BTreeMap<String, Mode> = BTreeMap::new();
        let mut offences = Vec::new();
        for mode in modes {
            let folder = tempfile::tempdir().expect("a folder");
            let Some((access, server)) = at_failing(row, scene, mode, folder.path()).await else { continue };
            let Ok(probe) = probe(&access).await else { continue };
            let said = probe.detail.replace(&server.address().to_string(), "HOST");
            if let Some(other) = words.insert(said.clone(), mode) {
                offences.push(format!("{}: {mode:?} and {other:?} are both told as: {said}", row.key));
            }
        }
        offences
    }))
    .await;
}

/// One odd instance does not disturb the others: all are verified at once, and all but the odd one pass.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_odd_instance_does_not_disturb_its_siblings() {
    let scene = &Scene::start().await;
    let folder = &tempfile::tempdir().expect("a folder");
    walk(TABLE.iter().map(|row| async move {
        let odd = Server::failing(row, scene, Mode::Silent.of(row).and_then(|(how, _)| how), Fault::CutsOff).await;
        let well = Server::healthy(row, scene).await;
        let odd_access = access(row, &odd.place("odd", folder.path()), super::asking::SHORT);
        let well_access = access(row, &well.place("prod", folder.path()), AMPLE);
        let shared = Access { http: odd_access.http.clone(), ..well_access };
        let (odd, well) = tokio::join!(probe(&odd_access), probe(&shared));
        let mut offences = Vec::new();
        if odd.as_ref().is_ok_and(|probe| probe.status != ProbeStatus::Failed) {
            offences.push(format!("{} odd: {odd:?}", row.key));
        }
        if well.as_ref().is_ok_and(|probe| probe.status != ProbeStatus::Passed) || well.is_err() {
            offences.push(format!("{} well: {well:?}", row.key));
        }
        offences
    }))
    .await;
}

#[test]
fn every_row_is_of_a_provider_that_can_be_proved() {
    for row in TABLE {
        assert!(provider(row.key).probe.is_some(), "{}", row.key);
        assert!(row.host == Ipv4Addr::LOCALHOST || row.host.is_loopback(), "{}", row.key);
    }
}
