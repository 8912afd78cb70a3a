//! Wire formats: from the API's JSON to applications. Pure and lenient: what cannot be read is absent.
//!
//! Source: `v1alpha1Application` of the vendor's OpenAPI description, and its page "Application Specification".

use jiff::Timestamp;
use opensre_model::alert::Labels;
use serde_json::Value as Json;

use crate::failure::Failure;

/// An application.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Application {
    /// Its name.
    pub name: String,
    /// The namespace that the application itself is in.
    pub namespace: Option<String>,
    /// Its project.
    pub project: Option<String>,
    /// Its labels.
    pub labels: Labels,
    /// Where it is deployed.
    pub destination: Destination,
    /// `Synced`, `OutOfSync` or `Unknown`.
    pub sync: Option<String>,
    /// The revision that it was compared with.
    pub revision: Option<String>,
    /// Its health.
    pub health: Health,
    /// The last operation, or the one under way.
    pub operation: Option<Operation>,
    /// Errors and warnings of Argo CD about it.
    pub conditions: Vec<Condition>,
    /// What was deployed, oldest first.
    pub history: Vec<Deployment>,
    /// What it consists of.
    pub resources: Vec<Resource>,
    /// The container images that it runs.
    pub images: Vec<String>,
    /// When it was last compared.
    pub reconciled_at: Option<Timestamp>,
}

/// Where an application is deployed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Destination {
    /// Name of the cluster.
    pub cluster: Option<String>,
    /// URL of the cluster's API server.
    pub server: Option<String>,
    /// Namespace.
    pub namespace: Option<String>,
}

/// A health, with its reason.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Health {
    /// `Healthy`, `Progressing`, `Degraded`, `Suspended`, `Missing` or `Unknown`.
    pub status: Option<String>,
    /// Why.
    pub message: Option<String>,
    /// Since when, where the server tells.
    pub since: Option<Timestamp>,
}

impl Health {
    /// Whether it is a good state; `None` where that is still open.
    pub fn is_good(&self) -> Option<bool> {
        match self.status.as_deref() {
            Some("Healthy" | "Suspended") => Some(true),
            Some("Degraded" | "Missing") => Some(false),
            _ => None,
        }
    }
}

/// A sync, under way or over.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Operation {
    /// `Running`, `Terminating`, `Failed`, `Error` or `Succeeded`.
    pub phase: String,
    /// What was said about it.
    pub message: Option<String>,
    /// To which revision.
    pub revision: Option<String>,
    /// When it began.
    pub started_at: Option<Timestamp>,
    /// When it ended.
    pub finished_at: Option<Timestamp>,
    /// Who asked for it.
    pub by: Option<String>,
    /// What was done to single resources and failed, in words.
    pub failed: Vec<String>,
    /// How many resources were synced.
    pub synced: usize,
}

impl Operation {
    /// Whether it ended badly.
    pub fn is_failed(&self) -> bool {
        matches!(self.phase.as_str(), "Failed" | "Error")
    }
}

/// An error or warning of Argo CD about an application.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Condition {
    /// `ComparisonError`, `SyncError`, `OrphanedResourceWarning`, ...
    pub kind: String,
    /// What it says.
    pub message: String,
    /// Since when.
    pub since: Option<Timestamp>,
}

impl Condition {
    /// Whether it tells of trouble that Argo CD itself has, rather than of the application's.
    pub fn is_of_argo(&self) -> bool {
        matches!(self.kind.as_str(), "ComparisonError" | "UnknownError")
    }
}

/// An entry of the history.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Deployment {
    /// Its number.
    pub id: Option<i64>,
    /// Its revision; of several sources the first.
    pub revision: String,
    /// The revisions of all sources, where there are several.
    pub revisions: Vec<String>,
    /// When the sync ended.
    pub deployed_at: Timestamp,
    /// When the sync began, where the server tells.
    pub started_at: Option<Timestamp>,
    /// Who asked for it.
    pub by: Option<String>,
    /// Where it came from: repository and path or chart.
    pub source: Option<Source>,
}

/// Where manifests come from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Source {
    /// Repository, without credentials.
    pub repository: String,
    /// Path in it, or chart.
    pub path: Option<String>,
    /// Whether it is a chart, whose revision is a version and no commit.
    pub is_chart: bool,
    /// Branch, tag or version range that is followed.
    pub target: Option<String>,
}

