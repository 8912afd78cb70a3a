//! The probe: who we are at the cluster, and whether we may read it.
//!
//! Source: pages "SelfSubjectReview" (authentication.k8s.io/v1, since Kubernetes 1.28) and "SelfSubjectAccessReview"
//! (authorization.k8s.io/v1) of the API reference. `GET /version` answers anybody and proves nothing.

use futures::FutureExt;
use futures::future::{BoxFuture, join};
use opensre_http::{Client, FailureKind, Request};
use opensre_model::evidence::GapKind;
use serde_json::{Value as Json, json};

use super::session::{self, Connection};
use super::way::Way;
use super::wire::meta::text;
use crate::access::Access;
use crate::driver::Probe;
use crate::failure::Failure;

pub(super) fn probe(access: &Access) -> BoxFuture<'_, Probe> {
    async move { Probe::from(prove(access).await) }.boxed()
}

/// Whom the API server takes for nobody.
const NOBODY: &str = "system:anonymous";

async fn prove(access: &Access) -> Result<Probe, Failure> {
    let connection = session::connect(access).await?;
    let Connection { client, way, namespace, verified, .. } = &connection;
    let user = user(client, *way).await?;
    if user.as_deref() == Some(NOBODY) {
        return Err(
            Failure::new(GapKind::Denied, "the cluster takes us for nobody (system:anonymous)").with_hint(way.nobody())
        );
    }
    // Asked for the namespace first: many a user may read only one.
    let mut places: Vec<Option<&str>> = vec![None];
    places.extend(namespace.as_deref().map(Some));
    let mut readable = None;
    for place in places {
        if may_list_pods(client, place, *way).await? {
            readable = Some(place);
            break;
        }
    }
    let (version, uid) = join(version(client), cluster_uid(client)).await;
    let known = user.as_deref().unwrap_or("a user that this old server does not name").to_owned();
    let Some(place) = readable else {
        let failure = Failure::new(GapKind::Denied, format!("{known} may not list pods"))
            .with_hint("bind the user to the ClusterRole `view`, or set `namespace` to one that it may read");
        return Ok(identify(Probe::from(failure), &connection, user, version, uid));
    };
    let place = place.map_or("all namespaces".to_owned(), |name| format!("namespace {name}"));
    let unchecked = if *verified { "" } else { "; the server's certificate is not checked" };
    let probe = Probe::passed(format!("{known} may list pods in {place}{unchecked}"));
    Ok(identify(probe, &connection, user, version, uid))
}

fn identify(
    probe: Probe,
    connection: &Connection,
    user: Option<String>,
    version: Option<String>,
    uid: Option<String>,
) -> Probe {
    let server = connection.client.base().host_str().map(str::to_owned);
    probe
        .with("user", user)
        .with("version", version)
        .with("cluster_uid", uid)
        .with("context", connection.context.clone())
        .with("cluster", connection.cluster.clone())
        .with("server", server)
}

/// Who the API server says we are; `None` from a server that is too old to say.
async fn user(client: &Client, way: Way) -> Result<Option<String>, Failure> {
    let body = json!({"apiVersion": "authentication.k8s.io/v1", "kind": "SelfSubjectReview"});
    // It is a POST, and makes nothing.
    let request = Request::post_json("apis/authentication.k8s.io/v1/selfsubjectreviews", &body).is_read();
    match client.send(request).await {
        Ok(reply) => {
            let review: Json = reply.json().map_err(|failure| way.explain(failure))?;
            let user = text(&review, "/status/userInfo/username");
            user.map(Some)
                .ok_or_else(|| Failure::nonsense("answered without a user name").with_hint(way.no_api_server()))
        }
        Err(failure) if failure.kind == FailureKind::NotFound => Ok(None),
        Err(failure) => Err(way.explain(failure)),
    }
}

/// Asks whether we may list pods in a namespace, or in all.
async fn may_list_pods(client: &Client, namespace: Option<&str>, way: Way) -> Result<bool, Failure> {
    let mut attributes = json!({"verb": "list", "resource": "pods"});
    if let (Some(namespace), Some(attributes)) = (namespace, attributes.as_object_mut()) {
        attributes.insert("namespace".to_owned(), json!(namespace));
    }
    let body = json!({
        "apiVersion": "authorization.k8s.io/v1",
        "kind": "SelfSubjectAccessReview",
        "spec": {"resourceAttributes": attributes},
    });
    let request = Request::post_json("apis/authorization.k8s.io/v1/selfsubjectaccessreviews", &body).is_read();
    let review: Json =
        client.send(request).await.and_then(|reply| reply.json()).map_err(|failure| way.explain(failure))?;
    review.pointer("/status/allowed").and_then(Json::as_bool).ok_or_else(|| {
        Failure::nonsense("answered without saying whether we may list pods").with_hint(way.no_api_server())
    })
}

async fn version(client: &Client) -> Option<String> {
    let version: Json = client.get_json("version", &[]).await.ok()?;
    text(&version, "/gitVersion")
}

/// A cluster has no id of its own; the namespace `kube-system` is made with it and never goes, so its id serves.
async fn cluster_uid(client: &Client) -> Option<String> {
    let namespace: Json = client.get_json("api/v1/namespaces/kube-system", &[]).await.ok()?;
    text(&namespace, "/metadata/uid")
}
