//! Kubernetes: contexts, tokens, exec plug-ins, client certificates; the probe and its failures; no secret anywhere.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use opensre_lab::vendors::kubernetes::{Cluster, Misbehaviour, router};
use opensre_lab::vendors::{Guard, serve};
use opensre_model::evidence::GapKind;
use opensre_model::instance::Settings;
use opensre_model::value::{Config, Value};
use opensre_providers::driver::{Access, Probe, ProbeStatus};
use opensre_providers::kubernetes::PROVIDER;
use serde_json::json;
use tempfile::TempDir;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::rustls::server::WebPkiClientVerifier;
use tokio_rustls::rustls::{RootCertStore, ServerConfig};

use crate::stub::{access, ask, input, probe};

const TOKEN: &str = "canary-token-5b1f";

fn cluster() -> Cluster {
    Cluster::new(TOKEN, "jane@example.com", "uid-prod", "2024-05-01T12:46:00Z".parse().unwrap())
}

async fn started(cluster: &Cluster) -> (String, Guard) {
    let (address, serving) = serve(router(cluster)).await.unwrap();
    (format!("http://{address}"), serving)
}

/// A kubeconfig with one context `prod` of this user, in a folder of its own.
fn kubeconfig(folder: &TempDir, server: &str, user: &str) -> String {
    let text = format!(
        "apiVersion: v1\nkind: Config\ncurrent-context: prod\n\
         clusters:\n- name: c\n  cluster:\n    server: {server}\n\
         contexts:\n- name: prod\n  context: {{cluster: c, user: u, namespace: shop}}\n\
         - name: staging\n  context: {{cluster: elsewhere, user: u}}\n\
         users:\n- name: u\n  user:\n{user}"
    );
    let path = folder.path().join("config");
    write(&path, &text);
    path.display().to_string()
}

fn write(path: &Path, text: &str) {
    std::io::Write::write_all(&mut std::fs::File::create(path).unwrap(), text.as_bytes()).unwrap();
}

fn with_token() -> String {
    format!("    token: {TOKEN}\n")
}

async fn probed(path: &str, context: Option<&str>) -> (Probe, Access) {
    let mut fields = vec![("kubeconfig", path)];
    fields.extend(context.map(|context| ("context", context)));
    let access = access(&PROVIDER, &fields);
    (probe(&PROVIDER, &access).await, access)
}

#[tokio::test]
async fn a_token_is_proved_and_tells_who_we_are() {
    let cluster = cluster();
    let (server, _serving) = started(&cluster).await;
    let folder = TempDir::new().unwrap();
    let (proved, _) = probed(&kubeconfig(&folder, &server, &with_token()), None).await;
    assert_eq!(
        (proved.status, proved.detail.as_str()),
        (ProbeStatus::Passed, "jane@example.com may list pods in all namespaces")
    );
    let identity: Vec<(&str, &str)> = proved.identity.iter().map(|(k, v)| (k.as_str(), v.as_str())).collect();
    assert_eq!(
        identity,
        [
            ("cluster_uid", "uid-prod"),
            ("context", "prod"),
            ("server", "127.0.0.1"),
            ("user", "jane@example.com"),
            ("version", "v1.33.4")
        ]
    );
    assert_eq!(cluster.seen()[0].authorization, format!("Bearer {TOKEN}"));
}

#[tokio::test]
async fn a_user_of_one_namespace_passes_there() {
    let cluster = cluster();
    cluster.deny("all namespaces");
    cluster.deny("namespaces");
    let (server, _serving) = started(&cluster).await;
    let folder = TempDir::new().unwrap();
    let path = kubeconfig(&folder, &server, &with_token());
    let (proved, _) = probed(&path, None).await;
    assert_eq!(proved.detail, "jane@example.com may list pods in namespace shop");
    assert_eq!(proved.identity.get("cluster_uid"), None);

    cluster.deny("pods");
    let (failed, _) = probed(&path, None).await;
    assert_eq!((failed.status, failed.detail.as_str()), (ProbeStatus::Failed, "jane@example.com may not list pods"));
    assert_eq!(failed.identity["user"], "jane@example.com");
    assert!(failed.hint.unwrap().contains("ClusterRole"));
}

