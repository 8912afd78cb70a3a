//! What is worth keeping of a trace: its errors, its critical path, and how each service fared with each peer.

use std::collections::{BTreeMap, HashMap, HashSet};

use jiff::{SignedDuration, Timestamp};
use opensre_model::evidence::{ResourceState, Span};

/// Attribute that says how much of the trace's time a span itself took on the critical path, in milliseconds.
pub const CRITICAL_PATH: &str = "critical_path_ms";

/// A trace, reduced.
#[derive(Debug, Clone, PartialEq)]
pub struct Reduced {
    /// The spans that were kept, by start; those on the critical path carry [`CRITICAL_PATH`].
    pub spans: Vec<Span>,
    /// How many were left out.
    pub left_out: usize,
}

/// Keeps at most `keep` spans of one trace: the root, the errors in which errors begin, the other errors, the
/// critical path, then the longest.
pub fn reduce(mut spans: Vec<Span>, keep: usize) -> Reduced {
    let own = critical_path(&spans);
    for (position, own) in own.iter().enumerate() {
        let milliseconds = own.as_secs_f64() * 1e3;
        if milliseconds > 0.0 {
            spans[position].attributes.insert(CRITICAL_PATH.to_owned(), format!("{milliseconds:.3}"));
        }
    }
    let failed_parents: HashSet<&str> =
        spans.iter().filter(|span| span.error).filter_map(|span| span.parent_id.as_deref()).collect();
    let ids: HashSet<&str> = spans.iter().map(|span| span.span_id.as_str()).collect();
    let rank = |position: usize| {
        let span = &spans[position];
        let root = span.parent_id.as_deref().is_none_or(|parent| !ids.contains(parent));
        let origin = span.error && !failed_parents.contains(span.span_id.as_str());
        (root && span.parent_id.is_none(), origin, span.error, root, own[position])
    };
    let mut order: Vec<usize> = (0..spans.len()).collect();
    order.sort_by(|&a, &b| {
        rank(b).cmp(&rank(a)).then(spans[b].duration_ms.total_cmp(&spans[a].duration_ms)).then(a.cmp(&b))
    });
    let mut kept = order;
    let left_out = kept.len().saturating_sub(keep);
    kept.truncate(keep);
    kept.sort_unstable();
    let spans = kept.into_iter().map(|position| spans[position].clone()).collect();
    Reduced { spans, left_out }
}

/// How much time each span itself takes on the critical path of its trace: walking back from the end of a root,
/// the time belongs to the child that ended last, and to the span itself where no child ran.
fn critical_path(spans: &[Span]) -> Vec<SignedDuration> {
    let mut own = vec![SignedDuration::ZERO; spans.len()];
    let by_id: HashMap<&str, usize> = spans.iter().enumerate().map(|(at, span)| (span.span_id.as_str(), at)).collect();
    let mut children: Vec<Vec<usize>> = vec![Vec::new(); spans.len()];
    // What is still to be walked: a span, and the part of its time that is the path's. A child whose clock is wrong
    // counts only within its parent.
    let mut open: Vec<(usize, Timestamp, Timestamp)> = Vec::new();
    for (position, span) in spans.iter().enumerate() {
        match span.parent_id.as_deref().and_then(|parent| by_id.get(parent)) {
            Some(&parent) if parent != position => children[parent].push(position),
            _ => open.push((position, span.start, end(span))),
        }
    }
    for of_one in &mut children {
        of_one.sort_by_key(|&child| std::cmp::Reverse((end(&spans[child]), child)));
    }
    // Each span has one parent, so each is visited once; spans in a ring of parents are never reached.
    while let Some((position, from, until)) = open.pop() {
        let start = spans[position].start.max(from);
        let mut cursor = until.min(end(&spans[position]));
        for &child in &children[position] {
            let child_end = end(&spans[child]).min(cursor);
            if spans[child].start >= cursor || child_end <= start {
                continue;
            }
            own[position] += cursor.duration_since(child_end);
            open.push((child, start, child_end));
            cursor = spans[child].start.max(start);
        }
        own[position] += cursor.duration_since(start).max(SignedDuration::ZERO);
    }
    own
}

