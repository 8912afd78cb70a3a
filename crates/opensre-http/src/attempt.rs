//! One attempt at a call: its turn, its time, its answer.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use bytes::{Bytes, BytesMut};
use jiff::Timestamp;
use opensre_model::secret::Secret;
use reqwest::header::{ACCEPT, CONTENT_TYPE, DATE, HeaderMap, LOCATION, RETRY_AFTER};
use reqwest::{Response, StatusCode};
use url::Url;

use crate::client::{Bound, Request};
use crate::endpoint::host_and_port;
use crate::failure::{FailureKind, HttpFailure};
use crate::log::Call;
use crate::reply::{Reply, is_html};
use crate::sign::Unsigned;

/// Everything that one attempt needs.
pub(crate) struct Attempt<'a> {
    pub(crate) bound: &'a Bound,
    pub(crate) url: &'a Url,
    pub(crate) request: &'a Request,
    pub(crate) deadline: Instant,
    pub(crate) max_bytes: usize,
    /// Attempts that were really sent.
    pub(crate) sent: &'a AtomicU64,
}

/// A failed attempt.
pub(crate) struct Failed {
    pub(crate) failure: HttpFailure,
    /// How long the server said to wait, whatever the status.
    pub(crate) retry_after: Option<Duration>,
}

impl From<HttpFailure> for Failed {
    fn from(failure: HttpFailure) -> Self {
        Self { failure, retry_after: None }
    }
}

/// Most bytes of a refusal that are read for the server's reason.
const REFUSAL_BYTES: usize = 16 * 1024;
/// Most characters of a server's reason that are shown.
const REASON_CHARACTERS: usize = 240;

