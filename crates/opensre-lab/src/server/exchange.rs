//! One request and its answer, independent of the HTTP library, so that the simulators are plain functions.

use axum::http::StatusCode;
use serde_json::Value;
use url::form_urlencoded;

/// A request as a simulator sees it.
#[derive(Debug, Clone)]
pub(crate) struct Call {
    /// GET, POST ...
    pub(crate) method: String,
    /// Decoded path segments below the instance's path prefix.
    pub(crate) segments: Vec<String>,
    /// Parameters of the query and of a form body, in that order, decoded.
    pub(crate) params: Vec<(String, String)>,
}

impl Call {
    /// The first value of a parameter; an empty one counts as absent, as Go's `FormValue` users treat it.
    pub(crate) fn param(&self, name: &str) -> Option<&str> {
        let found = self.params.iter().find(|(key, _)| key == name)?;
        Some(found.1.as_str()).filter(|value| !value.is_empty())
    }

    /// All values of a repeated parameter.
    pub(crate) fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.params.iter().filter(move |(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    pub(crate) fn path(&self) -> Vec<&str> {
        self.segments.iter().map(String::as_str).collect()
    }

    /// The same call with the first `count` path segments taken off.
    pub(crate) fn below(&self, count: usize) -> Self {
        Self { segments: self.segments.iter().skip(count).cloned().collect(), ..self.clone() }
    }
}

/// Reads `a=b&c=d`, from a query or a form body.
pub(crate) fn pairs(text: &[u8]) -> Vec<(String, String)> {
    form_urlencoded::parse(text).into_owned().collect()
}

/// An answer.
#[derive(Debug, Clone)]
pub(crate) struct Reply {
    pub(crate) status: StatusCode,
    pub(crate) content_type: &'static str,
    pub(crate) headers: Vec<(&'static str, String)>,
    pub(crate) body: Vec<u8>,
}

impl Reply {
    pub(crate) fn json(status: StatusCode, body: &Value) -> Self {
        Self::new(status, "application/json", body.to_string().into_bytes())
    }

    pub(crate) fn ok(body: &Value) -> Self {
        Self::json(StatusCode::OK, body)
    }

    pub(crate) fn text(status: StatusCode, body: impl Into<String>) -> Self {
        Self::new(status, "text/plain; charset=utf-8", body.into().into_bytes())
    }

    pub(crate) fn html(status: StatusCode, body: impl Into<String>) -> Self {
        Self::new(status, "text/html; charset=utf-8", body.into().into_bytes())
    }

    /// What Go's router answers for a path it does not know.
    pub(crate) fn not_found() -> Self {
        Self::text(StatusCode::NOT_FOUND, "404 page not found\n")
    }

    fn new(status: StatusCode, content_type: &'static str, body: Vec<u8>) -> Self {
        Self { status, content_type, headers: Vec::new(), body }
    }
}
