//! GitHub's REST API, as far as it is read: commits, pull requests, releases, deployments, workflow runs.
//!
//! Facts from the vendor's pages "Using pagination in the REST API", "Rate limits for the REST API" and the reference of
//! the lists. A token that may not see a repository gets 404, one without a permission 403, as at the real one.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use axum::Router;
use axum::extract::{Path, Query, Request, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, Uri, header};
use axum::middleware::{Next, from_fn_with_state, map_response};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use serde_json::{Value, json};

use super::stage::Stage;

/// One GitHub with one account.
#[derive(Debug)]
pub struct GitHub {
    /// Requests and misbehaviour.
    pub stage: Arc<Stage>,
    token: String,
    login: Option<String>,
    repositories: BTreeMap<String, Repository>,
    forbidden: BTreeSet<&'static str>,
}

/// What a repository holds, newest first as the API lists it.
#[derive(Debug, Default, Clone)]
pub struct Repository {
    /// Commits of the default branch.
    pub commits: Vec<Value>,
    /// Pull requests.
    pub pulls: Vec<Value>,
    /// Releases.
    pub releases: Vec<Value>,
    /// Deployments.
    pub deployments: Vec<Value>,
    /// Statuses of deployments, by id.
    pub statuses: BTreeMap<u64, Value>,
    /// Workflow runs.
    pub runs: Vec<Value>,
}

type Shared = State<Arc<GitHub>>;
type Parameters = Query<BTreeMap<String, String>>;
type Named = Path<(String, String)>;

impl GitHub {
    /// A server with one user's token; without a login it is a GitHub App's.
    pub fn new(token: &str, login: Option<&str>, repositories: BTreeMap<String, Repository>) -> Self {
        Self {
            stage: Arc::default(),
            token: token.to_owned(),
            login: login.map(str::to_owned),
            repositories,
            forbidden: BTreeSet::new(),
        }
    }

    /// The token lacks the permission for a list (`actions`, `deployments`).
    #[must_use]
    pub fn without(mut self, list: &'static str) -> Self {
        self.forbidden.insert(list);
        self
    }

    /// The API, below a prefix (empty, or `/api/v3` of an Enterprise Server).
    pub fn router(self: &Arc<Self>, prefix: &str) -> Router {
        let router = Router::new()
            .route("/user", get(user))
            .route(
                "/rate_limit",
                get(async || json_reply(&json!({"resources": {"core": {"limit": 5000, "remaining": 4999}}}))),
            )
            .route("/repos/{owner}/{name}", get(repository))
            .route("/repos/{owner}/{name}/commits", get(commits))
            .route("/repos/{owner}/{name}/pulls", get(pulls))
            .route("/repos/{owner}/{name}/releases", get(releases))
            .route("/repos/{owner}/{name}/deployments", get(deployments))
            .route("/repos/{owner}/{name}/deployments/{id}/statuses", get(statuses))
            .route("/repos/{owner}/{name}/actions/runs", get(runs))
            .fallback(async || refused(StatusCode::NOT_FOUND, "Not Found"))
            .layer(from_fn_with_state(Arc::clone(self), authenticated))
            .with_state(Arc::clone(self));
        let router = if prefix.is_empty() {
            router
        } else {
            Router::new().nest(prefix, router).layer(map_response(of_enterprise))
        };
        self.stage.around(router)
    }

    /// One page of a list of a repository.
    fn page(
        &self,
        (owner, name): &(String, String),
        list: &'static str,
        parameters: &BTreeMap<String, String>,
        headers: &HeaderMap,
        path: &str,
        of: impl Fn(&Repository) -> Vec<Value>,
    ) -> Result<(Vec<Value>, usize, Option<String>), Box<Response>> {
        let full = format!("{owner}/{name}").to_lowercase();
        let repository =
            self.repositories.get(&full).ok_or_else(|| Box::new(refused(StatusCode::NOT_FOUND, "Not Found")))?;
        if self.forbidden.contains(list) {
            return Err(Box::new(refused(StatusCode::FORBIDDEN, "Resource not accessible by personal access token")));
        }
        let number = |key: &str, otherwise: usize| {
            parameters.get(key).and_then(|text| text.parse().ok()).unwrap_or(otherwise).max(1)
        };
        let (size, page) = (number("per_page", 30).min(100), number("page", 1));
        let all = of(repository);
        let total = all.len();
        let entries: Vec<Value> = all.into_iter().skip((page - 1) * size).take(size).collect();
        let host = headers.get(header::HOST).and_then(|host| host.to_str().ok()).unwrap_or_default();
        let next = (page * size < total).then(|| {
            let mut query = url::form_urlencoded::Serializer::new(String::new());
            query.extend_pairs(parameters.iter().filter(|(key, _)| *key != "page"));
            query.append_pair("page", &(page + 1).to_string());
            let query = query.finish();
            format!("<http://{host}{path}?{query}>; rel=\"next\", <http://{host}{path}?page=99>; rel=\"last\"")
        });
        Ok((entries, total, next))
    }
}

