//! One hypothesis for each mechanism that messages, states or metrics point at, per thing that it is about.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use jiff::Timestamp;
use opensre_model::evidence::{EventKind, Meaning};
use opensre_model::report::Category;

use super::{Case, Draft, Point, TOLERANCE, change_words, same_thing};
use crate::mechanism::{Facts, Mechanism};
use crate::signals::{Shape, Sign, Symptom, clock, span};
use crate::subject::{self, Name, Relation};

/// What a second, third... message of the same mechanism adds, as a share of its weight.
const FURTHER: f64 = 0.3;
/// What it adds that the alert's own words speak of the mechanism.
const WORDS: f64 = 0.2;
/// What it adds that it began with the incident.
const WITH_THE_INCIDENT: f64 = 0.2;
/// What a change just before it adds; for code and settings, which need someone to change them, more.
const TRIGGER: f64 = 0.25;
const TRIGGER_OF_MADE_FAULTS: f64 = 0.45;
/// How well a change must fit to be named in the root cause.
const NAMED: f64 = 0.4;
/// Parts of the names of metrics that count bad records.
const BAD_RECORDS: &[&str] =
    &["null", "invalid", "reject", "malformed", "duplicate", "stale", "freshness", "dead_letter", "dlq"];
/// What an effect adds that is what one would see.
const EFFECT: f64 = 0.2;

/// Proposes hypotheses.
pub fn explain(case: &Case<'_>) -> Vec<Draft> {
    Mechanism::ALL
        .iter()
        .flat_map(|mechanism| groups(case, *mechanism).into_iter().map(|group| draft(case, group)))
        .collect()
}

/// The signs of one mechanism about one thing.
struct Group<'a> {
    facts: &'static Facts,
    /// What breaks, as written.
    about: Option<String>,
    /// Messages and calls that tell of it.
    told: Vec<&'a Symptom>,
    /// Metrics that show it.
    shown: Vec<&'a Symptom>,
}

fn groups<'a>(case: &'a Case<'_>, mechanism: Mechanism) -> Vec<Group<'a>> {
    let facts = mechanism.facts();
    let mut groups: BTreeMap<String, Group<'a>> = BTreeMap::new();
    let key = |about: Option<&str>| {
        about
            .map(|about| Name::parse(about).map_or_else(|| about.to_lowercase(), |name| name.to_string()))
            .unwrap_or_default()
    };
    let group = |groups: &mut BTreeMap<String, Group<'a>>, about: Option<String>, symptom: &'a Symptom, told: bool| {
        // What does not say what it is about is about the alert's own service, unless that is not ruled out.
        let own = || case.subject.name().map(str::to_owned).filter(|_| !mechanism.has_peer());
        let about = about.or_else(own);
        let group = groups.entry(key(about.as_deref())).or_insert_with(|| Group {
            facts,
            about,
            told: Vec::new(),
            shown: Vec::new(),
        });
        if told { group.told.push(symptom) } else { group.shown.push(symptom) }
    };
    for symptom in case.findings.symptoms.iter().filter(|symptom| symptom.relation != Relation::Other) {
        match &symptom.sign {
            Sign::Failure { mechanism: Some(found), peer, .. } if *found == mechanism => {
                let about = if mechanism.has_peer() { peer.clone() } else { symptom.about.clone() };
                // Others who cannot reach the alert's own service tell of its outage, not of a dependency's.
                let is_own = about.as_deref().is_some_and(|about| case.subject.relation_of(about) == Relation::Same);
                if mechanism == Mechanism::Peer && is_own {
                    continue;
                }
                group(&mut groups, about, symptom, true);
            }
            Sign::Call { peer, fails }
                if mechanism == Mechanism::Peer
                    && case.subject.relation_of(peer) != Relation::Same
                    && (*fails || symptom.strength >= 0.4) =>
            {
                group(&mut groups, Some(peer.clone()), symptom, true);
            }
            Sign::Metric { meaning, rising, .. } if facts.meanings.contains(meaning) => {
                let bad = *rising || matches!(meaning, Meaning::Disk);
                if bad {
                    group(&mut groups, symptom.about.clone(), symptom, false);
                }
            }
            _ => {}
        }
    }
    if mechanism.has_peer() {
        unite(&mut groups);
    }
    // That names do not resolve is no fault of what they name.
    if mechanism == Mechanism::Dns {
        gather_all(&mut groups);
    }
    // Metrics of a pod, container or host of the alert's own service belong to what its messages tell.
    if !mechanism.has_peer() && groups.len() > 1 {
        let told: Vec<String> =
            groups.iter().filter(|(_, group)| !group.told.is_empty()).map(|(key, _)| key.clone()).collect();
        if let [told] = told.as_slice() {
            let shown: Vec<&Symptom> = groups
                .iter()
                .filter(|(key, _)| *key != told)
                .flat_map(|(_, group)| group.shown.iter().copied())
                .filter(|symptom| symptom.relation != Relation::Linked)
                .collect();
            groups.retain(|key, group| key == told || group.shown.iter().any(|one| one.relation == Relation::Linked));
            if let Some(group) = groups.get_mut(told) {
                group.shown.extend(shown);
            }
        }
    }
    groups.into_values().collect()
}

