//! The calls to one environment: a query is created, started, and polled until it is complete.
//!
//! Facts from the vendor's API reference: "Query Data" (three steps; `complete`; `links.query_url`), "Columns" and
//! "Datasets".

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures::FutureExt;
use futures::future::join_all;
use jiff::Timestamp;
use opensre_http::{Client, FailureKind, HttpFailure, Request};
use opensre_model::evidence::GapKind;
use serde_json::{Value as Json, json};
use url::Url;

use super::columns::Columns;
use crate::access::{Access, HttpFields};
use crate::backend::{Backend, LinkTarget};
use crate::driver::Bounds;
use crate::failure::Failure;

const FIELDS: HttpFields = HttpFields::at("base_url").header("X-Honeycomb-Team", "api_key");

/// What stands for all datasets of an environment.
const ALL: &str = "__all__";

/// How often a result is asked for, and how long it is waited in between.
const POLLS: usize = 10;
const BETWEEN_POLLS: Duration = Duration::from_millis(500);

/// Most datasets whose columns are read where all of them are asked.
const MOST_DATASETS: usize = 8;

/// How long columns are taken for known.
const FRESH: Duration = Duration::from_mins(1);

/// Links to the pages of results, by query or trace id.
type Links = Arc<Mutex<BTreeMap<String, String>>>;

/// An environment that can be asked.
pub(super) struct Honeycomb {
    pub(super) client: Client,
    pub(super) backend: Backend,
    dataset: String,
    links: Links,
}

