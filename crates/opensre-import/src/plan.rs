//! What an import would do to a store: computed, shown, and only then done.
//!
//! Nothing is ever removed. An instance that is there already keeps every field that differs unless an update was asked
//! for; stand-ins for secrets and inferred tags never replace what the store has. Applying a plan and planning again
//! gives a plan that does nothing.

use opensre_model::classify::{Classified, classify};
use opensre_model::diagnostic::Source;
use opensre_model::instance::{InstanceName, Tags, normalise};
use opensre_model::provider::{Catalogue, ProviderSpec};
use opensre_model::record::{Document, RawInstance, Record};
use serde::Serialize;
use serde_json::{Map, Value as Json, json};

use crate::compare::{differences, has_same, is_blank, is_same_system, plain, remove, scalar};
use crate::names;
use crate::proposal::{Found, Proposal, Skipped, Tag};
use crate::settings::{self, Setting};
use crate::settle::{self, Settled, ToSet};

pub use crate::compare::Difference;

/// What the person asked for.
#[derive(Debug, Clone, Default)]
pub struct Choices {
    /// Take over fields that differ from what the store has.
    pub update: bool,
    /// Copy secrets that stand in clear where they come from.
    pub copy_secrets: bool,
    /// Only the instances of these names (`prod`, `grafana/prod`); all when empty.
    pub only: Vec<String>,
    /// Tags for every instance, stronger than inferred ones.
    pub tags: Vec<(String, String)>,
    /// Put before every name.
    pub prefix: String,
}

/// What becomes of something.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Action {
    /// It is not in the store and is added.
    Add,
    /// It is in the store and is changed.
    Change,
    /// It is in the store, as it is.
    Same,
    /// It is in the store, differs, and is kept.
    Differs,
}

/// What an import would do.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Plan {
    /// The instances, in the source's order.
    pub instances: Vec<Entry>,
    /// Groups and routing.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub settings: Vec<Setting>,
    /// What cannot be imported.
    pub skipped: Vec<Skipped>,
    /// Things to know about the source.
    pub notes: Vec<String>,
    /// Names that were asked for and that the source does not have.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub unmatched: Vec<String>,
    #[serde(skip)]
    merged: Map<String, Json>,
    #[serde(skip)]
    update: bool,
}

/// One instance of a plan. Holds no secret that may be seen.
#[derive(Debug, Clone, Serialize)]
pub struct Entry {
    /// Its address: `family/name`, as the store has or will have it.
    pub instance: String,
    /// What becomes of it.
    pub action: Action,
    /// What it was made from.
    pub origin: String,
    /// Its fields: all of them when it is added, those that differ otherwise.
    pub fields: Vec<Difference>,
    /// Its tags, likewise.
    pub tags: Vec<Difference>,
    /// Things to know about it.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub notes: Vec<String>,
    /// Variables to set before it can be used.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub to_set: Vec<ToSet>,
    #[serde(skip)]
    write: Option<Write>,
}

/// What is written for an instance.
#[derive(Clone)]
struct Write {
    service: String,
    record_id: Option<String>,
    entry: Map<String, Json>,
}

impl std::fmt::Debug for Write {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Write").field("service", &self.service).finish_non_exhaustive()
    }
}

/// How a note begins that says under which name the store has an instance.
const STORED_AS: &str = "the store has it as";

/// Plans an import into a document.
pub fn plan(catalogue: &Catalogue, document: &Document, found: Found, choices: &Choices) -> Plan {
    let Found { mut proposals, skipped, notes, settings: found_settings, copies_secrets } = found;
    names::settle(&mut proposals, |service| catalogue.family(service), &choices.prefix);
    let mut plan = Plan { skipped, notes, update: choices.update, ..Plan::default() };
    let (records, _) = document.records(&source());
    let mut planner = Planner {
        catalogue,
        records: &records,
        choices,
        copy: choices.copy_secrets || copies_secrets,
        verbatim: copies_secrets,
    };
    plan.unmatched = planner.unmatched(&proposals);
    if !choices.only.is_empty() {
        // What was not asked for is not missed.
        plan.skipped.retain(|skipped| choices.only.iter().any(|word| skipped.what.contains(word.as_str())));
    }
    let alone = planner.alone(&proposals);
    for (mut proposal, alone) in proposals.into_iter().zip(alone) {
        if !planner.is_wanted(&proposal) {
            continue;
        }
        for (key, value) in &choices.tags {
            proposal.tags.retain(|tag| normalise(&tag.key) != normalise(key));
            proposal.tags.push(Tag { key: key.clone(), value: json!(value), inferred_from: None });
        }
        match planner.entry(&proposal, alone) {
            Ok(entry) => plan.instances.push(entry),
            Err(skipped) => plan.skipped.push(skipped),
        }
    }
    if !found_settings.is_empty() && choices.only.is_empty() {
        let mut root = root(document);
        plan.settings = settings::merge(&mut root, &found_settings, choices.update, &mut plan.notes);
        plan.merged = found_settings;
    }
    plan
}

