//! Who we are at a cluster, kept for some minutes: where its API server is, whom to trust, how a request is authorised.
//!
//! [`kubeconfig`] and [`eks`] make sessions; requests themselves go through the shared HTTP layer, so that its bounds,
//! retries, redaction and log hold here as everywhere. A session is kept, so that an exec plug-in runs, and AWS is asked,
//! once for many queries. Neither a token, a key nor what a plug-in wrote ever gets into a message: the words are our own.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use futures::FutureExt;
use futures::future::BoxFuture;
use jiff::Timestamp;
use kube::client::Body;
use kube::client::middleware::AuthLayer;
use opensre_http::{Auth, Client, Endpoint};
use opensre_model::evidence::GapKind;
use opensre_model::instance::Instance;
use opensre_model::secret::Secret;
use tower::{Layer, ServiceExt};
use url::Url;

use super::eks;
use super::kubeconfig::{self, Place};
use super::way::Way;
use crate::access::Access;
use crate::failure::Failure;

/// How long a session is kept at most. Tokens are renewed within it; a changed kubeconfig is noticed after it.
const KEPT: Duration = Duration::from_mins(5);
/// How long a failure is kept, so that the queries of one investigation do not each run a plug-in that fails.
const FAILURE_KEPT: Duration = Duration::from_secs(10);

/// What a session is made from; two that are made from the same are the same.
#[derive(Debug, Clone, PartialEq)]
enum Source {
    /// What this machine holds.
    Here(Place),
    /// An EKS cluster, by its name or ARN, through an instance of AWS.
    Eks { cluster: String, through: Box<Instance> },
}

/// A connection to a cluster in the making.
#[derive(Debug, Clone)]
pub(super) struct Connection {
    /// The client.
    pub(super) client: Client,
    /// How the cluster is reached.
    pub(super) way: Way,
    /// The context's name, where there is one.
    pub(super) context: Option<String>,
    /// The cluster's name, where it has one of its own.
    pub(super) cluster: Option<String>,
    /// The namespace of the instance, else of its context.
    pub(super) namespace: Option<String>,
    /// Whether the server's certificate is checked.
    pub(super) verified: bool,
}

/// Connects an instance.
pub(super) async fn connect(access: &Access) -> Result<Connection, Failure> {
    let config = access.instance.config();
    let way = way(access);
    let late = || {
        let failure = Failure::new(GapKind::Deadline, "the credentials were not there when the time was over");
        match way {
            Way::Kubeconfig => failure
                .with_hint("run the exec plug-in of the kubeconfig by hand, to see whether it waits for something"),
            Way::Pod | Way::Eks => failure,
        }
    };
    let session = match tokio::time::timeout_at(access.deadline.into(), session(access, way)).await {
        Ok(session) => session?,
        Err(_) => return Err(late()),
    };
    let endpoint = match tokio::time::timeout_at(access.deadline.into(), session.endpoint(access, way)).await {
        Ok(endpoint) => endpoint?,
        Err(_) => return Err(late()),
    };
    let (http, deadline) = (access.http.clone(), access.deadline);
    let client = tokio::task::spawn_blocking(move || http.client(endpoint, deadline))
        .await
        .map_err(|_| Failure::new(GapKind::Failed, "the connection could not be prepared"))??;
    Ok(Connection {
        client,
        way,
        context: session.context.clone(),
        cluster: session.cluster.clone(),
        namespace: config.text("namespace").map(str::to_owned).or_else(|| session.namespace.clone()),
        verified: session.verified,
    })
}

/// The way that an instance names. The declaration warns where it names several.
fn way(access: &Access) -> Way {
    let config = access.instance.config();
    if config.has("eks_cluster") {
        Way::Eks
    } else if config.boolean("in_cluster") == Some(true) {
        Way::Pod
    } else {
        Way::Kubeconfig
    }
}

/// The sessions of this process, by instance.
#[derive(Default)]
struct Sessions {
    slots: Mutex<HashMap<String, Vec<Known>>>,
}

/// What an instance's session is made from, and the session. There are several when its settings have changed.
struct Known {
    source: Source,
    slot: Arc<Slot>,
}

/// Most sessions of one instance.
const MOST_KNOWN: usize = 8;

/// One session, made by the first who asks while the others wait.
type Slot = tokio::sync::Mutex<Option<(Instant, Result<Arc<Session>, Failure>)>>;

async fn session(access: &Access, way: Way) -> Result<Arc<Session>, Failure> {
    let text = |key: &str| access.instance.config().text(key).map(str::to_owned);
    let place = match way {
        Way::Eks => {
            let (account, cluster) = (eks::account(access)?, text("eks_cluster").unwrap_or_default());
            let source = Source::Eks { cluster: cluster.clone(), through: Box::new(account.instance.clone()) };
            return kept(access, source, eks::session(&account, &cluster)).await;
        }
        Way::Pod => Place::Pod,
        Way::Kubeconfig => Place::Context { paths: text("kubeconfig"), context: text("context") },
    };
    kept(access, Source::Here(place.clone()), kubeconfig::session(place)).await
}

