//! A successful answer.

use std::time::Duration;

use bytes::Bytes;
use reqwest::header::HeaderMap;
use serde::de::DeserializeOwned;

use crate::failure::{FailureKind, HttpFailure};

/// A 2xx answer, read to its end within the size limit.
#[derive(Debug, Clone)]
pub struct Reply {
    /// The status.
    pub status: u16,
    /// The body, decompressed.
    pub body: Bytes,
    /// From sending the first attempt to the end of the body.
    pub duration: Duration,
    /// Attempts that it took.
    pub attempts: u32,
    pub(crate) headers: HeaderMap,
    pub(crate) host: String,
}

impl Reply {
    /// A header of the answer, as text.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    /// The body as JSON of a type. Bytes that are not UTF-8 are replaced rather than losing the whole answer.
    pub fn json<T: DeserializeOwned>(&self) -> Result<T, HttpFailure> {
        let parsed = match serde_json::from_slice(&self.body) {
            Err(_) if std::str::from_utf8(&self.body).is_err() => {
                serde_json::from_str(&String::from_utf8_lossy(&self.body))
            }
            parsed => parsed,
        };
        parsed.map_err(|error| self.not_json(&error))
    }

    /// The body as text; bytes that are not UTF-8 are replaced.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    fn not_json(&self, error: &serde_json::Error) -> HttpFailure {
        let html = is_html(self.header("content-type"), &self.body);
        if html {
            return HttpFailure::new(
                FailureKind::NotJson { html },
                &self.host,
                "answered with an HTML page instead of JSON, most likely a login page",
            )
            .with_hint(
                "check that the URL is the API's own (with its path prefix) and that no login proxy stands before it",
            );
        }
        let reason = if self.body.is_empty() {
            "answered with an empty body instead of JSON".to_owned()
        } else {
            // serde's message can quote a value of the answer; where it went wrong says enough.
            let what = match error.classify() {
                serde_json::error::Category::Eof => "JSON that breaks off",
                serde_json::error::Category::Data => "JSON of an unexpected shape",
                serde_json::error::Category::Syntax | serde_json::error::Category::Io => "something that is not JSON",
            };
            format!("answered with {what} (line {}, column {})", error.line(), error.column())
        };
        HttpFailure::new(FailureKind::NotJson { html }, &self.host, reason)
            .with_hint("check that the URL is the API's own, with its path prefix")
    }
}

/// Whether a body is an HTML page, by its declared type or its first characters.
pub(crate) fn is_html(content_type: Option<&str>, body: &[u8]) -> bool {
    let declared = content_type.is_some_and(|kind| kind.trim_start().to_ascii_lowercase().starts_with("text/html"));
    let start: Vec<u8> = body.iter().copied().skip_while(u8::is_ascii_whitespace).take(14).collect();
    let start = String::from_utf8_lossy(&start).to_ascii_lowercase();
    declared || start.starts_with("<!doctype html") || start.starts_with("<html")
}
