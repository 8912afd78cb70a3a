//! Signature Version 4 in the `Authorization` header ("Create a signed AWS API request", AWS IAM User Guide).
//!
//! Pure: the time comes with the request. Checked against AWS's published test suite.

use std::fmt::Write as _;

use hmac::{Hmac, Mac};
use jiff::Timestamp;
use opensre_http::{Signer, Unsigned};
use opensre_model::secret::Secret;
use sha2::{Digest, Sha256};
use url::Url;

const ALGORITHM: &str = "AWS4-HMAC-SHA256";

/// An access key, long-lived or temporary. Its `Debug` shows no secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Credentials {
    /// Access key id.
    pub access_key_id: Secret,
    /// Secret access key.
    pub secret_access_key: Secret,
    /// The token of temporary credentials.
    pub session_token: Option<Secret>,
}

/// Signs requests to one service in one region.
#[derive(Debug, Clone)]
pub struct SigV4 {
    /// Who signs.
    pub credentials: Credentials,
    /// The region that the service is asked in (`eu-central-1`).
    pub region: String,
    /// The name that the service is signed for (`monitoring`).
    pub service: &'static str,
}

/// What of a request is signed.
#[derive(Debug, Clone, Copy)]
pub struct Canonical<'a> {
    /// `GET`, `POST`.
    pub method: &'a str,
    /// The path, as it is sent.
    pub path: &'a str,
    /// The query's parameters, decoded.
    pub query: &'a [(String, String)],
    /// The headers that are signed, `host` among them; without those that the signature adds.
    pub headers: &'a [(&'a str, &'a str)],
    /// The body.
    pub body: &'a [u8],
}

impl SigV4 {
    /// The headers that sign a request at a time: `authorization`, `x-amz-date` and, with temporary credentials,
    /// `x-amz-security-token`.
    pub fn headers(&self, request: &Canonical<'_>, time: Timestamp) -> Vec<(&'static str, Secret)> {
        let stamp = time.strftime("%Y%m%dT%H%M%SZ").to_string();
        let token = self.credentials.session_token.as_ref();
        let mut headers: Vec<(String, String)> = request
            .headers
            .iter()
            .map(|(name, value)| (name.to_ascii_lowercase(), one_space(value)))
            .chain([("x-amz-date".to_owned(), stamp.clone())])
            .chain(token.map(|token| ("x-amz-security-token".to_owned(), token.expose().to_owned())))
            .collect();
        headers.sort();
        let names: Vec<&str> = headers.iter().map(|(name, _)| name.as_str()).collect();
        let names = names.join(";");

        let mut canonical = format!("{}\n{}\n{}\n", request.method, path(request.path), query(request.query));
        for (name, value) in &headers {
            // Writing to a `String` cannot fail.
            let _ = writeln!(canonical, "{name}:{value}");
        }
        let _ = write!(canonical, "\n{names}\n{}", hex(&Sha256::digest(request.body)));

        let day = stamp.get(..8).unwrap_or_default();
        let scope = format!("{day}/{}/{}/aws4_request", self.region, self.service);
        let to_sign = format!("{ALGORITHM}\n{stamp}\n{scope}\n{}", hex(&Sha256::digest(canonical.as_bytes())));
        let signature = hex(&hmac(&self.key(day), to_sign.as_bytes()));
        let id = self.credentials.access_key_id.expose();
        let authorization =
            format!("{ALGORITHM} Credential={id}/{scope}, SignedHeaders={names}, Signature={signature}");
        let mut added = vec![("authorization", Secret::new(authorization)), ("x-amz-date", Secret::new(stamp))];
        added.extend(token.map(|token| ("x-amz-security-token", token.clone())));
        added
    }

    /// The signing key of a day.
    fn key(&self, day: &str) -> Vec<u8> {
        let first = format!("AWS4{}", self.credentials.secret_access_key.expose());
        [day, &self.region, self.service, "aws4_request"]
            .iter()
            .fold(first.into_bytes(), |key, part| hmac(&key, part.as_bytes()))
    }
}

impl Signer for SigV4 {
    fn sign(&self, request: &Unsigned<'_>) -> Vec<(&'static str, Secret)> {
        let host = host(request.url);
        let mut headers = request.headers.to_vec();
        headers.push(("host", &host));
        let query: Vec<(String, String)> = request.url.query_pairs().into_owned().collect();
        let canonical = Canonical {
            method: request.method,
            path: request.url.path(),
            query: &query,
            headers: &headers,
            body: request.body,
        };
        self.headers(&canonical, request.time)
    }

    fn secrets(&self) -> Vec<Secret> {
        let own = &self.credentials;
        [&own.access_key_id, &own.secret_access_key].into_iter().chain(&own.session_token).cloned().collect()
    }
}

/// The `Host` header: with the port where it is not the scheme's own.
fn host(url: &Url) -> String {
    let host = url.host_str().unwrap_or_default();
    url.port().map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"))
}

/// The path, encoded once more than it is sent: so for every service but S3.
fn path(sent: &str) -> String {
    let encoded: Vec<String> = sent.split('/').map(encode).collect();
    let path = encoded.join("/");
    if path.is_empty() { "/".to_owned() } else { path }
}

/// The query: encoded, sorted by name and value.
fn query(parameters: &[(String, String)]) -> String {
    let mut pairs: Vec<(String, String)> =
        parameters.iter().map(|(name, value)| (encode(name), encode(value))).collect();
    pairs.sort();
    let pairs: Vec<String> = pairs.iter().map(|(name, value)| format!("{name}={value}")).collect();
    pairs.join("&")
}

/// Percent-encodes everything but the unreserved characters of RFC 3986.
fn encode(text: &str) -> String {
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~') {
            encoded.push(char::from(byte));
        } else {
            // Writing to a `String` cannot fail.
            let _ = write!(encoded, "%{byte:02X}");
        }
    }
    encoded
}

/// A header's value without spaces around it, and with one space where there are several.
fn one_space(value: &str) -> String {
    value.split(' ').filter(|word| !word.is_empty()).collect::<Vec<_>>().join(" ")
}

fn hmac(key: &[u8], data: &[u8]) -> Vec<u8> {
    // HMAC takes keys of any length, so that there is no failure to handle.
    let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(key) else { return Vec::new() };
    mac.update(data);
    mac.finalize().into_bytes().to_vec()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
        // Writing to a `String` cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}
