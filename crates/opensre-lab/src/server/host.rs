//! Puts a simulator on a loopback socket.

use std::convert::Infallible;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::{Body, Bytes, to_bytes};
use axum::extract::{Request, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::Response;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use futures::{StreamExt as _, stream};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

use super::exchange::{Call, Reply, pairs};
use super::fault::{Effect, Faults, replacement};
use super::record::{Recorder, SeenAuthorization, SeenRequest};
use super::{Backend, grafana};
use crate::fault::FaultKind;
use crate::scenario::{Host, Instance, Service};

/// Form bodies larger than this are refused.
const MAXIMUM_BODY: usize = 4 * 1024 * 1024;

/// A server that runs until it is dropped.
#[derive(Debug)]
pub(crate) struct Server {
    pub(crate) id: String,
    pub(crate) address: SocketAddr,
    pub(crate) base_url: String,
    pub(crate) faults: Arc<Faults>,
    task: JoinHandle<()>,
}

impl Drop for Server {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// The `Authorization` header that each instance expects, by its id.
pub(crate) type Credentials = Vec<(String, String)>;

/// The header value an instance demands; none if it answers everyone.
pub(crate) fn expected(instance: &Instance) -> Option<String> {
    match (&instance.token, &instance.basic) {
        (Some(token), _) => Some(format!("Bearer {}", token.expose())),
        (None, Some(basic)) => {
            let pair = format!("{}:{}", basic.username, basic.password.expose());
            Some(format!("Basic {}", STANDARD.encode(pair)))
        }
        (None, None) => None,
    }
}

struct Site {
    id: String,
    service: Service,
    path_prefix: String,
    backend: Backend,
    faults: Arc<Faults>,
    recorder: Arc<Recorder>,
    credentials: Arc<Credentials>,
}

/// Starts serving an instance on a free port.
pub(crate) async fn start(
    instance: &Instance,
    backend: Backend,
    recorder: Arc<Recorder>,
    credentials: Arc<Credentials>,
) -> io::Result<Server> {
    let host = match instance.host {
        Host::Remote => Ipv4Addr::new(127, 0, 0, 2),
        Host::Local => Ipv4Addr::LOCALHOST,
    };
    let listener = TcpListener::bind(SocketAddr::from((host, 0))).await?;
    let address = listener.local_addr()?;
    let faults = Arc::new(Faults::new(instance.faults.clone()));
    let site = Arc::new(Site {
        id: instance.id(),
        service: instance.service,
        path_prefix: instance.path_prefix.clone(),
        backend,
        faults: Arc::clone(&faults),
        recorder,
        credentials,
    });
    let router = Router::new().fallback(serve).with_state(site);
    let task = tokio::spawn(async move {
        if let Err(error) = axum::serve(listener, router).await {
            tracing::error!(%error, "a simulator stopped serving");
        }
    });
    let base_url = format!("http://{address}{}", instance.path_prefix);
    Ok(Server { id: instance.id(), address, base_url, faults, task })
}

async fn serve(State(site): State<Arc<Site>>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let method = parts.method.to_string();
    let path = parts.uri.path().to_owned();
    let mut query = parts.uri.query().unwrap_or_default().to_owned();
    let form = parts
        .headers
        .get(header::CONTENT_TYPE)
        .is_some_and(|kind| kind.as_bytes().starts_with(b"application/x-www-form-urlencoded"));
    let body = to_bytes(body, MAXIMUM_BODY).await.unwrap_or_default();
    let mut params = pairs(query.as_bytes());
    if form {
        params.extend(pairs(&body));
        if !query.is_empty() && !body.is_empty() {
            query.push('&');
        }
        query.push_str(&String::from_utf8_lossy(&body));
    }
    let authorization = site.authorization(&parts.headers);
    let below = site.below_prefix(&path);
    let effect = below.map(|below| site.faults.effect(below)).unwrap_or_default();
    let reply = match below {
        None => Reply::not_found(),
        Some(below) => {
            let call = Call { method: method.clone(), segments: segments(below), params };
            site.reply(&authorization, call, effect.kind.as_ref()).await
        }
    };
    tracing::debug!(instance = site.id, method, path, status = reply.status.as_u16(), "request");
    let seen =
        SeenRequest { instance: site.id.clone(), method, path, query, authorization, status: reply.status.as_u16() };
    site.recorder.add(seen);
    send(reply, effect).await
}

impl Site {
    /// The path below the instance's prefix; none if it lies outside.
    fn below_prefix<'p>(&self, path: &'p str) -> Option<&'p str> {
        let below = path.strip_prefix(self.path_prefix.as_str())?;
        (below.is_empty() || below.starts_with('/')).then_some(below)
    }

    fn authorization(&self, headers: &HeaderMap) -> SeenAuthorization {
        let Some(given) = headers.get(header::AUTHORIZATION) else { return SeenAuthorization::Absent };
        let matches = |expected: &str| given.as_bytes() == expected.as_bytes();
        let own = self.credentials.iter().any(|(id, expected)| *id == self.id && matches(expected));
        if own {
            return SeenAuthorization::Own;
        }
        match self.credentials.iter().find(|(_, expected)| matches(expected)) {
            Some((id, _)) => SeenAuthorization::Of(id.clone()),
            None => SeenAuthorization::Unknown,
        }
    }

    fn demands_credentials(&self) -> bool {
        self.credentials.iter().any(|(id, _)| *id == self.id)
    }

    async fn reply(
        self: &Arc<Self>,
        authorization: &SeenAuthorization,
        call: Call,
        fault: Option<&FaultKind>,
    ) -> Reply {
        let reply = self.right_reply(authorization, call).await;
        match fault.and_then(|fault| replacement(self.service, fault, &reply)) {
            Some(reply) => reply,
            None => reply,
        }
    }

    async fn right_reply(self: &Arc<Self>, authorization: &SeenAuthorization, call: Call) -> Reply {
        if self.service == Service::Grafana && call.path().as_slice() == ["api", "health"] {
            return grafana::health();
        }
        if self.demands_credentials() && *authorization != SeenAuthorization::Own {
            return self.unauthorized(authorization);
        }
        let site = Arc::clone(self);
        // Generating and evaluating is plain computing; it must not hold up other connections.
        let computed = tokio::task::spawn_blocking(move || site.backend.answer(&call)).await;
        computed.unwrap_or_else(|_| Reply::text(StatusCode::INTERNAL_SERVER_ERROR, "the simulator failed\n"))
    }

    fn unauthorized(&self, authorization: &SeenAuthorization) -> Reply {
        if self.service == Service::Grafana {
            return grafana::unauthorized(*authorization != SeenAuthorization::Absent);
        }
        // These servers leave authentication to what stands before them.
        let mut reply = Reply::text(StatusCode::UNAUTHORIZED, "Unauthorized\n");
        reply.headers.push(("www-authenticate", "Basic".to_owned()));
        reply
    }
}

