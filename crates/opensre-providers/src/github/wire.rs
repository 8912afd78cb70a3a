//! Wire formats: from the API's JSON to what changed. Pure and lenient: an entry that cannot be read is left out.

use std::sync::LazyLock;

use jiff::Timestamp;
use opensre_model::evidence::{Event, EventKind};
use regex::Regex;
use serde_json::Value as Json;

/// Longest title, in characters.
const LONGEST_TITLE: usize = 200;

/// Longest text, in characters.
const LONGEST_TEXT: usize = 1_000;

/// A deployment, before its statuses are known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Deployment {
    /// Its id.
    pub id: u64,
    /// When it was asked for.
    pub created_at: Timestamp,
    /// The commit.
    pub sha: String,
    /// The branch or tag.
    pub reference: Option<String>,
    /// Where to.
    pub environment: String,
    /// What is said about it.
    pub description: Option<String>,
    /// Who asked for it.
    pub creator: Option<String>,
}

/// A status of a deployment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Status {
    /// `queued`, `waiting`, `pending`, `in_progress`, `success`, `failure`, `error` or `inactive`.
    pub state: String,
    /// When it was set.
    pub created_at: Timestamp,
    /// What is said about it.
    pub description: Option<String>,
    /// Its log.
    pub url: Option<String>,
}

/// A commit on the default branch. Its time is the committer's: when it got there, not when it was written.
pub fn commit(json: &Json) -> Option<Event> {
    let sha = text(json.get("sha"))?;
    let message = text(json.pointer("/commit/message")).unwrap_or_default();
    let (first, rest) = message.split_once('\n').unwrap_or((&message, ""));
    let author = text(json.pointer("/author/login")).or_else(|| text(json.pointer("/commit/author/name")));
    Some(event(
        time(json.pointer("/commit/committer/date")).or_else(|| time(json.pointer("/commit/author/date")))?,
        EventKind::Change,
        &format!("commit {}: {}", short(&sha), first.trim()),
        rest.trim(),
        &[("sha", Some(sha)), ("author", author), ("url", text(json.get("html_url")))],
    ))
}

/// A merged pull request; `None` for one that was only closed.
pub fn pull_request(json: &Json) -> Option<Event> {
    let number = json.get("number")?.as_u64()?;
    let merged = time(json.get("merged_at"))?;
    let base = text(json.pointer("/base/ref"));
    let into = base.as_ref().map(|base| format!(" into {base}")).unwrap_or_default();
    Some(event(
        merged,
        EventKind::Change,
        &format!("pull request #{number} merged{into}: {}", text(json.get("title")).unwrap_or_default()),
        "",
        &[
            ("number", Some(number.to_string())),
            ("sha", text(json.get("merge_commit_sha"))),
            ("author", text(json.pointer("/user/login"))),
            ("branch", text(json.pointer("/head/ref"))),
            ("base", base),
            ("url", text(json.get("html_url"))),
        ],
    ))
}

/// When a pull request was last touched, by which the list is ordered.
pub fn updated_at(json: &Json) -> Option<Timestamp> {
    time(json.get("updated_at"))
}

/// When something was made.
pub fn created_at(json: &Json) -> Option<Timestamp> {
    time(json.get("created_at"))
}

/// A published release; `None` for a draft.
pub fn release(json: &Json) -> Option<Event> {
    if json.get("draft").and_then(Json::as_bool) == Some(true) {
        return None;
    }
    let tag = text(json.get("tag_name"))?;
    let name = text(json.get("name")).filter(|name| *name != tag);
    let pre = if json.get("prerelease").and_then(Json::as_bool) == Some(true) { "pre-release" } else { "release" };
    Some(event(
        time(json.get("published_at"))?,
        EventKind::Deploy,
        &match name {
            Some(name) => format!("{pre} {tag} published: {name}"),
            None => format!("{pre} {tag} published"),
        },
        &text(json.get("body")).unwrap_or_default(),
        &[
            ("tag", Some(tag)),
            ("sha", text(json.get("target_commitish")).filter(|target| is_sha(target))),
            ("author", text(json.pointer("/author/login"))),
            ("url", text(json.get("html_url"))),
        ],
    ))
}

/// A deployment.
pub fn deployment(json: &Json) -> Option<Deployment> {
    Some(Deployment {
        id: json.get("id")?.as_u64()?,
        created_at: created_at(json)?,
        sha: text(json.get("sha"))?,
        reference: text(json.get("ref")),
        environment: text(json.get("environment")).unwrap_or_else(|| "production".to_owned()),
        description: text(json.get("description")),
        creator: text(json.pointer("/creator/login")),
    })
}

/// A status of a deployment.
pub fn status(json: &Json) -> Option<Status> {
    Some(Status {
        state: text(json.get("state"))?,
        created_at: created_at(json)?,
        description: text(json.get("description")),
        url: ["log_url", "environment_url", "target_url"].iter().find_map(|key| text(json.get(*key))),
    })
}

