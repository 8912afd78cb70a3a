//! Argo CD's API, as far as it is read: sessions, applications, resource trees, managed resources, revisions.
//!
//! Facts from the vendor's page "API Docs" (sessions, and 403 in place of 404 unless the project is given) and its
//! OpenAPI description (`/swagger.json`).

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, PoisonError};

use axum::extract::{Path, Query, Request, State};
use axum::http::StatusCode;
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use serde_json::{Value, json};

use super::stage::Stage;

/// One Argo CD.
#[derive(Debug)]
pub struct ArgoCd {
    /// Requests and misbehaviour.
    pub stage: Arc<Stage>,
    user: String,
    password: String,
    /// Tokens that are let in: the configured one and those of sessions.
    tokens: Mutex<BTreeSet<String>>,
    log_ins: Mutex<usize>,
    data: Data,
}

/// What it holds.
#[derive(Debug, Default, Clone)]
pub struct Data {
    /// The applications, whole.
    pub applications: Vec<Value>,
    /// Nodes of the resource tree, by application.
    pub trees: BTreeMap<String, Value>,
    /// Items of the managed resources, by application.
    pub managed: BTreeMap<String, Value>,
    /// Metadata of revisions.
    pub revisions: BTreeMap<String, Value>,
}

type Shared = State<Arc<ArgoCd>>;
type Parameters = Query<Vec<(String, String)>>;

impl ArgoCd {
    /// A server with one account, one API token of it, and data.
    pub fn new(user: &str, password: &str, token: &str, data: Data) -> Arc<Self> {
        Arc::new(Self {
            stage: Arc::default(),
            user: user.to_owned(),
            password: password.to_owned(),
            tokens: Mutex::new(BTreeSet::from([token.to_owned()])),
            log_ins: Mutex::default(),
            data,
        })
    }

    /// Ends all sessions, and takes back the API token.
    pub fn expire_tokens(&self) {
        self.tokens.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }

    /// The API.
    pub fn router(self: &Arc<Self>) -> Router {
        let router = Router::new()
            .route("/api/v1/applications", get(applications))
            .route("/api/v1/applications/{name}", get(application))
            .route("/api/v1/applications/{name}/resource-tree", get(tree))
            .route("/api/v1/applications/{name}/managed-resources", get(managed))
            .route("/api/v1/applications/{name}/revisions/{revision}/metadata", get(revision))
            .layer(from_fn_with_state(Arc::clone(self), authenticated))
            // These let everybody in.
            .route("/api/v1/session", post(session))
            .route("/api/v1/session/userinfo", get(userinfo))
            .route("/api/version", get(async || Json(json!({"Version": "v2.13.1+af54ef8", "Platform": "linux/amd64"}))))
            .fallback(async || refused(StatusCode::NOT_FOUND, 5, "Not Found"))
            .with_state(Arc::clone(self));
        self.stage.around(router)
    }

    fn knows(&self, request: &axum::http::HeaderMap) -> bool {
        let header = request.get("authorization").and_then(|value| value.to_str().ok()).unwrap_or_default();
        let tokens = self.tokens.lock().unwrap_or_else(PoisonError::into_inner);
        header.strip_prefix("Bearer ").is_some_and(|token| tokens.contains(token))
    }

    /// An application by name and the parameters that narrow it; without a project, one that is not there is forbidden.
    fn find(&self, name: &str, parameters: &[(String, String)]) -> Result<&Value, Box<Response>> {
        let project = value(parameters, "project");
        let found = self.data.applications.iter().find(|application| {
            application["metadata"]["name"] == name
                && value(parameters, "appNamespace")
                    .is_none_or(|namespace| application["metadata"]["namespace"] == namespace)
        });
        match (found, project) {
            (Some(application), Some(project)) if application["spec"]["project"] != project => {
                Err(Box::new(refused(StatusCode::FORBIDDEN, 7, "permission denied")))
            }
            (Some(application), _) => Ok(application),
            (None, Some(_)) => Err(Box::new(refused(
                StatusCode::NOT_FOUND,
                5,
                &format!("applications.argoproj.io \"{name}\" not found"),
            ))),
            (None, None) => Err(Box::new(refused(StatusCode::FORBIDDEN, 7, "permission denied"))),
        }
    }
}

async fn authenticated(State(argo): Shared, request: Request, next: Next) -> Response {
    if argo.knows(request.headers()) {
        next.run(request).await
    } else {
        let why = if request.headers().contains_key("authorization") {
            "invalid session: token is expired"
        } else {
            "no session information"
        };
        refused(StatusCode::UNAUTHORIZED, 16, why)
    }
}

/// How the gRPC gateway writes an error.
fn refused(status: StatusCode, code: u16, why: &str) -> Response {
    (status, Json(json!({"error": why, "code": code, "message": why}))).into_response()
}

fn value<'a>(parameters: &'a [(String, String)], name: &str) -> Option<&'a str> {
    parameters.iter().find(|(key, value)| key == name && !value.is_empty()).map(|(_, value)| value.as_str())
}