fn end(span: &Span) -> Timestamp {
    let nanoseconds = (span.duration_ms * 1e6).clamp(0.0, 1e18) as i64;
    span.start.checked_add(SignedDuration::from_nanos(nanoseconds)).unwrap_or(Timestamp::MAX)
}

/// How each service fared with each of its peers, as states of kind `dependency`: calls, failed calls, median and
/// longest time. A peer is the service that a call reached, or what the caller says of it.
pub fn dependencies(spans: &[Span]) -> Vec<ResourceState> {
    let by_id: HashMap<(&str, &str), &Span> =
        spans.iter().map(|span| ((span.trace_id.as_str(), span.span_id.as_str()), span)).collect();
    let mut reached: HashMap<(&str, &str), &str> = HashMap::new();
    for span in spans {
        let Some(parent) = span.parent_id.as_deref() else { continue };
        if by_id.get(&(span.trace_id.as_str(), parent)).is_some_and(|caller| caller.service != span.service) {
            reached.insert((&span.trace_id, parent), &span.service);
        }
    }
    #[derive(Default)]
    struct Calls {
        durations: Vec<f64>,
        failed: usize,
        example: String,
        last: Option<Timestamp>,
    }
    let mut calls: BTreeMap<(String, String), Calls> = BTreeMap::new();
    for span in spans {
        let outgoing = matches!(span.attributes.get("span.kind").map(String::as_str), Some("client" | "producer"));
        let peer = match reached.get(&(span.trace_id.as_str(), span.span_id.as_str())) {
            Some(service) => Some((*service).to_owned()),
            None if outgoing => named_peer(&span.attributes),
            None => None,
        };
        let Some(peer) = peer else { continue };
        let entry = calls.entry((span.service.clone(), peer)).or_default();
        entry.durations.push(span.duration_ms);
        entry.last = entry.last.max(Some(end(span)));
        if span.error {
            entry.failed += 1;
            if entry.example.is_empty() {
                entry.example.clone_from(&span.message);
            }
        }
    }
    calls
        .into_iter()
        .filter_map(|((caller, peer), mut seen)| {
            seen.durations.sort_by(f64::total_cmp);
            let median = seen.durations[seen.durations.len() / 2];
            let longest = seen.durations[seen.durations.len() - 1];
            let mut attributes = BTreeMap::from([
                ("caller".to_owned(), caller.clone()),
                ("peer".to_owned(), peer.clone()),
                ("calls".to_owned(), seen.durations.len().to_string()),
                ("failed_calls".to_owned(), seen.failed.to_string()),
                ("median_ms".to_owned(), format!("{median:.1}")),
                ("longest_ms".to_owned(), format!("{longest:.1}")),
            ]);
            if !seen.example.is_empty() {
                attributes.insert("error".to_owned(), seen.example);
            }
            Some(ResourceState {
                kind: "dependency".to_owned(),
                name: format!("{caller} -> {peer}"),
                observed_at: seen.last?,
                healthy: Some(seen.failed == 0),
                attributes,
            })
        })
        .collect()
}

/// What a caller says of the peer that it called.
fn named_peer(attributes: &BTreeMap<String, String>) -> Option<String> {
    let first = |keys: &[&str]| keys.iter().find_map(|key| attributes.get(*key).filter(|value| !value.is_empty()));
    if let Some(service) = first(&["peer.service"]) {
        return Some(service.clone());
    }
    let system = first(&["db.system", "db.system.name", "messaging.system"]);
    let host = first(&["server.address", "net.peer.name", "network.peer.address", "rpc.service"]);
    let inner = first(&["db.namespace", "db.name", "messaging.destination.name", "messaging.destination"]);
    match (system, host.or(inner)) {
        (Some(system), Some(place)) => Some(format!("{system} {place}")),
        (Some(one), None) | (None, Some(one)) => Some(one.clone()),
        (None, None) => None,
    }
}
