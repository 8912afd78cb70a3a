//! The API server: lists in pages, logs as text.
//!
//! Source: "Kubernetes API Concepts" (retrieving large results sets in chunks, receiving resources as metadata) and the
//! page "Pod" of the API reference (`GET .../pods/{name}/log`).

use std::time::Duration;

use jiff::Timestamp;
use opensre_http::{Client, FailureKind, HttpFailure, Reply, Request};
use serde_json::Value as Json;

use super::way::Way;
use crate::failure::Failure;

/// Most objects of one page.
const PAGE: usize = 250;
/// Most objects of one list, whatever the server would send.
const MOST: usize = 1500;
/// Most pages that are read, however little each holds.
const MOST_PAGES: usize = 2 * MOST / PAGE;
/// For how long queries of one investigation share a list.
const FRESH: Duration = Duration::from_secs(20);

/// A kind of object.
#[derive(Debug, Clone, Copy)]
pub(super) struct Kind {
    /// Group and version, as the path has it: `api/v1`, `apis/apps/v1`.
    pub(super) group: &'static str,
    /// The plural in the path.
    pub(super) plural: &'static str,
    /// The plural in words.
    pub(super) words: &'static str,
}

/// A list, as far as it was read.
#[derive(Debug, Clone)]
pub(super) struct Listed {
    /// The objects.
    pub(super) items: Vec<Json>,
    /// What was not read, if anything.
    pub(super) cut: Option<String>,
    /// The server's time.
    pub(super) now: Option<Timestamp>,
    /// Method, path and parameters of the first page.
    pub(super) query: String,
}

/// The API server of an instance.
#[derive(Debug, Clone)]
pub(super) struct Api {
    pub(super) client: Client,
    pub(super) way: Way,
}

/// In which form objects are wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    /// Whole.
    Whole,
    /// Names, labels and times only: the server leaves everything else out, the data of a secret say.
    Metadata,
}

/// The media type of lists that hold metadata only.
const METADATA: &str = "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=1";

impl Api {
    /// Lists a kind in a namespace, or in all. `parameters` are selectors.
    pub(super) async fn list(
        &self,
        kind: Kind,
        namespace: Option<&str>,
        form: Form,
        parameters: &[(&str, &str)],
    ) -> Result<Listed, Failure> {
        let first = self.pages(kind, namespace, form, parameters, true).await;
        match first {
            // A continue token lasts some minutes. The way out is to begin again, once.
            Err(failure) if failure.kind == FailureKind::BadRequest(410) => {
                self.pages(kind, namespace, form, parameters, false).await
            }
            outcome => outcome,
        }
        .map_err(|failure| explain_kind(failure, kind, self.way))
    }

    async fn pages(
        &self,
        kind: Kind,
        namespace: Option<&str>,
        form: Form,
        parameters: &[(&str, &str)],
        shared: bool,
    ) -> Result<Listed, HttpFailure> {
        let mut path: Vec<&str> = kind.group.split('/').collect();
        path.extend(namespace.into_iter().flat_map(|namespace| ["namespaces", namespace]));
        path.push(kind.plural);
        let limit = PAGE.to_string();
        let mut given = parameters.to_vec();
        given.push(("limit", &limit));
        let mut listed = Listed { items: Vec::new(), cut: None, now: None, query: shown(&path, &given) };
        let mut next: Option<String> = None;
        let mut pages = 0;
        loop {
            pages += 1;
            let mut given = given.clone();
            given.extend(next.as_deref().map(|token| ("continue", token)));
            let reply = match form {
                Form::Whole if shared => self.client.get_shared(path.as_slice(), &given, FRESH).await?,
                Form::Whole => self.client.send(Request::get(path.as_slice()).query(&given)).await?,
                Form::Metadata => {
                    self.client.send(Request::get(path.as_slice()).query(&given).accept(METADATA)).await?
                }
            };
            listed.now = date(&reply).or(listed.now);
            let page: Json = reply.json()?;
            drop(reply);
            let Some(items) = page.get("items").and_then(list_or_nothing) else {
                return Err(HttpFailure::new(
                    FailureKind::NotJson { html: false },
                    self.client.base().host_str().unwrap_or_default(),
                    format!("answered with something that is no list of {}", kind.words),
                )
                .with_hint(self.way.no_api_server()));
            };
            listed.items.extend(items);
            next =
                page.pointer("/metadata/continue").and_then(Json::as_str).filter(|t| !t.is_empty()).map(str::to_owned);
            if next.is_none() {
                return Ok(listed);
            }
            if listed.items.len() >= MOST || pages >= MOST_PAGES {
                let left = page.pointer("/metadata/remainingItemCount").and_then(Json::as_u64);
                let left = left.map_or("more".to_owned(), |left| format!("{left} more"));
                listed.cut =
                    Some(format!("the first {} {} were read; there are {left}", listed.items.len(), kind.words));
                return Ok(listed);
            }
        }
    }

    /// Reads the log of a container; at most `bytes` of it. `query` tells what was asked.
    pub(super) async fn log(
        &self,
        namespace: &str,
        pod: &str,
        parameters: &[(&str, &str)],
    ) -> Result<(String, String), HttpFailure> {
        let path = ["api", "v1", "namespaces", namespace, "pods", pod, "log"];
        // The server knows no other type here, and answers 406 to one.
        let request = Request::get(&path).query(parameters).accept("*/*");
        let reply = self.client.send(request).await?;
        let text = reply.text();
        let is_page = reply.header("content-type").is_some_and(|kind| kind.contains("html"));
        if is_page {
            let host = self.client.base().host_str().unwrap_or_default();
            return Err(HttpFailure::new(
                FailureKind::NotJson { html: true },
                host,
                "answered with an HTML page instead of a log",
            )
            .with_hint("check that no login proxy stands before the API server"));
        }
        Ok((text, shown(&path, parameters)))
    }
}

/// An array, or `null`, which Go writes for an empty one.
fn list_or_nothing(items: &Json) -> Option<Vec<Json>> {
    match items {
        Json::Array(items) => Some(items.clone()),
        Json::Null => Some(Vec::new()),
        _ => None,
    }
}

fn shown(path: &[&str], parameters: &[(&str, &str)]) -> String {
    let parameters: Vec<String> = parameters.iter().map(|(name, value)| format!("{name}={value}")).collect();
    format!("GET /{}?{}", path.join("/"), parameters.join("&"))
}

/// The time of an answer, by the server's clock.
fn date(reply: &Reply) -> Option<Timestamp> {
    Some(jiff::fmt::rfc2822::parse(reply.header("date")?).ok()?.timestamp())
}

/// A failure to do with one kind of object, with a hint.
fn explain_kind(failure: HttpFailure, kind: Kind, way: Way) -> Failure {
    let hint = match failure.kind {
        FailureKind::Forbidden => Some(format!("let the user list {} (the ClusterRole `view` has most)", kind.words)),
        FailureKind::NotFound => Some(format!("the cluster does not serve {}/{}", kind.group, kind.plural)),
        _ => None,
    };
    let failure = way.explain(failure).about(kind.words);
    match hint {
        Some(hint) => failure.with_hint(hint),
        None => failure,
    }
}
