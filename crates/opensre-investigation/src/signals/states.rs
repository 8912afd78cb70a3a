//! State evidence: targets, rules, dependencies and resources that are not healthy.
//!
//! Most back ends only tell how things are *now*. A state that was seen with the incident, or that tells itself that it
//! holds since then, is one of the incident; of an alert that still fires, a later one is told as of when it was seen,
//! and counts less; of an alert that is over, it says nothing.

use std::sync::LazyLock;

use jiff::{SignedDuration, Timestamp};
use opensre_model::alert::{Alert, AlertState};
use opensre_model::evidence::ResourceState;
use opensre_model::window::Window;
use regex::Regex;

use super::pattern::compile;
use super::{Findings, Sign, Symptom, clock, signatures, span};
use crate::mechanism::Mechanism;
use crate::subject::{self, Relation, Subject};

/// Attributes that name the two sides of a call.
const CALLERS: &[&str] = &["caller", "client", "source"];
const PEERS: &[&str] = &["peer", "server", "callee", "target"];

/// How long after the window a state still counts as seen with the incident.
const LATE: SignedDuration = SignedDuration::from_hours(1);

/// Words of kinds whose names are names of services, or of what services consist of. Any other kind's name (a session's
/// number, a setting's or quota's name, a server's address) does not say whose it is.
const NAMED_AS_SERVICES: &[&str] = &[
    "service",
    "deployment",
    "stateful",
    "daemon",
    "replica set",
    "application",
    "workload",
    "function",
    "container",
    "pod",
    "job",
    "ingress",
    "rollout",
    "alert",
    "rule",
    "monitor",
];

/// Attributes that say who something is and what it does, with the word that stands before each.
const WHO: &[(&str, &str)] = &[
    ("client", "of "),
    ("user", "user "),
    ("blocks", ""),
    ("state", ""),
    ("in use", ""),
    ("clients", "by "),
    ("trouble", ""),
    ("statement", "last statement: "),
];

/// Attributes that quote what programs wrote: they may speak of anything.
const QUOTED: &[&str] = &["statement"];

/// When a state was seen, as seen from the incident.
enum Age {
    /// With it, or it says that it holds since then.
    OfTheIncident,
    /// Later, while the alert still fires.
    Later,
    /// Later, and it began only then.
    LaterOnly,
}

/// Finds symptoms in one piece of state evidence.
pub fn detect(
    index: usize,
    states: &[ResourceState],
    alert: &Alert,
    subject: &Subject,
    window: Window,
    findings: &mut Findings,
) {
    let mut left_out: Option<Timestamp> = None;
    for state in states.iter().filter(|state| state.healthy != Some(true)) {
        let since = since(state);
        let Some(age) = age(state, since, alert, window) else {
            left_out = left_out.max(Some(state.observed_at));
            continue;
        };
        let symptom = if state.kind.eq_ignore_ascii_case("dependency") {
            call(index, state, subject)
        } else {
            resource(index, state, subject)
        };
        findings.symptoms.extend(symptom.map(|symptom| dated(symptom, state, since, &age, window)));
    }
    if let Some(seen) = left_out {
        findings.notes.push(format!(
            "states that were seen at {}, {} after the window, are not counted: the alert is over",
            seen.strftime("%Y-%m-%d %H:%M UTC"),
            span(seen.duration_since(window.end))
        ));
    }
}

fn age(state: &ResourceState, since: Option<Timestamp>, alert: &Alert, window: Window) -> Option<Age> {
    if state.observed_at.duration_since(window.end) <= LATE || since.is_some_and(|since| since <= window.end) {
        return Some(Age::OfTheIncident);
    }
    let fires_on = alert.state != AlertState::Resolved && alert.ends_at.is_none_or(|end| end >= state.observed_at);
    fires_on.then_some(if since.is_some() { Age::LaterOnly } else { Age::Later })
}

