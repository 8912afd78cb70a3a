//! A client bound to one endpoint, and the requests it sends.

use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use backon::{ExponentialBuilder, Retryable};
use futures::FutureExt;
use reqwest::header::HeaderMap;
use serde::Serialize;
use serde::de::DeserializeOwned;
use sha2::{Digest, Sha256};
use tokio::sync::Semaphore;
use tracing::Instrument;
use url::Url;

use crate::attempt::{Attempt, Failed};
use crate::endpoint::Endpoint;
use crate::failure::{FailureKind, HttpFailure};
use crate::http::Http;
use crate::reply::Reply;

/// Asks one endpoint, and nothing else. Cheap to clone; clones share the count of calls.
///
/// There is no way to give it a URL: a request names a path below the base, so the endpoint's credentials can reach
/// no other host.
#[derive(Clone)]
pub struct Client {
    pub(crate) bound: Arc<Bound>,
    base: Url,
    deadline: Instant,
    max_bytes: usize,
    calls: Arc<AtomicU64>,
}

/// What all clients of one endpoint share.
pub(crate) struct Bound {
    pub(crate) http: Http,
    pub(crate) endpoint: Endpoint,
    pub(crate) headers: HeaderMap,
    pub(crate) pool: reqwest::Client,
    pub(crate) gate: Arc<Semaphore>,
}

/// A path below the endpoint's base, as segments. A text is split at `/`; a list is taken segment by segment, so that
/// a segment may hold a `/`. Every segment is percent-encoded.
pub trait IntoSegments {
    /// The segments, in order.
    fn segments(&self) -> Vec<&str>;
}

impl IntoSegments for str {
    fn segments(&self) -> Vec<&str> {
        self.trim_start_matches('/').split('/').collect()
    }
}

impl IntoSegments for String {
    fn segments(&self) -> Vec<&str> {
        self.as_str().segments()
    }
}

impl IntoSegments for [&str] {
    fn segments(&self) -> Vec<&str> {
        self.to_vec()
    }
}

impl<const N: usize> IntoSegments for [&str; N] {
    fn segments(&self) -> Vec<&str> {
        self.to_vec()
    }
}