#[tokio::test]
async fn refusals_are_told_apart() {
    let folder = TempDir::new().unwrap();
    for (how, words, hint) in [
        (Misbehaviour::Status(401, None), "refused the credentials (401)", "renew"),
        (Misbehaviour::Status(403, None), "does not allow this", "right"),
        (Misbehaviour::Status(500, None), "failed with status 500", ""),
        (Misbehaviour::Status(429, Some(30)), "asks to slow down (429)", "later"),
        (Misbehaviour::LoginPage, "HTML page", "login page"),
        (Misbehaviour::WrongTypes, "without a user name", "API server"),
        (Misbehaviour::Cut, "broke", ""),
    ] {
        let cluster = cluster();
        cluster.misbehave("/apis/authentication", how.clone(), None);
        let (server, _serving) = started(&cluster).await;
        let (failed, _) = probed(&kubeconfig(&folder, &server, &with_token()), None).await;
        assert_eq!(failed.status, ProbeStatus::Failed, "{how:?}");
        assert!(failed.detail.contains(words), "{how:?}: {failed:?}");
        assert!(failed.hint.as_deref().unwrap_or_default().contains(hint), "{how:?}: {failed:?}");
    }
    let (failed, _) = probed(&kubeconfig(&folder, "http://127.0.0.1:1", &with_token()), None).await;
    assert!(failed.detail.contains("refused the connection"), "{failed:?}");
    assert!(failed.hint.unwrap().contains("`server`"));
}

#[tokio::test]
async fn an_old_server_is_proved_by_what_it_allows() {
    let cluster = cluster();
    cluster.misbehave("/apis/authentication", Misbehaviour::Status(404, None), None);
    let (server, _serving) = started(&cluster).await;
    let folder = TempDir::new().unwrap();
    let (proved, _) = probed(&kubeconfig(&folder, &server, &with_token()), None).await;
    assert_eq!(proved.status, ProbeStatus::Passed, "{proved:?}");
    assert_eq!(proved.identity.get("user"), None);
}

/// What the probe of a kubeconfig says and hints.
async fn failed(path: &str, context: Option<&str>, words: &str, hint: &str) {
    let (failed, _) = probed(path, context).await;
    assert_eq!(failed.status, ProbeStatus::Failed);
    assert!(failed.detail.contains(words), "{words}: {failed:?}");
    assert!(failed.hint.as_deref().unwrap_or_default().contains(hint), "{hint}: {failed:?}");
    assert!(!format!("{failed:?}").contains(TOKEN));
}

#[tokio::test]
async fn what_is_wrong_with_a_kubeconfig_is_told_without_its_contents() {
    let folder = TempDir::new().unwrap();
    let path = kubeconfig(&folder, "http://127.0.0.1:1", &with_token());
    let broken = folder.path().join("broken");
    write(&broken, &format!("users: [{{name: u, user: {{token: {TOKEN}\n"));
    failed(&path, Some("nowhere"), "the kubeconfig has no context \"nowhere\"", "it has: prod, staging").await;
    failed(&path, Some("staging"), "has no cluster \"elsewhere\"", "correct the context").await;
    failed(&format!("{path}x"), None, "cannot be read: entity not found", "path").await;
    failed(&broken.display().to_string(), None, "is not valid YAML", "kubectl config view").await;
}

#[tokio::test]
async fn what_a_context_wants_and_cannot_have_is_said() {
    for (user, words, hint) in [
        (
            "    exec: {apiVersion: client.authentication.k8s.io/v1, command: x, interactiveMode: Always}\n",
            "wants to ask questions",
            "need nobody",
        ),
        ("    auth-provider: {name: azure}\n", "`auth-provider: azure`", "exec plug-in"),
        ("    token: t\n    as: joe\n    as-groups: [a, b]\n", "several groups", "at most one"),
        ("    tokenFile: nowhere\n", "the token file", "who may read it"),
    ] {
        let folder = TempDir::new().unwrap();
        failed(&kubeconfig(&folder, "http://127.0.0.1:1", user), None, words, hint).await;
    }
}