/// A symptom with what is known of its time.
fn dated(mut symptom: Symptom, state: &ResourceState, since: Option<Timestamp>, age: &Age, window: Window) -> Symptom {
    let as_of = || state.observed_at.strftime("%Y-%m-%d %H:%M UTC").to_string();
    let after = || span(state.observed_at.duration_since(window.end));
    match age {
        Age::OfTheIncident => {
            if let Some(since) = since {
                symptom.text = format!("{} since {}", symptom.text, whole(since, window));
                if since < window.baseline_start {
                    // It was so long before the trouble began.
                    symptom.strength *= 0.4;
                } else {
                    symptom.onset = Some(since);
                }
            }
        }
        Age::Later => {
            symptom.text = format!("{}, as of {} ({} after the window)", symptom.text, as_of(), after());
            symptom.strength *= 0.7;
        }
        Age::LaterOnly => {
            let since = since.map(|since| whole(since, window)).unwrap_or_default();
            symptom.text = format!("{} since {since} only, as of {}", symptom.text, as_of());
            symptom.strength *= 0.3;
        }
    }
    symptom
}

/// A time of day, with its date where it is not of the window.
fn whole(time: Timestamp, window: Window) -> String {
    if time >= window.baseline_start && time <= window.end {
        clock(time)
    } else {
        time.strftime("%Y-%m-%d %H:%M UTC").to_string()
    }
}

/// Since when something is in its state, where it says so: in an attribute of its own, or at the end of another.
fn since(state: &ResourceState) -> Option<Timestamp> {
    static SINCE: LazyLock<Regex> = LazyLock::new(|| compile(r"\bsince (\d{4}-\d{2}-\d{2}T[\d:.]+Z)$"));
    let own = ["health_since", "since"].iter().find_map(|key| state.attributes.get(*key)?.parse().ok());
    let told = || {
        let mut text = ["state", "condition"].iter().filter_map(|key| state.attributes.get(*key));
        text.find_map(|text| SINCE.captures(text)?.get(1)?.as_str().parse().ok())
    };
    own.or_else(told)
}

/// A call from one service to another that fails.
fn call(index: usize, state: &ResourceState, subject: &Subject) -> Option<Symptom> {
    let get = |keys: &[&str]| keys.iter().find_map(|key| state.attributes.get(*key)).filter(|name| !name.is_empty());
    let (caller, peer) = (get(CALLERS)?, get(PEERS)?);
    if state.healthy != Some(false) {
        return None;
    }
    // Calls to the alert's own service that fail are its own failures, not those of something it calls.
    if subject.relation_of(peer) == Relation::Same {
        return None;
    }
    let tells = state.attributes.get("error").is_some_and(|error| {
        signatures::find(error).and_then(|found| found.signature.mechanism).is_some_and(Mechanism::has_peer)
    });
    let error =
        state.attributes.get("error").map(|error| format!(": {}", super::logs::quote(error))).unwrap_or_default();
    Some(Symptom {
        evidence: vec![index],
        sign: Sign::Call { peer: peer.clone(), fails: true },
        about: Some(caller.clone()),
        relation: subject.relation_of(caller),
        onset: None,
        over: None,
        last_seen: Some(state.observed_at),
        // Without an error that tells of the call itself, it may only pass on what failed further down or up.
        strength: if tells { 0.8 } else { 0.5 },
        text: format!("calls of {caller} to {peer} fail{error}"),
    })
}

fn resource(index: usize, state: &ResourceState, subject: &Subject) -> Option<Symptom> {
    let kind = state.kind.to_lowercase();
    // The alert's own rule is its condition, and read as that.
    if is_own_rule(&kind) {
        return None;
    }
    let told = |leave_out: &[&str]| {
        let kept = state.attributes.iter().filter(|(key, _)| !leave_out.contains(&key.as_str()));
        kept.map(|(key, value)| format!("{key}: {value}")).collect::<Vec<_>>().join("; ")
    };
    let is_rule = ["alert", "rule", "monitor"].iter().any(|word| kind.contains(word));
    // A rule's expression and labels speak of failures, whatever its state.
    let known = if is_rule { None } else { signatures::find(&told(QUOTED)) };
    // Who looks at something from outside and is refused tells of that thing, not of something it calls.
    let probed = ["target", "probe", "endpoint"].iter().any(|word| kind.contains(word));
    let known = known.filter(|found| !(probed && found.signature.mechanism == Some(Mechanism::Peer)));
    if state.healthy.is_none() && known.is_none() {
        return None;
    }
    let has_own_name = names_a_service(&kind);
    let machine = ["node", "host", "machine", "ec2 instance"].iter().any(|word| kind.contains(word));
    let sign = match known {
        Some(mut found) => {
            // All attributes stand in one line; the one that tells is quoted.
            let tells =
                |text: &&String| signatures::find(text).is_some_and(|one| std::ptr::eq(one.signature, found.signature));
            found.line = state.attributes.values().find(tells).cloned().unwrap_or_default();
            if !has_own_name && !machine && !waits(&kind) {
                found.what = Some(described(state, found.what.as_deref()));
            }
            found.into_sign()
        }
        None if is_rule => Sign::Alert,
        None => Sign::Down { machine },
    };
    let detail = super::logs::quote(&told(&[]));
    let detail = if detail.is_empty() { String::new() } else { format!(" ({detail})") };
    let text = match sign {
        Sign::Alert => format!("{} \"{}\" fires", state.kind, state.name),
        _ => format!("{} {} is not healthy{detail}", state.kind, state.name),
    };
    let about = subject::name_of(&state.attributes).or_else(|| has_own_name.then(|| state.name.clone()));
    Some(Symptom {
        evidence: vec![index],
        sign,
        about: about.filter(|_| !is_session(&kind)),
        relation: relation(state, &kind, subject),
        onset: None,
        over: None,
        last_seen: Some(state.observed_at),
        strength: if state.healthy == Some(false) { 0.9 } else { 0.6 },
        text,
    })
}