impl Honeycomb {
    /// The instance's environment, within bounds.
    pub(super) async fn open(access: &Access, bounds: Bounds) -> Result<Self, Failure> {
        let client = bounds.keep(access.client(&FIELDS).await?);
        let dataset = access.instance.config().text("dataset").unwrap_or(ALL).to_owned();
        let links = Links::default();
        let known = Arc::clone(&links);
        let builder = move |target: LinkTarget<'_>, _: &_| {
            let (LinkTarget::Query(key) | LinkTarget::Trace(key)) = target;
            known.lock().unwrap_or_else(PoisonError::into_inner).get(key).cloned()
        };
        let backend = Backend::direct(&access.instance, client.clone(), Arc::new(builder));
        Ok(Self { client, backend, dataset, links })
    }

    /// Who the key belongs to.
    pub(super) async fn auth(&self) -> Result<Json, Failure> {
        let reply = self.client.get::<&str, &str>("1/auth", &[]).await?;
        let answer: Json = reply.json()?;
        if answer.pointer("/team/slug").is_some_and(Json::is_string) {
            return Ok(answer);
        }
        Err(Failure::nonsense("the answer is not Honeycomb's: it names no team"))
    }

    /// The columns that are there. Where all datasets are asked, those of the datasets that `likely` prefers, then of
    /// those written last. Datasets that may not be read leave those that may; why they could not be is told beside.
    pub(super) async fn columns(&self, likely: &[&str]) -> Result<(Columns, Option<Failure>), Failure> {
        let datasets = if self.dataset == ALL { self.datasets(likely).await? } else { vec![self.dataset.clone()] };
        let asked = datasets.iter().map(|dataset| {
            async move {
                let path = ["1", "columns", dataset.as_str()];
                let reply = self.client.get_shared(&path, &[], FRESH).await.map_err(refused)?;
                Ok::<Json, Failure>(reply.json()?)
            }
            .boxed()
        });
        let (mut columns, mut failure) = (Columns::default(), None);
        for answer in join_all(asked).await {
            match answer.and_then(|answer| columns.add(&answer)) {
                Ok(()) => {}
                Err(why) => failure = Some(why),
            }
        }
        match failure {
            Some(failure) if columns.count() == 0 => Err(failure),
            failure => Ok((columns, failure.map(|failure| failure.about("the columns of some datasets")))),
        }
    }

    async fn datasets(&self, likely: &[&str]) -> Result<Vec<String>, Failure> {
        let reply = self.client.get_shared("1/datasets", &[], FRESH).await.map_err(refused)?;
        let Json::Array(all) = reply.json::<Json>()? else {
            return Err(Failure::nonsense("the answer is not Honeycomb's: the datasets are no list"));
        };
        let text = |dataset: &Json, key: &str| dataset.get(key).and_then(Json::as_str).unwrap_or_default().to_owned();
        let mut datasets: Vec<(bool, String, String)> = all
            .iter()
            .map(|dataset| {
                let (slug, name) = (text(dataset, "slug"), text(dataset, "name"));
                let wanted = likely.iter().any(|likely| likely.eq_ignore_ascii_case(&slug) || *likely == name);
                (wanted, text(dataset, "last_written_at"), slug)
            })
            .filter(|(_, _, slug)| !slug.is_empty())
            .collect();
        datasets.sort_by(|a, b| b.cmp(a));
        Ok(datasets.into_iter().take(MOST_DATASETS).map(|(_, _, slug)| slug).collect())
    }

    /// Runs a query over a time: created, started, polled. The answer is the complete result's `data`. The page of the
    /// result becomes the link of `keys`.
    pub(super) async fn run(
        &self,
        spec: &Json,
        (from, to): (Timestamp, Timestamp),
        keys: &[&str],
    ) -> Result<Json, Failure> {
        let mut spec = spec.clone();
        if let Json::Object(fields) = &mut spec {
            fields.remove("time_range");
            fields.insert("start_time".to_owned(), from.as_second().into());
            // Whole seconds: a part of one at the end is asked for as a whole, and cut off by who asks.
            let end = to.as_second().saturating_add(i64::from(to.subsec_nanosecond() > 0));
            fields.insert("end_time".to_owned(), end.into());
        }
        self.result(&spec, keys).await
    }

    /// Runs a query as it is.
    pub(super) async fn result(&self, spec: &Json, keys: &[&str]) -> Result<Json, Failure> {
        let dataset = self.dataset.as_str();
        let query_id = self.post(&["1", "queries", dataset], spec).await?;
        let id = self.post(&["1", "query_results", dataset], &json!({"query_id": query_id})).await?;
        let path = ["1", "query_results", dataset, id.as_str()];
        for poll in 0..POLLS {
            if poll > 0 {
                tokio::time::sleep(BETWEEN_POLLS).await;
            }
            let answer: Json = self.client.get::<&str, &str>(&path, &[]).await.map_err(refused)?.json()?;
            match answer.get("complete").and_then(Json::as_bool) {
                Some(true) => {
                    self.remember(&answer, keys);
                    return answer.get("data").filter(|data| data.is_object()).cloned().ok_or_else(|| {
                        Failure::nonsense("the answer is not Honeycomb's: a complete result has no data")
                    });
                }
                Some(false) => {}
                None => return Err(Failure::nonsense("the answer is not Honeycomb's: `complete` is missing")),
            }
        }
        Err(Failure::new(GapKind::Failed, format!("the query was not complete after {POLLS} questions"))
            .with_hint("ask again later, or for a shorter window"))
    }

    /// Sends what creates a query or a run; its id is the answer. Both can happen twice without harm.
    async fn post(&self, path: &[&str], body: &Json) -> Result<String, Failure> {
        let answer: Json = self.client.send(Request::post_json(path, body).is_read()).await.map_err(refused)?.json()?;
        let id = answer.get("id").and_then(Json::as_str).filter(|id| !id.is_empty());
        id.map(str::to_owned).ok_or_else(|| Failure::nonsense("the answer is not Honeycomb's: it has no id"))
    }

    fn remember(&self, answer: &Json, keys: &[&str]) {
        let url = answer.pointer("/links/query_url").and_then(Json::as_str).and_then(|url| Url::parse(url).ok());
        // A link is shown to people: only a plain one is.
        let plain = |url: &Url| url.scheme() == "https" && url.username().is_empty() && url.password().is_none();
        if let Some(url) = url.filter(plain) {
            let mut links = self.links.lock().unwrap_or_else(PoisonError::into_inner);
            links.extend(keys.iter().map(|key| ((*key).to_owned(), url.to_string())));
        }
    }
}

/// A failure, with what the key needs where it was refused.
pub(super) fn refused(failure: HttpFailure) -> Failure {
    let denied = matches!(failure.kind, FailureKind::Forbidden | FailureKind::Unauthorized);
    let failure = Failure::from(failure);
    if denied {
        failure.with_hint(
            "give the key the permissions `Run Queries` and `Manage Queries and Columns`; results by API are part of \
             the Enterprise plan",
        )
    } else {
        failure
    }
}