#[tokio::test]
async fn kubeconfigs_are_merged_and_the_first_wins() {
    let cluster = cluster();
    let (server, _serving) = started(&cluster).await;
    let (first, second) = (TempDir::new().unwrap(), TempDir::new().unwrap());
    let paths = format!(
        "{}:{}",
        kubeconfig(&first, &server, &with_token()),
        kubeconfig(&second, "http://127.0.0.1:1", "    token: other\n")
    );
    let (proved, _) = probed(&paths, Some("prod")).await;
    assert_eq!(proved.status, ProbeStatus::Passed, "{proved:?}");
}

/// A plug-in: a script that counts its runs and then does `what`.
fn plug_in(folder: &TempDir, what: &str) -> (String, PathBuf) {
    let (script, runs) = (folder.path().join("plug-in.sh"), folder.path().join("runs"));
    write(&script, &format!("#!/bin/sh\necho run >> {}\n{what}\n", runs.display()));
    let exec = format!(
        "    exec:\n      apiVersion: client.authentication.k8s.io/v1\n      command: sh\n      args: [{}]\n",
        script.display()
    );
    (exec, runs)
}

fn credential(status: &str) -> String {
    format!(
        "echo '{{\"kind\": \"ExecCredential\", \"apiVersion\": \"client.authentication.k8s.io/v1\", \"status\": {status}}}'"
    )
}

#[tokio::test]
async fn an_exec_plug_in_runs_once_for_many_queries() {
    let cluster = cluster();
    let (server, _serving) = started(&cluster).await;
    let folder = TempDir::new().unwrap();
    let status = format!("{{\"token\": \"{TOKEN}\", \"expirationTimestamp\": \"2124-01-01T00:00:00Z\"}}");
    let (exec, runs) = plug_in(&folder, &credential(&status));
    let (proved, access) = probed(&kubeconfig(&folder, &server, &exec), None).await;
    assert_eq!(proved.status, ProbeStatus::Passed, "{proved:?}");
    for query in ["pods", "events", "storage"] {
        let answer = ask(&PROVIDER, &access, query, &input("namespace", json!("shop"))).await;
        assert!(answer.gaps.is_empty(), "{:?}", answer.gaps);
    }
    assert_eq!(std::fs::read_to_string(runs).unwrap(), "run\n");
}

#[tokio::test]
async fn what_a_plug_in_writes_is_never_shown() {
    let folder = TempDir::new().unwrap();
    for (what, words) in [
        (format!("echo {TOKEN}; echo {TOKEN} >&2; exit 3"), "ended with exit code 3"),
        (format!("echo 'not json: {TOKEN}'"), "did not answer with an ExecCredential"),
        (credential(&format!("{{\"token\": \"{TOKEN}\", \"expirationTimestamp\": \"{TOKEN}\"}}")), "ExecCredential"),
    ] {
        let (exec, _) = plug_in(&folder, &what);
        let (failed, access) = probed(&kubeconfig(&folder, "http://127.0.0.1:1", &exec), None).await;
        assert!(failed.detail.contains(words), "{failed:?}");
        let answer = ask(&PROVIDER, &access, "pods", &input("namespace", json!("shop"))).await;
        assert_eq!(answer.gaps[0].kind, GapKind::Denied);
        assert!(!format!("{failed:?}{answer:?}").contains(TOKEN));
    }
    let exec = "    exec: {apiVersion: client.authentication.k8s.io/v1, command: no-such-plug-in}\n";
    let (failed, _) = probed(&kubeconfig(&folder, "http://127.0.0.1:1", exec), None).await;
    assert!(failed.detail.contains("`no-such-plug-in` of the kubeconfig cannot be started"), "{failed:?}");
}

#[tokio::test]
async fn a_plug_in_that_hangs_ends_at_the_deadline() {
    let folder = TempDir::new().unwrap();
    let (exec, _) = plug_in(&folder, "sleep 20");
    let path = kubeconfig(&folder, "http://127.0.0.1:1", &exec);
    let mut access = access(&PROVIDER, &[("kubeconfig", path.as_str())]);
    access.deadline = Instant::now() + Duration::from_millis(300);
    let answer = ask(&PROVIDER, &access, "pods", &input("namespace", json!("shop"))).await;
    assert_eq!(answer.gaps[0].kind, GapKind::Deadline);
    assert!(answer.gaps[0].hint.as_ref().unwrap().contains("plug-in"));
}

