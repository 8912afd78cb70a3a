//! What every query of this provider does alike: open a session, make evidence of rows, tell what is missing.

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::Timestamp;
use opensre_model::evidence::{Evidence, EvidenceData, Gap, GapKind, Origin, ResourceState};
use opensre_model::window::Window;
use serde::de::DeserializeOwned;

use super::refusal::{self, Cause};
use super::session::{Parameter, Rows, Session};
use crate::access::Access;
use crate::driver::{Answer, Bounds};
use crate::failure::Failure;

/// Bounds of every query.
pub(super) const BOUNDS: Bounds = Bounds { rows: 200, bytes: super::session::MOST_BYTES, seconds: 20 };

/// Most characters of a statement's text in evidence.
pub(super) const MOST_TEXT: usize = 300;

/// A query under way.
pub(super) struct Asked<'a> {
    access: &'a Access,
    operation: &'static str,
    window: Window,
    pub(super) session: Session,
    answer: Answer,
}

impl<'a> Asked<'a> {
    /// Opens a session. Where there is none, the answer is why not; that a server has no connection left, or is
    /// starting, is evidence as well.
    pub(super) async fn of(access: &'a Access, operation: &'static str, window: Window) -> Result<Self, Answer> {
        match Session::try_open(access, Duration::from_secs(BOUNDS.seconds)).await {
            Ok(session) => Ok(Self { access, operation, window, session, answer: Answer::default() }),
            Err(refusal) => {
                let mut answer = Answer::unanswered(access, operation, refusal.failure.clone());
                let kind = match refusal.cause {
                    Cause::Full => "connections",
                    Cause::NotReady => "server",
                    _ => return Err(answer),
                };
                answer.evidence.extend(refused(access, operation, window, kind, &refusal.failure.reason));
                Err(answer)
            }
        }
    }

    /// Most rows of this query: what the instance allows, within the bounds.
    pub(super) fn most(&self) -> usize {
        self.session.server().rows.min(BOUNDS.rows)
    }

    /// Asks for rows of which the statement limits the number by its first parameter. One more than the most is asked
    /// for, to know whether there are more.
    pub(super) async fn list<T: DeserializeOwned>(&mut self, sql: &str) -> Result<Rows<T>, Failure> {
        let most = self.most();
        let limit = i64::try_from(most + 1).unwrap_or(i64::MAX);
        let parameters: [Parameter<'_>; 1] = [(&limit, tokio_postgres::types::Type::INT8)];
        self.session.rows(sql, &parameters, most).await
    }

    /// Adds evidence.
    pub(super) fn found(&mut self, sql: &str, summary: String, truncated: Option<String>, data: EvidenceData) {
        let evidence = evidence(self.access, self.operation, sql, self.window, summary, truncated, data);
        self.answer.evidence.push(evidence);
    }

    /// Adds what is missing.
    pub(super) fn missing(&mut self, failure: Failure) {
        self.answer.gaps.push(self.gap(failure));
    }

    fn gap(&self, failure: Failure) -> Gap {
        failure.into_gap(&self.access.instance, self.operation)
    }

    /// Tells that other users' doings stay hidden, where they do.
    pub(super) fn sees(&mut self, everything: bool, hidden: &str) {
        if !everything {
            let hint = refusal::grant(&self.session.server().user);
            self.missing(Failure::new(GapKind::Denied, hidden).with_hint(hint));
        }
    }

    /// The answer, with how a last step ended.
    pub(super) fn done(mut self, ended: Result<(), Failure>) -> Answer {
        if let Err(failure) = ended {
            self.missing(failure);
        }
        self.answer.calls = self.session.statements();
        self.answer
    }
}

/// What was cut, in words.
pub(super) fn cut(what: &str, most: usize, cut: bool) -> Option<String> {
    cut.then(|| format!("{most} {what} are kept, there are more"))
}

/// A state of something at the server.
pub(super) fn state(
    kind: &str,
    name: impl Into<String>,
    observed_at: Timestamp,
    healthy: Option<bool>,
    attributes: impl IntoIterator<Item = (&'static str, Option<String>)>,
) -> ResourceState {
    let attributes: BTreeMap<String, String> = attributes
        .into_iter()
        .filter_map(|(key, value)| Some((key.to_owned(), value.filter(|text| !text.is_empty())?)))
        .collect();
    ResourceState { kind: kind.to_owned(), name: name.into(), observed_at, healthy, attributes }
}

#[expect(clippy::disallowed_methods, reason = "a server that lets nobody in tells no time, and access has no clock")]
fn refused(access: &Access, operation: &str, window: Window, kind: &str, reason: &str) -> Option<Evidence> {
    let observed_at = Timestamp::now();
    let name = access.instance.config().text("host")?;
    let state = state(kind, name, observed_at, Some(false), [("refusal", Some(reason.to_owned()))]);
    let data = EvidenceData::States { states: vec![state] };
    Some(evidence(access, operation, "connect", window, reason.to_owned(), None, data))
}

fn evidence(
    access: &Access,
    operation: &str,
    sql: &str,
    window: Window,
    summary: String,
    truncated: Option<String>,
    data: EvidenceData,
) -> Evidence {
    let origin = Origin {
        service: access.instance.family.clone(),
        instance: access.instance.name.as_str().to_owned(),
        datasource: access.instance.config().text("database").map(|name| format!("{name} (postgresql)")),
        operation: operation.to_owned(),
        query: sql.split_whitespace().collect::<Vec<_>>().join(" "),
        window,
        // A database has no pages.
        link: None,
    };
    Evidence { origin, summary, truncated, data }
}

/// A duration as people say it: `42 min`, `3.5 s`, `2 h 5 min`.
pub fn lasting(seconds: f64) -> String {
    let whole = seconds.max(0.0).round() as u64;
    match whole {
        _ if seconds < 10.0 => format!("{:.1} s", seconds.max(0.0)),
        ..=119 => format!("{whole} s"),
        120..=7199 => format!("{} min", whole / 60),
        7200..=172_799 => format!("{} h {} min", whole / 3600, whole % 3600 / 60),
        _ => format!("{} days", whole / 86_400),
    }
}

/// A size as people say it: `1.5 GiB`.
pub fn size(bytes: f64) -> String {
    let mut value = bytes.max(0.0);
    for unit in ["bytes", "KiB", "MiB", "GiB"] {
        if value < 1024.0 {
            return if unit == "bytes" { format!("{value:.0} {unit}") } else { format!("{value:.1} {unit}") };
        }
        value /= 1024.0;
    }
    format!("{value:.1} TiB")
}

/// `1 session`, `2 sessions`.
pub(super) fn counted(count: usize, one: &str) -> String {
    if count == 1 { format!("1 {one}") } else { format!("{count} {one}s") }
}
