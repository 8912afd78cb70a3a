//! An answer on its way, and what can be done to it.

use std::fmt::Write as _;

use serde_json::Value;

/// An answer that is handed on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Passed {
    /// Status.
    pub status: u16,
    /// Headers, names in lower case; none of those that say how the body is framed.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: Vec<u8>,
}

/// The value of a header in a head.
pub(super) fn header<'a>(head: &'a str, name: &str) -> Option<&'a str> {
    let pairs = head.lines().skip(1).filter_map(|line| line.split_once(':'));
    pairs.into_iter().find(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, value)| value.trim())
}

impl Passed {
    /// An answer as it stands on the wire.
    pub(super) fn read(bytes: &[u8]) -> Option<Self> {
        let ends = bytes.windows(4).position(|end| end == b"\r\n\r\n")? + 4;
        let head = std::str::from_utf8(&bytes[..ends]).ok()?;
        let status = head.lines().next()?.split(' ').nth(1)?.parse().ok()?;
        let framing = ["content-length", "transfer-encoding", "connection"];
        let headers = head
            .lines()
            .skip(1)
            .filter_map(|line| line.split_once(':'))
            .map(|(name, value)| (name.to_ascii_lowercase(), value.trim().to_owned()))
            .filter(|(name, _)| !framing.contains(&name.as_str()))
            .collect();
        Some(Self { status, headers, body: bytes[ends..].to_vec() })
    }

    pub(super) fn refusal(status: u16, headers: &[(&'static str, String)], body: &str) -> Self {
        let mut all = vec![("content-type".to_owned(), "application/json".to_owned())];
        all.extend(headers.iter().map(|(name, value)| ((*name).to_owned(), value.clone())));
        Self { status, headers: all, body: body.into() }
    }

    pub(super) fn login_page() -> Self {
        let page = "<!DOCTYPE html><html><head><title>Sign in</title></head><body>Log in</body></html>";
        let kind = ("content-type".to_owned(), "text/html; charset=utf-8".to_owned());
        Self { status: 200, headers: vec![kind], body: page.into() }
    }

    /// The body as JSON, where it is JSON.
    pub fn json(&self) -> Option<Value> {
        serde_json::from_slice(&self.body).ok()
    }

    /// Sets a header.
    pub fn set(&mut self, name: &str, value: impl Into<String>) {
        self.headers.retain(|(known, _)| known != name);
        self.headers.push((name.to_owned(), value.into()));
    }

    pub(super) fn bytes(&self) -> Vec<u8> {
        self.framed(&format!("content-length: {}\r\n", self.body.len()))
    }

    /// Ends when the connection does.
    pub(super) fn without_length(&self) -> Vec<u8> {
        self.framed("")
    }

    fn framed(&self, length: &str) -> Vec<u8> {
        let mut head = format!("HTTP/1.1 {} Said\r\n{length}connection: close\r\n", self.status);
        for (name, value) in &self.headers {
            let _ = write!(head, "{name}: {value}\r\n");
        }
        head.push_str("\r\n");
        [head.as_bytes(), &self.body].concat()
    }

    /// Gives every value another type: of JSON, of JSON lines, and of XML.
    pub(super) fn twist(&mut self) {
        self.body = match self.documents() {
            Some(documents) => lines(documents.iter().map(twisted)),
            None => twisted_markup(&String::from_utf8_lossy(&self.body)).into_bytes(),
        };
    }

    /// Makes the outermost lists of every document so many items long, by repeating what they hold; fewer, in
    /// proportion, where the items are large.
    pub(super) fn swell(&mut self, items: usize) {
        if let Some(documents) = self.documents() {
            self.body = lines(documents.iter().map(|document| swollen(document, items)));
        }
    }

    /// The body as JSON documents, one a line; `None` where it is none.
    fn documents(&self) -> Option<Vec<Value>> {
        if let Some(one) = self.json() {
            return Some(vec![one]);
        }
        let text = std::str::from_utf8(&self.body).ok()?;
        let all: Option<Vec<Value>> =
            text.lines().filter(|line| !line.trim().is_empty()).map(|line| serde_json::from_str(line).ok()).collect();
        all.filter(|all| !all.is_empty())
    }
}

fn lines(documents: impl Iterator<Item = Value>) -> Vec<u8> {
    documents.map(|document| document.to_string()).collect::<Vec<_>>().join("\n").into_bytes()
}

/// The same structure with every value of another type.
fn twisted(value: &Value) -> Value {
    match value {
        Value::Null => Value::from("null"),
        Value::Bool(flag) => Value::from(if *flag { "yes" } else { "no" }),
        Value::Number(_) => Value::Array(vec![Value::from("number")]),
        Value::String(text) => Value::from(text.len()),
        Value::Array(items) => {
            Value::Object(items.iter().enumerate().map(|(index, item)| (index.to_string(), twisted(item))).collect())
        }
        Value::Object(object) => object.iter().map(|(key, item)| (key.clone(), twisted(item))).collect(),
    }
}

/// The same markup with other elements.
fn twisted_markup(text: &str) -> String {
    let mut twisted = String::new();
    let mut in_name = false;
    for character in text.chars() {
        in_name = character == '<' || (in_name && !matches!(character, '>' | ' '));
        let swapped = if in_name && character.is_ascii_alphabetic() { 'x' } else { character };
        twisted.push(swapped);
    }
    twisted
}

fn swollen(value: &Value, items: usize) -> Value {
    /// Bytes of an item that is not large.
    const ORDINARY: usize = 256;
    match value {
        Value::Array(few) if !few.is_empty() => {
            let size = value.to_string().len().div_ceil(few.len()).max(ORDINARY);
            let many = few.iter().cycle().take((items * ORDINARY / size).max(few.len())).enumerate();
            Value::Array(many.map(|(index, item)| numbered(item, index / few.len())).collect())
        }
        Value::Object(object) => object.iter().map(|(key, item)| (key.clone(), swollen(item, items))).collect(),
        other => other.clone(),
    }
}

/// A copy of an item with a name of its own, so that it is not taken for the same.
fn numbered(item: &Value, copy: usize) -> Value {
    const NAMES: &[&str] = &["id", "uid", "name", "sha", "fingerprint", "instance", "pod", "traceID", "alertname"];
    if copy == 0 {
        return item.clone();
    }
    match item {
        Value::Object(object) => object
            .iter()
            .map(|(key, value)| match value {
                Value::String(text) if NAMES.contains(&key.as_str()) => {
                    (key.clone(), Value::from(format!("{text}-{copy}")))
                }
                Value::Object(_) => (key.clone(), numbered(value, copy)),
                other => (key.clone(), other.clone()),
            })
            .collect(),
        Value::String(text) => Value::from(format!("{text}{copy}")),
        other => other.clone(),
    }
}