impl Plan {
    /// Whether applying it would change nothing.
    pub fn is_empty(&self) -> bool {
        !self.instances.iter().any(|entry| entry.write.is_some())
            && !self.settings.iter().any(|setting| matches!(setting.action, Action::Add | Action::Change))
    }

    /// How many instances and settings have this action.
    pub fn count(&self, action: Action) -> usize {
        self.instances.iter().filter(|entry| entry.action == action).count()
            + self.settings.iter().filter(|setting| setting.action == action).count()
    }

    /// Variables to set before the new and changed instances can be used.
    pub fn to_set(&self) -> impl Iterator<Item = &ToSet> {
        self.instances.iter().filter(|entry| entry.write.is_some()).flat_map(|entry| &entry.to_set)
    }

    /// What the plan does, to compare two of them by: whether the store is still as it was when the plan was shown.
    pub fn outline(&self) -> Vec<(String, Action)> {
        let instances = self.instances.iter().map(|entry| (entry.instance.clone(), entry.action));
        instances.chain(self.settings.iter().map(|setting| (setting.what.clone(), setting.action))).collect()
    }

    /// Does it. `random` makes ids for new records.
    pub fn apply(&self, catalogue: &Catalogue, document: &mut Document, random: u32) {
        for write in self.instances.iter().filter_map(|entry| entry.write.as_ref()) {
            let mut record = Map::new();
            let id = write.record_id.clone().or_else(|| new_id(catalogue, document, &write.service, random));
            if let Some(id) = id {
                record.insert("id".to_owned(), json!(id));
            }
            record.insert("instances".to_owned(), json!([write.entry]));
            document.upsert_record(catalogue, &write.service, &record, random);
        }
        if !self.merged.is_empty() {
            let mut root = root(document);
            settings::merge(&mut root, &self.merged, self.update, &mut Vec::new());
            // It was a store before, and no key that makes it one was touched.
            if let Ok(merged) = Document::from_json(Json::Object(root)) {
                *document = merged;
            }
        }
    }
}

/// The id of a new record, where the service has records and none of them is active: an instance in an inactive record
/// would never be used.
fn new_id(catalogue: &Catalogue, document: &Document, service: &str, random: u32) -> Option<String> {
    let key = catalogue.canonical(service);
    let all = document.list();
    let mut own = all.iter().filter(|record| catalogue.canonical(&record.service) == key).peekable();
    own.peek()?;
    if own.any(|record| record.status == "active") {
        return None;
    }
    (0..=u32::MAX)
        .map(|step| format!("{key}-{:08x}", random.wrapping_add(step)))
        .find(|id| !all.iter().any(|record| record.id == *id))
}

fn root(document: &Document) -> Map<String, Json> {
    match document.clone().into_json() {
        Json::Object(root) => root,
        _ => Map::new(),
    }
}

fn source() -> Source {
    Source::Store { path: "the import".to_owned() }
}

/// A stored instance, and the record that has it.
struct Stored<'a> {
    record: &'a Record,
    instance: &'a RawInstance,
    /// The entry with the keys that are not read.
    entry: Option<&'a Map<String, Json>>,
}

struct Planner<'a> {
    catalogue: &'a Catalogue,
    records: &'a [Record],
    choices: &'a Choices,
    copy: bool,
    verbatim: bool,
}

impl<'a> Planner<'a> {
    /// Whether a word of `--only` names a proposal.
    fn names(&self, word: &str, proposal: &Proposal) -> bool {
        let (service, name) = match word.split_once('/') {
            Some((service, name)) if self.catalogue.find(service).is_some() => {
                (Some(self.catalogue.family(service)), name)
            }
            _ => (None, word),
        };
        let name = names::slug(name);
        let own = [&proposal.name, &proposal.full_name];
        let named =
            own.iter().any(|own| **own == name || **own == names::slug(&format!("{}{name}", self.choices.prefix)));
        named && service.is_none_or(|service| service == self.catalogue.family(&proposal.service))
    }

    fn is_wanted(&self, proposal: &Proposal) -> bool {
        self.choices.only.is_empty() || self.choices.only.iter().any(|word| self.names(word, proposal))
    }

    fn unmatched(&self, proposals: &[Proposal]) -> Vec<String> {
        let unknown = |word: &&String| !proposals.iter().any(|proposal| self.names(word, proposal));
        self.choices.only.iter().filter(unknown).cloned().collect()
    }

