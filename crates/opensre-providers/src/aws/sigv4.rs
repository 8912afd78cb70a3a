//! Signature Version 4, in the `Authorization` header or in a URL ("Create a signed AWS API request", AWS IAM User Guide).
//!
//! Pure: the time comes with the request. Checked against AWS's published test suite.

use std::fmt::Write as _;
use std::time::Duration;

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
        let stamp = stamp(time);
        let token = self.credentials.session_token.as_ref();
        let mut headers: Vec<(String, String)> = request
            .headers
            .iter()
            .map(|(name, value)| (name.to_ascii_lowercase(), one_space(value)))
            .chain([("x-amz-date".to_owned(), stamp.clone())])
            .chain(token.map(|token| ("x-amz-security-token".to_owned(), token.expose().to_owned())))
            .collect();
        headers.sort();
        let (names, signature) =
            self.signature(request.method, request.path, request.query, &headers, request.body, &stamp);
        let scope = self.scope(&stamp);
        let id = self.credentials.access_key_id.expose();
        let authorization =
            format!("{ALGORITHM} Credential={id}/{scope}, SignedHeaders={names}, Signature={signature}");
        let mut added = vec![("authorization", Secret::new(authorization)), ("x-amz-date", Secret::new(stamp))];
        added.extend(token.map(|token| ("x-amz-security-token", token.clone())));
        added
    }

    /// A GET of a URL as a URL that carries its signature, for somebody else to send within a time. `headers` are those
    /// that have to be sent with it, beside `host`.
    pub fn presigned(&self, url: &Url, headers: &[(&str, &str)], expires: Duration, time: Timestamp) -> Secret {
        let stamp = stamp(time);
        let host = host(url);
        let mut headers: Vec<(String, String)> =
            headers.iter().map(|(name, value)| (name.to_ascii_lowercase(), one_space(value))).collect();
        headers.push(("host".to_owned(), host));
        headers.sort();
        let names: Vec<&str> = headers.iter().map(|(name, _)| name.as_str()).collect();
        let credential = format!("{}/{}", self.credentials.access_key_id.expose(), self.scope(&stamp));
        let mut parameters: Vec<(String, String)> = url.query_pairs().into_owned().collect();
        parameters.extend(
            [
                ("X-Amz-Algorithm", ALGORITHM.to_owned()),
                ("X-Amz-Credential", credential),
                ("X-Amz-Date", stamp.clone()),
                ("X-Amz-Expires", expires.as_secs().to_string()),
                ("X-Amz-SignedHeaders", names.join(";")),
            ]
            .map(|(name, value)| (name.to_owned(), value)),
        );
        let token = self.credentials.session_token.as_ref();
        parameters.extend(token.map(|token| ("X-Amz-Security-Token".to_owned(), token.expose().to_owned())));
        let (_, signature) = self.signature("GET", url.path(), &parameters, &headers, b"", &stamp);
        let mut bare = url.clone();
        bare.set_query(None);
        bare.set_fragment(None);
        Secret::new(format!("{bare}?{}&X-Amz-Signature={signature}", query(&parameters)))
    }

    /// The names of the signed headers, and the signature. Headers are sorted, in lower case.
    fn signature(
        &self,
        method: &str,
        sent: &str,
        parameters: &[(String, String)],
        headers: &[(String, String)],
        body: &[u8],
        stamp: &str,
    ) -> (String, String) {
        let names: Vec<&str> = headers.iter().map(|(name, _)| name.as_str()).collect();
        let names = names.join(";");
        let mut canonical = format!("{method}\n{}\n{}\n", path(sent), query(parameters));
        for (name, value) in headers {
            // Writing to a `String` cannot fail.
            let _ = writeln!(canonical, "{name}:{value}");
        }
        let _ = write!(canonical, "\n{names}\n{}", hex(&Sha256::digest(body)));
        let hash = hex(&Sha256::digest(canonical.as_bytes()));
        let to_sign = format!("{ALGORITHM}\n{stamp}\n{}\n{hash}", self.scope(stamp));
        (names, hex(&hmac(&self.key(day(stamp)), to_sign.as_bytes())))
    }

    fn scope(&self, stamp: &str) -> String {
        format!("{}/{}/{}/aws4_request", day(stamp), self.region, self.service)
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

/// A time as signatures have it.
fn stamp(time: Timestamp) -> String {
    time.strftime("%Y%m%dT%H%M%SZ").to_string()
}

fn day(stamp: &str) -> &str {
    stamp.get(..8).unwrap_or_default()
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