async fn session(State(argo): Shared, Json(body): Json<Value>) -> Response {
    if body["username"] != argo.user.as_str() || body["password"] != argo.password.as_str() {
        return refused(StatusCode::UNAUTHORIZED, 16, "Invalid username or password");
    }
    let mut count = argo.log_ins.lock().unwrap_or_else(PoisonError::into_inner);
    *count += 1;
    let token = format!("session-{}-{count}", argo.user);
    argo.tokens.lock().unwrap_or_else(PoisonError::into_inner).insert(token.clone());
    Json(json!({"token": token})).into_response()
}

async fn userinfo(State(argo): Shared, request: Request) -> Json<Value> {
    if argo.knows(request.headers()) {
        Json(json!({"loggedIn": true, "username": argo.user, "iss": "argocd", "groups": null}))
    } else {
        Json(json!({}))
    }
}

/// With `fields`, of each application only what is named.
async fn applications(State(argo): Shared, Query(parameters): Parameters) -> Json<Value> {
    let projects: Vec<&str> =
        parameters.iter().filter(|(key, _)| key == "projects").map(|(_, value)| value.as_str()).collect();
    let namespace = value(&parameters, "appNamespace");
    let seen = argo.data.applications.iter().filter(|application| {
        (projects.is_empty() || projects.iter().any(|project| application["spec"]["project"] == *project))
            && namespace.is_none_or(|namespace| application["metadata"]["namespace"] == namespace)
    });
    let items: Vec<Value> = match value(&parameters, "fields") {
        None => seen.cloned().collect(),
        Some(fields) => {
            let fields: Vec<&str> = fields.split(',').filter_map(|field| field.strip_prefix("items.")).collect();
            seen.map(|application| narrowed(application, &fields)).collect()
        }
    };
    let items = if items.is_empty() { Value::Null } else { Value::Array(items) };
    Json(json!({"metadata": {"resourceVersion": "4711"}, "items": items}))
}

fn narrowed(application: &Value, fields: &[&str]) -> Value {
    let mut narrow = json!({});
    for field in fields {
        let pointer = format!("/{}", field.replace('.', "/"));
        if let Some(found) = application.pointer(&pointer) {
            let mut place = &mut narrow;
            for part in field.split('.') {
                place = &mut place[part];
            }
            *place = found.clone();
        }
    }
    narrow
}

async fn application(State(argo): Shared, Path(name): Path<String>, Query(parameters): Parameters) -> Response {
    match argo.find(&name, &parameters) {
        Ok(application) => Json(application.clone()).into_response(),
        Err(refusal) => *refusal,
    }
}

async fn tree(State(argo): Shared, Path(name): Path<String>, Query(parameters): Parameters) -> Response {
    match argo.find(&name, &parameters) {
        Ok(_) => Json(json!({"nodes": argo.data.trees.get(&name), "hosts": []})).into_response(),
        Err(refusal) => *refusal,
    }
}

async fn managed(State(argo): Shared, Path(name): Path<String>, Query(parameters): Parameters) -> Response {
    match argo.find(&name, &parameters) {
        Ok(_) => Json(json!({"items": argo.data.managed.get(&name)})).into_response(),
        Err(refusal) => *refusal,
    }
}

async fn revision(
    State(argo): Shared,
    Path((name, revision)): Path<(String, String)>,
    Query(parameters): Parameters,
) -> Response {
    match (argo.find(&name, &parameters), argo.data.revisions.get(&revision)) {
        (Ok(_), Some(metadata)) => Json(metadata.clone()).into_response(),
        (Ok(_), None) => refused(StatusCode::INTERNAL_SERVER_ERROR, 2, "unable to resolve the revision to a commit"),
        (Err(refusal), _) => *refusal,
    }
}

/// A revision of the scenario: before the bad deployment.
pub const GOOD: &str = "1111111aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";
/// The bad deployment's.
pub const BAD: &str = "2222222bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb";