async fn authenticated(State(github): Shared, request: Request, next: Next) -> Response {
    let allowed = {
        let header = request.headers().get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
        header == Some(format!("Bearer {}", github.token).as_str())
    };
    if !allowed {
        return refused(StatusCode::UNAUTHORIZED, "Bad credentials");
    }
    let mut response = next.run(request).await;
    let limits =
        [("x-ratelimit-limit", "5000"), ("x-ratelimit-remaining", "4990"), ("x-ratelimit-reset", "1714570000")];
    for (name, value) in limits {
        response.headers_mut().insert(HeaderName::from_static(name), HeaderValue::from_static(value));
    }
    response
}

async fn of_enterprise(mut response: Response) -> Response {
    response.headers_mut().insert("x-github-enterprise-version", HeaderValue::from_static("3.14.2"));
    response
}

fn refused(status: StatusCode, why: &str) -> Response {
    let body = json!({"message": why, "documentation_url": "https://docs.github.com/rest", "status": status.as_str()});
    (status, axum::Json(body)).into_response()
}

fn json_reply(value: &Value) -> Response {
    axum::Json(value).into_response()
}

fn listed(outcome: Result<(Vec<Value>, usize, Option<String>), Box<Response>>, within: Option<&str>) -> Response {
    match outcome {
        Err(refusal) => *refusal,
        Ok((entries, total, next)) => {
            let body = match within {
                Some(key) => json!({"total_count": total, key: entries}),
                None => Value::Array(entries),
            };
            let mut response = json_reply(&body);
            if let Some(next) = next.and_then(|next| HeaderValue::from_str(&next).ok()) {
                response.headers_mut().insert(header::LINK, next);
            }
            response
        }
    }
}

async fn user(State(github): Shared) -> Response {
    let Some(login) = &github.login else {
        return refused(StatusCode::FORBIDDEN, "Resource not accessible by integration");
    };
    let mut response = json_reply(&json!({"login": login, "id": 1, "type": "User"}));
    response.headers_mut().insert("x-oauth-scopes", HeaderValue::from_static("repo, read:org"));
    response
}

async fn repository(State(github): Shared, Path((owner, name)): Named) -> Response {
    let full = format!("{owner}/{name}");
    if github.repositories.contains_key(&full.to_lowercase()) {
        json_reply(&json!({"full_name": full, "default_branch": "main", "private": true}))
    } else {
        refused(StatusCode::NOT_FOUND, "Not Found")
    }
}

/// Whether a time lies within bounds; ISO times of the same zone compare as texts.
fn within(time: &Value, since: Option<&String>, until: Option<&String>) -> bool {
    let time = time.as_str().unwrap_or_default();
    since.is_none_or(|since| time >= since.as_str()) && until.is_none_or(|until| time <= until.as_str())
}

async fn commits(
    State(github): Shared,
    Path(named): Named,
    Query(parameters): Parameters,
    headers: HeaderMap,
    uri: Uri,
) -> Response {
    let (since, until) = (parameters.get("since"), parameters.get("until"));
    let fits = |commit: &&Value| within(&commit["commit"]["committer"]["date"], since, until);
    let of = |repository: &Repository| repository.commits.iter().filter(fits).cloned().collect();
    listed(github.page(&named, "commits", &parameters, &headers, uri.path(), of), None)
}

async fn pulls(
    State(github): Shared,
    Path(named): Named,
    Query(parameters): Parameters,
    headers: HeaderMap,
    uri: Uri,
) -> Response {
    let state = parameters.get("state").map_or("open", String::as_str);
    let fits = |pull: &&Value| state == "all" || pull["state"] == state;
    let of = |repository: &Repository| repository.pulls.iter().filter(fits).cloned().collect();
    listed(github.page(&named, "pulls", &parameters, &headers, uri.path(), of), None)
}

async fn releases(
    State(github): Shared,
    Path(named): Named,
    Query(parameters): Parameters,
    headers: HeaderMap,
    uri: Uri,
) -> Response {
    let of = |repository: &Repository| repository.releases.clone();
    listed(github.page(&named, "releases", &parameters, &headers, uri.path(), of), None)
}

async fn deployments(
    State(github): Shared,
    Path(named): Named,
    Query(parameters): Parameters,
    headers: HeaderMap,
    uri: Uri,
) -> Response {
    let of = |repository: &Repository| repository.deployments.clone();
    listed(github.page(&named, "deployments", &parameters, &headers, uri.path(), of), None)
}

async fn statuses(State(github): Shared, Path((owner, name, id)): Path<(String, String, u64)>) -> Response {
    let repository = github.repositories.get(&format!("{owner}/{name}").to_lowercase());
    match repository.and_then(|repository| repository.statuses.get(&id)) {
        Some(statuses) => json_reply(statuses),
        None => refused(StatusCode::NOT_FOUND, "Not Found"),
    }
}