/// Brings together what names the same other side in different ways: messages that name none belong to the one side
/// that others name, and a bare address to the one name that its port speaks of.
fn unite(groups: &mut BTreeMap<String, Group<'_>>) {
    let join = |groups: &mut BTreeMap<String, Group<'_>>, from: &str, to: &str| {
        if let Some(joined) = groups.remove(from)
            && let Some(kept) = groups.get_mut(to)
        {
            kept.told.extend(joined.told);
            kept.shown.extend(joined.shown);
        }
    };
    let named: Vec<String> = groups.keys().filter(|key| Name::parse(key).is_some()).cloned().collect();
    let bare: Vec<String> =
        groups.keys().filter(|key| !key.is_empty() && Name::parse(key).is_none()).cloned().collect();
    for address in &bare {
        let words = address.rsplit(':').next().map_or(&[][..], spoken_by);
        let mut alike = named.iter().filter(|name| words.iter().any(|word| name.contains(word)));
        if let (Some(name), None) = (alike.next(), alike.next()) {
            join(groups, address, name);
        }
    }
    let others: Vec<String> = groups.keys().filter(|key| !key.is_empty()).cloned().collect();
    if let [only] = others.as_slice() {
        join(groups, "", only);
    }
}

/// Makes one group of all; it is about what most of its messages are about.
fn gather_all(groups: &mut BTreeMap<String, Group<'_>>) {
    let Some(first) = groups.iter().max_by_key(|(_, group)| group.told.len()).map(|(key, _)| key.clone()) else {
        return;
    };
    let Some(mut all) = groups.remove(&first) else { return };
    let others = !groups.is_empty();
    for (_, group) in std::mem::take(groups) {
        all.told.extend(group.told);
        all.shown.extend(group.shown);
    }
    all.about = all.about.filter(|_| !others);
    groups.insert(first, all);
}

/// What names are likely to contain of what listens on a port.
fn spoken_by(port: &str) -> &'static [&'static str] {
    match port {
        "5432" | "6432" => &["postgres", "pg", "db"],
        "3306" => &["mysql", "maria", "db"],
        "6379" => &["redis", "valkey", "cache"],
        "27017" => &["mongo", "db"],
        "9092" => &["kafka", "broker"],
        "5672" => &["rabbit", "amqp", "mq"],
        "9200" => &["elastic", "opensearch", "search"],
        "11211" => &["memcache", "cache"],
        "4222" => &["nats"],
        _ => &[],
    }
}