/// A resource of an application.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Resource {
    /// Its kind.
    pub kind: String,
    /// Its name.
    pub name: String,
    /// Its namespace.
    pub namespace: Option<String>,
    /// `Synced`, `OutOfSync`.
    pub sync: Option<String>,
    /// Its health.
    pub health: Health,
}

/// What a revision is, as the repository tells.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Revision {
    /// Who wrote it.
    pub author: Option<String>,
    /// First line of its message.
    pub message: Option<String>,
    /// Tags on it.
    pub tags: Vec<String>,
}

impl Application {
    /// The parameters that name it: project and namespace beside its name.
    pub fn parameters(&self) -> Vec<(&'static str, &str)> {
        [("project", self.project.as_deref()), ("appNamespace", self.namespace.as_deref())]
            .into_iter()
            .filter_map(|(name, value)| Some((name, value?)))
            .collect()
    }

    /// The call that asks for it, for a person to repeat.
    pub fn path(&self, below: &str) -> String {
        let mut query = url::form_urlencoded::Serializer::new(String::new());
        query.extend_pairs(self.parameters());
        let query = query.finish();
        let mark = if query.is_empty() { "" } else { "?" };
        format!("GET /api/v1/applications/{}{below}{mark}{query}", self.name)
    }
}

/// Reads the list of applications, and how many entries could not be read. `items` is null where there are none.
pub fn applications(answer: &Json) -> Result<(Vec<Application>, usize), Failure> {
    let items = match answer.get("items") {
        Some(Json::Null) => return Ok((Vec::new(), 0)),
        Some(Json::Array(items)) => items,
        _ => return Err(Failure::nonsense("answered without a list of applications (`items`)")),
    };
    let read: Vec<Application> = items.iter().filter_map(application).collect();
    let odd = items.len() - read.len();
    Ok((read, odd))
}

/// Reads one application; `None` without a name.
pub fn application(json: &Json) -> Option<Application> {
    let status = json.get("status").unwrap_or(&Json::Null);
    let at = |path: &str| json.pointer(path);
    Some(Application {
        name: text(at("/metadata/name"))?,
        namespace: text(at("/metadata/namespace")),
        project: text(at("/spec/project")),
        labels: labels(at("/metadata/labels")),
        destination: Destination {
            cluster: text(at("/spec/destination/name")),
            server: text(at("/spec/destination/server")),
            namespace: text(at("/spec/destination/namespace")),
        },
        sync: text(status.pointer("/sync/status")),
        revision: text(status.pointer("/sync/revision")).or_else(|| text(status.pointer("/sync/revisions/0"))),
        health: health(status.get("health")),
        operation: status.get("operationState").and_then(operation),
        conditions: list(status.get("conditions"), condition),
        history: history(status.get("history")),
        resources: list(status.get("resources"), resource),
        images: list(status.pointer("/summary/images"), |image| text(Some(image))),
        reconciled_at: time(status.get("reconciledAt")),
    })
}

/// Reads the nodes of a resource tree.
pub fn tree(answer: &Json) -> Vec<Resource> {
    list(answer.get("nodes"), resource)
}

/// Reads a revision's metadata.
pub fn revision(answer: &Json) -> Revision {
    Revision {
        author: text(answer.get("author")),
        message: text(answer.get("message"))
            .and_then(|message| message.lines().map(str::trim).find(|line| !line.is_empty()).map(str::to_owned)),
        tags: list(answer.get("tags"), |tag| text(Some(tag))),
    }
}

/// A revision as people write it: seven characters of a commit, a version as it is.
pub fn short(revision: &str) -> &str {
    if is_commit(revision) { &revision[..7] } else { revision }
}

/// Whether a revision is a commit rather than a version.
pub fn is_commit(revision: &str) -> bool {
    matches!(revision.len(), 40 | 64) && revision.bytes().all(|byte| byte.is_ascii_hexdigit())
}

fn health(json: Option<&Json>) -> Health {
    let of = |key: &str| json.and_then(|json| json.get(key));
    Health { status: text(of("status")), message: text(of("message")), since: time(of("lastTransitionTime")) }
}