/// The session that is kept, or the one that is made now.
async fn kept(
    access: &Access,
    source: Source,
    make: impl Future<Output = Result<Session, Failure>>,
) -> Result<Arc<Session>, Failure> {
    let slot = {
        let sessions = access.http.kept::<Sessions>();
        let mut slots = sessions.slots.lock().unwrap_or_else(PoisonError::into_inner);
        let own = slots.entry(access.instance.address()).or_default();
        let slot = own.iter().find(|known| known.source == source).map(|known| known.slot.clone());
        slot.unwrap_or_else(|| {
            if own.len() == MOST_KNOWN {
                own.remove(0);
            }
            let slot = Arc::<Slot>::default();
            own.push(Known { source, slot: slot.clone() });
            slot
        })
    };
    let mut slot = slot.lock().await;
    if let Some((made, outcome)) = slot.as_ref() {
        let kept = if outcome.is_ok() { KEPT } else { FAILURE_KEPT };
        let expired = outcome.as_ref().is_ok_and(|session| session.has_expired(access.http.now()));
        if made.elapsed() < kept && !expired {
            return outcome.clone();
        }
    }
    let outcome = make.await.map(Arc::new);
    // What failed for want of time may be there for the next who asks, and has more of it.
    if !outcome.as_ref().is_err_and(|failure| failure.kind == GapKind::Deadline) {
        *slot = Some((Instant::now(), outcome.clone()));
    }
    outcome
}

/// How requests of a session are authorised.
pub(super) enum Authorisation {
    /// Not by a header: by a client certificate, or not at all.
    None,
    /// As kube does it, which renews what expires.
    Kube(AuthLayer),
    /// By a token that lives until a time.
    Token(Secret, Timestamp),
}

/// What was read of a context or service account, or what AWS said of a cluster.
pub(super) struct Session {
    pub(super) server: String,
    pub(super) context: Option<String>,
    pub(super) cluster: Option<String>,
    pub(super) namespace: Option<String>,
    pub(super) verified: bool,
    pub(super) proxy: Option<Url>,
    pub(super) tls: Option<(rustls::ClientConfig, String)>,
    pub(super) impersonate: Option<(String, Option<String>, Option<String>)>,
    pub(super) authorisation: Authorisation,
}

impl Session {
    fn has_expired(&self, now: Timestamp) -> bool {
        matches!(self.authorisation, Authorisation::Token(_, expires) if expires <= now)
    }

    /// The endpoint of an instance, with the token of now.
    async fn endpoint(&self, access: &Access, way: Way) -> Result<Endpoint, Failure> {
        let mut endpoint = Endpoint::new(access.instance.address(), &self.server).map_err(|failure| {
            let failure = Failure::from(failure);
            match way {
                Way::Kubeconfig => failure.with_hint("correct the `server` of the cluster in the kubeconfig"),
                Way::Pod | Way::Eks => failure,
            }
        })?;
        if let Some((config, key)) = &self.tls {
            endpoint = endpoint.prepared_tls(config.clone(), key);
        }
        if let Some(proxy) = &self.proxy {
            endpoint = endpoint.proxy(proxy.clone());
        }
        if let Some((user, uid, group)) = &self.impersonate {
            let headers = [
                ("Impersonate-User", Some(user)),
                ("Impersonate-Uid", uid.as_ref()),
                ("Impersonate-Group", group.as_ref()),
            ];
            for (name, value) in headers {
                if let Some(value) = value {
                    endpoint = endpoint.header(name, Secret::new(value.as_str()));
                }
            }
        }
        if let Authorisation::Token(token, _) = &self.authorisation {
            endpoint = endpoint.auth(Auth::Bearer(token.clone()));
        }
        if let Some(value) = self.header().await? {
            endpoint = match value.expose().strip_prefix("Bearer ") {
                Some(token) => endpoint.auth(Auth::Bearer(Secret::new(token))),
                None => endpoint.header("Authorization", value),
            };
        }
        Ok(endpoint)
    }

    /// The value of `Authorization` that kube would send now. kube renews what expires, but gives it to requests only:
    /// one is sent through its layer that never leaves this function.
    fn header(&self) -> BoxFuture<'static, Result<Option<Secret>, Failure>> {
        let Authorisation::Kube(layer) = &self.authorisation else { return async { Ok(None) }.boxed() };
        let caught = layer.layer(tower::service_fn(|request: http::Request<Body>| async move {
            let header = request.headers().get(http::header::AUTHORIZATION);
            let value = header.and_then(|value| value.to_str().ok()).map(Secret::new);
            Ok::<_, tower::BoxError>(http::Response::new(value))
        }));
        let renewed =
            |_| Failure::new(GapKind::Denied, "the token could not be renewed").with_hint(kubeconfig::LOOK_BY_HAND);
        let caught = caught.oneshot(http::Request::new(Body::empty()));
        caught.map(move |outcome| outcome.map(http::Response::into_body).map_err(renewed)).boxed()
    }
}