fn draft(case: &Case<'_>, group: Group<'_>) -> Draft {
    let Group { facts, about, mut told, mut shown } = group;
    told.sort_by(|a, b| carried(b).total_cmp(&carried(a)).then_with(|| a.text.cmp(&b.text)));
    shown.sort_by(|a, b| b.strength.total_cmp(&a.strength).then_with(|| a.text.cmp(&b.text)));
    let onset: Option<Timestamp> =
        if told.is_empty() { &shown } else { &told }.iter().filter_map(|one| one.onset).min();
    let all: Vec<usize> = {
        let mut all: Vec<usize> = told.iter().chain(&shown).flat_map(|one| one.evidence.iter().copied()).collect();
        all.sort_unstable();
        all.dedup();
        all
    };
    let mut supporting: Vec<Point> = Vec::new();
    for (rank, symptom) in told.iter().take(5).enumerate() {
        let weight = carried(symptom) * if rank == 0 { 1.0 } else { FURTHER };
        supporting.push(Point::of(symptom, weight));
    }
    for symptom in shown.iter().take(3) {
        let Sign::Metric { shape, .. } = symptom.sign else { continue };
        let by_shape = match shape {
            Shape::Saturated => 0.72,
            Shape::Ramp => 0.5,
            _ => 0.35,
        };
        let weight = by_shape * (0.6 + 0.4 * symptom.strength) * symptom.relation.weight();
        supporting.push(Point::of(symptom, if told.is_empty() { weight } else { weight * 0.6 }));
    }
    effects(case, facts.mechanism, about.as_deref(), onset, &mut supporting);
    if let Some(word) = facts.words.iter().find(|word| case.subject.says(word)) {
        supporting.push(Point::new(WORDS, format!("the alert itself speaks of \"{word}\""), all.clone()));
    }
    let trigger = case.trigger(onset, about.as_deref());
    if let Some((index, fit)) = trigger {
        let change = &case.findings.symptoms[index];
        let made = matches!(
            facts.mechanism,
            Mechanism::Code | Mechanism::Setting | Mechanism::Schema | Mechanism::Image | Mechanism::Access
        );
        let weight = fit * if made { TRIGGER_OF_MADE_FAULTS } else { TRIGGER };
        let text = match (change.onset, onset) {
            (Some(made), Some(onset)) => {
                format!("{}, {} before it began", change_words(change), span(onset.duration_since(made)))
            }
            _ => change_words(change),
        };
        supporting.push(Point { weight, text, evidence: change.evidence.clone(), time: change.onset, observed: true });
    }
    let mut against = Vec::new();
    // What climbs until it is full begins long before the trouble.
    let climbs =
        shown.first().is_some_and(|one| matches!(one.sign, Sign::Metric { shape: Shape::Saturated | Shape::Ramp, .. }));
    if let Some(onset) = onset {
        let late = onset.duration_since(case.onset);
        if late > TOLERANCE * 3 {
            against.push(Point::new(
                0.35,
                format!("it began at {}, {} after the trouble itself", clock(onset), span(late)),
                all.clone(),
            ));
        } else if case.onset.duration_since(onset) < jiff::SignedDuration::from_mins(30) || climbs {
            // A coincidence says as much as the two things that coincide.
            let clear = told.first().or(shown.first()).map_or(0.0, |one| one.strength);
            supporting.push(Point::new(
                WITH_THE_INCIDENT * clear * if case.measured { 1.0 } else { 0.6 },
                format!("it began at {} and the trouble at {}", clock(onset), clock(case.onset)),
                all.clone(),
            ));
        }
    }
    // What happens once (a kill, an eviction, a pull) is over and works on; what fails all the time is not.
    let lasts = facts.mechanism.has_peer()
        || matches!(facts.mechanism, Mechanism::Data | Mechanism::Code | Mechanism::Lock | Mechanism::Pool);
    let ended = told.iter().chain(&shown).map(|one| one.over).collect::<Option<Vec<Timestamp>>>();
    if let Some(ended) = ended.and_then(|times| times.into_iter().max())
        && lasts
        && case.goes_on()
        && case.window.end.duration_since(ended) > jiff::SignedDuration::from_mins(10)
    {
        let mut shows = all.clone();
        shows.extend(&case.findings.condition.evidence);
        against.push(Point::new(0.25, format!("it was over at {} while the alert goes on", clock(ended)), shows));
    }
    if facts.mechanism == Mechanism::Peer && about.is_none() && told.iter().all(|one| is_only_slow(one)) {
        let text = "the messages say that time ran out, not what was waited for";
        against.push(Point::new(0.4, text, all.clone()));
    }
    let category = category(case, facts, trigger);
    // A change that fits badly is told as what speaks for the hypothesis, not as its origin.
    let trigger = trigger.filter(|(_, fit)| *fit >= NAMED);
    let trigger_symptom = trigger.map(|(index, _)| &case.findings.symptoms[index]);
    let means = told.iter().find_map(|one| match &one.sign {
        Sign::Failure { means, .. } => Some(*means),
        _ => None,
    });
    let what = told.iter().find_map(|one| match &one.sign {
        Sign::Failure { what: Some(what), .. } => Some(what.as_str()),
        _ => None,
    });
    let line = told.iter().find_map(|one| match &one.sign {
        Sign::Failure { line: Some(line), means: said, .. } if Some(*said) == means => Some(line.as_str()),
        _ => None,
    });
    Draft {
        title: title(case, facts, about.as_deref()),
        category,
        root_cause: root_cause(
            case,
            facts,
            about.as_deref(),
            &Told { means, what, line, onset, shown: shown.first().copied() },
            trigger_symptom,
        ),
        mechanism: Some(facts.mechanism),
        told: !told.is_empty(),
        onset,
        trigger: trigger.map(|(index, _)| index),
        supporting,
        against,
        impossible: false,
        next_steps: next_steps(case, facts, about.as_deref(), trigger_symptom),
        tells: Some(tells(case, facts, about.as_deref())),
        about,
    }
}