/// One request, relative to a client's base.
#[derive(Debug, Clone)]
pub struct Request {
    pub(crate) method: reqwest::Method,
    pub(crate) path: Vec<String>,
    pub(crate) query: Vec<(String, String)>,
    pub(crate) headers: Vec<(&'static str, String)>,
    pub(crate) body: Option<(&'static str, Vec<u8>)>,
    pub(crate) read: bool,
    pub(crate) accept: Cow<'static, str>,
}

impl Request {
    fn new(method: reqwest::Method, path: &(impl IntoSegments + ?Sized)) -> Self {
        let path = path.segments().into_iter().map(str::to_owned).collect();
        Self {
            method,
            path,
            query: Vec::new(),
            headers: Vec::new(),
            body: None,
            read: true,
            accept: Cow::Borrowed("application/json"),
        }
    }

    /// `GET path`.
    pub fn get(path: &(impl IntoSegments + ?Sized)) -> Self {
        Self::new(reqwest::Method::GET, path)
    }

    /// `POST path` with form fields; a read whose query is too long for a URL, sent again like a GET where that helps.
    pub fn post_form<K: AsRef<str>, V: AsRef<str>>(path: &(impl IntoSegments + ?Sized), fields: &[(K, V)]) -> Self {
        let mut form = url::form_urlencoded::Serializer::new(String::new());
        for (name, value) in fields {
            form.append_pair(name.as_ref(), value.as_ref());
        }
        let mut request = Self::new(reqwest::Method::POST, path);
        request.body = Some(("application/x-www-form-urlencoded", form.finish().into_bytes()));
        request
    }

    /// `POST path` with a JSON body; taken for something that must not happen twice, unless [`Request::is_read`].
    pub fn post_json(path: &(impl IntoSegments + ?Sized), body: &impl Serialize) -> Self {
        let mut request = Self::new(reqwest::Method::POST, path);
        // A map with keys that are no texts is the only thing that cannot be written; the server then says what it
        // misses.
        request.body = Some(("application/json", serde_json::to_vec(body).unwrap_or_default()));
        request.read = false;
        request
    }

    /// `POST path` with a body of any media type; taken for something that must not happen twice, unless
    /// [`Request::is_read`].
    pub fn post_body(path: &(impl IntoSegments + ?Sized), media_type: &'static str, body: impl Into<Vec<u8>>) -> Self {
        let mut request = Self::new(reqwest::Method::POST, path);
        request.body = Some((media_type, body.into()));
        request.read = false;
        request
    }

    /// `PUT path` without a body; taken for something that must not happen twice, unless [`Request::is_read`].
    pub fn put(path: &(impl IntoSegments + ?Sized)) -> Self {
        Self { read: false, ..Self::new(reqwest::Method::PUT, path) }
    }

    /// Adds a header of this request alone. Its name is in lower case.
    #[must_use]
    pub fn header(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }

    /// Adds query parameters.
    #[must_use]
    pub fn query<K: AsRef<str>, V: AsRef<str>>(mut self, parameters: &[(K, V)]) -> Self {
        self.query.extend(parameters.iter().map(|(name, value)| (name.as_ref().to_owned(), value.as_ref().to_owned())));
        self
    }

    /// Says that the request only reads, so that it may be sent again after a 502, 503, 504 or a cut connection.
    #[must_use]
    pub fn is_read(mut self) -> Self {
        self.read = true;
        self
    }

    /// Asks for another media type than `application/json`.
    #[must_use]
    pub fn accept(mut self, media_type: impl Into<Cow<'static, str>>) -> Self {
        self.accept = media_type.into();
        self
    }
}

impl Client {
    pub(crate) fn new(
        http: Http,
        endpoint: Endpoint,
        headers: HeaderMap,
        pool: reqwest::Client,
        gate: Arc<Semaphore>,
        deadline: Instant,
    ) -> Self {
        let base = endpoint.base.clone();
        let max_bytes = http.shared.options.max_bytes;
        let bound = Arc::new(Bound { http, endpoint, headers, pool, gate });
        Self { bound, base, deadline, max_bytes, calls: Arc::default() }
    }

    /// The same client, one level down: paths are put under `path` (`api/datasources/proxy/uid/x`). It has the same
    /// host and credentials, and shares the count of calls.
    pub fn under(&self, path: &(impl IntoSegments + ?Sized)) -> Result<Self, HttpFailure> {
        let base = self.locate(&path.segments())?;
        Ok(Self { base, ..self.clone() })
    }

    /// The same client with an earlier deadline; a later one is ignored.
    #[must_use]
    pub fn by(mut self, deadline: Instant) -> Self {
        self.deadline = self.deadline.min(deadline);
        self
    }

    /// The same client with a smaller limit of bytes per answer; a larger one is ignored.
    #[must_use]
    pub fn at_most(mut self, bytes: usize) -> Self {
        self.max_bytes = self.max_bytes.min(bytes);
        self
    }

    /// When everything must have answered.
    pub fn deadline(&self) -> Instant {
        self.deadline
    }

    /// The base of this client's paths; holds no credentials unless the path is one ([`Endpoint::secret_path`]).
    pub fn base(&self) -> &Url {
        &self.base
    }

    /// A text without the credentials of this client's endpoint: for what a server wrote into an answer and a person
    /// is shown. Failures are redacted already.
    pub fn redact(&self, text: &str) -> String {
        self.bound.endpoint.redact(text)
    }

    /// Attempts sent by this client, its clones and those made from it by [`Client::under`].
    pub fn calls(&self) -> u64 {
        self.calls.load(Ordering::Relaxed)
    }

    /// `GET path?parameters`.
    pub async fn get<K: AsRef<str>, V: AsRef<str>>(
        &self,
        path: &(impl IntoSegments + ?Sized),
        parameters: &[(K, V)],
    ) -> Result<Reply, HttpFailure> {
        self.send(Request::get(path).query(parameters)).await
    }

    /// `GET path?parameters`, read as JSON.
    pub async fn get_json<T: DeserializeOwned>(
        &self,
        path: &(impl IntoSegments + ?Sized),
        parameters: &[(&str, &str)],
    ) -> Result<T, HttpFailure> {
        self.get(path, parameters).await?.json()
    }

    /// `GET path?parameters`, asked once for all who ask the same of the same endpoint with the same credentials:
    /// callers share a call that is under way, and an answer for as long as it is `fresh`. For what many queries need
    /// first (data sources, label names). A failure is not kept.
    pub async fn get_shared(
        &self,
        path: &(impl IntoSegments + ?Sized),
        parameters: &[(&str, &str)],
        fresh: Duration,
    ) -> Result<Reply, HttpFailure> {
        self.send_shared(Request::get(path).query(parameters), fresh).await
    }

    /// Sends a request that only reads once for all who ask the same; see [`Client::get_shared`].
    pub async fn send_shared(&self, request: Request, fresh: Duration) -> Result<Reply, HttpFailure> {
        let key = (self.bound.endpoint.identity(), self.max_bytes, self.question(&request)?);
        let (client, shared_request) = (self.clone(), request.clone());
        // A task of its own: a caller that goes away must not leave the others' call standing, nor its turn taken.
        let ask = move || {
            let host = client.bound.endpoint.host();
            let task = tokio::spawn(async move { client.send(shared_request).await }.in_current_span());
            let gone = move |_| Err(HttpFailure::new(FailureKind::Interrupted, host, "the call was cancelled"));
            async move { task.await.unwrap_or_else(gone) }.boxed()
        };
        let (pending, own) = self.bound.http.shared.memo.join(key, fresh, ask);
        match tokio::time::timeout_at(self.deadline.into(), pending).await {
            // Another caller had less time than this one has.
            Ok(Err(failure)) if !own && failure.kind == FailureKind::Deadline && Instant::now() < self.deadline => {
                self.send(request).await
            }
            Ok(outcome) => outcome,
            Err(_) => {
                let host = self.bound.endpoint.host();
                Err(HttpFailure::new(FailureKind::Deadline, host, "had not answered when the time was over")
                    .with_hint("give more time with --deadline"))
            }
        }
    }

    /// `POST path` with form fields: a read (see [`Request::post_form`]).
    pub async fn post_form<K: AsRef<str>, V: AsRef<str>>(
        &self,
        path: &(impl IntoSegments + ?Sized),
        fields: &[(K, V)],
    ) -> Result<Reply, HttpFailure> {
        self.send(Request::post_form(path, fields)).await
    }

    /// `POST path` with a JSON body: no read (see [`Request::post_json`]).
    pub async fn post_json(
        &self,
        path: &(impl IntoSegments + ?Sized),
        body: &impl Serialize,
    ) -> Result<Reply, HttpFailure> {
        self.send(Request::post_json(path, body)).await
    }

    /// Sends a request: waits for its turn, tries again where that helps and the deadline allows, reads the answer
    /// within the size limit. Anything but a 2xx is a failure.
    pub async fn send(&self, request: Request) -> Result<Reply, HttpFailure> {
        let segments: Vec<&str> = request.path.iter().map(String::as_str).collect();
        let mut url = self.locate(&segments)?;
        if !request.query.is_empty() {
            url.query_pairs_mut().extend_pairs(&request.query);
        }
        // The path alone: a query can hold what must not be logged.
        let span = tracing::debug_span!(
            "http",
            instance = %self.bound.endpoint.label,
            method = %request.method,
            host = %self.bound.endpoint.host(),
            path = %self.bound.endpoint.redact(url.path()),
        );
        self.send_to(url, &request).instrument(span).await
    }

    async fn send_to(&self, url: Url, request: &Request) -> Result<Reply, HttpFailure> {
        let options = &self.bound.http.shared.options;
        let begun = Instant::now();
        let sent = AtomicU64::new(0);
        let backoff = ExponentialBuilder::default()
            .with_min_delay(options.first_wait)
            .with_max_delay(options.longest_wait)
            .with_max_times(options.attempts.saturating_sub(1) as usize);
        let attempt = Attempt {
            bound: &self.bound,
            url: &url,
            request,
            deadline: self.deadline,
            max_bytes: self.max_bytes,
            sent: &sent,
        };
        let outcome = (|| attempt.run())
            .retry(backoff)
            .sleep(tokio::time::sleep)
            .when(|failed: &Failed| {
                let kind = failed.failure.kind;
                kind.transient() && (request.read || kind.nothing_happened())
            })
            .adjust(|failed, wait| {
                let wait = match failed.failure.kind {
                    FailureKind::RateLimited { retry_after: Some(asked) } => wait.map(|_| asked),
                    _ => wait.map(|wait| failed.retry_after.map_or(wait, |asked| asked.max(wait))),
                }?;
                // A wait that outlasts the deadline is not begun: what is known now is told now.
                (wait < self.deadline.saturating_duration_since(Instant::now())).then_some(wait)
            })
            .notify(|failed, wait: Duration| {
                tracing::debug!(
                    failure = failed.failure.kind.word(),
                    wait_ms = wait.as_millis() as u64,
                    "trying again"
                );
            })
            .await;
        let attempts = sent.load(Ordering::Relaxed);
        self.calls.fetch_add(attempts, Ordering::Relaxed);
        let attempts = u32::try_from(attempts).unwrap_or(u32::MAX);
        match outcome {
            Ok(reply) => Ok(Reply { duration: begun.elapsed(), attempts, ..reply }),
            Err(failed) => Err(HttpFailure { attempts, ..failed.failure }),
        }
    }

    /// What tells a request from others to the same endpoint: the whole of it.
    fn question(&self, request: &Request) -> Result<String, HttpFailure> {
        let segments: Vec<&str> = request.path.iter().map(String::as_str).collect();
        let mut url = self.locate(&segments)?;
        url.query_pairs_mut().extend_pairs(&request.query);
        // The body is kept as a digest: it may be long, and may hold a secret.
        let body = request.body.as_ref().map(|(kind, body)| (kind, Sha256::digest(body)));
        Ok(format!("{} {url} {:?} {body:x?}", request.method, request.headers))
    }

    /// The URL of a path below the base. The url crate encodes what separates the parts of a URL, so that a segment
    /// stays one; a segment that would climb is refused.
    fn locate(&self, segments: &[&str]) -> Result<Url, HttpFailure> {
        if segments.iter().any(|segment| matches!(*segment, "." | "..")) {
            return Err(HttpFailure::new(
                FailureKind::Configuration,
                self.bound.endpoint.host(),
                "a path with `.` or `..` is not asked for",
            ));
        }
        let mut url = self.base.clone();
        if let Ok(mut path) = url.path_segments_mut() {
            path.pop_if_empty().extend(segments);
        }
        Ok(url)
    }
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client").field("base", &self.bound.endpoint.redact(self.base.as_str())).finish_non_exhaustive()
    }
}