    /// For each proposal, whether no other one means the same system.
    fn alone(&self, proposals: &[Proposal]) -> Vec<bool> {
        let key = |proposal: &Proposal| {
            let values: Vec<&str> =
                proposal.identity.iter().map(|key| proposal.plain_text(key).unwrap_or_default()).collect();
            (self.catalogue.family(&proposal.service), values.join("\n"))
        };
        let mut count = std::collections::HashMap::new();
        for proposal in proposals {
            *count.entry(key(proposal)).or_insert(0_usize) += 1;
        }
        proposals.iter().map(|proposal| count.get(&key(proposal)) == Some(&1)).collect()
    }

    /// The stored instances of a family, in order.
    fn stored(&self, family: &str) -> impl Iterator<Item = Stored<'a>> {
        let catalogue = self.catalogue;
        let family = family.to_owned();
        let own = self.records.iter().filter(move |record| catalogue.family(&record.service) == family);
        own.flat_map(|record| {
            let entries = record.raw.get("instances").and_then(Json::as_array);
            let mut objects = entries.into_iter().flatten().filter_map(Json::as_object);
            record.instances.iter().map(move |instance| Stored { record, instance, entry: objects.next() })
        })
    }

    fn entry(&mut self, proposal: &Proposal, alone: bool) -> Result<Entry, Skipped> {
        let family = self.catalogue.family(&proposal.service);
        let spec = self.catalogue.find(&proposal.service);
        let mut settled = settle::settle(spec, &family, proposal, self.copy, self.verbatim);
        let name = InstanceName::new(&proposal.name);
        let mut all: Vec<Stored<'a>> = self.stored(&family).collect();
        if let Some(hidden) =
            all.iter().find(|stored| !stored.record.is_active() && name.answers_to(&stored.instance.name))
        {
            return Err(Skipped {
                what: format!("{family}/{name} ({})", proposal.origin),
                reason: format!("the store has it in a record whose status is `{}`", hidden.record.status),
                hint: Some("make that record active or remove it, or choose another name with --prefix".to_owned()),
            });
        }
        all.retain(|stored| stored.record.is_active());
        let known = all.iter().find(|stored| name.answers_to(&stored.instance.name)).or_else(|| {
            let mut same = all.iter().filter(|stored| alone && is_same_system(spec, proposal, stored.instance));
            same.next().filter(|_| same.next().is_none())
        });
        let key = usable(self.catalogue, &proposal.service, &mut settled);
        if let Some(known) = known {
            // What the source does not say, the store may.
            return Ok(self.compare(spec, &family, proposal, settled, known));
        }
        let key = key.map_err(|reason| unusable(&family, proposal, reason))?;
        Ok(added(self.catalogue.find(&key).or(spec), &family, &key, proposal, settled))
    }

    /// Compares with what the store has under this name, or under another for the same system.
    fn compare(
        &self,
        spec: Option<&'static ProviderSpec>,
        family: &str,
        proposal: &Proposal,
        settled: Settled,
        known: &Stored<'_>,
    ) -> Entry {
        let update = self.choices.update;
        let Settled { instance, extra, stand_ins, to_set, mut notes } = settled;
        let old = known.instance;
        if !InstanceName::new(&old.name).answers_to(&proposal.name) {
            notes.insert(0, format!("{STORED_AS} {family}/{}", old.name));
        }
        let other = proposal.identity.iter().any(|key| {
            let own = proposal.plain_text(key).map(|text| Json::String(text.to_owned()));
            own.is_some_and(|own| {
                !is_blank(spec, key, &old.credentials) && !has_same(spec, key, &old.credentials, &own)
            })
        });
        if other && !update {
            notes.insert(0, "the one in the store is another system: --prefix gives this one another name".to_owned());
        }
        let mut entry = known.entry.cloned().unwrap_or_default();
        let mut credentials = old.credentials.clone();
        let mut differing = Map::new();
        for (key, value) in &instance.credentials {
            if has_same(spec, key, &old.credentials, value) {
                continue;
            }
            let blank = is_blank(spec, key, &old.credentials);
            if stand_ins.contains(key) && (!blank || !update) {
                continue;
            }
            differing.insert(key.clone(), value.clone());
            remove(spec, key, &mut credentials);
            credentials.insert(key.clone(), value.clone());
        }
        let fields = differences(spec, Some(&old.credentials), &differing);

        let (own_tags, _) = Tags::from_json(&old.tags);
        let mut tags = old.tags.clone();
        let mut tag_differences = Vec::new();
        for tag in &proposal.tags {
            let own = own_tags.get(&tag.key);
            let same = own.as_ref().is_some_and(|own| *own == normalise(&scalar(&tag.value)));
            // A guess never replaces a tag, and is added to what is there already only with an update.
            let guess = tag.inferred_from.is_some() && (own.is_some() || !update);
            if same || guess {
                continue;
            }
            tag_differences.push(Difference {
                name: tag.key.clone(),
                old: own,
                new: scalar(&tag.value),
                from: tag.inferred_from.clone(),
            });
            tags.retain(|key, _| normalise(key) != normalise(&tag.key));
            tags.insert(tag.key.clone(), tag.value.clone());
        }
        let mut fields = fields;
        let expect = instance.expect.iter().map(|expect| ("expect".to_owned(), expect.clone()));
        for (key, value) in expect.chain(extra) {
            let own = entry.get(&key);
            if own != Some(&value) {
                fields.push(Difference {
                    name: key.clone(),
                    old: own.map(|own| plain(&key, own)),
                    new: plain(&key, &value),
                    from: None,
                });
                entry.insert(key, value);
            }
        }
        let differs = !fields.is_empty() || !tag_differences.is_empty();
        let action = match (differs, update) {
            (false, _) => Action::Same,
            (true, true) => Action::Change,
            (true, false) => Action::Differs,
        };
        if action == Action::Same {
            // Nothing comes of it: only where it is to be found is worth a word.
            notes.retain(|note| note.starts_with(STORED_AS));
        }
        let write = (action == Action::Change).then(|| {
            entry.insert("name".to_owned(), json!(old.name));
            entry.insert("tags".to_owned(), Json::Object(tags));
            entry.insert("credentials".to_owned(), Json::Object(credentials));
            let id = known.record.id.clone();
            Write { service: known.record.service.clone(), record_id: Some(id).filter(|id| !id.is_empty()), entry }
        });
        let to_set = to_set.into_iter().filter(|to_set| differing.contains_key(&to_set.field)).collect();
        Entry {
            instance: format!("{family}/{}", old.name),
            action,
            origin: proposal.origin.clone(),
            fields,
            tags: tag_differences,
            notes,
            to_set,
            write,
        }
    }
}

