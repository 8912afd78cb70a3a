//! The client: pages, refusals and the probe.

use std::sync::Arc;
use std::time::{Duration, Instant};

use futures::FutureExt;
use futures::future::{BoxFuture, join_all};
use opensre_http::{Auth, Client, FailureKind, HttpFailure, Reply, Request};
use opensre_model::evidence::GapKind;
use opensre_model::value::Value;
use serde_json::Value as Json;

use super::address::Address;
use super::repository::Repository;
use crate::access::{Access, HttpFields};
use crate::backend::Backend;
use crate::driver::{Bounds, Probe};
use crate::failure::Failure;

const FIELDS: HttpFields = HttpFields::at("url").bearer("auth_token");

const MEDIA_TYPE: &str = "application/vnd.github+json";

/// Time limit of one call where none is set; the declared default.
const TIMEOUT: Duration = Duration::from_secs(15);

/// Entries of a page; the most that the API gives.
pub(super) const PAGE: usize = 100;

/// Most pages of one list.
pub(super) const MOST_PAGES: usize = 3;

const PROBE_BOUNDS: Bounds = Bounds { rows: 1, bytes: 1024 * 1024, seconds: 20 };

/// Most configured repositories that the probe looks for.
const MOST_PROBED: usize = 5;

/// One GitHub, asked in the name of one instance.
pub(super) struct GitHub<'a> {
    access: &'a Access,
    client: Client,
    timeout: Duration,
    pub(super) address: Address,
}

/// A list, page by page, as far as it was read.
pub(super) struct Pages {
    /// Entries, in the API's order.
    pub(super) entries: Vec<Json>,
    /// Whether there are more that were not asked for.
    pub(super) more: bool,
}

impl<'a> GitHub<'a> {
    /// A client within bounds, with the instance's token.
    pub(super) async fn open(access: &'a Access, bounds: Bounds) -> Result<Self, Failure> {
        let address = Address::of(access.instance.config())?;
        let token = access.secret("auth_token").await?.ok_or_else(without_token)?;
        // Headers are meant for the host of the MCP server, and go to no other.
        let fields = if address.beside_mcp { FIELDS.header_map("headers") } else { FIELDS };
        let client = access.client_at(&fields, address.api.as_str(), Auth::Bearer(token)).await?;
        let timeout = match access.instance.config().get("timeout_seconds") {
            Some(Value::Number(seconds)) => Duration::try_from_secs_f64(*seconds).unwrap_or(TIMEOUT),
            _ => TIMEOUT,
        };
        Ok(Self { access, client: bounds.keep(client), timeout, address })
    }

    /// Attempts sent.
    pub(super) fn calls(&self) -> u64 {
        self.client.calls()
    }

    /// The instance as a back end; links are set by each query.
    pub(super) fn backend(&self) -> Backend {
        Backend::direct(&self.access.instance, self.client.clone(), Arc::new(|_, _| None))
    }

    /// The page of a repository (`actions`).
    pub(super) fn page(&self, repository: &Repository, below: &str) -> String {
        let mut page = self.address.web.clone();
        if let Ok(mut path) = page.path_segments_mut() {
            path.pop_if_empty().push(&repository.owner).push(&repository.name).push(below);
        }
        page.to_string()
    }

    /// Asks once. `right` is the permission that a fine-grained token needs for it.
    pub(super) async fn get(&self, path: &[&str], parameters: &[(&str, &str)], right: &str) -> Result<Reply, Failure> {
        self.send(Request::get(path).query(parameters)).await.map_err(|failure| explain(failure, right))
    }

    /// Sends within the instance's time limit of one call.
    async fn send(&self, request: Request) -> Result<Reply, HttpFailure> {
        let limit = Instant::now() + self.timeout;
        let sent = self.client.clone().by(limit).send(request.accept(MEDIA_TYPE)).await;
        sent.map_err(|failure| {
            // The client's deadline is whichever comes first; this says which it was.
            if failure.kind == FailureKind::Deadline && limit < self.client.deadline() {
                let reason = format!("did not answer within {} s", self.timeout.as_secs_f64());
                HttpFailure::new(FailureKind::Timeout, failure.at, reason)
                    .with_hint("raise timeout_seconds, or ask again")
            } else {
                failure
            }
        })
    }

    /// A list below a repository, page by page while `wanted` finds the last entry of the page still of interest. Only
    /// the number of the next page is taken from the `Link` header: its URL is never followed.
    pub(super) async fn list(
        &self,
        repository: &Repository,
        below: &[&str],
        parameters: &[(&str, &str)],
        right: &str,
        within: &str,
        wanted: impl Fn(&Json) -> bool,
    ) -> Result<Pages, Failure> {
        let mut path = vec!["repos", repository.owner.as_str(), repository.name.as_str()];
        path.extend(below);
        let size = PAGE.to_string();
        let mut pages = Pages { entries: Vec::new(), more: false };
        let mut next: Option<String> = None;
        for asked in 1..=MOST_PAGES {
            let mut parameters = parameters.to_vec();
            parameters.push(("per_page", &size));
            if let Some(page) = &next {
                parameters.push(("page", page));
            }
            let reply = self.get(&path, &parameters, right).await?;
            let following = reply.header("link").and_then(next_page);
            let answer: Json = reply.json()?;
            let list = if within.is_empty() { Some(&answer) } else { answer.get(within) };
            let entries = list
                .and_then(Json::as_array)
                .ok_or_else(|| Failure::nonsense("answered with something that is no list"))?;
            let goes_on = entries.last().is_some_and(&wanted);
            pages.entries.extend(entries.iter().cloned());
            match following {
                Some(_) if !goes_on => break,
                Some(_) if asked == MOST_PAGES => pages.more = true,
                // A page that points back would be asked for without end.
                Some(page) if next.as_ref() != Some(&page) => next = Some(page),
                _ => break,
            }
        }
        Ok(pages)
    }
}

