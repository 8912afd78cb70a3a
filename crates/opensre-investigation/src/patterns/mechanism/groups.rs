//! Which signs belong together: those of one mechanism about one thing, under whatever name.

use std::collections::BTreeMap;

use opensre_model::evidence::Meaning;

use super::super::Case;
use crate::mechanism::{Facts, Mechanism};
use crate::signals::{Sign, Symptom};
use crate::subject::{Name, Relation};

/// The signs of one mechanism about one thing.
pub(super) struct Group<'a> {
    pub(super) facts: &'static Facts,
    /// What breaks, as written.
    pub(super) about: Option<String>,
    /// Messages and calls that tell of it.
    pub(super) told: Vec<&'a Symptom>,
    /// Metrics that show it.
    pub(super) shown: Vec<&'a Symptom>,
}

/// The groups of a mechanism.
pub(super) fn groups<'a>(case: &'a Case<'_>, mechanism: Mechanism) -> Vec<Group<'a>> {
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