/// Whether a message says no more than that something took too long.
fn is_only_slow(symptom: &Symptom) -> bool {
    matches!(symptom.sign, Sign::Failure { means: "a call takes too long", peer: None, .. })
}

/// How far a telling symptom carries.
fn carried(symptom: &Symptom) -> f64 {
    let weight = match &symptom.sign {
        Sign::Failure { weight, .. } => *weight,
        Sign::Call { fails: true, .. } => 0.7,
        Sign::Call { .. } => 0.6,
        _ => 0.3,
    };
    weight * symptom.strength * symptom.relation.weight()
}

/// Adds what one would see if the mechanism were at work.
fn effects(
    case: &Case<'_>,
    mechanism: Mechanism,
    about: Option<&str>,
    onset: Option<Timestamp>,
    points: &mut Vec<Point>,
) {
    let began = |symptom: &Symptom| match (symptom.onset, onset) {
        (Some(effect), Some(onset)) => onset.duration_since(effect) <= TOLERANCE,
        _ => true,
    };
    let seen: &[Meaning] = match mechanism {
        Mechanism::Memory => &[Meaning::Restarts],
        Mechanism::Cpu | Mechanism::Pool | Mechanism::Lock => &[Meaning::Latency],
        Mechanism::Setting | Mechanism::Image => &[Meaning::Restarts, Meaning::Availability, Meaning::Errors],
        Mechanism::Node => &[Meaning::Availability, Meaning::Traffic],
        _ => &[Meaning::Errors, Meaning::Latency],
    };
    if let Some(effect) = case
        .metrics(seen)
        .filter(|symptom| symptom.relation != Relation::Linked && began(symptom))
        .max_by(|a, b| a.strength.total_cmp(&b.strength).then_with(|| b.text.cmp(&a.text)))
    {
        points.push(Point::of(effect, EFFECT * (0.5 + 0.5 * effect.strength)));
    }
    if matches!(
        mechanism,
        Mechanism::Cpu
            | Mechanism::Pool
            | Mechanism::Memory
            | Mechanism::Quota
            | Mechanism::Capacity
            | Mechanism::Scaling
    ) && let Some(surge) = case.surge(onset)
    {
        points.push(Point::of(surge, 0.25));
    }
    // What is used up and cannot be had more of.
    if matches!(mechanism, Mechanism::Cpu | Mechanism::Pool | Mechanism::Memory) {
        let limited = case.findings.symptoms.iter().find(|symptom| {
            matches!(symptom.sign, Sign::Failure { mechanism: Some(Mechanism::Scaling), .. })
                && symptom.relation != Relation::Other
        });
        points.extend(limited.map(|symptom| Point::of(symptom, 0.2)));
    }
    if matches!(mechanism, Mechanism::Memory | Mechanism::Setting | Mechanism::Image | Mechanism::Code) {
        let loops = case.findings.symptoms.iter().find(|symptom| {
            matches!(symptom.sign, Sign::Failure { mechanism: None, means: "restarts in a loop", .. })
                && symptom.relation != Relation::Other
        });
        points.extend(loops.map(|symptom| Point::of(symptom, 0.2)));
    }
    if mechanism == Mechanism::Data {
        // Counts and shares of bad records are metrics of no general meaning; their names tell.
        let named = case.metrics(&[Meaning::Other, Meaning::Errors]).find(|symptom| {
            symptom.evidence.iter().any(|index| {
                let query = case.evidence[*index].origin.query.to_lowercase();
                BAD_RECORDS.iter().any(|word| query.contains(word))
            }) && !points.iter().any(|point| point.text == symptom.text)
        });
        points.extend(named.map(|symptom| Point::of(symptom, 0.3 * symptom.strength)));
    }
    if mechanism == Mechanism::Peer {
        let own = case
            .findings
            .symptoms
            .iter()
            .filter(|symptom| {
                matches!(symptom.sign, Sign::Metric { .. } | Sign::Down { .. } | Sign::Alert)
                    && symptom.relation != Relation::Same
                    && about.is_some_and(|about| same_thing(symptom.about.as_deref(), about))
            })
            .take(2);
        points.extend(own.map(|symptom| Point::of(symptom, 0.3 * symptom.strength)));
    }
}