fn operation(json: &Json) -> Option<Operation> {
    json.as_object()?;
    let results = json.pointer("/syncResult/resources").and_then(Json::as_array);
    let results = || results.into_iter().flatten();
    let failed = |one: &&Json| {
        let is = |key: &str, words: &[&str]| text(one.get(key)).is_some_and(|word| words.contains(&word.as_str()));
        is("status", &["SyncFailed"]) || is("hookPhase", &["Failed", "Error"])
    };
    Some(Operation {
        // A list may leave it out.
        phase: text(json.get("phase")).unwrap_or_default(),
        message: text(json.get("message")),
        revision: text(json.pointer("/syncResult/revision"))
            .or_else(|| text(json.pointer("/syncResult/revisions/0")))
            .or_else(|| text(json.pointer("/operation/sync/revision"))),
        started_at: time(json.get("startedAt")),
        finished_at: time(json.get("finishedAt")),
        by: initiator(json.pointer("/operation/initiatedBy")),
        failed: results()
            .filter(failed)
            .map(|one| {
                let of = |key: &str| text(one.get(key)).unwrap_or_default();
                format!("{} {}: {}", of("kind"), of("name"), of("message"))
            })
            .collect(),
        synced: results().filter(|one| text(one.get("status")).as_deref() == Some("Synced")).count(),
    })
}

fn condition(json: &Json) -> Option<Condition> {
    Some(Condition {
        kind: text(json.get("type"))?,
        message: text(json.get("message")).unwrap_or_default(),
        since: time(json.get("lastTransitionTime")),
    })
}

fn history(json: Option<&Json>) -> Vec<Deployment> {
    let mut history = list(json, |entry| {
        let revisions = list(entry.get("revisions"), |revision| text(Some(revision)));
        let source = entry.get("source").and_then(source).or_else(|| entry.pointer("/sources/0").and_then(source));
        Some(Deployment {
            id: entry.get("id").and_then(Json::as_i64),
            revision: text(entry.get("revision")).or_else(|| revisions.first().cloned())?,
            revisions,
            deployed_at: time(entry.get("deployedAt"))?,
            started_at: time(entry.get("deployStartedAt")),
            by: initiator(entry.get("initiatedBy")),
            source,
        })
    });
    history.sort_by_key(|entry| entry.deployed_at);
    history
}

fn source(json: &Json) -> Option<Source> {
    let chart = text(json.get("chart"));
    let repository = text(json.get("repoURL"))?;
    Some(Source {
        repository: without_credentials(&repository),
        is_chart: chart.is_some(),
        path: chart.or_else(|| text(json.get("path"))),
        target: text(json.get("targetRevision")),
    })
}

/// A repository's URL without user and password, which people put there; one that cannot be read loses all up to the
/// last `@`, but for the user of `git@host:path`.
fn without_credentials(repository: &str) -> String {
    match url::Url::parse(repository) {
        Ok(mut url) if url.has_host() => {
            // Cannot fail: the URL has a host.
            let _ = url.set_password(None);
            if url.scheme() != "ssh" {
                let _ = url.set_username("");
            }
            url.to_string()
        }
        _ if repository.starts_with("git@") => repository.to_owned(),
        _ => repository.rsplit('@').next().unwrap_or_default().to_owned(),
    }
}

fn resource(json: &Json) -> Option<Resource> {
    Some(Resource {
        kind: text(json.get("kind"))?,
        name: text(json.get("name"))?,
        namespace: text(json.get("namespace")),
        sync: text(json.get("status")),
        health: health(json.get("health")),
    })
}

/// `{"username": "sam"}` or `{"automated": true}`.
fn initiator(json: Option<&Json>) -> Option<String> {
    let json = json?;
    match json.get("automated").and_then(Json::as_bool) {
        Some(true) => Some("automated sync".to_owned()),
        _ => text(json.get("username")),
    }
}

fn labels(json: Option<&Json>) -> Labels {
    let map = json.and_then(Json::as_object).into_iter().flatten();
    map.filter_map(|(name, value)| Some((name.clone(), value.as_str()?.to_owned()))).collect()
}

fn list<T>(json: Option<&Json>, one: impl Fn(&Json) -> Option<T>) -> Vec<T> {
    json.and_then(Json::as_array).into_iter().flatten().filter_map(one).collect()
}

/// A text that is not blank.
fn text(json: Option<&Json>) -> Option<String> {
    json?.as_str().map(str::trim).filter(|text| !text.is_empty()).map(str::to_owned)
}

fn time(json: Option<&Json>) -> Option<Timestamp> {
    json?.as_str()?.parse().ok()
}
