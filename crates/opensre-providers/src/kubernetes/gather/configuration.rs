//! Config maps and secrets: which there are and when they were changed. Never what is in them: the server is asked for
//! metadata only, so that no value ever leaves it.

use futures::future::join;
use jiff::Timestamp;
use opensre_model::alert::Labels;
use opensre_model::evidence::{Event, EventKind, ResourceState};
use serde_json::Value as Json;

use crate::kubernetes::api::{Form, Kind};
use crate::kubernetes::inquiry::Inquiry;
use crate::kubernetes::wire::meta::Meta;
use crate::kubernetes::wire::{add, state};

const CONFIG_MAPS: Kind = Kind { group: "api/v1", plural: "configmaps", words: "config maps" };
const SECRETS: Kind = Kind { group: "api/v1", plural: "secrets", words: "secrets" };

/// Names of config maps and secrets, and their changes; releases of Helm, which it keeps as secrets.
pub(crate) async fn configuration(inquiry: &mut Inquiry) {
    let (api, namespace) = (inquiry.api.clone(), inquiry.namespace.clone());
    let list = |kind| api.list(kind, namespace.as_deref(), Form::Metadata, &[]);
    let (maps, secrets) = join(list(CONFIG_MAPS), list(SECRETS)).await;
    for (kind, word, outcome) in [(CONFIG_MAPS, "config map", maps), (SECRETS, "secret", secrets)] {
        let Some(mut listed) = inquiry.take(outcome) else { continue };
        let releases: Vec<Event> = listed.items.iter().filter_map(release).collect();
        listed.items.retain(|object| release(object).is_none() && !is_machinery(object));
        inquiry.add_states(kind, &listed, |object, now| Some(name_of(&Meta::read(object)?, word, now)));
        let mut events = changes(&listed.items, word);
        events.extend(releases);
        inquiry.add_events(&listed.query, &format!("changes of {}", kind.words), events, listed.cut);
    }
}

fn name_of(meta: &Meta, word: &str, now: Timestamp) -> ResourceState {
    let mut state = state(word, meta, now);
    let changed = meta.changed.as_ref().map(|(at, by)| format!("{at} by {by}")).unwrap_or_default();
    add(&mut state, "changed", changed);
    state
}

/// Objects that every namespace has, or that are written all the time.
fn is_machinery(object: &Json) -> bool {
    Meta::read(object).is_none_or(|meta| {
        meta.name == "kube-root-ca.crt" || meta.annotations.contains_key("control-plane.alpha.kubernetes.io/leader")
    })
}

/// The making and the last change of objects, as changes.
pub(crate) fn changes(objects: &[Json], word: &str) -> Vec<Event> {
    let mut events = Vec::new();
    for meta in objects.iter().filter_map(Meta::read) {
        let mut event = |time: Timestamp, did: &str, by: &str| {
            let by = if by.is_empty() { String::new() } else { format!("by {by}") };
            let title = format!("{word} {} {did}", meta.name);
            events.push(Event { time, kind: EventKind::Change, title, text: by, labels: meta.identity() });
        };
        if let Some(created) = meta.created {
            event(created, "was made", "");
        }
        // An object is changed when it is made, too.
        if let Some((at, by)) = meta.changed.as_ref().filter(|(at, _)| meta.created.is_none_or(|made| *at > made)) {
            event(*at, "was changed", by);
        }
    }
    events
}

/// A revision of a release of Helm: a secret (or config map) with these labels (Helm's documentation, "Storage backends").
fn release(object: &Json) -> Option<Event> {
    let meta = Meta::read(object)?;
    let label = |key: &str| meta.labels.get(key).map(String::as_str);
    if label("owner") != Some("helm") {
        return None;
    }
    let (name, version) = (label("name")?, label("version")?);
    let status = label("status").unwrap_or("unknown");
    let mut labels: Labels = meta.identity();
    labels.insert("workload".to_owned(), name.to_owned());
    labels.insert("revision".to_owned(), version.to_owned());
    Some(Event {
        time: meta.created?,
        kind: EventKind::Deploy,
        title: format!("helm release {name} revision {version} ({status})"),
        text: String::new(),
        labels,
    })
}