/// Checkout, deployed at 12:10 on 2024-05-01 at a bad revision and degraded since; cart, which is well; and billing in
/// another namespace, whose sync failed.
pub fn checkout() -> Data {
    let application = |name: &str, namespace: &str, health: Value, sync: &str, more: Value| {
        let mut application = json!({
            "metadata": {"name": name, "namespace": "argocd", "labels": {"team": "shop"}},
            "spec": {
                "project": "shop",
                "source": {"repoURL": "https://github.com/shop/deploy.git", "path": name, "targetRevision": "main"},
                "destination": {"server": "https://kubernetes.default.svc", "namespace": namespace},
            },
            "status": {"health": health, "sync": {"status": sync, "revision": BAD}, "reconciledAt": "2024-05-01T12:40:00Z"},
        });
        for (key, value) in more.as_object().into_iter().flatten() {
            application["status"][key] = value.clone();
        }
        application
    };
    let source = json!({"repoURL": "https://bot:s3cret@github.com/shop/deploy.git", "path": "checkout", "targetRevision": "main"});
    let deployed = |id: u8, revision: &str, at: &str, by: Value| json!({"id": id, "revision": revision, "deployedAt": at, "source": source, "initiatedBy": by});
    let checkout = json!({
        "history": [
            deployed(1, GOOD, "2024-04-28T09:00:00Z", json!({"automated": true})),
            deployed(2, BAD, "2024-05-01T12:10:00Z", json!({"username": "sam"})),
        ],
        "operationState": {
            "phase": "Succeeded", "message": "successfully synced (all tasks run)",
            "startedAt": "2024-05-01T12:09:40Z", "finishedAt": "2024-05-01T12:10:00Z",
            "operation": {"sync": {"revision": BAD}, "initiatedBy": {"username": "sam"}},
            "syncResult": {"revision": BAD, "resources": [
                {"kind": "Deployment", "name": "checkout-api", "namespace": "shop", "status": "Synced", "message": "configured"}]},
        },
        "resources": [
            {"group": "apps", "version": "v1", "kind": "Deployment", "namespace": "shop", "name": "checkout-api",
             "status": "OutOfSync", "health": {"status": "Degraded", "message": "Deployment exceeded its progress deadline"}},
            {"version": "v1", "kind": "Secret", "namespace": "shop", "name": "checkout-db", "status": "OutOfSync"},
        ],
        "summary": {"images": ["registry/checkout:2.0.0"]},
    });
    let billing = json!({
        "operationState": {
            "phase": "Failed", "message": "one or more objects failed to apply",
            "startedAt": "2024-05-01T12:20:00Z", "finishedAt": "2024-05-01T12:21:00Z",
            "operation": {"sync": {"revision": BAD}, "initiatedBy": {"automated": true}},
            "syncResult": {"revision": BAD, "resources": [
                {"kind": "ConfigMap", "name": "billing", "status": "Synced", "message": "configured"},
                {"kind": "Deployment", "name": "billing", "status": "SyncFailed", "message": "exceeded quota: compute"}]},
        },
        "conditions": [
            {"type": "SyncError", "message": "Failed sync attempt", "lastTransitionTime": "2024-05-01T12:21:00Z"},
            {"type": "ComparisonError", "message": "dial tcp 10.0.0.9:443: connection refused", "lastTransitionTime": "2024-05-01T12:22:00Z"},
        ],
    });
    let degraded = json!({"status": "Degraded", "message": "Deployment exceeded its progress deadline"});
    let healthy = || json!({"status": "Healthy"});
    let text = |value: Value| value.to_string();
    let deployment = |replicas: u8, memory: &str, password: &str| {
        text(json!({"kind": "Deployment", "metadata": {"name": "checkout-api", "annotations": {"note": password}},
            "spec": {"replicas": replicas, "template": {"spec": {"containers": [
                {"name": "app", "image": "registry/checkout:2.0.0", "resources": {"limits": {"memory": memory}},
                 "env": [{"name": "DB_PASSWORD", "value": password}]}]}}}}))
    };
    let secret = |value: &str| text(json!({"kind": "Secret", "data": {"password": value}}));
    Data {
        applications: vec![
            application("billing", "money", healthy(), "OutOfSync", billing),
            application("cart", "shop", healthy(), "Synced", json!({})),
            application("checkout", "shop", degraded, "OutOfSync", checkout),
        ],
        trees: BTreeMap::from([(
            "checkout".to_owned(),
            json!([
                {"kind": "Deployment", "name": "checkout-api", "namespace": "shop", "health": {"status": "Degraded", "message": "Deployment exceeded its progress deadline"}},
                {"kind": "Pod", "name": "checkout-api-6f9c-x2x4z", "namespace": "shop", "health": {"status": "Degraded", "message": "back-off 5m0s restarting failed container=app: CrashLoopBackOff"}},
                {"kind": "Service", "name": "checkout", "namespace": "shop", "health": {"status": "Healthy"}},
            ]),
        )]),
        managed: BTreeMap::from([(
            "checkout".to_owned(),
            json!([
                {"kind": "Deployment", "group": "apps", "namespace": "shop", "name": "checkout-api",
                 "normalizedLiveState": deployment(2, "256Mi", "canary-live"), "predictedLiveState": deployment(4, "512Mi", "canary-wanted")},
                {"kind": "Secret", "namespace": "shop", "name": "checkout-db",
                 "normalizedLiveState": secret("canary-live"), "predictedLiveState": secret("canary-wanted")},
                {"kind": "Service", "namespace": "shop", "name": "checkout", "normalizedLiveState": "{}", "predictedLiveState": "{}"},
                {"kind": "ConfigMap", "namespace": "shop", "name": "new", "normalizedLiveState": "", "predictedLiveState": "{}"},
            ]),
        )]),
        revisions: BTreeMap::from([(
            BAD.to_owned(),
            json!({"author": "Sam <sam@example.net>", "date": "2024-05-01T12:05:00Z", "message": "checkout 2.0.0\n\nNew pool.", "tags": ["v2.0.0"]}),
        )]),
    }
}