impl Attempt<'_> {
    /// Waits for a turn, asks, reads the answer; logs the call.
    pub(crate) async fn run(&self) -> Result<Reply, Failed> {
        let shared = &self.bound.http.shared;
        let turn = async {
            // The host's gate first, so that calls waiting for a busy host hold no place in the total.
            let host = self.bound.gate.acquire().await.ok()?;
            Some((host, shared.total.acquire().await.ok()?))
        };
        let Ok(_turn) = tokio::time::timeout_at(self.deadline.into(), turn).await else {
            return Err(self.fail(FailureKind::Deadline, "the time was over before it was this call's turn").into());
        };
        self.sent.fetch_add(1, Ordering::Relaxed);
        let begun = Instant::now();
        let mut seen = Seen::default();
        let outcome = self.ask_in_time(begun, &mut seen).await;
        let call = Call {
            label: self.bound.endpoint.label.clone(),
            method: match self.request.method {
                reqwest::Method::POST => "POST",
                reqwest::Method::PUT => "PUT",
                _ => "GET",
            },
            url: self.shown_url(),
            status: seen.status,
            outcome: outcome.as_ref().map_or_else(|failed| failed.failure.kind.word(), |_| "ok"),
            bytes: seen.bytes,
            duration: begun.elapsed(),
        };
        tracing::debug!(
            status = call.status,
            outcome = call.outcome,
            bytes = call.bytes,
            ms = call.duration.as_millis() as u64,
            "answered"
        );
        shared.log.add(call);
        outcome
    }

    async fn ask_in_time(&self, begun: Instant, seen: &mut Seen) -> Result<Reply, Failed> {
        let limit = begun + self.bound.http.shared.options.call_timeout;
        match tokio::time::timeout_at(limit.min(self.deadline).into(), self.ask(seen)).await {
            Ok(outcome) => outcome,
            Err(_) if limit < self.deadline => {
                let seconds = self.bound.http.shared.options.call_timeout.as_secs_f64();
                Err(self
                    .fail(FailureKind::Timeout, format!("did not answer within {seconds} s"))
                    .with_hint("check that the host is reachable from here and not overloaded")
                    .into())
            }
            Err(_) => Err(self
                .fail(FailureKind::Deadline, "had not answered when the time was over")
                .with_hint("give more time with --deadline")
                .into()),
        }
    }

    async fn ask(&self, seen: &mut Seen) -> Result<Reply, Failed> {
        let mut builder = self
            .bound
            .pool
            .request(self.request.method.clone(), self.url.clone())
            .headers(self.bound.headers.clone())
            .header(ACCEPT, &*self.request.accept);
        for (name, value) in &self.request.headers {
            builder = builder.header(*name, value);
        }
        if let Some((kind, body)) = &self.request.body {
            builder = builder.header(CONTENT_TYPE, *kind).body(body.clone());
        }
        for (name, value) in self.signature() {
            builder = builder.header(name, self.bound.endpoint.header_value(value.expose(), "the signature")?);
        }
        let response = builder.send().await.map_err(|error| self.explain(&error))?;
        let status = response.status();
        seen.status = Some(status.as_u16());
        if status.is_success() {
            let headers = response.headers().clone();
            let body = self.read(response, seen).await?;
            return Ok(Reply {
                status: status.as_u16(),
                body,
                duration: Duration::ZERO,
                attempts: 0,
                headers,
                host: host_and_port(self.url),
            });
        }
        if status.is_redirection() {
            return Err(self.redirected(response.headers()).into());
        }
        let headers = response.headers().clone();
        let (answer, page) = self.refusal(response, seen).await;
        let said = match serde_json::from_str(&answer).ok().as_ref().and_then(said) {
            Some(said) => said,
            None if page => String::new(),
            None => answer.clone(),
        };
        // Redacted before it is cut, so that no half of a secret stays.
        let redact = |text: &str| self.bound.endpoint.redact(text);
        let said = one_line(&redact(&said));
        let failure = HttpFailure { answer: redact(&answer), ..self.refused(status, &said, &headers) };
        Err(Failed { failure, retry_after: retry_after(&headers) })
    }

    /// The headers that sign the request, where the endpoint's requests are signed.
    fn signature(&self) -> Vec<(&'static str, Secret)> {
        let Some(signer) = &self.bound.endpoint.signer else { return Vec::new() };
        let mut headers: Vec<(&'static str, &str)> =
            self.request.headers.iter().map(|(name, value)| (*name, value.as_str())).collect();
        let body = self.request.body.as_ref().map(|(kind, body)| {
            headers.push(("content-type", *kind));
            body.as_slice()
        });
        signer.sign(&Unsigned {
            method: self.request.method.as_str(),
            url: self.url,
            headers: &headers,
            body: body.unwrap_or_default(),
            time: (self.bound.http.shared.options.clock)(),
        })
    }

    /// Reads a body to its end, at most the limit, counting what comes out of decompression.
    async fn read(&self, mut response: Response, seen: &mut Seen) -> Result<Bytes, HttpFailure> {
        let too_large = || {
            let megabytes = self.max_bytes as f64 / 1_048_576.0;
            self.fail(FailureKind::TooLarge, format!("answered with more than {megabytes:.1} MiB"))
                .with_hint("narrow what is asked for: a shorter window, or fewer series or lines")
        };
        if response.content_length().is_some_and(|length| length > self.max_bytes as u64) {
            return Err(too_large());
        }
        let mut body = BytesMut::new();
        while let Some(chunk) = response.chunk().await.map_err(|error| self.explain(&error))? {
            seen.bytes += chunk.len();
            if body.len() + chunk.len() > self.max_bytes {
                return Err(too_large());
            }
            body.extend_from_slice(&chunk);
        }
        Ok(body.freeze())
    }

    /// What the server said about a refusal, bounded, and whether it is a page.
    async fn refusal(&self, mut response: Response, seen: &mut Seen) -> (String, bool) {
        let mut body = Vec::new();
        while body.len() < REFUSAL_BYTES
            && let Ok(Some(chunk)) = response.chunk().await
        {
            seen.bytes += chunk.len();
            body.extend_from_slice(&chunk[..chunk.len().min(REFUSAL_BYTES - body.len())]);
        }
        let kind = response.headers().get(CONTENT_TYPE).and_then(|value| value.to_str().ok());
        (String::from_utf8_lossy(&body).into_owned(), is_html(kind, &body))
    }

    fn refused(&self, status: StatusCode, said: &str, headers: &HeaderMap) -> HttpFailure {
        let code = status.as_u16();
        let because = if said.is_empty() { String::new() } else { format!(": {said}") };
        match code {
            // A spent limit is told by 403 as well as by 429 (GitHub): then waiting helps, and no right to read does.
            429 => self.limited(code, &because, headers),
            403 if spent(headers) => self.limited(code, &because, headers),
            401 => self
                .fail(FailureKind::Unauthorized, format!("refused the credentials (401){because}"))
                .with_hint("check that the token or password is the right one for this instance and has not expired"),
            403 => self
                .fail(FailureKind::Forbidden, format!("does not allow this with these credentials (403){because}"))
                .with_hint("give the token's account the right to read this"),
            404 => self
                .fail(
                    FailureKind::NotFound,
                    format!("does not know {} (404){because}", self.bound.endpoint.redact(self.url.path())),
                )
                .with_hint("check the instance's URL: a path prefix may be missing or too much"),
            500.. => self
                .fail(FailureKind::Server(code), format!("failed with status {code}{because}"))
                .with_hint("the trouble is the server's, or a proxy's before it: see its own log or status page"),
            _ => {
                let failure =
                    self.fail(FailureKind::BadRequest(code), format!("refused the request ({code}){because}"));
                // Go's and nginx's answer to plain HTTP on a TLS port.
                let plain =
                    self.url.scheme() == "http" && (said.contains("HTTPS server") || said.contains("HTTPS port"));
                if plain { failure.with_hint("the server speaks TLS: write the URL with https://") } else { failure }
            }
        }
    }

    fn limited(&self, code: u16, because: &str, headers: &HeaderMap) -> HttpFailure {
        // With calls left it is another limit that was hit, and the reset is not that one's.
        let calls_left = headers.get("x-ratelimit-remaining").is_some_and(|left| left.as_bytes() != b"0");
        let retry_after = retry_after(headers).or_else(|| if calls_left { None } else { reset(headers) });
        let wait = retry_after.map(|wait| format!("; it asks to wait {} s", wait.as_secs())).unwrap_or_default();
        self.fail(FailureKind::RateLimited { retry_after }, format!("asks to slow down ({code}){because}{wait}"))
            .with_hint("ask again later, or raise the limit of this token")
    }

    /// A redirect is not followed: elsewhere it would carry our request, and on the same host it mostly means a login
    /// page or a wrong scheme. Only the place is named, never the query, which can hold tokens.
    fn redirected(&self, headers: &HeaderMap) -> HttpFailure {
        let target = headers
            .get(LOCATION)
            .and_then(|value| std::str::from_utf8(value.as_bytes()).ok())
            .and_then(|location| self.url.join(location).ok());
        let Some(target) = target else {
            return self.fail(FailureKind::Redirect, "answered with a redirect to nowhere");
        };
        if target.host() != self.url.host() {
            return self
                .fail(
                    FailureKind::Redirect,
                    format!("sends us to another host, {}; not followed", host_and_port(&target)),
                )
                .with_hint(
                    "if that is where the instance lives, make it the instance's URL; else a login stands before it",
                );
        }
        if target.scheme() != self.url.scheme() {
            let place = format!("{}://{}", target.scheme(), host_and_port(&target));
            return self
                .fail(FailureKind::Redirect, format!("sends us to {place}; not followed"))
                .with_hint(format!("write the instance's URL with {}://", target.scheme()));
        }
        let path = one_line(&self.bound.endpoint.redact(target.path()));
        self.fail(FailureKind::Redirect, format!("sends us to {path} on the same host; not followed"))
            .with_hint("a login page means missing credentials; else correct the path in the instance's URL")
    }

    /// Tells apart why there is no answer, by the types of the errors underneath.
    fn explain(&self, error: &reqwest::Error) -> HttpFailure {
        let host = self.url.host_str().unwrap_or_default();
        if error.is_dns() {
            return self
                .fail(FailureKind::Dns, format!("the name {host} cannot be resolved"))
                .with_hint("check the host's name in the instance's URL, and the network (VPN?)");
        }
        if let Some(tls) = find::<rustls::Error>(error) {
            return self.explain_tls(tls);
        }
        if error.is_connect() {
            if error.is_timeout() {
                let seconds = self.bound.http.shared.options.connect_timeout.as_secs_f64();
                return self
                    .fail(FailureKind::Timeout, format!("no connection within {seconds} s"))
                    .with_hint("check that the host is reachable from here (VPN, firewall)");
            }
            let refused = find::<std::io::Error>(error)
                .is_some_and(|error| error.kind() == std::io::ErrorKind::ConnectionRefused);
            let reason = if refused { "refused the connection" } else { "cannot be connected to" };
            return self
                .fail(FailureKind::Connect, reason)
                .with_hint("check that the server runs, and host and port in the instance's URL");
        }
        if error.is_builder() {
            return self.fail(FailureKind::Configuration, "the request could not be built");
        }
        self.fail(FailureKind::Interrupted, "the connection broke before the answer was complete")
            .with_hint("ask again; if it stays so, look at the server, and at proxies and load balancers on the way")
    }

    fn explain_tls(&self, error: &rustls::Error) -> HttpFailure {
        use rustls::CertificateError as Certificate;
        let (reason, hint) = match error {
            rustls::Error::InvalidCertificate(Certificate::Expired | Certificate::ExpiredContext { .. }) => {
                ("the server's certificate has expired".to_owned(), "renew the server's certificate")
            }
            rustls::Error::InvalidCertificate(
                Certificate::NotValidForName | Certificate::NotValidForNameContext { .. },
            ) => (
                "the server's certificate is for another name".to_owned(),
                "use the host name that is in the certificate",
            ),
            rustls::Error::InvalidCertificate(Certificate::UnknownIssuer) => (
                "the server's certificate is signed by an authority that is not trusted here".to_owned(),
                "set ca_bundle to a PEM file with that authority's certificate",
            ),
            rustls::Error::InvalidCertificate(other) => (
                format!("the server's certificate is not accepted: {other}"),
                "check the certificate, or set ca_bundle",
            ),
            rustls::Error::InvalidMessage(_) => {
                ("does not speak TLS on this port".to_owned(), "write the URL with http://, or correct the port")
            }
            other => (format!("no encrypted connection: {other}"), "check the server's TLS settings"),
        };
        self.fail(FailureKind::Tls, one_line(&reason)).with_hint(hint)
    }

    fn fail(&self, kind: FailureKind, reason: impl Into<String>) -> HttpFailure {
        HttpFailure::new(kind, host_and_port(self.url), reason)
    }

    /// The URL for the log: its secrets and everything that is named like one replaced.
    fn shown_url(&self) -> String {
        let mut url = self.url.clone();
        if url.query().is_some() {
            let shown: Vec<(String, String)> = url
                .query_pairs()
                .map(|(name, value)| {
                    let value = if names_a_secret(&name) { opensre_model::secret::REDACTED.into() } else { value };
                    (name.into_owned(), value.into_owned())
                })
                .collect();
            url.query_pairs_mut().clear().extend_pairs(shown);
        }
        self.bound.endpoint.redact(url.as_str())
    }
}