/// The number of the next page in a `Link` header: `<https://...&page=2>; rel="next", ...`.
pub(super) fn next_page(link: &str) -> Option<String> {
    link.split(',').find_map(|part| {
        let (url, rest) = part.trim().strip_prefix('<')?.split_once('>')?;
        let is_next = rest.split(';').any(|word| matches!(word.trim(), "rel=\"next\"" | "rel=next"));
        let url = url::Url::parse(url).ok().filter(|_| is_next)?;
        let (_, page) = url.query_pairs().find(|(name, _)| name == "page")?;
        page.parse::<u32>().ok().map(|page| page.to_string())
    })
}

fn without_token() -> Failure {
    Failure::new(GapKind::Denied, "auth_token is not set; the REST API is asked with a token only")
        .with_hint("set auth_token to a read-only personal access token")
}

/// Tells the reasons for a refusal apart, which GitHub writes with the same status.
fn explain(failure: HttpFailure, right: &str) -> Failure {
    let said = failure.reason.to_lowercase();
    let kind = failure.kind;
    let mut failure = Failure::from(failure);
    match kind {
        FailureKind::RateLimited { .. } => {
            failure.hint =
                Some("the token's calls of this hour are spent; ask again later, or use another token".to_owned());
        }
        FailureKind::Forbidden if said.contains("rate limit") || said.contains("abuse detection") => {
            failure.kind = GapKind::RateLimited;
            failure.hint = Some("GitHub limits bursts of calls; ask again in a minute".to_owned());
        }
        FailureKind::Forbidden if said.contains("saml") || said.contains("sso") => {
            failure.hint = Some("authorise the token for the organisation's single sign-on".to_owned());
        }
        FailureKind::Forbidden => {
            failure.hint = Some(format!("give the token the permission {right}, for this repository"));
        }
        FailureKind::NotFound => {
            failure.hint = Some(
                "GitHub answers so too where the token may not see the repository: check its name and the token"
                    .to_owned(),
            );
        }
        _ => {}
    }
    failure
}

pub(super) fn probe(access: &Access) -> BoxFuture<'_, Probe> {
    async move {
        if !access.instance.config().has("auth_token") {
            let detail = "no auth_token: the REST API is not asked, and this program does not ask the MCP server";
            return Probe::configured(detail).with("url", access.instance.config().text("url"));
        }
        Probe::from(prove(access).await)
    }
    .boxed()
}

/// The user proves the token; a GitHub App's token, which is no user, is proved by its rate limit.
async fn prove(access: &Access) -> Result<Probe, Failure> {
    let github = GitHub::open(access, PROBE_BOUNDS).await?;
    let (reply, login) = match github.send(Request::get("user")).await {
        Ok(reply) => {
            let user: Json = reply.json()?;
            let login = user.get("login").and_then(Json::as_str).map(str::to_owned);
            (reply, Some(login.ok_or_else(|| Failure::nonsense("answered without a `login`"))?))
        }
        Err(refused) if refused.kind == FailureKind::Forbidden && refused.reason.contains("integration") => {
            let reply = github.get(&["rate_limit"], &[], "metadata: read").await?;
            let limits: Json = reply.json()?;
            if !limits.get("resources").is_some_and(Json::is_object) {
                return Err(Failure::nonsense("answered without rate limits (`resources`)"));
            }
            (reply, None)
        }
        Err(failure) => return Err(explain(failure, "metadata: read")),
    };
    let scopes = reply.header("x-oauth-scopes").map(str::trim).filter(|scopes| !scopes.is_empty()).map(str::to_owned);
    let version = reply.header("x-github-enterprise-version").map(str::to_owned);
    let who = login.as_ref().map_or_else(|| "a GitHub App's token".to_owned(), |login| format!("the token of {login}"));
    let detail = match seen(&github).await? {
        Some(repositories) => format!("{who}; {repositories}"),
        None => format!("{who}; no repositories are configured, so those that alerts name are asked"),
    };
    Ok(Probe::passed(detail)
        .with("login", login)
        .with("scopes", scopes)
        .with("version", version)
        .with("host", Some(github.address.host())))
}

/// Whether the configured repositories can be seen; those that cannot are named.
async fn seen(github: &GitHub<'_>) -> Result<Option<String>, Failure> {
    let configured = github.access.instance.config().list("repositories");
    let known: Vec<Repository> =
        configured.iter().filter_map(|text| Repository::parse(text)).take(MOST_PROBED).collect();
    if known.is_empty() {
        return Ok(None);
    }
    let looks = join_all(known.iter().map(|repository| async move {
        let path = ["repos", repository.owner.as_str(), repository.name.as_str()];
        github.get(&path, &[], "metadata: read").await
    }))
    .await;
    let unseen: Vec<String> = known
        .iter()
        .zip(looks)
        .filter_map(|(repository, look)| Some(format!("{repository} ({})", look.err()?.reason)))
        .collect();
    Ok(Some(match (known.len(), unseen.len()) {
        (count, 0) => format!("{count} configured repositories can be seen"),
        (_, _) => format!("cannot be seen: {}", unseen.join(", ")),
    }))
}
