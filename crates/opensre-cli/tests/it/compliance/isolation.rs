//! Of two instances only the chosen one is called, and no secret of either is seen anywhere but there.

use std::fmt::Write as _;
use std::io;
use std::sync::{Arc, Mutex, PoisonError};

use opensre_lab::front::{Failing, Heard, Passed};
use opensre_lab::vendors::postgresql::Fault;
use opensre_providers::driver::{Access, Answer};
use serde_json::json;
use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt::MakeWriter;

use super::asking::{AMPLE, access, ask, probe, provider, questions};
use super::scene::{Scene, canary};
use super::server::Server;
use super::table::{Row, TABLE};
use super::walk;

/// Everything of an answer that anybody might print.
fn everything(answer: &Answer) -> String {
    let mut all = format!("{answer:?}");
    for evidence in &answer.evidence {
        let _ = write!(all, "\n{}", json!(evidence));
    }
    for gap in &answer.gaps {
        let _ = write!(all, "\n{}", json!(gap));
    }
    all.push_str(&opensre_report::evidence::render(&answer.evidence, &answer.gaps, true));
    all
}

/// The canaries of an instance of a row.
fn canaries(row: &Row, instance: &str) -> Vec<String> {
    let fields = provider(row.key).spec.fields.iter().filter(|field| field.secret).map(|field| field.key);
    // The token of a kubeconfig is no field.
    fields.chain(["token"]).map(|field| canary(row.key, field, instance)).collect()
}

fn leaks(row: &Row, what: &str, text: &str) -> Vec<String> {
    let found = ["prod", "staging"].iter().flat_map(|name| canaries(row, name)).filter(|secret| text.contains(secret));
    found.map(|secret| format!("{} {what}: {secret} is in: {text}", row.key)).collect()
}

/// Probes and asks everything; returns what leaked.
async fn all_of(row: &Row, scene: &Scene, access: &Access) -> Vec<String> {
    let mut offences = leaks(row, "instance", &format!("{:?}", access.instance));
    match probe(access).await {
        Ok(probe) => offences.extend(leaks(row, "probe", &format!("{probe:?} {}", json!(probe)))),
        Err(offence) => offences.push(format!("{} probe: {offence}", row.key)),
    }
    for (query, input) in questions(row, scene) {
        match ask(access, query, &input).await {
            Ok(answer) => offences.extend(leaks(row, query.name, &everything(&answer))),
            Err(offence) => offences.push(format!("{} {}: {offence}", row.key, query.name)),
        }
    }
    offences
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn only_the_chosen_instance_is_called() {
    let scene = &Scene::start().await;
    walk(TABLE.iter().map(|row| async move {
        let folder = tempfile::tempdir().expect("a folder");
        let (chosen, other) = (Server::healthy(row, scene).await, Server::healthy(row, scene).await);
        let of = |server: &Server, name| access(row, &server.place(name, folder.path()), AMPLE);
        // Both share the HTTP layer and what it keeps.
        let unused = of(&other, "staging");
        let used = Access { http: unused.http.clone(), ..of(&chosen, "prod") };
        let mut offences = all_of(row, scene, &used).await;
        if other.contacts() > 0 {
            offences.push(format!("{}: the other instance was called", row.key));
        }
        if !canaries(row, "prod").iter().any(|secret| chosen.was_sent(secret)) && row.key != "grafana_local" {
            offences.push(format!("{}: no credential of the chosen instance was sent to it", row.key));
        }
        for secret in canaries(row, "staging").iter().filter(|secret| chosen.was_sent(secret)) {
            offences.push(format!("{}: {secret} was sent to another instance's server", row.key));
        }
        offences
    }))
    .await;
}

/// A server that writes what it was sent into its refusal does not get our secrets into a message.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_echoes_secrets_does_not_spread_them() {
    let scene = &Scene::start().await;
    let echo = |status: u16| {
        Failing::Altered(Arc::new(move |heard: &Heard, passed: &mut Passed| {
            passed.status = status;
            let said = format!("unexpected {} {}", heard.head, String::from_utf8_lossy(&heard.body));
            passed.body = json!({"message": said, "error": said, "errors": [said]}).to_string().into_bytes();
        }))
    };
    let cases = TABLE.iter().flat_map(|row| [200, 400, 403, 500].map(|status| (row, status)));
    walk(cases.map(|(row, status)| async move {
        let folder = tempfile::tempdir().expect("a folder");
        let server = Server::failing(row, scene, Some(echo(status)), Fault::None).await;
        all_of(row, scene, &access(row, &server.place("prod", folder.path()), AMPLE)).await
    }))
    .await;
}

#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl io::Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl MakeWriter<'_> for Log {
    type Writer = Self;

    fn make_writer(&self) -> Self {
        self.clone()
    }
}

/// The log as `-vvv` shows it. On one thread, since that is what a log of a test can follow.
#[tokio::test]
async fn the_log_holds_no_secret() {
    let log = Log::default();
    let scene = &Scene::start().await;
    let ours = ["cli", "http", "investigation", "lab", "model", "providers", "store"];
    let directives: Vec<String> = ours.iter().map(|name| format!("opensre_{name}=trace")).collect();
    let subscriber = tracing_subscriber::fmt()
        .with_env_filter(EnvFilter::new(directives.join(",")))
        .with_ansi(false)
        .with_writer(log.clone())
        .finish();
    let _guard = tracing::subscriber::set_default(subscriber);
    walk(TABLE.iter().map(|row| async move {
        let folder = tempfile::tempdir().expect("a folder");
        let server = Server::healthy(row, scene).await;
        all_of(row, scene, &access(row, &server.place("prod", folder.path()), AMPLE)).await
    }))
    .await;
    let log = String::from_utf8_lossy(&log.0.lock().unwrap_or_else(PoisonError::into_inner)).into_owned();
    assert!(log.lines().count() > 100, "the log was not kept: {log}");
    for row in TABLE {
        for secret in canaries(row, "prod") {
            let lines: Vec<&str> = log.lines().filter(|line| line.contains(&secret)).collect();
            assert!(lines.is_empty(), "{secret}: {}", lines[0]);
        }
    }
}