/// The mechanism's category, unless a change of a setting is what set it off.
fn category(case: &Case<'_>, facts: &Facts, trigger: Option<(usize, f64)>) -> Category {
    const SETTINGS: &[&str] = &[
        "config",
        "configuration",
        "configmap",
        "setting",
        "settings",
        "limit",
        "limits",
        "pool",
        "timeout",
        "max",
        "env",
        "variable",
        "url",
        "endpoint",
        "host",
        "values",
        "heap",
        "replicas",
        "quota",
        "threshold",
        "policy",
        "dns",
        "scale",
        "scaled",
        "parameter",
        "secret",
        "rotate",
        "rotated",
    ];
    const FLAGS: &[&str] = &["flag", "flags", "toggle", "feature", "experiment"];
    let Some((index, fit)) = trigger.filter(|(_, fit)| *fit >= 0.45) else { return facts.category };
    let change = &case.findings.symptoms[index];
    if change.change() != Some(EventKind::Change) || change.relation == Relation::Unknown && fit < 0.5 {
        return facts.category;
    }
    let text = change.text.to_lowercase();
    let says = |words: &[&str]| words.iter().any(|word| subject::mentions(&text, word));
    match facts.mechanism {
        Mechanism::Node | Mechanism::Storage | Mechanism::Data | Mechanism::Schema => facts.category,
        _ if says(SETTINGS) || says(FLAGS) => Category::ConfigurationError,
        _ => facts.category,
    }
}

fn title(case: &Case<'_>, facts: &Facts, about: Option<&str>) -> String {
    match (facts.mechanism, about) {
        (Mechanism::Peer, Some(peer)) => format!("{} fails since {peer} does not answer as it should", case.name()),
        (mechanism, Some(peer)) if mechanism.has_peer() => format!("{} {} ({peer})", case.name(), facts.happened),
        (mechanism, _) if mechanism.has_peer() => format!("{} {}", case.name(), facts.happened),
        (Mechanism::Node, Some(about)) if case.subject.is_machine(about) => {
            format!("the machine {about} is not healthy")
        }
        (_, Some(about)) => format!("{about} {}", facts.happened),
        (_, None) => format!("{} {}", case.name(), facts.happened),
    }
}

/// What a root cause tells besides who and what.
struct Told<'a> {
    /// What the messages mean.
    means: Option<&'a str>,
    /// The thing at fault that they name.
    what: Option<&'a str>,
    /// What they say, word by word.
    line: Option<&'a str>,
    /// When it began.
    onset: Option<Timestamp>,
    /// The metric that shows it best.
    shown: Option<&'a Symptom>,
}