/// What was seen of an answer, however it ended.
#[derive(Default)]
struct Seen {
    status: Option<u16>,
    bytes: usize,
}

fn names_a_secret(parameter: &str) -> bool {
    let name = parameter.to_ascii_lowercase();
    ["token", "secret", "password", "key", "signature", "credential"].iter().any(|word| name.contains(word))
}

/// The innermost error of a type below an error, through `io::Error`s, which hide theirs from `source`.
fn find<'a, E: std::error::Error + 'static>(error: &'a (dyn std::error::Error + 'static)) -> Option<&'a E> {
    let mut found = None;
    let mut next = Some(error);
    while let Some(error) = next {
        if let Some(wanted) = error.downcast_ref::<E>() {
            found = Some(wanted);
        }
        next = match error.downcast_ref::<std::io::Error>().and_then(std::io::Error::get_ref) {
            Some(inner) => Some(inner as &(dyn std::error::Error + 'static)),
            None => error.source(),
        };
    }
    found
}

/// `Retry-After`, in seconds or as a date (RFC 9110, section 10.2.3). A date is compared with the answer's own `Date`,
/// so that it is right whatever our clock says.
fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let text =
        |name| headers.get(name).and_then(|value: &reqwest::header::HeaderValue| value.to_str().ok()).map(str::trim);
    let wanted = text(RETRY_AFTER)?;
    if let Ok(seconds) = wanted.parse::<u64>() {
        return Some(Duration::from_secs(seconds));
    }
    let time = |text: &str| -> Option<Timestamp> { Some(jiff::fmt::rfc2822::parse(text).ok()?.timestamp()) };
    let until = time(wanted)?;
    let since = time(text(DATE)?)?;
    Some(Duration::try_from(until.duration_since(since)).unwrap_or(Duration::ZERO))
}