/// How a state relates to what the alert is about.
fn relation(state: &ResourceState, kind: &str, subject: &Subject) -> Relation {
    if is_session(kind) || state.attributes.contains_key("clients") {
        return of_clients(state, subject);
    }
    match subject.relation(&state.attributes) {
        Relation::Unknown => match subject.relation_of(&state.name) {
            Relation::Other if !names_a_service(kind) => Relation::Unknown,
            known => known,
        },
        known => known,
    }
}

/// Sessions of a database belong to their clients, which may be anybody: those of the alert's service and those that it
/// waits for are its own, and so is everything in a database that the alert names.
fn of_clients(state: &ResourceState, subject: &Subject) -> Relation {
    static IN_BRACKETS: LazyLock<Regex> = LazyLock::new(|| compile(r"\(([^)]+)\) for "));
    let get = |key: &str| state.attributes.get(key).map(String::as_str);
    let listed = get("clients").into_iter().flat_map(|all| all.split(", ")).filter_map(|one| one.rsplit_once(' '));
    let blocked = get("blocked").map(|text| IN_BRACKETS.captures_iter(text)).into_iter().flatten();
    let mut clients: Vec<&str> = get("client").into_iter().chain(get("application")).collect();
    clients.extend(listed.map(|(name, _)| name));
    clients.extend(blocked.filter_map(|found| found.get(1)).map(|name| name.as_str()));
    let named_here = get("database").is_some_and(|name| subject.is_database(name));
    if named_here || clients.iter().any(|client| subject.relation_of(client) == Relation::Same) {
        return Relation::Same;
    }
    let all_others = clients.len() > 1 && clients.iter().all(|client| subject.relation_of(client) == Relation::Other);
    let of_databases = ["database", "db", "lock", "locks", "transaction", "session", "connections", "query"];
    if is_session(&state.kind.to_lowercase())
        && all_others
        && !subject.is_about_a_database()
        && !of_databases.iter().any(|word| subject.says(word))
    {
        return Relation::Other;
    }
    Relation::Unknown
}

/// The kinds under which the alert's own rule comes.
pub(super) fn is_own_rule(kind: &str) -> bool {
    ["alert rule", "alarm"].iter().any(|own| kind.eq_ignore_ascii_case(own))
}

fn names_a_service(kind: &str) -> bool {
    NAMED_AS_SERVICES.iter().any(|word| kind.contains(word))
}

fn is_session(kind: &str) -> bool {
    kind.contains("session")
}

/// Who waits suffers from what another does.
fn waits(kind: &str) -> bool {
    kind.contains("waiting")
}

/// What something is and does, for a root cause.
fn described(state: &ResourceState, what: Option<&str>) -> String {
    let name = if state.name.starts_with(state.kind.rsplit(' ').next().unwrap_or_default()) {
        state.name.clone()
    } else {
        format!("{} {}", state.kind, state.name)
    };
    let told = WHO.iter().filter_map(|(key, word)| Some(format!("{word}{}", state.attributes.get(*key)?)));
    let told: Vec<String> = what.map(str::to_owned).into_iter().chain(told).collect();
    if told.is_empty() { name } else { format!("{name}: {}", told.join(", ")) }
}
