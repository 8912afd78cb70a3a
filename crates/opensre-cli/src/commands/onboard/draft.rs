//! An instance in the making: what is answered so far, the question of each step, and what an answer does.
//! Pure: no terminal, no store, no network.

use std::collections::BTreeSet;
use std::sync::Arc;

use opensre_model::fields as model;
use opensre_model::instance::InstanceName;
use opensre_model::provider::{FieldKind, FieldSpec, Identifies, ProviderSpec, Separator};
use opensre_model::record::RawInstance;
use opensre_model::rule;
use opensre_model::secret::SecretValue;
use serde_json::{Map, Value as Json};

use super::ask::{Check, Choice, Kind, Question, Reply, Suggest};
use super::form::{Form, Shape, Step};
use crate::args::PolicyArgs;
use crate::commands::integrations::{address, fields};
use crate::failure::Failure;

/// What flags have answered before the first question.
#[derive(Clone, Default)]
pub(in crate::commands) struct Given {
    /// The instance's name.
    pub(in crate::commands) name: Option<String>,
    /// Another name for an instance that is there.
    pub(in crate::commands) rename: Option<String>,
    /// `KEY=VALUE`, or `KEY-` to remove one.
    pub(in crate::commands) tags: Vec<String>,
    /// `KEY=VALUE`, or `KEY-` to remove one.
    pub(in crate::commands) expect: Vec<String>,
    /// Who may choose it.
    pub(in crate::commands) policy: PolicyArgs,
    /// Fields as the store spells them.
    pub(in crate::commands) credentials: Map<String, Json>,
    /// Fields to remove.
    pub(in crate::commands) unset: Vec<&'static str>,
}

/// What surrounds an instance in the making.
#[derive(Clone, Default)]
pub(super) struct Around {
    /// Names that other instances of the family have.
    pub(super) taken: Vec<String>,
    /// Tags to suggest, best first: `env=prod`, or `team=` where only the key is known.
    pub(super) tags: Vec<String>,
    /// Values that other instances of the provider have: field and value.
    pub(super) values: Vec<(String, String)>,
}

/// An instance in the making.
pub(super) struct Draft {
    pub(super) form: Form,
    /// What it is in the store, when it is there already.
    pub(super) original: Option<RawInstance>,
    pub(super) now: RawInstance,
    /// For each group of ways the chosen one.
    pub(super) chosen: Vec<Option<usize>>,
    /// Whether the rarely changed fields are asked too.
    pub(super) more: bool,
    /// Steps that flags have answered; they are not asked.
    given: BTreeSet<&'static str>,
}

/// Keys of [`Draft::given`] that are no fields.
const NAME: &str = "--name";
const TAGS: &str = "--tag";

/// How a stored secret is removed at its question.
const REMOVE: &str = "-";

impl Draft {
    /// A new instance, or one of the store, with what flags say of it.
    pub(super) fn new(
        spec: &'static ProviderSpec,
        original: Option<RawInstance>,
        given: &Given,
    ) -> Result<Self, Failure> {
        let form = Form::new(spec);
        let mut draft = Self {
            chosen: vec![None; form.ways.len()],
            form,
            now: original.clone().unwrap_or_default(),
            original,
            more: false,
            given: BTreeSet::new(),
        };
        draft.take(given)?;
        draft.chosen = draft.form.ways.iter().map(|ways| ways.ways.iter().position(|way| draft.fills(way))).collect();
        Ok(draft)
    }