impl Deployment {
    /// The deployment as an event: when it began to change something, and how it ended as far as was known at `end`.
    /// `None` for statuses that were not asked for.
    pub fn event(&self, statuses: Option<&[Status]>, end: Timestamp) -> Event {
        let mut known: Vec<&Status> =
            statuses.unwrap_or_default().iter().filter(|status| status.created_at <= end).collect();
        known.sort_by_key(|status| status.created_at);
        // What is `inactive` was replaced later: how it ended is what was said before.
        let last = known.iter().rev().find(|status| status.state != "inactive");
        let began = known.iter().find(|status| matches!(status.state.as_str(), "in_progress"));
        let ended = known.iter().find(|status| matches!(status.state.as_str(), "success" | "failure" | "error"));
        let waits = statuses.is_some() && began.is_none() && ended.is_none();
        let time = began.or(ended).map_or(self.created_at, |status| status.created_at);
        let state = match last.map(|status| status.state.as_str()) {
            Some("in_progress") => "is under way".to_owned(),
            Some("failure" | "error") => "failed".to_owned(),
            Some("success") => "succeeded".to_owned(),
            Some(state) => format!("is {state}"),
            None if statuses.is_some() => "was asked for".to_owned(),
            None => "was asked for (its end is not known)".to_owned(),
        };
        let title = format!("deployment to {} ({}) {state}", self.environment, short(&self.sha));
        let said: Vec<&str> = [self.description.as_deref(), last.and_then(|status| status.description.as_deref())]
            .into_iter()
            .flatten()
            .collect();
        event(
            time,
            if waits { EventKind::Other } else { EventKind::Deploy },
            &title,
            &said.join("\n"),
            &[
                ("sha", Some(self.sha.clone())),
                ("ref", self.reference.clone()),
                ("state", last.map(|status| status.state.clone())),
                ("deployed_to", Some(self.environment.clone())),
                ("author", self.creator.clone()),
                ("url", last.and_then(|status| status.url.clone())),
            ],
        )
    }
}

/// A run of a workflow. One that deploys or releases, by its name, is a deployment (a change if it did not end well, as
/// it may have done its work by half); any other is no change, and told for its failure.
pub fn run(json: &Json) -> Option<Event> {
    static DELIVERS: LazyLock<Regex> = LazyLock::new(|| {
        let words = r"(?i)\b(deploy\w*|releas\w*|roll-?outs?|roll-?backs?|promot\w*|publish\w*|ship\w*|cd|deliver\w*|terraform|helm)\b";
        Regex::new(words).expect("a constant pattern")
    });
    let created = created_at(json)?;
    let file = text(json.get("path")).unwrap_or_default();
    let name = text(json.get("name")).unwrap_or_else(|| file.clone());
    let words = format!("{name} {file}").replace('_', " ");
    let conclusion = text(json.get("conclusion"));
    let over = text(json.get("status")).as_deref() == Some("completed") || conclusion.is_some();
    let good = conclusion.as_deref() == Some("success");
    let failed = matches!(conclusion.as_deref(), Some("failure" | "timed_out" | "startup_failure"));
    let nothing = matches!(conclusion.as_deref(), Some("skipped" | "cancelled" | "neutral" | "stale"));
    let kind = match (DELIVERS.is_match(&words), over) {
        (true, true) if good => EventKind::Deploy,
        (true, true) if failed => EventKind::Change,
        (true, false) => EventKind::Deploy,
        _ => EventKind::Other,
    };
    let how = match (&conclusion, over) {
        _ if good => "succeeded".to_owned(),
        _ if failed => "failed".to_owned(),
        (Some(other), _) if nothing => format!("was {other}"),
        (Some(other), _) => other.replace('_', " "),
        (None, true) => "is over".to_owned(),
        (None, false) => "is under way".to_owned(),
    };
    let sha = text(json.get("head_sha"));
    let branch = text(json.get("head_branch"));
    let at: Vec<&str> = [branch.as_deref(), sha.as_deref().map(short)].into_iter().flatten().collect();
    let number = json.get("run_number").and_then(Json::as_u64).map(|number| format!(" #{number}")).unwrap_or_default();
    Some(event(
        time(json.get("run_started_at")).unwrap_or(created),
        kind,
        &format!("workflow \"{name}\"{number} {how} ({})", at.join(", ")),
        &text(json.get("display_title")).unwrap_or_default(),
        &[
            ("sha", sha),
            ("branch", branch),
            ("conclusion", conclusion),
            ("trigger", text(json.get("event"))),
            ("author", text(json.pointer("/triggering_actor/login")).or_else(|| text(json.pointer("/actor/login")))),
            ("url", text(json.get("html_url"))),
        ],
    ))
}

/// A commit as people write it.
pub fn short(sha: &str) -> &str {
    if is_sha(sha) { &sha[..7] } else { sha }
}

fn is_sha(text: &str) -> bool {
    matches!(text.len(), 40 | 64) && text.bytes().all(|byte| byte.is_ascii_hexdigit())
}

fn event(time: Timestamp, kind: EventKind, title: &str, text: &str, labels: &[(&str, Option<String>)]) -> Event {
    Event {
        time,
        kind,
        title: bounded(title.trim_end_matches(": ").trim(), LONGEST_TITLE),
        text: bounded(text, LONGEST_TEXT),
        labels: labels.iter().filter_map(|(name, value)| Some(((*name).to_owned(), value.clone()?))).collect(),
    }
}

fn bounded(text: &str, characters: usize) -> String {
    match text.char_indices().nth(characters) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

/// A text that is not blank.
fn text(json: Option<&Json>) -> Option<String> {
    json?.as_str().map(str::trim).filter(|text| !text.is_empty()).map(str::to_owned)
}

fn time(json: Option<&Json>) -> Option<Timestamp> {
    json?.as_str()?.parse().ok()
}