/// Decoded segments, so that an encoded slash in a segment stays part of it.
fn segments(path: &str) -> Vec<String> {
    path.split('/').filter(|segment| !segment.is_empty()).map(percent_decoded).collect()
}

fn percent_decoded(segment: &str) -> String {
    let bytes = segment.as_bytes();
    let mut decoded = Vec::with_capacity(bytes.len());
    let mut index = 0;
    while index < bytes.len() {
        let hex = (bytes[index] == b'%').then(|| segment.get(index + 1..index + 3)).flatten();
        if let Some(byte) = hex.and_then(|hex| u8::from_str_radix(hex, 16).ok()) {
            decoded.push(byte);
            index += 3;
        } else {
            decoded.push(bytes[index]);
            index += 1;
        }
    }
    String::from_utf8_lossy(&decoded).into_owned()
}

async fn send(reply: Reply, effect: Effect) -> Response {
    if !effect.latency.is_zero() {
        tokio::time::sleep(effect.latency).await;
    }
    let length = reply.body.len();
    let mut response = Response::builder().status(reply.status).header(header::CONTENT_TYPE, reply.content_type);
    for (name, value) in &reply.headers {
        response = response.header(*name, value);
    }
    let body = match effect.kind {
        Some(FaultKind::Cut) => {
            // The head promises the whole body, half of it comes, then the connection breaks.
            response = response.header(header::CONTENT_LENGTH, length.max(2));
            cut(reply.body)
        }
        Some(FaultKind::SlowBody(over)) => slow(&reply.body, over.duration()),
        _ => Body::from(reply.body),
    };
    response.body(body).unwrap_or_else(|_| Response::new(Body::empty()))
}

fn cut(mut body: Vec<u8>) -> Body {
    body.truncate(body.len() / 2);
    let half = stream::once(async { Ok(Bytes::from(body)) });
    let broken = stream::once(async {
        // Head and first half must be on their way, or the client would see a connection that never answered.
        tokio::time::sleep(Duration::from_millis(20)).await;
        Err(io::Error::from(io::ErrorKind::ConnectionReset))
    });
    Body::from_stream(half.chain(broken))
}

fn slow(body: &[u8], over: Duration) -> Body {
    const PIECES: usize = 10;
    let piece = body.len().div_ceil(PIECES).max(1);
    let pause = over / PIECES as u32;
    let pieces: Vec<Bytes> = body.chunks(piece).map(Bytes::copy_from_slice).collect();
    Body::from_stream(stream::unfold(pieces.into_iter(), move |mut pieces| async move {
        let next = pieces.next()?;
        tokio::time::sleep(pause).await;
        Some((Ok::<_, Infallible>(next), pieces))
    }))
}