async fn runs(
    State(github): Shared,
    Path(named): Named,
    Query(parameters): Parameters,
    headers: HeaderMap,
    uri: Uri,
) -> Response {
    let range = parameters.get("created").and_then(|range| range.split_once(".."));
    let range = range.map(|(since, until)| (since.to_owned(), until.to_owned()));
    let (since, until) = range.unzip();
    let fits = |run: &&Value| within(&run["created_at"], since.as_ref(), until.as_ref());
    let of = |repository: &Repository| repository.runs.iter().filter(fits).cloned().collect();
    listed(github.page(&named, "actions", &parameters, &headers, uri.path(), of), Some("workflow_runs"))
}

/// A commit id that repeats a character.
pub fn sha(character: char) -> String {
    std::iter::repeat_n(character, 40).collect()
}

/// `shop/checkout` around an onset at 12:15 on 2024-05-01: a pull request merged and deployed at 12:09, a deployment to
/// staging, a release, a failed run; and things that are too old or not merged.
pub fn checkout() -> BTreeMap<String, Repository> {
    let commit = |id: char, date: &str, message: &str| {
        json!({"sha": sha(id), "html_url": format!("https://github.com/shop/checkout/commit/{}", sha(id)),
               "author": {"login": "sam"},
               "commit": {"message": message, "author": {"name": "Sam", "date": "2024-04-20T08:00:00Z"}, "committer": {"date": date}}})
    };
    let pull = |number: u8, merged: Option<&str>, updated: &str, title: &str| {
        json!({"number": number, "state": "closed", "title": title, "merged_at": merged, "updated_at": updated,
               "merge_commit_sha": sha('a'), "user": {"login": "sam"}, "head": {"ref": "pool"}, "base": {"ref": "main"},
               "html_url": format!("https://github.com/shop/checkout/pull/{number}")})
    };
    let deployment = |id: u8, created: &str, environment: &str| {
        json!({"id": id, "sha": sha('a'), "ref": "main", "environment": environment, "description": "by the pipeline",
               "creator": {"login": "bot"}, "created_at": created})
    };
    let status = |state: &str, created: &str| json!({"state": state, "created_at": created, "description": "", "log_url": "https://ci.example.net/1"});
    let run = |number: u16, name: &str, conclusion: Value, created: &str| {
        json!({"id": number, "name": name, "path": format!(".github/workflows/{}.yml", name.to_lowercase()), "run_number": number,
               "display_title": "smaller pool (#12)", "event": "push", "head_branch": "main", "head_sha": sha('a'),
               "status": if conclusion.is_null() { "in_progress" } else { "completed" }, "conclusion": conclusion,
               "created_at": created, "run_started_at": created, "actor": {"login": "sam"},
               "html_url": format!("https://github.com/shop/checkout/actions/runs/{number}")})
    };
    let repository = Repository {
        commits: vec![
            commit('a', "2024-05-01T12:05:00Z", "smaller pool (#12)\n\nTen connections are enough."),
            commit('b', "2024-04-29T12:00:00Z", "too old"),
        ],
        pulls: vec![
            pull(13, None, "2024-05-01T12:06:00Z", "never merged"),
            pull(12, Some("2024-05-01T12:05:00Z"), "2024-05-01T12:05:01Z", "smaller pool"),
            pull(7, Some("2024-04-28T10:00:00Z"), "2024-04-28T10:00:00Z", "too old"),
        ],
        releases: vec![
            json!({"tag_name": "v2.1.0", "draft": true, "created_at": "2024-05-01T12:00:00Z", "published_at": null}),
            json!({"tag_name": "v2.0.0", "name": "Pools", "draft": false, "prerelease": false, "body": "Smaller pools.",
                   "created_at": "2024-05-01T12:06:00Z", "published_at": "2024-05-01T12:07:00Z", "author": {"login": "sam"},
                   "target_commitish": "main", "html_url": "https://github.com/shop/checkout/releases/tag/v2.0.0"}),
        ],
        deployments: vec![
            deployment(3, "2024-05-01T12:20:00Z", "staging"),
            deployment(2, "2024-05-01T12:08:00Z", "production"),
            deployment(1, "2024-04-20T12:08:00Z", "production"),
        ],
        statuses: BTreeMap::from([
            (
                2,
                json!([
                    status("inactive", "2024-05-01T12:30:00Z"),
                    status("success", "2024-05-01T12:10:00Z"),
                    status("in_progress", "2024-05-01T12:09:00Z"),
                    status("queued", "2024-05-01T12:08:00Z"),
                ]),
            ),
            (3, json!([status("failure", "2024-05-01T12:22:00Z")])),
        ]),
        runs: vec![
            run(44, "Deploy", Value::Null, "2024-05-01T12:40:00Z"),
            run(43, "Tests", json!("failure"), "2024-05-01T12:06:00Z"),
            run(42, "Deploy", json!("success"), "2024-05-01T12:08:00Z"),
            run(41, "Tests", json!("success"), "2024-05-01T12:01:00Z"),
            run(40, "Deploy", json!("success"), "2024-04-20T12:01:00Z"),
        ],
    };
    BTreeMap::from([("shop/checkout".to_owned(), repository)])
}
