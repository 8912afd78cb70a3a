//! One change, several witnesses: the commit in its repository, the workflow that delivers it, the sync that applies it,
//! the replica set that runs it.
//!
//! Two changes are the same when they carry the same revision and are not far apart, or when two systems tell of a
//! deployment of the same service at nearly the same time and no revision contradicts. What was merged is one symptom
//! with the evidence of all, at the time at which it took effect.

use std::collections::BTreeSet;
use std::sync::LazyLock;

use jiff::SignedDuration;
use opensre_model::evidence::{Event, EventKind, Evidence};
use opensre_model::window::Window;
use regex::Regex;

use super::pattern::compile;
use super::{Sign, Symptom};
use crate::subject::{Name, Relation};

/// How far apart the witnesses of one revision may be: a pipeline takes its time.
const PIPELINE: SignedDuration = SignedDuration::from_hours(2);
/// How far apart witnesses of one deployment may be that share no revision.
const AT_ONCE: SignedDuration = SignedDuration::from_mins(5);
/// Most other witnesses that are quoted.
const MOST_QUOTED: usize = 2;

/// The revisions that an event carries: commits (their first seven characters), and versions.
pub fn revisions(event: &Event) -> BTreeSet<String> {
    const LABELS: &[&str] = &["sha", "revision", "image", "tag", "version", "commit", "git_commit_sha"];
    let labelled = LABELS.iter().filter_map(|key| event.labels.get(*key)).map(|value| value_of(value));
    // What was there before is told in brackets or behind the word.
    let title = event.title.split("(before").next().unwrap_or_default();
    let mut found: BTreeSet<String> = labelled.flat_map(read).collect();
    found.extend(read(title));
    found
}

/// Of an image its tag; of anything else all.
fn value_of(value: &str) -> &str {
    let last = value.rsplit('/').next().unwrap_or(value);
    last.rsplit_once(':').map_or(last, |(_, tag)| tag)
}

fn read(text: &str) -> Vec<String> {
    static COMMIT: LazyLock<Regex> =
        LazyLock::new(|| compile(r"(?i)(?:^|[^0-9a-z])(?:sha-?|g)?([0-9a-f]{7,64})(?:$|[^0-9a-z])"));
    static VERSION: LazyLock<Regex> =
        LazyLock::new(|| compile(r"(?:^|[^\w.])v?(\d+\.\d+(?:\.\d+)*(?:-[\w.]+)?)(?:$|[^\w.])"));
    // Seven digits without a letter are a number or a date.
    let commits =
        COMMIT.captures_iter(text).filter_map(|found| found.get(1)).map(|found| found.as_str().to_lowercase());
    let commits =
        commits.filter(|hex| hex.bytes().any(|byte| byte.is_ascii_alphabetic())).map(|hex| hex[..7].to_owned());
    let versions = VERSION.captures_iter(text).filter_map(|found| Some(found.get(1)?.as_str().to_owned()));
    commits.chain(versions).collect()
}

/// Merges changes that are the same.
pub(super) fn unite(symptoms: &mut Vec<Symptom>, evidence: &[Evidence], window: Window) {
    let (changes, others): (Vec<Symptom>, Vec<Symptom>) =
        symptoms.drain(..).partition(|symptom| symptom.change().is_some());
    let mut groups: Vec<Vec<Symptom>> = Vec::new();
    for change in changes {
        match groups.iter_mut().find(|group| group.iter().any(|known| same(known, &change, evidence))) {
            Some(group) => group.push(change),
            None => groups.push(vec![change]),
        }
    }
    symptoms.extend(groups.into_iter().filter_map(|group| one_of(group, window)));
    symptoms.extend(others);
}

fn same(a: &Symptom, b: &Symptom, evidence: &[Evidence]) -> bool {
    let (
        Sign::Change { kind: kind_a, revisions: of_a, reverts: back_a },
        Sign::Change { kind: kind_b, revisions: of_b, reverts: back_b },
    ) = (&a.sign, &b.sign)
    else {
        return false;
    };
    let (Some(at_a), Some(at_b)) = (a.onset, b.onset) else { return false };
    let apart = at_a.duration_since(at_b).abs();
    let name = |symptom: &Symptom| symptom.about.as_deref().and_then(Name::parse);
    let one_service = match (name(a), name(b)) {
        (Some(a), Some(b)) => Some(a == b),
        _ => None,
    };
    let system = |symptom: &Symptom| {
        let origins = symptom.evidence.iter().filter_map(|index| evidence.get(*index)).map(|one| &one.origin);
        origins.map(|origin| (origin.service.clone(), origin.operation.clone())).collect::<BTreeSet<_>>()
    };
    // One query tells of each change once.
    if back_a != back_b || one_service == Some(false) || !system(a).is_disjoint(&system(b)) {
        return false;
    }
    if !of_a.is_disjoint(of_b) {
        return apart <= PIPELINE;
    }
    // Commits name themselves; two systems may give the same thing a commit and a version.
    let commits =
        |all: &BTreeSet<String>| all.iter().filter(|one| !one.contains('.')).cloned().collect::<BTreeSet<_>>();
    let (commits_a, commits_b) = (commits(of_a), commits(of_b));
    let versions = |all: &BTreeSet<String>| all.iter().any(|one| one.contains('.'));
    let contradict = !commits_a.is_empty() && !commits_b.is_empty() || versions(of_a) && versions(of_b);
    one_service == Some(true)
        && *kind_a == EventKind::Deploy
        && *kind_b == EventKind::Deploy
        && apart <= AT_ONCE
        && !contradict
        && a.relation != Relation::Other
}

/// One symptom of all: the deployment that came last before the alert, since that is when it took effect.
fn one_of(mut group: Vec<Symptom>, window: Window) -> Option<Symptom> {
    let is_deploy = |symptom: &Symptom| symptom.change() == Some(EventKind::Deploy);
    group.sort_by_key(|symptom| {
        let late = symptom.onset.is_some_and(|onset| onset > window.onset);
        (
            !is_deploy(symptom),
            late,
            symptom.onset.map(|onset| if late { onset.as_second() } else { -onset.as_second() }),
        )
    });
    let mut rest = group.into_iter();
    let mut first = rest.next()?;
    let mut also: Vec<String> = Vec::new();
    for other in rest {
        first.evidence.extend(other.evidence);
        first.relation = first.relation.min(other.relation);
        first.about = first.about.or(other.about);
        if let (Sign::Change { revisions, .. }, Sign::Change { revisions: more, .. }) = (&mut first.sign, other.sign) {
            revisions.extend(more);
        }
        also.push(other.text);
    }
    first.evidence.sort_unstable();
    first.evidence.dedup();
    if !also.is_empty() {
        let more = also.len().saturating_sub(MOST_QUOTED);
        also.truncate(MOST_QUOTED);
        let more = if more > 0 { format!(" and {more} more") } else { String::new() };
        first.text = format!("{} (the same as the {}{more})", first.text, also.join(" and the "));
    }
    Some(first)
}