fn root_cause(
    case: &Case<'_>,
    facts: &Facts,
    about: Option<&str>,
    told: &Told<'_>,
    trigger: Option<&Symptom>,
) -> String {
    let by_metrics = told.means.is_none() && told.shown.is_some();
    let since = told
        .onset
        .filter(|_| !by_metrics)
        .map(|onset| format!(" since {}", onset.strftime("%Y-%m-%d %H:%M:%S UTC")))
        .unwrap_or_default();
    let detail = match (told.means, told.what, told.shown) {
        (Some(means), Some(what), _) => format!(": {means} ({what})"),
        (Some(means), None, _) => format!(": {means}"),
        (None, _, Some(shown)) => format!(": {}", shown.text),
        (None, _, None) => String::new(),
    };
    let mut text = match (facts.mechanism, about) {
        (Mechanism::Peer, Some(peer)) => {
            let detail = told.means.map_or_else(|| "calls to it fail or are slow".to_owned(), str::to_owned);
            format!("{} has failed{since} because of {peer}, which it calls: {detail}", case.name())
        }
        (mechanism, Some(peer)) if mechanism.has_peer() => {
            format!("{} {}{since}, calling {peer}{detail}", case.name(), facts.happened)
        }
        (mechanism, None) if mechanism.has_peer() => format!("{} {}{since}{detail}", case.name(), facts.happened),
        (Mechanism::Node, Some(about)) if case.subject.is_machine(about) => {
            format!("The machine {about} has not been healthy{since}{detail}")
        }
        (_, about) => {
            let about = about.unwrap_or_else(|| case.name());
            let own = case.subject.relation_of(about) == Relation::Same
                || same_thing(Some(about), case.name())
                || case.subject.is_machine(about);
            let effect = if own { String::new() } else { format!(", which {} depends on,", case.name()) };
            format!("{about}{effect} {}{since}{detail}", facts.happened)
        }
    };
    // Where words were made by people or by the program itself, they say most.
    let speaks = matches!(
        facts.mechanism,
        Mechanism::Setting
            | Mechanism::Code
            | Mechanism::Data
            | Mechanism::Schema
            | Mechanism::Placement
            | Mechanism::Access
    );
    if let Some(line) = told.line.filter(|line| speaks && !told.what.is_some_and(|what| what.contains(*line))) {
        let _ = write!(text, ": \"{line}\"");
    }
    if let Some(trigger) = trigger {
        let _ = write!(text, "; it followed {}", change_words(trigger));
    } else if let Some(surge) = case.surge(told.onset).filter(|_| facts.category == Category::ResourceExhaustion) {
        let _ = write!(text, "; before it, {}", surge.text);
    }
    text.push('.');
    text
}

/// What would confirm a mechanism or rule it out.
pub(super) fn tells(case: &Case<'_>, facts: &Facts, about: Option<&str>) -> String {
    let peer = about.filter(|_| facts.mechanism.has_peer()).unwrap_or("it");
    let service = if facts.mechanism.has_peer() { case.name() } else { about.unwrap_or_else(|| case.name()) };
    facts.tells.replace("{service}", service).replace("{peer}", peer)
}

fn next_steps(case: &Case<'_>, facts: &Facts, about: Option<&str>, trigger: Option<&Symptom>) -> Vec<String> {
    let namespace = subject::lookup(&case.alert.labels, "namespace");
    let peer = about.filter(|_| facts.mechanism.has_peer());
    let service = if facts.mechanism.has_peer() { case.name() } else { about.unwrap_or_else(|| case.name()) };
    let mut steps: Vec<String> = Vec::new();
    if let Some(trigger) = trigger {
        steps.push(format!("look at {}, and take it back if nothing speaks against it", change_words(trigger)));
    }
    for step in facts.next {
        let mut text = step.replace("{service}", service);
        if let Some(namespace) = &namespace {
            text = text.replace("{namespace}", namespace);
        }
        if let Some(peer) = peer {
            text = text.replace("{peer}", peer);
        }
        if !text.contains("{namespace}") && !text.contains("{peer}") {
            steps.push(text);
        }
    }
    steps
}