fn added(spec: Option<&'static ProviderSpec>, family: &str, key: &str, proposal: &Proposal, settled: Settled) -> Entry {
    let Settled { instance, extra, to_set, notes, .. } = settled;
    let mut fields = differences(spec, None, &instance.credentials);
    let tags = proposal.tags.iter().map(|tag| Difference {
        name: tag.key.clone(),
        old: None,
        new: scalar(&tag.value),
        from: tag.inferred_from.clone(),
    });
    let mut entry = Map::new();
    entry.insert("name".to_owned(), json!(instance.name));
    entry.insert("tags".to_owned(), Json::Object(instance.tags));
    entry.insert("credentials".to_owned(), Json::Object(instance.credentials));
    for (key, value) in instance.expect.map(|expect| ("expect".to_owned(), expect)).into_iter().chain(extra) {
        fields.push(Difference { name: key.clone(), old: None, new: plain(&key, &value), from: None });
        entry.insert(key, value);
    }
    Entry {
        instance: format!("{family}/{}", proposal.name),
        action: Action::Add,
        origin: proposal.origin.clone(),
        fields,
        tags: tags.collect(),
        notes,
        to_set,
        write: Some(Write { service: key.to_owned(), record_id: None, entry }),
    }
}

fn unusable(family: &str, proposal: &Proposal, reason: String) -> Skipped {
    Skipped {
        what: format!("{family}/{} ({})", proposal.name, proposal.origin),
        reason,
        hint: Some(format!(
            "add what is missing there, or set it up with `opensre integrations add {family}/{}`",
            proposal.name
        )),
    }
}

/// The key under which an instance belongs into the store, or why it could not be used. Secrets that it would not use
/// (the token of a local Grafana) are dropped.
fn usable(catalogue: &Catalogue, service: &str, settled: &mut Settled) -> Result<String, String> {
    let record = Record {
        id: String::new(),
        service: service.to_owned(),
        status: "active".to_owned(),
        instances: vec![settled.instance.clone()],
        source: source(),
        raw: Map::new(),
    };
    let Classified { instances, incomplete, .. } = classify(catalogue, &record);
    let Some(instance) = instances.first() else {
        let reason = incomplete.into_iter().next().map_or_else(|| "it cannot be used".to_owned(), |odd| odd.reason);
        return Err(reason);
    };
    if let Some(spec) = catalogue.find(&instance.service) {
        let unused: Vec<String> = spec
            .fields
            .iter()
            .filter(|field| field.secret && !instance.config().has(field.key))
            .map(|field| field.key.to_owned())
            .collect();
        settled.instance.credentials.retain(|key, _| !unused.contains(key));
        settled.to_set.retain(|to_set| !unused.contains(&to_set.field));
        settled.stand_ins.retain(|key| !unused.contains(key));
    }
    Ok(instance.service.clone())
}