#[tokio::test]
async fn no_secret_is_in_a_message_or_a_log_of_calls() {
    let cluster = cluster();
    // A server that repeats the token in its refusals.
    cluster.misbehave("/api/v1", Misbehaviour::Echo, None);
    let (server, _serving) = started(&cluster).await;
    let folder = TempDir::new().unwrap();
    let (_, access) = probed(&kubeconfig(&folder, &server, &with_token()), None).await;
    let answer = ask(&PROVIDER, &access, "pods", &input("namespace", json!("shop"))).await;
    assert_eq!(answer.gaps[0].kind, GapKind::Denied);
    assert!(answer.gaps[0].reason.starts_with("pods: "), "{:?}", answer.gaps);
    assert!(!format!("{answer:?}{:?}{:?}", access.http.calls(), access.http).contains(TOKEN));
}

#[tokio::test]
async fn impersonation_is_kept() {
    let cluster = cluster();
    let (server, _serving) = started(&cluster).await;
    let folder = TempDir::new().unwrap();
    let user = format!("{}    as: robot\n    as-groups: [readers]\n", with_token());
    let (proved, _) = probed(&kubeconfig(&folder, &server, &user), None).await;
    assert_eq!(proved.identity["user"], "robot");
    assert_eq!(cluster.seen()[0].impersonation["impersonate-group"], "readers");
}

#[tokio::test]
async fn outside_a_pod_there_is_no_service_account() {
    let mut access = access(&PROVIDER, &[]);
    let mut config = Config::default();
    config.set("in_cluster", Value::Boolean(true));
    access.instance.settings = Settings::Typed(config);
    let failed = probe(&PROVIDER, &access).await;
    assert_eq!(failed.status, ProbeStatus::Failed);
    assert!(failed.hint.as_deref().unwrap_or_default().contains("`in_cluster` works inside a pod"), "{failed:?}");
}

#[tokio::test]
async fn only_the_chosen_cluster_is_asked() {
    let (own, other) = (cluster(), cluster());
    let (server, _serving) = started(&own).await;
    let (_elsewhere, _other_serving) = started(&other).await;
    let folder = TempDir::new().unwrap();
    let (_, access) = probed(&kubeconfig(&folder, &server, &with_token()), None).await;
    for query in PROVIDER.queries {
        ask(&PROVIDER, &access, query.name, &input("namespace", json!("shop"))).await;
    }
    assert!(own.seen().len() > PROVIDER.queries.len());
    assert_eq!(other.seen(), []);
}

fn file(name: &str) -> PathBuf {
    [env!("CARGO_MANIFEST_DIR"), "tests", "it", "kubernetes_tls", name].iter().collect()
}

/// An API server that knows users by their client certificates; the number of certificates that each request came with.
async fn serve_tls() -> (u16, Arc<Mutex<Vec<usize>>>) {
    let ca = CertificateDer::from_pem_file(file("ca.pem")).unwrap();
    let mut roots = RootCertStore::empty();
    roots.add(ca).unwrap();
    let verifier = WebPkiClientVerifier::builder(Arc::new(roots)).allow_unauthenticated().build().unwrap();
    let chain = vec![CertificateDer::from_pem_file(file("server.pem")).unwrap()];
    let key = PrivateKeyDer::from_pem_file(file("server.pem")).unwrap();
    let config = ServerConfig::builder().with_client_cert_verifier(verifier).with_single_cert(chain, key).unwrap();
    let acceptor = TlsAcceptor::from(Arc::new(config));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let seen = Arc::new(Mutex::new(Vec::new()));
    let memory = seen.clone();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let (acceptor, memory) = (acceptor.clone(), memory.clone());
            tokio::spawn(async move {
                let Ok(mut stream) = acceptor.accept(stream).await else { return };
                let certificates = stream.get_ref().1.peer_certificates().map_or(0, <[_]>::len);
                let mut head = Vec::new();
                while !head.windows(4).any(|window| window == b"\r\n\r\n") {
                    let mut piece = [0; 1024];
                    match stream.read(&mut piece).await {
                        Ok(count @ 1..) => head.extend_from_slice(&piece[..count]),
                        _ => return,
                    }
                }
                memory.lock().unwrap().push(certificates);
                let user = if certificates > 0 { "jane" } else { "system:anonymous" };
                let body = json!({"status": {"userInfo": {"username": user}, "allowed": true}}).to_string();
                let answer = format!(
                    "HTTP/1.1 201 Created\r\ncontent-type: application/json\r\nconnection: close\r\n\
                     content-length: {}\r\n\r\n{body}",
                    body.len()
                );
                let _ = stream.write_all(answer.as_bytes()).await;
                let _ = stream.shutdown().await;
            });
        }
    });
    (port, seen)
}