    fn take(&mut self, given: &Given) -> Result<(), Failure> {
        if let Some(name) = given.rename.as_ref().or(given.name.as_ref()) {
            address::refuse_odd_name(name)?;
            self.now.name = InstanceName::new(name).to_string();
            self.given.insert(NAME);
        }
        if !given.tags.is_empty() {
            self.given.insert(TAGS);
        }
        for tag in &given.tags {
            match tag.strip_suffix('-').filter(|key| !key.contains('=')) {
                Some(key) => {
                    fields::remove_tag(&mut self.now.tags, key);
                }
                None => fields::tag(&mut self.now.tags, tag)?,
            }
        }
        for pin in &given.expect {
            fields::pin(&mut self.now.expect, pin)?;
        }
        fields::policy(&mut self.now.policy, &given.policy)?;
        for (key, value) in &given.credentials {
            self.now.credentials.insert(key.clone(), value.clone());
            self.given.extend(self.form.spec.field(key).map(|field| field.key));
        }
        for key in &given.unset {
            if let Some(field) = self.form.spec.field(key) {
                self.remove(field);
                self.given.insert(field.key);
            }
        }
        Ok(())
    }

    /// Whether any field of a way is filled in.
    fn fills(&self, way: &[&'static str]) -> bool {
        let filled = |key: &&str| {
            self.form.spec.field(key).is_some_and(|field| model::written(field, &self.now.credentials).is_some())
        };
        way.iter().any(filled)
    }

    /// The steps that are asked, in order.
    pub(super) fn steps(&self) -> Vec<Step> {
        let steps = self.form.steps(&Shape { chosen: &self.chosen, more: self.more });
        steps.into_iter().filter(|step| !self.is_given(step)).collect()
    }

    fn is_given(&self, step: &Step) -> bool {
        match step {
            Step::Name => self.given.contains(NAME),
            Step::Tags => self.given.contains(TAGS),
            Step::Field(field) => self.given.contains(field.key),
            Step::Way(group) => {
                let mut fields = self.form.ways[*group].ways.iter().flatten();
                fields.any(|key| self.given.contains(key))
            }
            Step::More => self.form.rare().any(|field| self.given.contains(field.key)),
        }
    }

    /// The question of a step. `complete` says whether the instance could be used as it is.
    pub(super) fn question(&self, step: &Step, around: &Around, complete: bool) -> Question {
        match step {
            Step::Name => self.name_question(around),
            Step::Tags => self.tags_question(around),
            Step::Way(group) => self.way_question(*group),
            Step::Field(field) => self.field_question(field, around, complete),
            Step::More => self.more_question(),
        }
    }

    fn name_question(&self, around: &Around) -> Question {
        let first = around.taken.is_empty() && self.original.is_none();
        let example =
            if self.form.spec.family == self.form.spec.key { self.form.spec.key } else { self.form.spec.family };
        let help = if first {
            format!("tells it from others that may follow: prod, eu-1; you write it as {example}/prod")
        } else if self.original.is_some() {
            "another name renames it".to_owned()
        } else {
            format!("taken: {}", around.taken.join(", "))
        };
        Question {
            prompt: "Name of this instance".to_owned(),
            help,
            flag: "--name NAME".to_owned(),
            kind: Kind::Text {
                initial: self.now.name.clone(),
                default: first.then(|| InstanceName::DEFAULT.to_owned()),
                suggest: Suggest::Nothing,
                check: name_check(around.taken.clone()),
            },
            otherwise: (first || self.original.is_some()).then(|| Reply::Text(self.now.name.clone())),
        }
    }

    fn tags_question(&self, around: &Around) -> Question {
        Question {
            prompt: "Tags".to_owned(),
            help: "key=value, commas between. An alert whose labels agree is answered by this instance; a label that \
                   contradicts rules it out. Empty for none"
                .to_owned(),
            flag: "--tag KEY=VALUE".to_owned(),
            kind: Kind::Text {
                initial: tags_text(&self.now.tags),
                default: None,
                suggest: Suggest::Parts(around.tags.clone()),
                check: tags_check(tags_text(&self.now.tags)),
            },
            otherwise: Some(Reply::Text(tags_text(&self.now.tags))),
        }
    }

    fn way_question(&self, group: usize) -> Question {
        let ways = &self.form.ways[group];
        let mut options: Vec<Choice> = ways.ways.iter().map(|way| Choice::new(self.form.way_in_words(way))).collect();
        let none = ways.optional.then(|| {
            options.push(Choice::new("None: it lets everybody in"));
            options.len() - 1
        });
        let start = self.chosen[group].or(none.filter(|_| self.original.is_some())).unwrap_or(0);
        let flags: Vec<String> =
            ways.ways.iter().filter_map(|way| way.first()).map(|key| format!("--set {key}=...")).collect();
        Question {
            prompt: format!("How does opensre get into {}?", self.form.spec.name),
            help: "one of them is enough".to_owned(),
            flag: flags.join(" or "),
            kind: Kind::Choice { options, start },
            otherwise: self.chosen[group].or(none).map(Reply::Choice),
        }
    }

    fn more_question(&self) -> Question {
        let rare: Vec<&str> = self.form.rare().map(|field| field.key).collect();
        Question {
            prompt: "Change rarely needed settings?".to_owned(),
            help: rare.join(", "),
            flag: "--set FIELD=VALUE".to_owned(),
            kind: Kind::YesNo { default: false },
            otherwise: Some(Reply::YesNo(false)),
        }
    }

    fn field_question(&self, field: &'static FieldSpec, around: &Around, complete: bool) -> Question {
        let is_required = !complete && self.form.is_required(field);
        let written = model::written(field, &self.now.credentials).is_some();
        let flag = if field.secret {
            format!("--secret-stdin {0} or --set '{0}=${{env:NAME}}'", field.key)
        } else {
            format!("--set {}=VALUE", field.key)
        };
        let must = is_required && !written && model::default(field).is_none();
        let kind = match field.kind {
            FieldKind::Boolean { default } => {
                let now = model::written(field, &self.now.credentials).and_then(|(_, value)| model::boolean(value));
                Kind::YesNo { default: now.unwrap_or(default) }
            }
            _ if field.secret => Kind::Secret { has: self.secret(field), check: field_check(field, must) },
            _ => Kind::Text {
                initial: self.current(field).unwrap_or_default(),
                default: model::default(field).map(|value| text_of(&model::shown(&value), field)),
                suggest: Suggest::Lines(Self::suggestions(field, around)),
                check: field_check(field, must),
            },
        };
        let otherwise = match &kind {
            _ if must => None,
            Kind::YesNo { default } => Some(Reply::YesNo(*default)),
            Kind::Text { initial, .. } => Some(Reply::Text(initial.clone())),
            Kind::Secret { .. } | Kind::Choice { .. } => Some(Reply::Text(String::new())),
        };
        Question { prompt: field.prompt.to_owned(), help: self.help(field, written, must), flag, kind, otherwise }
    }

    fn help(&self, field: &FieldSpec, written: bool, must: bool) -> String {
        let mut help = field.help.to_owned();
        if let Some(example) = field.example.filter(|_| !written) {
            help = format!("{help}; for example {example}");
        }
        if field.secret {
            let kept = match self.secret(field) {
                None if must => String::new(),
                None => "; Enter leaves it empty".to_owned(),
                Some(_) if self.is_ruled(field) => "; Enter keeps it".to_owned(),
                Some(_) => "; Enter keeps it, - removes it".to_owned(),
            };
            let how = if matches!(field.kind, FieldKind::SecretMap) {
                "as a JSON object"
            } else {
                "paste it, or write ${env:NAME} or ${file:/path}"
            };
            help = format!("{help}. Hidden: {how}{kept}");
        }
        help
    }

    fn is_ruled(&self, field: &FieldSpec) -> bool {
        rule::fields(&self.form.spec.configured).contains(&field.key)
    }

    /// How a stored secret may be shown: `set`, or the spelling of its reference.
    fn secret(&self, field: &FieldSpec) -> Option<String> {
        let (_, value) = model::written(field, &self.now.credentials)?;
        Some(match value.as_str().map(SecretValue::parse) {
            Some(Ok(SecretValue::Reference(reference))) => reference.spelling(),
            _ => "set".to_owned(),
        })
    }

    /// What a field holds, as it may be shown and typed.
    pub(super) fn current(&self, field: &FieldSpec) -> Option<String> {
        let (_, written) = model::written(field, &self.now.credentials)?;
        let shown = match model::read(field, written) {
            Ok(reading) => reading.value.as_ref().map(model::shown)?,
            Err(_) => written.clone(),
        };
        Some(text_of(&shown, field))
    }

    /// Values that a field may well have.
    fn suggestions(field: &FieldSpec, around: &Around) -> Vec<String> {
        let mut lines: Vec<String> =
            around.values.iter().filter(|(key, _)| key == field.key).map(|(_, value)| value.clone()).collect();
        let known = field.identifies.map_or(&[][..], Identifies::usual_values);
        lines.extend(known.iter().map(|line| (*line).to_owned()));
        let mut seen = BTreeSet::new();
        lines.retain(|line| seen.insert(line.clone()));
        lines
    }

    /// Does what an answer says.
    pub(super) fn answer(&mut self, step: &Step, reply: &Reply) -> Result<(), Failure> {
        match (step, reply) {
            (Step::Name, Reply::Text(name)) => self.now.name = InstanceName::new(name).to_string(),
            (Step::Tags, Reply::Text(text)) if *text == tags_text(&self.now.tags) => {}
            (Step::Tags, Reply::Text(text)) => {
                let tags = read_tags(text).map_err(Failure::input)?;
                // A tag that says the same keeps the spelling and type that it has in the store.
                let before = std::mem::take(&mut self.now.tags);
                for (key, value) in tags {
                    let same = before.get(&key).filter(|old| tag_value(old) == value).cloned();
                    self.now.tags.insert(key, same.unwrap_or(Json::String(value)));
                }
            }
            (Step::Way(group), Reply::Choice(position)) => {
                let ways = self.form.ways[*group].ways.clone();
                self.chosen[*group] = (*position < ways.len()).then_some(*position);
                let fields = ways.iter().enumerate().filter(|(at, _)| at != position).flat_map(|(_, way)| way);
                for field in fields.filter_map(|key| self.form.spec.field(key)) {
                    self.remove(field);
                }
            }
            (Step::More, Reply::YesNo(yes)) => self.more = *yes,
            (Step::Field(field), Reply::YesNo(yes)) => {
                let value = Json::Bool(*yes);
                let is_default = model::default(field).as_ref().map(model::revealed) == Some(value.clone());
                if model::written(field, &self.now.credentials).is_some() || !is_default {
                    self.put(field, value);
                }
            }
            (Step::Field(field), Reply::Text(text)) => self.fill(field, text.trim())?,
            _ => {}
        }
        Ok(())
    }

    fn fill(&mut self, field: &'static FieldSpec, text: &str) -> Result<(), Failure> {
        if field.secret {
            match text {
                "" => {}
                REMOVE => self.remove(field),
                text => {
                    let value = fields::as_json(field, text)?;
                    self.put(field, value);
                }
            }
            return Ok(());
        }
        let default = model::default(field).map(|value| text_of(&model::shown(&value), field));
        let current = self.current(field);
        if current.as_deref() == Some(text) {
            return Ok(());
        }
        if text.is_empty() || default.as_deref() == Some(text) {
            self.remove(field);
        } else {
            let value = fields::as_json(field, text)?;
            self.put(field, value);
        }
        Ok(())
    }

    fn put(&mut self, field: &FieldSpec, value: Json) {
        for other in field.read_as {
            self.now.credentials.shift_remove(*other);
        }
        self.now.credentials.insert(field.key.to_owned(), value);
    }

    fn remove(&mut self, field: &FieldSpec) {
        for key in std::iter::once(&field.key).chain(field.read_as) {
            self.now.credentials.shift_remove(*key);
        }
    }

    /// What saving would change in the store, in words that show no secret; empty for a new instance.
    pub(super) fn changes(&self) -> Vec<String> {
        let Some(before) = &self.original else { return Vec::new() };
        let mut changes = Vec::new();
        if !InstanceName::new(&self.now.name).answers_to(&before.name) {
            changes.push(format!("renamed from {}", before.name));
        }
        if tags_text(&before.tags) != tags_text(&self.now.tags) {
            let none = |text: String| if text.is_empty() { "none".to_owned() } else { text };
            changes.push(format!("tags: {} (were {})", none(tags_text(&self.now.tags)), none(tags_text(&before.tags))));
        }
        if before.expect != self.now.expect {
            changes.push("expect is changed".to_owned());
        }
        if before.policy != self.now.policy {
            changes.push("its policies are changed".to_owned());
        }
        for field in self.form.spec.fields {
            let written = |raw: &RawInstance| model::written(field, &raw.credentials).map(|(_, value)| value.clone());
            match (written(before), written(&self.now)) {
                (Some(_), None) => changes.push(format!("{} is removed", field.key)),
                (None, Some(_)) => changes.push(format!("{} is added", field.key)),
                (Some(old), Some(new)) if old != new => changes.push(format!("{} is changed", field.key)),
                _ => {}
            }
        }
        changes
    }
}

/// A name that can be written as an address, in a comma list and in a hint.
fn name_check(taken: Vec<String>) -> Check {
    Arc::new(move |written| {
        let name = InstanceName::new(written);
        address::refuse_odd_name(written).map_err(|failure| failure.message)?;
        match taken.iter().find(|other| name.answers_to(other)) {
            Some(other) => Err(format!("there is an instance {other} already")),
            None => Ok(()),
        }
    })
}

/// Tags that can be read, or that are as they were: those of the store may hold what cannot be typed.
fn tags_check(before: String) -> Check {
    Arc::new(move |text| if text == before { Ok(()) } else { read_tags(text).map(|_| ()) })
}

fn field_check(field: &'static FieldSpec, must: bool) -> Check {
    Arc::new(move |text| {
        let text = text.trim();
        if text.is_empty() {
            return if must { Err(format!("{} is needed", field.prompt)) } else { Ok(()) };
        }
        if field.secret && text == REMOVE {
            return if must { Err(format!("{} is needed", field.prompt)) } else { Ok(()) };
        }
        let value = fields::as_json(field, text).map_err(|failure| failure.message)?;
        model::read(field, &value).map(|_| ()).map_err(|unreadable| format!("{} {}", field.prompt, unreadable.reason))
    })
}

/// A JSON value as it is typed: lists with their separator, everything else bare.
fn text_of(value: &Json, field: &FieldSpec) -> String {
    match value {
        Json::String(text) => text.clone(),
        Json::Array(items) => {
            let separator = match field.kind {
                FieldKind::List { separator: Separator::Space, .. } => " ",
                _ => ", ",
            };
            items.iter().map(tag_value).collect::<Vec<_>>().join(separator)
        }
        other => other.to_string(),
    }
}

fn tag_value(value: &Json) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

/// Tags as they are typed.
pub(super) fn tags_text(tags: &Map<String, Json>) -> String {
    tags.iter().map(|(key, value)| format!("{key}={}", tag_value(value))).collect::<Vec<_>>().join(", ")
}

/// Reads typed tags; the last of several values of a key counts.
fn read_tags(text: &str) -> Result<Vec<(String, String)>, String> {
    let mut tags = Map::new();
    for part in text.split(',').map(str::trim).filter(|part| !part.is_empty()) {
        fields::tag(&mut tags, part)
            .map_err(|failure| format!("{}; write key=value, such as env=prod", failure.message))?;
    }
    Ok(tags.into_iter().map(|(key, value)| (key, tag_value(&value))).collect())
}