/// Whether a refusal says that a limit of calls is spent: it names a time to wait, or no calls are left.
fn spent(headers: &HeaderMap) -> bool {
    let none_left = headers.get("x-ratelimit-remaining").is_some_and(|left| left.as_bytes() == b"0");
    none_left || headers.contains_key(RETRY_AFTER)
}

/// When a refused request may be sent again, by the headers that some services send instead of `Retry-After`:
/// `X-RateLimit-Reset` (seconds, or a time in seconds since 1970, which is compared with the answer's own `Date`), and
/// `RateLimit` (`limit=100, remaining=0, reset=54`, or `"default";r=0;t=54`).
fn reset(headers: &HeaderMap) -> Option<Duration> {
    let text = |name: &str| headers.get(name)?.to_str().ok().map(str::trim);
    if let Some(seconds) = text("x-ratelimit-reset").and_then(|text| text.parse::<u64>().ok()) {
        const LONGEST_WAIT: u64 = 7 * 24 * 3600;
        if seconds <= LONGEST_WAIT {
            return Some(Duration::from_secs(seconds));
        }
        let now = jiff::fmt::rfc2822::parse(text("date")?).ok()?.timestamp().as_second();
        return seconds.checked_sub(u64::try_from(now).ok()?).map(Duration::from_secs);
    }
    let parts = text("ratelimit")?.split([',', ';']);
    let value = |part: &str| {
        let (name, value) = part.split_once('=')?;
        matches!(name.trim(), "reset" | "t").then(|| value.trim().parse::<u64>().ok()).flatten()
    };
    parts.into_iter().find_map(value).map(Duration::from_secs)
}

/// The reason inside a JSON refusal, as the usual shapes hold it.
fn said(json: &serde_json::Value) -> Option<String> {
    let text =
        |value: &serde_json::Value| value.as_str().map(str::trim).filter(|text| !text.is_empty()).map(str::to_owned);
    for key in ["message", "error", "detail", "error_description", "errorMessage", "msg", "title"] {
        match json.get(key) {
            Some(value @ serde_json::Value::Object(_)) => return said(value),
            Some(value) if text(value).is_some() => return text(value),
            _ => {}
        }
    }
    match json.get("errors") {
        Some(serde_json::Value::Array(errors)) => errors.first().and_then(|error| text(error).or_else(|| said(error))),
        _ => None,
    }
}

/// A text as one bounded line without control characters.
fn one_line(text: &str) -> String {
    let words: Vec<&str> =
        text.split(|c: char| c.is_whitespace() || c.is_control()).filter(|word| !word.is_empty()).collect();
    let line = words.join(" ");
    match line.char_indices().nth(REASON_CHARACTERS) {
        Some((cut, _)) => format!("{}…", &line[..cut]),
        None => line,
    }
}