/// A kubeconfig for the TLS server.
fn tls_kubeconfig(folder: &TempDir, port: u16, cluster: &str, user: &str) -> String {
    let path = kubeconfig(folder, &format!("https://127.0.0.1:{port}\n    {cluster}"), user);
    assert!(std::fs::read_to_string(&path).unwrap().contains(cluster));
    path
}

#[tokio::test]
async fn a_client_certificate_tells_who_we_are() {
    let (port, seen) = serve_tls().await;
    let folder = TempDir::new().unwrap();
    let ca = format!("certificate-authority: {}", file("ca.pem").display());
    let user = format!(
        "    client-certificate: {}\n    client-key: {}\n",
        file("client.pem").display(),
        file("client-key.pem").display()
    );
    let (proved, _) = probed(&tls_kubeconfig(&folder, port, &ca, &user), None).await;
    assert_eq!((proved.status, proved.identity["user"].as_str()), (ProbeStatus::Passed, "jane"), "{proved:?}");
    assert_eq!(proved.detail, "jane may list pods in all namespaces");
    assert!(seen.lock().unwrap().iter().all(|certificates| *certificates == 1));
}

#[tokio::test]
async fn a_plug_in_may_give_a_client_certificate() {
    let (port, _) = serve_tls().await;
    let folder = TempDir::new().unwrap();
    let ca = format!("certificate-authority: {}", file("ca.pem").display());
    let pem = |name: &str| std::fs::read_to_string(file(name)).unwrap();
    let status = json!({"clientCertificateData": pem("client.pem"), "clientKeyData": pem("client-key.pem")});
    let (exec, _) = plug_in(&folder, "cat \"$(dirname \"$0\")/answer.json\"");
    let answer = json!({"kind": "ExecCredential", "apiVersion": "client.authentication.k8s.io/v1", "status": status});
    write(&folder.path().join("answer.json"), &answer.to_string());
    let (proved, _) = probed(&tls_kubeconfig(&folder, port, &ca, &exec), None).await;
    assert_eq!(proved.identity.get("user").map(String::as_str), Some("jane"), "{proved:?}");
}

#[tokio::test]
async fn nobody_and_an_unknown_authority_are_refused() {
    let (port, seen) = serve_tls().await;
    let folder = TempDir::new().unwrap();
    let ca = format!("certificate-authority: {}", file("ca.pem").display());
    let (failed, _) = probed(&tls_kubeconfig(&folder, port, &ca, "    {}\n"), None).await;
    assert!(failed.detail.contains("takes us for nobody"), "{failed:?}");
    assert_eq!(seen.lock().unwrap().len(), 1);

    let other = "certificate-authority-data: bm90IGEgY2VydGlmaWNhdGU=";
    let (failed, _) = probed(&tls_kubeconfig(&folder, port, other, &with_token()), None).await;
    assert_eq!(failed.status, ProbeStatus::Failed, "{failed:?}");
    let skipped = "insecure-skip-tls-verify: true";
    let (proved, _) = probed(&tls_kubeconfig(&folder, port, skipped, "    {}\n"), None).await;
    assert!(proved.detail.contains("nobody"), "{proved:?}");
}
